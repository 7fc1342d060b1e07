"""Train a group of runs, and leave each in a run folder of its own as if it had trained alone."""

import itertools
import math
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple

from ae_jax.experiment.build import Experiment, build, build_alike, training_data
from ae_jax.experiment.devices import configure_jax
from ae_jax.jobs.open_run import OpenRun
from ae_jax.jobs.train_fitting import train_fitting
from ae_jax.jobs.work import GroupTask, Outcome, Watch
from ae_jax.training.group import Group, compile_group
from ae_jax.training.memory import available_bytes, is_out_of_memory


class Prepared(NamedTuple):
    """What a group needs before its first epoch: its first run as objects, and the program for all."""

    experiment: Experiment
    program: Group


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
    program = earlier.result().program if earlier and earlier.exception() is None else None
    if program is not None and len(experiments) <= program.num_slots <= 2 * len(experiments):
        return Prepared(experiment, program.with_runs([one.run for one in experiments]))
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
    runs = [OpenRun(request, watch) for request in task.requests]
    try:
        _open(runs, ahead, watch)
        _train(runs, task, ahead, watch)
    except BaseException as error:
        for run in runs:
            run.fail(error)
        if not isinstance(error, Exception):
            raise
    outcomes = [run.outcome for run in runs if run.outcome]
    for outcome in outcomes:
        if outcome.error is not None:
            watch.ended(outcome)
    return outcomes


def split_evenly(items: Sequence[Any], num_pieces: int) -> list[list[Any]]:
    """Consecutive pieces, longer ones first, whose lengths differ by one at most."""
    bounds = [math.ceil(index * len(items) / num_pieces) for index in range(num_pieces + 1)]
    pieces = [list(items[start:end]) for start, end in itertools.pairwise(bounds)]
    return sorted(pieces, key=len, reverse=True)


def _open(runs: list[OpenRun], ahead: Future[Prepared] | None, watch: Watch) -> None:
    """Take every run folder, build what the runs share once, and open each run."""
    first: list[Experiment] = []

    def built(config: dict[str, Any]) -> Experiment:
        if not first:
            first.append(ahead.result().experiment if ahead else build(config))
            watch.built()
        return build_alike(first[0], config)

    for run in runs:
        run.take()
    for run in runs:
        run.open(built)


def _train(runs: list[OpenRun], task: GroupTask, ahead: Future[Prepared] | None, watch: Watch) -> None:
    """Train the runs as one program, or as smaller ones in turn where they do not fit into memory."""
    pieces = [runs]
    program: Group | None = None
    while pieces:
        piece = [run for run in pieces.pop(0) if run.is_open]
        if not piece:
            continue
        try:
            program = _program_for(piece, program or (ahead.result().program if ahead else None))
            num_pieces = _num_pieces(program, len(piece), task.max_bytes, watch)
            if num_pieces == 1:
                train_fitting(piece, program, task.folder, watch)
        except Exception as error:
            if not is_out_of_memory(error) or len(piece) == 1:
                for run in piece:
                    run.fail(error)
                continue
            watch.note(f"{len(piece)} runs do not fit into memory together: split into 2 groups")
            num_pieces = 2
        if num_pieces > 1:
            pieces[:0] = split_evenly(piece, num_pieces)


def _program_for(runs: list[OpenRun], program: Group | None) -> Group:
    """The program for these runs: the one that there is, if it is for about as many, or a new one."""
    if program is not None and 0.75 * program.num_runs <= len(runs) <= program.num_slots:
        return program.with_runs([run.experiment.run for run in runs])
    return _compile([run.experiment for run in runs], runs[0].request.config["runtime"])


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


def _num_pieces(program: Group, num_runs: int, max_bytes: int | None, watch: Watch) -> int:
    """In how many pieces the runs must be trained, by what the compiled program takes and what there is."""
    limit, needed = max_bytes or available_bytes(program.num_devices), program.program_bytes
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
