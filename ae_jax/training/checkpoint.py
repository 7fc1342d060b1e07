"""Checkpoints of a run: `checkpoint/<epoch>/{latest,best}`, each with the config and a schema number inside.

`latest` is all that training needs to go on, `best` the parameters with the lowest validation loss. A save writes both
under a temporary name and renames once, so a checkpoint is whole or absent. The last two are kept.
"""

import json
import logging
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jaxtyping import PyTree
from orbax.checkpoint import v1 as ocp

from ae_jax.errors import UserError
from ae_jax.training.state import Best, TrainState

SCHEMA = 1
_KEPT = 2
_log = logging.getLogger(__name__)


class Checkpoints:
    """Writes a run's checkpoints while it trains. Close it, or use it as a context, so that the last one is complete.

    Args:
        folder: The run's `checkpoint/`.
        config: The run's config, stored inside every checkpoint.
        least_seconds: Time between two checkpoints, so that saving costs little however short an epoch is.
    """

    def __init__(self, folder: Path, *, config: dict[str, Any], least_seconds: int):
        self._least_seconds = least_seconds
        self._last_save = time.monotonic()
        policy = ocp.training.preservation_policies.LatestN(_KEPT)
        self._metadata = {"schema": SCHEMA, "config": json.loads(json.dumps(config))}
        self._checkpointer = ocp.training.Checkpointer(
            folder.resolve(), preservation_policy=policy, cleanup_tmp_directories=True
        )

    def is_due(self) -> bool:
        """Whether it is time for another checkpoint."""
        return time.monotonic() - self._last_save >= self._least_seconds

    def save(self, state: TrainState) -> None:
        """Start saving a state (NumPy arrays of one run); returns before it is on disk."""
        self._last_save = time.monotonic()
        latest = {name: leaf for name, leaf in state._asdict().items() if name != "best"}
        self._checkpointer.save_checkpointables_async(
            int(state.epoch),
            {"latest": latest, "best": state.best._asdict()},
            force=True,  # or Orbax skips a save that is asked for while another is under way
            overwrite=True,
            custom_metadata=self._metadata,
        )

    def close(self) -> None:
        """Wait until everything is on disk."""
        self._checkpointer.close()

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def restore_state(folder: Path, abstract: TrainState) -> TrainState | None:
    """The state of the newest checkpoint that is whole, None if there is no checkpoint.

    Args:
        folder: The run's `checkpoint/`.
        abstract: Shapes and types of the state of one run.

    Raises:
        UserError: If there are checkpoints and none can be read.
    """
    if not _steps(folder):
        return None
    best = abstract.best._asdict()
    latest = {name: leaf for name, leaf in abstract._asdict().items() if name != "best"}
    loaded = _load(folder, {"latest": latest, "best": best})
    return TrainState(**loaded["latest"], best=Best(**loaded["best"]))


def restore_best(folder: Path, abstract_params: PyTree) -> Best:
    """The best parameters in the newest checkpoint that is whole.

    Raises:
        UserError: If there is no checkpoint, or none can be read.
    """
    if not _steps(folder):
        raise UserError(folder, "holds no checkpoint", "delete the run folder and train again")
    best = {
        "params": abstract_params,
        "validation_loss": jax.ShapeDtypeStruct((), np.float32),
        "epoch": jax.ShapeDtypeStruct((), np.int32),
    }
    return Best(**_load(folder, {"best": best})["best"])


def _steps(folder: Path) -> list[Path]:
    """Finished checkpoints, newest first."""
    if not folder.is_dir():
        return []
    return sorted((step for step in folder.iterdir() if step.name.isdigit()), key=lambda s: -int(s.name))


def _load(folder: Path, abstract: dict[str, Any]) -> dict[str, Any]:
    """Load from the newest checkpoint that can be read."""
    problems = []
    for step in _steps(folder):
        try:
            schema = (ocp.checkpointables_metadata(step.resolve()).custom_metadata or {}).get("schema")
            if schema is None:
                raise ValueError("its metadata cannot be read")
            if schema != SCHEMA:
                raise UserError(
                    step, f"has checkpoint schema {schema}, expected {SCHEMA}", "use the version that wrote it"
                )
            loaded = ocp.load_checkpointables(step.resolve(), _on_this_device(abstract))
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


def _on_this_device(abstract: PyTree) -> PyTree:
    sharding = jax.sharding.SingleDeviceSharding(jax.devices()[0])
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding), abstract)
