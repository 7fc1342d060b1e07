"""Train runs whose program fits into memory: restore, epochs, records, checkpoints, and what each run leaves."""

import logging
import os
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import jax
import numpy as np

from ae_jax.errors import UserError
from ae_jax.evaluation.measure import ModelFunctions
from ae_jax.evaluation.summary import Seconds, write_results
from ae_jax.figures.run.draw import Drawn, write_run_figure
from ae_jax.jobs.drawing import Drawing
from ae_jax.jobs.interruption import finish_first, is_asked
from ae_jax.jobs.member import Member
from ae_jax.jobs.work import Watch
from ae_jax.runs.continuation import group_of, member_name, newest_state, point_to_group
from ae_jax.training import Status, TrainState
from ae_jax.training.checkpoint import Checkpoints
from ae_jax.training.epoch import num_steps_per_epoch
from ae_jax.training.fit import EpochReport, fit, is_running, num_reported, on_host, run_state
from ae_jax.training.group import Group

_log = logging.getLogger(__name__)
# Threads that complete runs, which is mostly waiting for figures and for W&B.
_COMPLETING = 4


def train_piece(members: list[Member], group: Group, folder: Path, watch: Watch) -> None:
    """Train runs that are open to their end.

    Args:
        members: The runs, in the order of the group.
        group: Their program.
        folder: Where groups keep their checkpoints while they train.
        watch: Told what happens.
    """
    watch.begin(members[0].experiment)
    start = time.perf_counter()
    _log.info("compiled in %.1f s, for %d in one program", group.compile_seconds, len(members))
    state, first_nan = train_epochs(members, group, folder, watch)
    if any(member.outcome is None for member in members):
        seconds = time.perf_counter() - start + group.compile_seconds
        _finish(members, group, on_host(state), seconds, first_nan, watch)


def train_epochs(members: list[Member], group: Group, folder: Path, watch: Watch) -> tuple[TrainState, str | None]:
    """Train from where each run is to the last epoch of all, with metrics and checkpoints; arguments as `train_piece`.

    Returns:
        The last states, and in a checked group the operation that made the first NaN.
    """
    first, runtime = members[0].experiment, members[0].request.config["runtime"]
    num_epochs = first.options.num_epochs
    state, first_nan = _start(group, members), None
    profile = _profile(members[0]) if runtime["profile"] else nullcontext()
    with finish_first(), _checkpoints(members, folder) as checkpoints, profile:
        for report in fit(group, state, num_epochs=num_epochs):
            state, first_nan = report.state, report.first_nan
            records = _record(members, report)
            watch.epoch(records, len(records) * len(first.dataset.train) / report.seconds)
            ending = is_asked()
            if ending or (checkpoints.is_due() and _goes_on(report, num_epochs)):
                _save(checkpoints, members, report)
            if ending or all(member.outcome is not None for member in members):
                break
    return state, first_nan


def _start(group: Group, members: list[Member]) -> TrainState:
    """The state to train from: each run's newest checkpoint, or else its first state."""
    first = on_host(group.init_state())
    states, restored = [], dict[Path, dict[str, TrainState]]()
    for index, member in enumerate(members):
        fresh = run_state(first, index)
        states.append(fresh)
        with member.attempt():
            recorder = member.recorder
            reached = newest_state(member.folder, fresh, restored, num_recorded=recorder.num_recorded)
            if reached is not None:
                member.log(f"continuing after epoch {int(reached.epoch)}")
                states[-1] = reached
            elif member.request.config["resume"] == "must":
                raise UserError("resume=must", f"{member.folder} holds no checkpoint", "leave it out to begin again")
            for record in recorder.keep_metrics(num_reported(states[-1])):
                member.tracker.log(record)
    return group.stacked(states)


def _record(members: list[Member], report: EpochReport) -> dict[Path, dict[str, Any]]:
    """Write an epoch's metrics of every run that trained in it. The time of each is its share of the group's."""
    metrics, records = report.metrics, {}
    num_trained = int(metrics.trained.sum())
    for index, member in enumerate(members):
        if not metrics.trained[index] or member.outcome is not None:
            continue
        epoch, experiment = int(metrics.epoch[index]), member.experiment
        record = {
            "epoch": epoch,
            "step": epoch * num_steps_per_epoch(len(experiment.dataset.train), experiment.structure.batch_size),
            "train_loss": float(metrics.train_loss[index]),
            "validation_loss": float(metrics.validation_loss[index]),
            "validation_sse": float(metrics.validation_sse[index]),
            **{f"train_{name}": float(term[index]) for name, term in metrics.train_terms.items()},
            **{f"validation_{name}": float(term[index]) for name, term in metrics.validation_terms.items()},
            "seconds": report.seconds / num_trained,
        }
        member.epoch_seconds.append(report.seconds)
        with member.attempt():
            member.recorder.metrics(record)
            member.tracker.log(record)
        records[member.folder] = record
    return records


def _checkpoints(members: list[Member], folder: Path) -> Checkpoints:
    """The checkpoints of all runs while they train: stacked, or a single run's own."""
    if len(members) == 1:
        return members[0].checkpoints
    names = [member_name(member.folder, folder / "group") for member in members]
    with group_of(names, folder) as group_folder:
        for member in members:
            if member.outcome is None:
                with member.attempt():
                    point_to_group(member.folder, group_folder)
    seconds = members[0].request.config["runtime"]["checkpoint_seconds"]
    return Checkpoints(group_folder, about={"runs": names}, least_seconds=seconds)


def _goes_on(report: EpochReport, num_epochs: int) -> bool:
    """Whether any run trains in another epoch; when none does, each run's own last checkpoint follows."""
    metrics = report.metrics
    status, epoch, trained = (np.asarray(leaf) for leaf in (metrics.status, metrics.epoch, metrics.trained))
    return bool((is_running(status, epoch, num_epochs) & trained).any())


def _save(checkpoints: Checkpoints, members: list[Member], report: EpochReport) -> None:
    for member in members:
        if member.outcome is None:
            with member.attempt():
                member.recorder.write_metrics(to_disk=True)
    states = on_host(report.state)
    if len(members) == 1:
        checkpoints.save(run_state(states, 0))
    else:
        checkpoints.save_group(jax.tree.map(lambda leaf: leaf[: len(members)], states))


def _finish(
    members: list[Member], group: Group, states: TrainState, seconds: float, first_nan: str | None, watch: Watch
) -> None:
    """Measure every run and write what it leaves; figures and W&B follow beside the measuring of the next.

    A run is this thread's until it is handed to one that completes it. What has not begun when the program is told to
    end never does.
    """
    functions = ModelFunctions(members[0].experiment.structure)
    num_workers = min(len(members), os.cpu_count() or 1) if len(members) > 1 else 0
    with Drawing(num_workers) as drawing, ThreadPoolExecutor(_COMPLETING) as completing:
        try:
            for index, member in enumerate(members):
                if member.outcome is not None:
                    continue
                with member.attempt():
                    state = run_state(states, index)
                    member.recorder.write_metrics(to_disk=True)
                    member.checkpoints.save(state)
                    config, spare = member.request.config, member.spare
                    took = Seconds(seconds, member.epoch_seconds)
                    summary = write_results(
                        member.experiment, config, member.folder, state, group, took, functions, spare=spare
                    )
                    figures = None if int(state.status) == Status.DIVERGED else drawing.draw(member.folder)
                    completing.submit(_complete, member, state, summary, figures, first_nan, watch)
        except BaseException:
            completing.shutdown(cancel_futures=True)
            raise


def _complete(
    member: Member,
    state: TrainState,
    summary: dict[str, Any],
    figures: Future[Drawn] | None,
    first_nan: str | None,
    watch: Watch,
) -> None:
    with member.attempt():
        drawn = _write_figures(member, figures) if figures else []
        watch.ended(member.complete(state, summary, drawn, first_nan or "the loss was not finite"))


def _write_figures(member: Member, figures: Future[Drawn]) -> list[Path]:
    """Write what could be drawn. Returns the paths."""
    paths = []
    with member.spare("figures"):
        drawn = figures.result()
        for name, png in drawn.pngs.items():
            with member.spare(f"figures/{name}.png"):
                paths.append(write_run_figure(member.folder, name, png))
        for name, problem in drawn.problems.items():
            member.lacks(f"figures/{name}.png", problem)
    return paths


def _profile(member: Member) -> AbstractContextManager[None]:
    return jax.profiler.trace(member.folder / "profile", create_perfetto_trace=True)
