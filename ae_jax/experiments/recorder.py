"""Writes a run folder: every file whole or not at all, metrics line by line."""

import functools
import logging
import os
import platform
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import IO, Any

from ae_jax.errors import UserError
from ae_jax.experiments.naming import config_hash
from ae_jax.experiments.run import end_of
from ae_jax.files import dump_json, write_json, write_text
from ae_jax.results.run_folder import SCHEMA, RunFolder

try:
    import fcntl
except ImportError:  # Windows has no such module, and so no lock
    fcntl = None  # type: ignore[assignment] # a module where there is one

_log = logging.getLogger(__name__)
# The run that is worked on: what is logged meanwhile goes to its log alone, all else to the log of every open run.
_current: ContextVar[Path | None] = ContextVar("run", default=None)
_PACKAGES = ("ae_jax", "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "hydra-core", "wandb", "numpy", "scipy")


class Recorder:
    """The writing side of one run folder.

    Args:
        folder: The run folder, made if it is missing.
        config: The checked config.

    Raises:
        UserError: If the folder cannot be written, holds a run of another config, or another process trains in it.
    """

    def __init__(self, folder: Path, config: dict[str, Any]):
        self.folder = folder
        _make_writable(folder)
        self._lock = _lock(folder)
        end_of(config, folder)
        self._status: dict[str, Any] = {
            "schema": SCHEMA,
            "state": "running",
            "config_hash": config_hash(config),
            **code_version(),
            "earlier_commits": _earlier_commits(folder),
            "started": _now(),
            "ended": None,
            "error": None,
        }
        write_json(folder / "config.json", config)
        self.status("running")

    def close(self) -> None:
        """Let another process have the folder."""
        self._lock.close()

    @property
    def state(self) -> str:
        """The state last written."""
        return self._status["state"]

    def status(self, state: str, **fields: Any) -> None:
        """Write status.json; a state other than running has an end."""
        self._status |= {"state": state, "ended": None if state == "running" else _now(), **fields}
        write_json(self.folder / "status.json", self._status)

    def environment(self) -> None:
        """Write environment.json. Imports JAX."""
        write_json(self.folder / "environment.json", {**_environment(), "command": sys.argv})

    def keep_metrics(self, num_epochs: int) -> list[dict[str, Any]]:
        """Drop the metrics of epochs after `num_epochs`, which training is going to repeat. Returns what is kept."""
        kept = [record for record in RunFolder(self.folder).metrics if record["epoch"] <= num_epochs]
        write_text(self.folder / "metrics.jsonl", "".join(dump_json(record) + "\n" for record in kept))
        return kept

    def metrics(self, record: dict[str, Any]) -> None:
        """Append a line to metrics.jsonl."""
        path = self.folder / "metrics.jsonl"
        try:
            with path.open("a") as file:
                file.write(dump_json(record) + "\n")
        except OSError as error:
            raise UserError(
                path, f"cannot be written ({error.strerror})", "free space and run the command again"
            ) from error


@contextmanager
def working_on(folder: Path) -> Iterator[None]:
    """What is logged in this context is about the run in this folder."""
    token = _current.set(folder)
    try:
        yield
    finally:
        _current.reset(token)


def log_to(folder: Path) -> logging.Handler:
    """A handler that writes this package's log of a run to `run.log`; remove it from the logger when the run ends.

    It leaves out what is logged while another run is worked on.
    """
    handler = logging.FileHandler(folder / "run.log")
    handler.addFilter(lambda _: _current.get() in (None, folder))
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger("ae_jax")
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    return handler


def _make_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe.{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UserError(
            folder, f"cannot be written ({error.strerror})", "choose another folder with hydra.run.dir=…"
        ) from error


def _lock(folder: Path) -> IO[str]:
    """Hold the run folder until the file is closed, or the process ends however it ends."""
    file = (folder / ".lock").open("a+")
    if fcntl is not None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            holder = file.read().strip()
            file.close()
            raise UserError(
                folder, f"is being trained in by process {holder}", "wait for it, or choose another hydra.run.dir=…"
            ) from None
    file.truncate(0)
    file.write(f"{os.getpid()} on {socket.gethostname()}")
    file.flush()
    return file


def _earlier_commits(folder: Path) -> list[str]:
    """Commits that trained earlier parts of the run in this folder, if the code has changed since."""
    run = RunFolder(folder)
    if run.state is None:
        return []
    status = run.read("status.json")
    earlier, last = status.get("earlier_commits", []), status.get("git_commit")
    if last is None or last == code_version()["git_commit"]:
        return earlier
    _log.warning("the code has changed since this run began: it was at commit %s", last[:10])
    return [*earlier, last]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@functools.cache
def _environment() -> dict[str, Any]:
    """What cannot change while this process lives."""
    import jax

    return {
        "schema": SCHEMA,
        "python": platform.python_version(),
        "packages": package_versions(_PACKAGES),
        "devices": [f"{device.platform}:{device.device_kind}" for device in jax.devices()],
        "flags": {name: os.environ[name] for name in ("XLA_FLAGS", "JAX_PLATFORMS") if name in os.environ},
        "host": socket.gethostname(),
        "system": platform.platform(),
        "num_cpus": os.cpu_count(),
    }


def package_versions(names: Iterable[str]) -> dict[str, str | None]:
    """Versions of installed packages, None for those that are not."""
    versions = dict.fromkeys(names)
    for name in versions:
        with suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return versions


@functools.cache
def code_version() -> dict[str, Any]:
    """Commit of the code when this process began, and whether it was changed since; None outside a checkout."""
    root = Path(__file__).resolve().parents[2]

    def git(arguments: Iterable[str]) -> str | None:
        try:
            result = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=10)
        except (OSError, subprocess.TimeoutExpired):
            return None
        return result.stdout.strip() if result.returncode == 0 else None

    if not (root / ".git").exists():
        return {"git_commit": None, "git_changed": None}
    changed = git(["status", "--porcelain", "--untracked-files=no"])
    return {"git_commit": git(["rev-parse", "HEAD"]), "git_changed": None if changed is None else bool(changed)}
