"""Train a group of runs, and leave each in a run folder of its own as if it had trained alone."""

import itertools
import math
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple

from ae_jax.experiment.build import Experiment, build, build_alike, training_data
from ae_jax.experiment.devices import configure_jax
from ae_jax.jobs.member import Member
from ae_jax.jobs.piece import train_piece
from ae_jax.jobs.work import GroupTask, Outcome, Watch
from ae_jax.training.group import Group, compile_group
from ae_jax.training.memory import available_bytes, is_out_of_memory


class Prepared(NamedTuple):
    """What a group needs before its first epoch: its first run as objects, and the program for all."""

    experiment: Experiment
    group: Group


def prepare(task: GroupTask, earlier: Future[Prepared] | None = None) -> Prepared:
    """Build and compile a group ahead of need.

    Args:
        task: The runs.
        earlier: A group of the same structure; its program is used again where it has room for these runs, and not much
            more.

    Raises:
        UserError: For a mistake in data, model or devices.
    """
    experiment = build(task.requests[0].config)
    experiments = [build_alike(experiment, request.config) for request in task.requests]
    group = earlier.result().group if earlier and earlier.exception() is None else None
    if group is not None and len(experiments) <= group.num_slots <= 2 * len(experiments):
        return Prepared(experiment, group.with_runs([one.run for one in experiments]))
    return Prepared(experiment, _compile(experiments, task.requests[0].config["runtime"]))


def train_group(task: GroupTask, *, watch: Watch | None = None, ahead: Future[Prepared] | None = None) -> list[Outcome]:
    """Train runs of one structure together.

    Args:
        task: The runs.
        watch: Told what happens.
        ahead: The result of `prepare`, where it was begun before.

    Returns:
        How each run ended, in the order of the requests. A failure is in the outcome of the run that it ended; what
        ends the program (Ctrl-C, a signal) marks the runs interrupted and is raised.

    Raises:
        UserError: If the platform cannot be used; then nothing is written.
    """
    configure_jax(task.requests[0].config, num_runs=len(task.requests))
    if ahead is not None and is_out_of_memory(ahead.exception()):
        ahead = None  # smaller programs may fit
    watch = watch or Watch()
    members = [Member(request, watch) for request in task.requests]
    try:
        _open(members, ahead, watch)
        _train(members, task, ahead, watch)
    except BaseException as error:
        for member in members:
            member.fail(error)
        if not isinstance(error, Exception):
            raise
    outcomes = [member.outcome for member in members if member.outcome]
    for outcome in outcomes:
        if outcome.error is not None:
            watch.ended(outcome)
    return outcomes


def split_evenly(items: Sequence[Any], num_pieces: int) -> list[list[Any]]:
    """Consecutive pieces, longer ones first, whose lengths differ by one at most."""
    bounds = [math.ceil(index * len(items) / num_pieces) for index in range(num_pieces + 1)]
    pieces = [list(items[start:end]) for start, end in itertools.pairwise(bounds)]
    return sorted(pieces, key=len, reverse=True)


def _open(members: list[Member], ahead: Future[Prepared] | None, watch: Watch) -> None:
    """Take every run folder, build what the runs share once, and open each run."""
    for member in members:
        with member.attempt():
            member.record_in()
    built: Experiment | None = None
    for member in _untold(members):
        with member.attempt():
            if built is None:
                built = ahead.result().experiment if ahead else build(member.request.config)
                watch.built()
            member.open(build_alike(built, member.request.config))


def _train(members: list[Member], task: GroupTask, ahead: Future[Prepared] | None, watch: Watch) -> None:
    """Train the runs as one program, or as smaller ones in turn where they do not fit into memory."""
    pieces = [members]
    group: Group | None = None
    while pieces:
        piece = _untold(pieces.pop(0))
        if not piece:
            continue
        try:
            group = _group_for(piece, group or (ahead.result().group if ahead else None))
            num_pieces = _num_pieces(group, len(piece), task.max_bytes, watch)
            if num_pieces == 1:
                train_piece(piece, group, task.folder, watch)
        except Exception as error:
            if not is_out_of_memory(error) or len(piece) == 1:
                for member in piece:
                    member.fail(error)
                continue
            watch.note(f"{len(piece)} runs do not fit into memory together: split into 2 groups")
            num_pieces = 2
        if num_pieces > 1:
            pieces[:0] = split_evenly(piece, num_pieces)


def _group_for(piece: list[Member], group: Group | None) -> Group:
    """The program for these runs: the one that there is, if it is for about as many, or a new one."""
    if group is not None and 0.75 * group.num_runs <= len(piece) <= group.num_slots:
        return group.with_runs([member.experiment.run for member in piece])
    return _compile([member.experiment for member in piece], piece[0].request.config["runtime"])


def _compile(experiments: Sequence[Experiment], runtime: dict[str, Any]) -> Group:
    first = experiments[0]
    return compile_group(
        first.structure,
        training_data(first.dataset),
        [experiment.run for experiment in experiments],
        runs_axis=runtime["runs_axis"],
        data_parallel=first.options.data_parallel,
        check_nans=runtime["debug_nans"],
    )


def _num_pieces(group: Group, num_runs: int, max_bytes: int | None, watch: Watch) -> int:
    """In how many pieces the runs must be trained, by what the compiled program takes and what there is."""
    limit, needed = max_bytes or available_bytes(group.num_devices), group.program_bytes
    if num_runs == 1 or not limit or not needed or needed <= limit:
        return 1
    num_pieces = min(num_runs, math.ceil(needed / limit))
    watch.note(
        f"{num_runs} runs need {_megabytes(needed)} of the {_megabytes(limit)} that may be used: "
        f"split into {num_pieces} groups"
    )
    return num_pieces


def _megabytes(number: int) -> str:
    return f"{number / 2**20:,.1f} MiB"


def _untold(members: list[Member]) -> list[Member]:
    """Those whose end is not known yet."""
    return [member for member in members if member.outcome is None]
