"""What `make` plans to do about the environment that it finds; nothing is made."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).parents[2] / "Makefile"
pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
MADE_ANEW, UP_TO_DATE, READY = "venv --clear .venv", "pip install", "scripts/paper.py"


def _broken(folder: Path) -> None:
    (folder / ".venv/bin/python").unlink()
    (folder / ".venv/bin/python").symlink_to("/gone/python")


def _old(folder: Path) -> None:
    """As of another Python: its version is not supported."""
    (folder / ".venv/bin/python").unlink()
    (folder / ".venv/bin/python").write_text("#!/bin/sh\nexit 1\n")
    (folder / ".venv/bin/python").chmod(0o755)


@pytest.mark.parametrize(
    ("change", "given", "planned"),
    [
        (lambda folder: None, (), READY),
        (lambda folder: None, (f"PYTHON={sys.executable}",), READY),
        (lambda folder: shutil.rmtree(folder / ".venv"), (), MADE_ANEW),
        (_broken, (), MADE_ANEW),
        (_old, (), MADE_ANEW),
        (lambda folder: (folder / ".venv/.begun").touch(), (), MADE_ANEW),
        (lambda folder: None, ("PYTHON=/none/python",), MADE_ANEW),
        (lambda folder: (folder / ".venv/.ready").unlink(), (), UP_TO_DATE),
        (lambda folder: (folder / ".venv/.ready").write_text("/elsewhere\n"), (), UP_TO_DATE),
        (lambda folder: os.utime(folder / ".venv/.ready", (1, 1)), (), UP_TO_DATE),
    ],
    ids=["ready", "same", "none", "gone", "old", "interrupted", "asked", "own", "moved", "outdated"],
)
def test_an_environment_that_does_not_fit_is_made_anew(change, given, planned, tmp_path):
    shutil.copy(MAKEFILE, tmp_path)
    for name in ("requirements.lock", "pyproject.toml"):
        (tmp_path / name).touch()
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/python").symlink_to(sys.executable)
    (tmp_path / ".venv/.ready").write_text(f"{tmp_path}\n")
    change(tmp_path)
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHON", "MAKEFLAGS")}
    done = subprocess.run(
        ["make", "-n", "run", *given], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    order = [READY, UP_TO_DATE, MADE_ANEW]
    assert [plan in done.stdout for plan in order] == [order.index(plan) <= order.index(planned) for plan in order]
