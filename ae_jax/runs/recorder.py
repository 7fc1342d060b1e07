"""Writes a run folder: every file whole or not at all, and whole lines of metrics."""

import io
import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import numpy as np

from ae_jax.config.naming import asked_differences, config_hash
from ae_jax.errors import StorageError, UserError
from ae_jax.files import dump_json, make_folder, write_bytes, write_json, write_text
from ae_jax.links import check_links
from ae_jax.locks import HeldError, hold
from ae_jax.runs.environment import changes, code_version, environment, recorded_versions, versions
from ae_jax.runs.folder import SCHEMA, RunFolder
from ae_jax.runs.inputs import require_unchanged

_log = logging.getLogger(__name__)
# Of metrics: an epoch of a group may take milliseconds, and a line a run takes two.
_SECONDS_BETWEEN_WRITES = 1.0
# The run that is worked on: what is logged meanwhile goes to its log alone, all else to the log of every open run.
_current: ContextVar[Path | None] = ContextVar("run", default=None)


class Recorder:
    """The writing side of one run folder.

    Args:
        folder: The run folder, made if it is missing.
        config: The checked config.

    Raises:
        UserError: If the folder cannot be written, holds a run of another config, leads elsewhere by a link, or another
            process trains in it.
    """

    def __init__(self, folder: Path, config: dict[str, Any]):
        self.folder = folder
        check_links(folder)
        _make(folder)
        self._lock = _hold(folder, "choose another hydra.run.dir=…")
        try:
            _tidy(folder)
            end_of(config, folder)
            earlier = RunFolder(folder).read("status.json") if RunFolder(folder).state else {}
            earlier_versions = _earlier_versions(folder, earlier)
        except UserError:
            self.close()
            raise
        self._status: dict[str, Any] = {
            "schema": SCHEMA,
            "state": "running",
            "config_hash": config_hash(config),
            **code_version(),
            "earlier_versions": earlier_versions,
            "started": _now(),
            "ended": None,
            "error": None,
        }
        self._lines: list[str] = []
        self._written = time.monotonic()
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

    def environment(self, data_sha256: dict[str, str]) -> None:
        """Write environment.json. Imports JAX.

        Args:
            data_sha256: Digests of the files or arrays of the dataset, by their names.

        Raises:
            UserError: If the run was begun with other data.
        """
        path = self.folder / "environment.json"
        before = RunFolder(self.folder).read(path.name).get("data_sha256") if path.exists() else None
        if before is not None and before != data_sha256:
            raise UserError(
                self.folder,
                "was begun with other data than there are now",
                "put them back, or choose another hydra.run.dir=…",
            )
        write_json(path, {**environment(), "command": sys.argv, "data_sha256": data_sha256})

    @property
    def num_recorded(self) -> int:
        """Epochs from the first on whose metrics are there, none of them missing."""
        return len(_from_the_first(RunFolder(self.folder).metrics))

    def keep_metrics(self, num_epochs: int) -> list[dict[str, Any]]:
        """Drop the metrics of epochs after `num_epochs`, which training is going to repeat. Returns what is kept."""
        path = self.folder / "metrics.jsonl"
        kept = _from_the_first(RunFolder(self.folder).metrics)[:num_epochs]
        if path.exists():
            write_text(path, "".join(dump_json(record) + "\n" for record in kept))
        return kept

    def metrics(self, record: dict[str, Any]) -> None:
        """Add a line to metrics.jsonl. It is written at once if a second has passed, else with a later one."""
        self._lines.append(dump_json(record) + "\n")
        if time.monotonic() - self._written > _SECONDS_BETWEEN_WRITES:
            self.write_metrics()

    def write_metrics(self, *, to_disk: bool = False) -> None:
        """Write the lines that have been added.

        Args:
            to_disk: Wait until the disk has them: a checkpoint may not be newer than its metrics, whatever is cut off.

        Raises:
            StorageError: If they cannot be written.
        """
        path = self.folder / "metrics.jsonl"
        lines, self._lines, self._written = self._lines, [], time.monotonic()
        try:
            with path.open("a") as file:
                file.writelines(lines)
                if to_disk:
                    file.flush()
                    os.fsync(file.fileno())
        except OSError as error:
            raise StorageError(path, error) from error


def end_of(config: dict[str, Any], folder: Path) -> str | None:
    """`completed` or `diverged` for a run of this config that has ended; None where it is to be begun or continued.

    Raises:
        UserError: If the folder holds a run of another config, which is not overwritten, or of data that have
            changed since; or if `resume` forbids what would be done.
    """
    run, resume = RunFolder(folder), config["resume"]
    state = run.state
    if state is None:
        if resume == "must":
            raise UserError("resume=must", f"there is no run in {folder}", "leave it out to begin one")
        return None
    if run.read("status.json").get("config_hash") != config_hash(config):
        keys = asked_differences(run.config, config)
        if not keys:
            raise UserError(folder / "status.json", "is not that of config.json", "move the run folder away")
        raise UserError(
            folder, f"holds a run of another config (differs in {', '.join(keys)})", "choose another hydra.run.dir=…"
        )
    if resume == "never":
        raise UserError(
            "resume=never", f"{folder} holds a run already ({state})", "delete it, or choose another hydra.run.dir=…"
        )
    if state not in ("completed", "diverged"):
        return None
    require_unchanged(config, run)
    return state


def write_npz(path: Path, arrays: dict[str, np.ndarray], **integers: np.ndarray) -> None:
    """Write arrays of a run in float32, and integers as they are. Raises like `write_bytes`."""
    buffer = io.BytesIO()
    single = {name: np.asarray(rows, np.float32) for name, rows in arrays.items()}
    np.savez(buffer, **single, **integers)  # type: ignore[arg-type] # NumPy's stub takes the names for its own option
    write_bytes(path, buffer.getvalue())


def write_run_figure(folder: Path, name: str, png: bytes) -> Path:
    """Write a figure of a run where it belongs. Raises StorageError if it cannot be written."""
    path = RunFolder(folder).figures / f"{name}.png"
    make_folder(path.parent)
    write_bytes(path, png)
    return path


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
    handler = _QuietHandler(folder / "run.log")
    handler.addFilter(lambda _: _current.get() in (None, folder))
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger("ae_jax")
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    return handler


class _QuietHandler(logging.FileHandler):
    """A log that cannot be written, as on a full disk, is no reason to end a run, nor to fill the terminal."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - as there
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Write in a run folder that is there, as nobody else does meanwhile.

    Raises:
        UserError: If another process has it, it cannot be written, or leads elsewhere by a link.
    """
    check_links(folder)
    with _hold(folder, "work on a copy"):
        yield


def _hold(folder: Path, otherwise: str) -> IO[str]:
    try:
        return hold(folder / ".lock")
    except HeldError as held:
        problem, remedy = f"is being trained in by {held.holder}", f"wait for it, or {otherwise}"
        raise UserError(folder, problem, remedy) from None


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(folder, error, remedy="choose another folder with hydra.run.dir=…") from error


def _tidy(folder: Path) -> None:
    """Delete what a process that was killed left half-written; the lock says that nobody writes now."""
    for part in (*folder.glob(".*.part"), *folder.glob("figures/.*.part"), *folder.glob("evaluations/.*.part")):
        with suppress(OSError):
            part.unlink()


def _earlier_versions(folder: Path, status: dict[str, Any]) -> list[dict[str, Any]]:
    """Versions that trained earlier parts of the run in this folder, where they have changed since."""
    if not status:
        return []
    earlier, then = status.get("earlier_versions", []), recorded_versions(RunFolder(folder))
    changed = changes(then, versions())
    if not changed:
        return earlier
    _log.warning("%s goes on with other versions than it began with: %s", folder.name, changed)
    return [*earlier, then]


def _from_the_first(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records of epochs 1, 2, 3, … up to the first that is missing."""
    kept: list[dict[str, Any]] = []
    for record in records:
        if record["epoch"] == len(kept) + 1:
            kept.append(record)
    return kept


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
