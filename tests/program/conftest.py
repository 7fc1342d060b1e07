"""The real entry points in processes of their own, in an empty folder, without the user's settings."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNSET = ("AE_JAX_DATA_DIR", "AE_JAX_ALLOWED_TARGETS", "NO_COLOR", "FORCE_COLOR")

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment with an empty home; compiled programs are shared with the other tests."""
    home = str(tmp_path_factory.mktemp("home"))
    kept = {name: value for name, value in os.environ.items() if name not in UNSET and not name.startswith("WANDB_")}
    return {**kept, "HOME": home, "XDG_CACHE_HOME": home, "XDG_CONFIG_HOME": home, "NETRC": f"{home}/none"}


@pytest.fixture
def arguments() -> Callable[..., list[str]]:
    """The command line of a script."""

    def line(script: str, *given: str) -> list[str]:
        return [sys.executable, str(ROOT / "scripts" / f"{script}.py"), *given]

    return line


@pytest.fixture
def run(environment: dict[str, str], arguments: Callable[..., list[str]], tmp_path: Path) -> Command:
    """Run a script in an empty folder, and wait for it."""

    def command(script: str, *given: str, **added: str) -> subprocess.CompletedProcess[str]:
        line = arguments(script, *given)
        return subprocess.run(
            line, cwd=tmp_path, env={**environment, **added}, capture_output=True, text=True, timeout=240, check=False
        )

    return command
