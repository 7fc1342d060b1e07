"""The runs of a sweep and what became of each: `sweep.json` in the sweep's folder."""

import logging
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ae_jax.errors import StorageError, UserError
from ae_jax.files import write_json
from ae_jax.jobs.work import Outcome
from ae_jax.locks import exclusive
from ae_jax.reading import parse_json, read_json_bytes
from ae_jax.runs.continuation import SWEEP_LOCK
from ae_jax.runs.folder import SCHEMA, RunFolder
from ae_jax.runs.measures import competitor_size

_log = logging.getLogger(__name__)
_SECONDS_BETWEEN_WRITES = 2.0


class DivergedError(Exception):
    """A run of a sweep diverged: for Hydra and its sweepers, as the user is told otherwise."""


@dataclass
class Trial:
    """A run that a sweep asks for, and what became of it.

    Attributes:
        overrides: What distinguishes it from the others.
        folder: Its run folder, None where the config does not give one.
        config: Its checked config, None where it could not be checked.
        state: `waiting` until it has ended; then as in status.json.
        result: What was monitored in its best epoch, None if there is none, or what made it fail.
        trained_before: Whether it had ended before this sweep.
    """

    overrides: list[str]
    folder: Path | None
    config: dict[str, Any] | None
    state: str = "waiting"
    result: float | Exception | None = None
    trained_before: bool = False

    def end(self, outcome: Outcome, *, before: bool = False) -> None:
        """The run has ended, now or before."""
        self.state, self.trained_before = outcome.state, before
        self.result = outcome.best
        if outcome.state == "diverged":
            self.result = DivergedError(str(RunFolder(outcome.folder).read("status.json")["error"]))
        elif outcome.error is not None:
            self.result = outcome.error

    @property
    def exit_code(self) -> int:
        """What the program says of the run when it ends: a bug, a mistake, a divergence, or nothing."""
        if self.state == "diverged":
            return 3
        if isinstance(self.result, UserError):
            return 2
        return 1 if isinstance(self.result, Exception) else 0

    def measures(self) -> dict[str, Any]:
        """What tables of runs show, from the run's summary; empty if it has none."""
        if self.folder is None or self.state != "completed":
            return {}
        try:
            summary = RunFolder(self.folder).summary
            training = summary["training"]
            return {
                "best_validation_loss": training["best_validation_loss"],
                "monitor": training.get("monitor", "objective"),
                "best_monitored": training.get("best_monitored", training["best_validation_loss"]),
                "validation_sse": summary["validation"]["sse"],
                "test_sse": summary["test"]["sse"],
                "pca_test_sse": summary["pca"]["test"]["sse"],
                "num_components": summary["pca"]["num_components"],
                "pca_size": competitor_size(summary["pca"]),
                "components_to_match": summary["pca"]["components_to_match"],
            }
        except (UserError, KeyError):
            return {}


class Overview:
    """Writes sweep.json: every run that a sweep in this folder has had, also those of earlier and of other commands."""

    def __init__(self, folder: Path):
        self._path = folder / "sweep.json"
        self._started, self._last_write = _now(), 0.0
        self._told: dict[str, str] = {}
        self._new: dict[str, dict[str, Any]] = {}
        self._problem = ""

    def write(self, runs: list[Trial], *, now: bool = False) -> None:
        """Bring the file up to date, every few seconds or `now`; for one thread at a time.

        Where it cannot be written, a line says so once: the runs have all of it in their folders.
        """
        if not now and time.monotonic() - self._last_write < _SECONDS_BETWEEN_WRITES:
            return
        self._last_write = time.monotonic()
        for run in runs:
            name = os.path.relpath(run.folder, self._path.parent) if run.folder else " ".join(run.overrides)
            if self._told.get(name) != run.state:
                error = str(run.result) if isinstance(run.result, Exception) else None
                about = {"run": name, "overrides": run.overrides, "state": run.state, "error": error}
                self._new[name] = {**about, **run.measures()}
                self._told[name] = run.state
        try:
            with exclusive(self._path.with_name(SWEEP_LOCK)):  # another command may add its runs
                self._merge()
            self._new = {}  # said once: what another command says of these runs later is not undone
        except StorageError as error:
            if str(error) != self._problem:
                self._problem = str(error)
                _log.warning("%s", error)

    def _merge(self) -> None:
        entries = {**self._earlier(), **self._new}
        states = [entry["state"] for entry in entries.values()]
        content = {
            "schema": SCHEMA,
            "started": self._started,
            "updated": _now(),
            "counts": {state: states.count(state) for state in sorted(set(states))},
            "runs": list(entries.values()),
        }
        write_json(self._path, content)

    def _earlier(self) -> dict[str, dict[str, Any]]:
        """What the file has of other runs: read each time, as another command may have added some."""
        try:
            return {entry["run"]: entry for entry in parse_json(read_json_bytes(self._path))["runs"]}
        except (OSError, ValueError, KeyError, TypeError):
            return {}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
