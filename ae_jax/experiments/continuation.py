"""Where a run that was interrupted goes on: from its own newest checkpoint, or from that of the group it trained in.

While a run trains in a group, its `group.json` names the folder of the group's checkpoints. It is deleted when the run
has a checkpoint of its own at the end, and the group's folder when no run points to it any more.
"""

import json
import os
import shutil
from contextlib import suppress
from pathlib import Path

from ae_jax.files import write_json
from ae_jax.training import TrainState
from ae_jax.training.checkpoint import group_members, restore_group, restore_state

_POINTER = "group.json"


def newest_state(folder: Path, fresh: TrainState, restored: dict[Path, dict[str, TrainState]]) -> TrainState | None:
    """The state that a run has reached, None if it begins.

    Args:
        folder: The run folder.
        fresh: Its first state, for shapes and types.
        restored: States of groups that were read already; added to.

    Raises:
        UserError: If there are checkpoints and none can be read.
    """
    own = restore_state(folder / "checkpoint", fresh)
    group = group_folder(folder)
    if group is not None and group not in restored:
        restored[group] = restore_group(group, fresh)
    shared = restored[group].get(folder.name) if group is not None else None
    states = [state for state in (own, shared) if state is not None]
    return max(states, key=lambda state: int(state.epoch), default=None)


def point_to_group(folder: Path, group: Path) -> None:
    """Let the run find the checkpoints of its group again, also when the outputs were moved together."""
    write_json(folder / _POINTER, {"checkpoints": os.path.relpath(group, folder)})


def group_folder(folder: Path) -> Path | None:
    """Where the group of a run writes its checkpoints, None if the run is in none."""
    try:
        pointed = json.loads((folder / _POINTER).read_text())["checkpoints"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    group = (folder / pointed).resolve()
    return group if group.is_dir() else None


def leave_group(folder: Path) -> None:
    """The run's own checkpoint has all that it needs: forget its group, and delete what no run needs any more."""
    group = group_folder(folder)
    (folder / _POINTER).unlink(missing_ok=True)
    if group is not None and not any(
        group_folder(folder.parent / name) == group for name in reversed(group_members(group))
    ):
        shutil.rmtree(group, ignore_errors=True)
        with suppress(OSError):  # of other groups
            group.parent.rmdir()
