"""Where a run that was interrupted goes on: from its own newest checkpoint, or from that of a group it trained in.

While a run trains in a group, its `group.json` names the folders of the checkpoints of that group and of those before
it that were interrupted. A group's folder says in `runs.json` whose it is. A run leaves its groups when it has a
checkpoint of its own at the end; the last to leave deletes the folder. Groups are joined and left under the sweep's
lock, so that "the last" is one thread of one process.
"""

import hashlib
import logging
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path

from ae_jax.errors import UserError
from ae_jax.files import make_folder, write_json
from ae_jax.locks import exclusive
from ae_jax.reading import parse_json, read_json_bytes
from ae_jax.training import TrainState
from ae_jax.training.checkpoint import group_members, restore_group, restore_state
from ae_jax.training.fit import num_reported

GROUPS = ".groups"
"""Where the groups of a sweep keep their checkpoints, in the sweep's folder."""
SWEEP_LOCK = ".sweep.lock"
"""In a sweep's folder; held for moments by whoever changes what the runs of the sweep share."""
_POINTER, _RUNS = "group.json", "runs.json"
_GONE = ".gone-"
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


@contextmanager
def group_of(names: Sequence[str], groups: Path) -> Iterator[Path]:
    """Make the folder of a group's checkpoints; until this context ends, nobody joins or leaves a group.

    Args:
        names: What its runs are called, see `member_name`.
        groups: Where the groups of the sweep keep their checkpoints.

    Raises:
        StorageError: If something cannot be written.
    """
    group = groups.resolve() / hashlib.sha256("\n".join(names).encode()).hexdigest()[:12]
    with _only_one(groups.parent):
        make_folder(group)
        write_json(group / _RUNS, {"runs": list(names)})
        yield group


def point_to_group(folder: Path, group: Path) -> None:
    """Let the run find the checkpoints of its group again, also when the outputs are moved together.

    Those of earlier groups count until the run has ended: the new group has none yet.
    """
    groups = dict.fromkeys([group, *groups_of(folder)])
    write_json(folder / _POINTER, {"checkpoints": [os.path.relpath(one, folder) for one in groups]})


def groups_of(folder: Path) -> list[Path]:
    """Where the groups of a run write their checkpoints, the newest first; none if the run is in no group."""
    return [group for group in _pointed(folder) if group.is_dir()]


def _pointed(folder: Path) -> list[Path]:
    """What a run's pointer names, if it can be a group's folder; it may be gone."""
    try:
        pointed = parse_json(read_json_bytes(folder / _POINTER))["checkpoints"]
        found = [(folder / one).resolve() for one in pointed]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [group for group in found if _can_be_of(group, folder.resolve())]


def _can_be_of(group: Path, folder: Path) -> bool:
    """Whether it can be a group's folder: nothing else that a run folder from elsewhere names is read, or deleted."""
    is_named = group.parent.name == GROUPS and re.fullmatch("[0-9a-f]{12}", group.name)
    return bool(is_named) and group.parent.parent in folder.parents


def leave_groups(folder: Path) -> None:
    """The run's own checkpoint has all that it needs: forget its groups, and delete those that no run needs any more.

    A group's folder is put out of the way in one step before it is deleted, and the pointer goes last: whoever is
    killed meanwhile leaves a run that leaves again, and what the next to leave deletes.

    Raises:
        StorageError: If something cannot be written.
    """
    if not os.path.lexists(folder / _POINTER):
        return
    pointed = _pointed(folder)
    with ExitStack() as held:
        places = sorted({group.parent for group in pointed if group.parent.is_dir()})
        for place in places:
            held.enter_context(_only_one(place.parent))
        for group in pointed:
            if group.is_dir() and _is_last(folder, group):
                group.rename(group.with_name(f"{_GONE}{group.name}-{secrets.token_hex(4)}"))
        for place in places:
            for gone in place.glob(f"{_GONE}*"):
                shutil.rmtree(gone, ignore_errors=True)
            with suppress(OSError):  # of other groups
                place.rmdir()
        (folder / _POINTER).unlink(missing_ok=True)


def _is_last(folder: Path, group: Path) -> bool:
    """Whether a group is this run's, and no other run points to it."""
    name, names = member_name(folder, group), _runs_of(group)
    if name not in names:  # the pointer is wrong, as in a folder from elsewhere; or the group has saved nothing
        return not names and all("orbax-checkpoint-tmp" in path.name for path in group.iterdir())
    return not any(other != name and group in groups_of(group.parent.parent / other) for other in reversed(names))


def _runs_of(group: Path) -> list[str]:
    """Names of a group's runs; the first groups had them in their checkpoints only."""
    try:
        return list(map(str, parse_json(read_json_bytes(group / _RUNS))["runs"]))
    except (OSError, ValueError, KeyError, TypeError):
        return group_members(group)


def _only_one(sweep: Path) -> AbstractContextManager[None]:
    """Join and leave groups of a sweep one at a time, of all threads and processes."""
    return exclusive(sweep / SWEEP_LOCK)
