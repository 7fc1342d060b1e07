"""Commands that are killed, and what must be equal when they have been called again."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

UNSET = ("AE_JAX_DATA_DIR", "AE_JAX_ALLOWED_TARGETS", "NO_COLOR", "FORCE_COLOR", "XLA_FLAGS")
# What differs between two runs of one command: times, and W&B's folders, which are named by them.
TIMED = ("time", "memory")
AssertSame = Callable[[Path, Path], None]


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment with an empty home."""
    home = str(tmp_path_factory.mktemp("home"))
    kept = {name: value for name, value in os.environ.items() if name not in UNSET and not name.startswith("WANDB_")}
    return {**kept, "HOME": home, "XDG_CACHE_HOME": home, "XDG_CONFIG_HOME": home, "NETRC": f"{home}/none"}


class Program(NamedTuple):
    """A command that runs."""

    number: int
    forks: "Forks"

    def send(self, number: int = signal.SIGKILL) -> None:
        """Send it a signal, if it still runs."""
        os.kill(self.number, number)

    def wait(self) -> int:
        """Its exit code, negative if a signal ended it."""
        return self.forks.ask({"wait": self.number})


class Forks:
    """See `forked.py`."""

    def __init__(self, environment: dict[str, str]):
        path = Path(__file__).with_name("forked.py")
        self._server = subprocess.Popen(
            [sys.executable, str(path)], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._read() == 1, "what is imported has started threads: forks of it may hang"

    def ask(self, request: dict[str, Any]) -> int:
        """Send a request, and wait for its answer."""
        assert self._server.stdin is not None
        self._server.stdin.write(json.dumps(request) + "\n")
        self._server.stdin.flush()
        return self._read()

    def start(
        self,
        folder: Path,
        *arguments: str,
        fault: dict[str, Any] | None = None,
        settings: dict[str, Any] | None = None,
        **environment: str,
    ) -> Program:
        """Start a command in a folder; what it prints is added to a file beside it, named as it is."""
        request = {"start": arguments, "cwd": str(folder), "environment": environment, "settings": settings or {}}
        return Program(self.ask({**request, "output": str(_output_of(folder)), "fault": fault}), self)

    def run(self, folder: Path, *arguments: str, **options: Any) -> int:
        """Run a command to its end."""
        return self.start(folder, *arguments, **options).wait()

    def close(self) -> None:
        """End the server."""
        self._server.communicate()

    def _read(self) -> int:
        assert self._server.stdout is not None
        return json.loads(self._server.stdout.readline())


def _output_of(folder: Path) -> Path:
    """What the commands in a folder have printed."""
    return folder.with_name(f"{folder.name}.txt")


@pytest.fixture(scope="session")
def forks(environment: dict[str, str]) -> Iterator[Forks]:
    """Commands in forks of one process."""
    if not hasattr(os, "fork"):
        pytest.skip("this system has no forks")
    server = Forks(environment)
    yield server
    server.close()


def metrics(folder: Path) -> list[dict[str, Any]]:
    """The lines of metrics.jsonl, without their times."""
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [{name: value for name, value in json.loads(line).items() if name != "seconds"} for line in lines]


def summary(folder: Path) -> dict[str, Any]:
    """summary.json, without times."""
    content = json.loads((folder / "summary.json").read_text())
    return {name: value for name, value in content.items() if name not in TIMED}


def files(folder: Path) -> set[str]:
    """The files of a run folder, all but W&B's."""
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {path.as_posix() for path in paths if path.parts[0] not in ("wandb", "checkpoint")}


@pytest.fixture(scope="session")
def assert_same(best_of: Callable[[Path], Any]) -> AssertSame:
    """Two runs of one config ended alike: the same bits in everything but times, and nothing left over."""

    def same(folder: Path, other: Path) -> None:
        import jax

        assert json.loads((folder / "status.json").read_text())["state"] == "completed"
        assert metrics(folder) == metrics(other)
        assert summary(folder) == {**summary(other), "run": folder.name}
        assert files(folder) == files(other)
        for name in ("pca.npz", "reconstructions.npz", "latents.npz", "errors.npz", "figures/reconstructions.png"):
            assert (folder / name).read_bytes() == (other / name).read_bytes(), name
        jax.tree.map(np.testing.assert_array_equal, best_of(folder), best_of(other))
        steps = [sorted(path.name for path in (one / "checkpoint").iterdir()) for one in (folder, other)]
        assert steps[0][-1] == steps[1][-1]
        assert all(name.isdigit() for name in steps[0])

    return same
