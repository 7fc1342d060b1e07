"""Train a group of runs, and leave each in a run folder of its own as if it had trained alone."""

import logging
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from ae_jax.errors import UserError
from ae_jax.experiments.build import Experiment, build, training_data
from ae_jax.experiments.display import ShowEpoch, progress
from ae_jax.experiments.recorder import Recorder, log_to
from ae_jax.experiments.summary import write_results
from ae_jax.experiments.tracking import Tracker
from ae_jax.training import Status, TrainState
from ae_jax.training.checkpoint import Checkpoints, restore_state
from ae_jax.training.epoch import num_steps_per_epoch
from ae_jax.training.fit import EpochReport, fit, is_running, run_state
from ae_jax.training.group import Group, compile_group

_log = logging.getLogger(__name__)


class Request(NamedTuple):
    """A run that is asked for: a checked config, and the folder it goes to."""

    config: dict[str, Any]
    folder: Path


class Outcome(NamedTuple):
    """How a run ended: its state in status.json, and its lowest validation loss (None if it diverged at once)."""

    folder: Path
    state: str
    best_validation_loss: float | None


class _Member(NamedTuple):
    """A run of the group, with what records it."""

    request: Request
    experiment: Experiment
    recorder: Recorder
    tracker: Tracker
    checkpoints: Checkpoints


def train_group(requests: Sequence[Request]) -> list[Outcome]:
    """Train runs of one structure together.

    Raises:
        UserError: For a mistake in data, folder or tracking; the runs are then marked failed.
    """
    recorders: list[Recorder] = []
    try:
        with ExitStack() as stack:
            for request in requests:
                recorders.append(Recorder(request.folder, request.config))
            members = [_open(*pair, stack) for pair in zip(requests, recorders, strict=True)]
            return _train_members(members)
    except BaseException as error:
        failed = isinstance(error, Exception)
        for recorder in recorders:
            if recorder.state == "running":
                message = str(error) if isinstance(error, UserError) else repr(error)
                recorder.status("failed" if failed else "interrupted", error=message if failed else None)
        raise
    finally:
        for recorder in recorders:
            recorder.close()


def _open(request: Request, recorder: Recorder, stack: ExitStack) -> _Member:
    """Build a run, and open everything that records it."""
    experiment = build(request.config)
    handler = log_to(request.folder)
    stack.callback(logging.getLogger("ae_jax").removeHandler, handler)
    stack.callback(handler.close)
    recorder.environment()
    tracker = Tracker(experiment.tracking, request.folder, request.config, run_name=request.folder.name)
    stack.enter_context(tracker)
    checkpoints = stack.enter_context(
        Checkpoints(
            request.folder / "checkpoint",
            config=request.config,
            least_seconds=request.config["runtime"]["checkpoint_seconds"],
        )
    )
    return _Member(request, experiment, recorder, tracker, checkpoints)


def _train_members(members: list[_Member]) -> list[Outcome]:
    start = time.perf_counter()
    experiment, runtime = members[0].experiment, members[0].request.config["runtime"]
    with progress(_describe(members), experiment.options.num_epochs) as show:
        group = compile_group(
            experiment.structure,
            training_data(experiment.dataset),
            [member.experiment.run for member in members],
            runs_axis=runtime["runs_axis"],
            check_nans=runtime["debug_nans"],
        )
        _log.info("compiled in %.1f s", group.compile_seconds)
        state, first_nan = _start(group, members), None
        with _profile(members[0]) if runtime["profile"] else nullcontext():
            for report in fit(group, state, num_epochs=experiment.options.num_epochs):
                state, first_nan = report.state, report.first_nan
                _record(members, report, show)
    for member in members:
        member.checkpoints.close()
    return [
        _finish(member, group, run_state(state, index), time.perf_counter() - start, first_nan)
        for index, member in enumerate(members)
    ]


def _start(group: Group, members: list[_Member]) -> TrainState:
    """The state to train from: each run's newest checkpoint, or else its first state."""
    state = group.init_state()
    states = []
    for index, member in enumerate(members):
        fresh = run_state(state, index)
        restored = restore_state(member.request.folder / "checkpoint", fresh)
        if restored is not None:
            _log.info("continuing after epoch %d", restored.epoch)
        for record in member.recorder.keep_metrics(0 if restored is None else int(restored.epoch)):
            member.tracker.log(record)
        states.append(fresh if restored is None else restored)
    return jax.tree.map(lambda *leaves: jax.numpy.stack(leaves), *states)


def _record(members: list[_Member], report: EpochReport, show: ShowEpoch) -> None:
    """Write an epoch's metrics of every run that trained in it, and its checkpoint when one is due."""
    num_epochs = members[0].experiment.structure.num_epochs
    running = is_running(np.asarray(report.metrics.status), np.asarray(report.metrics.epoch), num_epochs)
    for index, member in enumerate(members):
        structure, num_train = member.experiment.structure, len(member.experiment.dataset.train)
        if not report.metrics.trained[index]:
            continue
        epoch = int(report.metrics.epoch[index])
        record = {
            "epoch": epoch,
            "step": epoch * num_steps_per_epoch(num_train, structure.batch_size),
            "train_loss": float(report.metrics.train_loss[index]),
            "validation_loss": float(report.metrics.validation_loss[index]),
            "validation_sse": float(report.metrics.validation_sse[index]),
            "seconds": report.seconds,
        }
        member.recorder.metrics(record)
        member.tracker.log(record)
        show(record, len(members) * num_train / report.seconds)
        if not running[index] or member.checkpoints.is_due():
            member.checkpoints.save(run_state(report.state, index))


def _finish(member: _Member, group: Group, state: TrainState, seconds: float, first_nan: str | None) -> Outcome:
    """Measure a run, write its results, and close its record."""
    folder = member.request.folder
    diverged = int(state.status) == Status.DIVERGED
    summary, figures = write_results(member.experiment, member.request.config, folder, state, group, seconds)
    outcome = "diverged" if diverged else "completed"
    member.tracker.finish(state=outcome, summary=summary, figures=figures)
    epoch = int(state.epoch) + 1
    reason = first_nan or "the loss was not finite"
    error = f"{reason} in epoch {epoch}; the checkpoint holds epoch {epoch - 1}" if diverged else None
    member.recorder.status(outcome, error=error, diverged_epoch=epoch if diverged else None)
    best = float(state.best.validation_loss)
    return Outcome(folder, outcome, best if np.isfinite(best) else None)


def _profile(member: _Member) -> AbstractContextManager[None]:
    return jax.profiler.trace(member.request.folder / "profile", create_perfetto_trace=True)


def _describe(members: list[_Member]) -> str:
    return members[0].request.folder.name if len(members) == 1 else f"{len(members)} runs"
