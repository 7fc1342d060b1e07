"""Where a run that was interrupted goes on: from its own newest checkpoint, or from that of a group it trained in.

While a run trains in a group, its `group.json` names the folders of the checkpoints of that group and of those before
it that were interrupted. It is deleted when the run has a checkpoint of its own at the end, and a group's folder when
no run points to it any more.
"""

import logging
import os
import re
import shutil
from contextlib import suppress
from pathlib import Path

from ae_jax.errors import UserError
from ae_jax.files import write_json
from ae_jax.reading import parse_json, read_json_bytes
from ae_jax.training import TrainState
from ae_jax.training.checkpoint import group_members, restore_group, restore_state
from ae_jax.training.fit import num_reported

GROUPS = ".groups"
"""Where the groups of a sweep keep their checkpoints, in the sweep's folder."""
_POINTER = "group.json"
_log = logging.getLogger(__name__)


def newest_state(
    folder: Path, fresh: TrainState, restored: dict[Path, dict[str, TrainState]], *, num_recorded: int
) -> TrainState | None:
    """The state that a run has reached, None if it begins.

    Args:
        folder: The run folder.
        fresh: Its first state, for shapes and types.
        restored: States of groups that were read already; added to.
        num_recorded: Epochs whose metrics are there. What was reached without them is not used, and trained again.

    Raises:
        UserError: If there are checkpoints and none can be read.
    """
    states, problems = [], []
    try:
        states.append(restore_state(folder / "checkpoint", fresh, at_most=num_recorded))
    except UserError as error:
        problems.append(error)
    for group in groups_of(folder):
        try:
            if group not in restored:
                restored[group] = restore_group(group, fresh)
            states.append(restored[group].get(member_name(folder, group)))
        except UserError as error:
            problems.append(error)
    usable = [state for state in states if state is not None and num_reported(state) <= num_recorded]
    if not usable and problems:
        raise problems[0]
    for problem in problems:
        _log.warning("%s", problem)
    return max(usable, key=lambda state: int(state.epoch), default=None)


def member_name(folder: Path, group: Path) -> str:
    """What a run is called in a group's checkpoints: where its folder is, as seen from the sweep's."""
    return Path(os.path.relpath(folder, group.parent.parent)).as_posix()


def point_to_group(folder: Path, group: Path) -> None:
    """Let the run find the checkpoints of its group again, also when the outputs were moved together.

    Those of earlier groups count until the run has ended: the new group has none yet.
    """
    groups = dict.fromkeys([group.resolve(), *groups_of(folder)])
    write_json(folder / _POINTER, {"checkpoints": [os.path.relpath(one, folder) for one in groups]})


def groups_of(folder: Path) -> list[Path]:
    """Where the groups of a run write their checkpoints, the newest first; none if the run is in no group."""
    try:
        pointed = parse_json(read_json_bytes(folder / _POINTER))["checkpoints"]
        found = [(folder / one).resolve() for one in pointed]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [group for group in found if _is_group_of(group, folder.resolve())]


def _is_group_of(group: Path, folder: Path) -> bool:
    """Whether it can be a group's folder: nothing else that a run folder from elsewhere names is read, or deleted."""
    place = group.parent
    is_named = place.name == GROUPS and re.fullmatch("[0-9a-f]{12}", group.name)
    return bool(is_named) and place.parent in folder.parents and group.is_dir()


def leave_groups(folder: Path) -> None:
    """The run's own checkpoint has all that it needs: forget its groups, and delete what no run needs any more."""
    groups = groups_of(folder)
    (folder / _POINTER).unlink(missing_ok=True)
    for group in groups:
        names = group_members(group)
        has_begun = not all("orbax-checkpoint-tmp" in path.name for path in group.glob("*"))
        if has_begun and member_name(folder, group) not in names:
            continue  # the pointer is wrong, as in a folder from elsewhere
        if not any(group in groups_of(group.parent.parent / name) for name in reversed(names)):
            shutil.rmtree(group, ignore_errors=True)
            with suppress(OSError):  # of other groups
                group.parent.rmdir()
