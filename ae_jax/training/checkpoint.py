"""Checkpoints: `<folder>/<number>/<items>`, each with a schema number and what it belongs to inside.

A run's own, in its `checkpoint/`, is numbered by its epoch and has `latest`, all that training needs to go on, and
`best`, parameters and state of the best epoch, which alone stay when it has completed. A group's has `states`:
those of all its runs in one array each, which is many times cheaper to write while they train. A save is written under
a temporary name and renamed, so a checkpoint is whole or absent. The last two are kept. Digests of the arrays are kept
with them, so that one that was damaged later is told from one that is good. `earlier` knows the schemas before.
"""

import hashlib
import json
import logging
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jaxtyping import PyTree
from orbax.checkpoint import v1 as ocp

from ae_jax.errors import StorageError, UserError
from ae_jax.links import check_link
from ae_jax.training.earlier import SINCE, as_earlier, from_earlier
from ae_jax.training.memory import is_out_of_memory
from ae_jax.training.state import Best, TrainState
from ae_jax.training.stored import check_arrays, num_bytes, num_described, plainly_named

SCHEMA = 3
_READABLE = (1, 2, 3)
_KEPT = 2
_log = logging.getLogger(__name__)


class Checkpoints:
    """Writes checkpoints of a run or of a group. Close it, or use it as a context, so that the last one is complete.

    Args:
        folder: Where they go; made with the first one.
        about: What they belong to, stored inside every checkpoint: the run's `config`, or the names of the group's
            `runs`.
        least_seconds: Time between two checkpoints, so that saving costs little however short an epoch is.
    """

    def __init__(self, folder: Path, *, about: dict[str, Any], least_seconds: int):
        self._folder, self._least_seconds = folder.resolve(), least_seconds
        self._last_save = time.monotonic()
        self._metadata = {"schema": SCHEMA, **json.loads(json.dumps(about))}
        self._last_number = 0
        self._checkpointer: ocp.training.Checkpointer | None = None
        self._names = ExitStack()

    def is_due(self) -> bool:
        """Whether it is time for another checkpoint."""
        return time.monotonic() - self._last_save >= self._least_seconds

    def save(self, state: TrainState) -> None:
        """Start saving the state of one run (NumPy arrays); returns before it is on disk.

        Raises:
            StorageError: If it, or the one before, cannot be written.
        """
        latest = {name: leaf for name, leaf in state._asdict().items() if name != "best"}
        self._save(int(state.epoch), {"latest": latest, "best": state.best._asdict()})

    def save_group(self, states: TrainState) -> None:
        """Start saving the states of all runs of a group, stacked; returns and raises as `save`."""
        # Numbered by themselves: the runs of a group may be at different epochs.
        self._last_number = 1 + max([self._last_number, *(int(step.name) for step in _steps(self._folder)[:1])])
        self._save(self._last_number, {"states": _as_dict(states)})

    def _save(self, number: int, items: dict[str, Any]) -> None:
        self._last_save = time.monotonic()
        digests = {name: _digest(item) for name, item in items.items()}
        with _storage_errors(self._folder):
            if self._checkpointer is None:
                self._folder.mkdir(parents=True, exist_ok=True)
                policy = ocp.training.preservation_policies.LatestN(_KEPT)
                place = self._names.enter_context(plainly_named(self._folder))
                self._checkpointer = ocp.training.Checkpointer(
                    place, preservation_policy=policy, cleanup_tmp_directories=True
                )
            self._checkpointer.save_checkpointables_async(
                number,
                items,
                force=True,  # or Orbax skips a save that is asked for while another is under way
                overwrite=True,
                custom_metadata={**self._metadata, "digests": digests},
            )

    def close(self) -> None:
        """Wait until everything is on disk.

        Raises:
            StorageError: If it cannot be written.
        """
        checkpointer, self._checkpointer = self._checkpointer, None
        with _storage_errors(self._folder), self._names:
            if checkpointer is not None:
                checkpointer.close()

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def _storage_errors(folder: Path) -> Iterator[None]:
    """What fails is the disk, if it is not the memory: Orbax and TensorStore have many types for one that is full."""
    try:
        yield
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise StorageError(folder, _reason(error)) from error


def _reason(error: Exception) -> Exception:
    """The error of the system that TensorStore quotes in a long text, if it does."""
    quoted = re.search(r"os_error_code='(\d+)'", str(error))
    return OSError(int(quoted[1]), os.strerror(int(quoted[1]))) if quoted else error


def restore_state(folder: Path, abstract: TrainState, *, at_most: int) -> TrainState | None:
    """The state of a run in the newest checkpoint of its own that is whole, None if there is no checkpoint.

    Args:
        folder: The run's `checkpoint/`.
        abstract: Shapes and types of the state of one run.
        at_most: Epoch of the newest checkpoint that may be used.

    Raises:
        UserError: If there are checkpoints and none can be read.
    """
    if not any(int(step.name) <= at_most for step in _steps(folder)):
        return None
    best = abstract.best._asdict()
    latest = {name: leaf for name, leaf in abstract._asdict().items() if name != "best"}
    loaded = _load(folder, {"latest": latest, "best": best}, at_most=at_most)
    return TrainState(**loaded["latest"], best=Best(**loaded["best"]))


def restore_group(folder: Path, abstract: TrainState) -> dict[str, TrainState]:
    """The states in the newest checkpoint of a group that is whole, by the names of the runs; empty if there is none.

    Args:
        folder: Where the group wrote its checkpoints.
        abstract: Shapes and types of the state of one run.

    Raises:
        UserError: If there are checkpoints and none can be read.
    """
    names = group_members(folder)
    if not names:
        return {}
    stacked = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((len(names), *leaf.shape), leaf.dtype), abstract)
    loaded = jax.tree.map(np.asarray, _load(folder, {"states": _as_dict(stacked)})["states"])
    states = TrainState(**{**loaded, "best": Best(**loaded["best"])})
    return {name: jax.tree.map(lambda leaf, at=at: leaf[at], states) for at, name in enumerate(names)}


def group_members(folder: Path) -> list[str]:
    """Names of the runs in a group's checkpoints; empty if there is no checkpoint that says so."""
    for step in _steps(folder):
        try:
            with plainly_named(step.parent.resolve()) as place:
                return list(_about(place / step.name)["runs"])
        except Exception:
            continue
    return []


def restore_best(folder: Path, abstract: Best) -> Best:
    """The best epoch in the newest checkpoint that is whole.

    Args:
        folder: The run's `checkpoint/`.
        abstract: Shapes and types of it.

    Raises:
        UserError: If there is no checkpoint, or none can be read.
    """
    if not has_checkpoint(folder):
        raise UserError(folder, "holds no checkpoint", "move the run folder away and train again")
    return Best(**_load(folder, {"best": abstract._asdict()})["best"])


def keep_best(folder: Path) -> None:
    """Delete what only a run needs that goes on: of one that has completed the best parameters are left.

    They are a quarter of what Adam's state takes beside them, or an eighth where two checkpoints were kept.
    """
    for at, step in enumerate(_steps(folder)):
        shutil.rmtree(step / "latest" if at == 0 else step, ignore_errors=True)


def has_checkpoint(folder: Path) -> bool:
    """Whether there is a checkpoint, good or damaged."""
    return bool(_steps(folder))


def num_stored_arrays(folder: Path) -> int:
    """How many arrays the best parameters are in the newest checkpoint that says so; 0 if none does."""
    for step in _steps(folder):
        with suppress(Exception):  # of a damaged one, which whoever loads it is told
            num_bytes(step.resolve())  # refuses what would be waited for
            return num_described(step.resolve() / "best")
    return 0


def _as_dict(state: TrainState) -> dict[str, Any]:
    return {**state._asdict(), "best": state.best._asdict()}


def _steps(folder: Path) -> list[Path]:
    """Finished checkpoints, newest first; none is read through a link."""
    check_link(folder, folder.parent)
    if not folder.is_dir():
        return []
    steps = [path for path in folder.iterdir() if re.fullmatch("[0-9]{1,9}", path.name) and not path.is_symlink()]
    return sorted(steps, key=lambda step: -int(step.name))


def _load(folder: Path, abstract: dict[str, Any], *, at_most: int = sys.maxsize) -> dict[str, Any]:
    """Load from the newest checkpoint that can be read."""
    problems = []
    for step in _steps(folder):
        if int(step.name) > at_most:
            continue
        try:
            with plainly_named(step.parent.resolve()) as place:
                loaded = _load_step(place / step.name, abstract)
        except UserError:
            raise
        except Exception as error:  # Orbax and TensorStore raise many types for a damaged file
            problems.append(f"{step.name}: {(str(error).strip() or type(error).__name__).splitlines()[0][:120]}")
            continue
        if problems:
            _log.warning("using checkpoint %s, as those after it cannot be read (%s)", step, "; ".join(problems))
        return loaded
    raise UserError(
        folder, f"no checkpoint can be read ({'; '.join(problems)})"[:400], "move the run folder away and train again"
    )


def _load_step(step: Path, abstract: dict[str, Any]) -> dict[str, Any]:
    """Load a checkpoint, and refuse it unless it holds what was saved."""
    metadata = _about(step)
    schema = metadata.get("schema")
    if schema is None:
        raise ValueError("its metadata cannot be read")
    if schema not in _READABLE:
        raise UserError(step, f"has checkpoint schema {schema}, expected {SCHEMA}", "use the version that wrote it")
    stored = as_earlier(abstract) if schema < SINCE else abstract
    check_arrays(step, stored)
    loaded = ocp.load_checkpointables(step, _on_this_device(stored))
    damaged = [name for name in stored if schema > 1 and _digest(loaded[name]) != metadata["digests"][name]]
    if damaged:
        raise ValueError(f"{damaged[0]} is not what was saved")
    return from_earlier(loaded, abstract) if schema < SINCE else loaded


def _about(step: Path) -> dict[str, Any]:
    """What is stored with a checkpoint beside its arrays."""
    num_bytes(step)  # refuses what Orbax would wait for, such as a pipe
    return ocp.checkpointables_metadata(step).custom_metadata or {}


def _digest(item: PyTree) -> str:
    """SHA-256 of the arrays of a tree, with their types, shapes and places."""
    digest = hashlib.sha256()
    for place, leaf in jax.tree_util.tree_leaves_with_path(item):
        array = np.ascontiguousarray(leaf)
        digest.update(f"{jax.tree_util.keystr(place)} {array.dtype} {array.shape};".encode())
        digest.update(array.view(np.uint8).data if array.size else b"")
    return digest.hexdigest()


def _on_this_device(abstract: PyTree) -> PyTree:
    sharding = jax.sharding.SingleDeviceSharding(jax.devices()[0])
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding), abstract)
