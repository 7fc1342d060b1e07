"""Train runs whose program fits into memory: restore, epochs, records, checkpoints, and what each run leaves."""

import logging
import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import jax
import numpy as np

from ae_jax.evaluation.method import ModelFunctions
from ae_jax.jobs.drawing import Drawing
from ae_jax.jobs.guard import finish_first, is_asked
from ae_jax.jobs.open_run import Finishing, OpenRun
from ae_jax.jobs.work import Watch
from ae_jax.runs.continuation import group_of, member_name
from ae_jax.training import TrainState
from ae_jax.training.checkpoint import Checkpoints
from ae_jax.training.epoch import num_steps_per_epoch
from ae_jax.training.fit import EpochReport, fit, is_running, on_host, run_state
from ae_jax.training.group import Group

_log = logging.getLogger(__name__)
_COMPLETING = 4  # threads that complete runs


def train_fitting(runs: list[OpenRun], program: Group, folder: Path, watch: Watch) -> None:
    """Train runs that are open to their end.

    Args:
        runs: In the order of the program.
        program: Their program.
        folder: Where groups keep their checkpoints while they train.
        watch: Told what happens.
    """
    watch.begin(runs[0].experiment)
    start = time.perf_counter()
    _log.info("compiled in %.1f s, for %d in one program", program.compile_seconds, len(runs))
    with Drawing(min(len(runs), os.cpu_count() or 1)) as drawing:
        state, first_nan = train_epochs(runs, program, folder, watch)
        if not any(run.is_open for run in runs):
            return
        seconds = time.perf_counter() - start + program.compile_seconds
        functions, why = ModelFunctions(runs[0].experiment.structure), first_nan or "the loss was not finite"
        with ThreadPoolExecutor(_COMPLETING) as completing:
            _finish(runs, on_host(state), Finishing(program, seconds, functions, drawing, completing, why))


def train_epochs(runs: list[OpenRun], program: Group, folder: Path, watch: Watch) -> tuple[TrainState, str | None]:
    """Train from where each run is to the last epoch of all, with metrics and checkpoints; see `train_fitting`.

    Returns:
        The last states, and in a checked program the operation that made the first NaN.
    """
    first, runtime = runs[0].experiment, runs[0].request.config["runtime"]
    num_epochs = first.options.num_epochs
    state, first_nan = _start(program, runs), None
    profile = _profile(runs[0]) if runtime["profile"] else nullcontext()
    with finish_first(), _checkpoints(runs, folder) as checkpoints, profile:
        for report in fit(program, state, num_epochs=num_epochs):
            state, first_nan = report.state, report.first_nan
            records = _record(runs, report)
            watch.epoch(records, len(records) * len(first.dataset.train) / report.seconds)
            ending = is_asked()
            if ending or (checkpoints.is_due() and _goes_on(report, num_epochs)):
                _save(checkpoints, runs, report)
            if ending or not any(run.is_open for run in runs):
                break
    return state, first_nan


def _start(program: Group, runs: list[OpenRun]) -> TrainState:
    """The state to train from: each run's newest checkpoint, or else its first state."""
    first, restored = on_host(program.init_state()), dict[Path, dict[str, TrainState]]()
    fresh = [run_state(first, index) for index in range(len(runs))]
    return program.stacked([run.resume(state, restored) or state for run, state in zip(runs, fresh, strict=True)])


def _record(runs: list[OpenRun], report: EpochReport) -> dict[Path, dict[str, Any]]:
    """Hand an epoch's metrics to every run that trained in it. The time of each is its share of the program's."""
    metrics, records = report.metrics, {}
    num_trained = int(metrics.trained.sum())
    for index, run in enumerate(runs):
        if not metrics.trained[index] or not run.is_open:
            continue
        epoch, experiment = int(metrics.epoch[index]), run.experiment
        records[run.folder] = {
            "epoch": epoch,
            "step": epoch * num_steps_per_epoch(len(experiment.dataset.train), experiment.structure.batch_size),
            "train_loss": float(metrics.train_loss[index]),
            "validation_loss": float(metrics.validation_loss[index]),
            "validation_sse": float(metrics.validation_sse[index]),
            **{f"train_{name}": float(term[index]) for name, term in metrics.train_terms.items()},
            **{f"validation_{name}": float(term[index]) for name, term in metrics.validation_terms.items()},
            "seconds": report.seconds / num_trained,
        }
        run.epoch(records[run.folder], report.seconds)
    return records


def _checkpoints(runs: list[OpenRun], folder: Path) -> Checkpoints:
    """The checkpoints of all runs while they train: stacked, or a single run's own."""
    if len(runs) == 1:
        return runs[0].checkpoints
    names = [member_name(run.folder, folder / "group") for run in runs]
    with group_of(names, folder) as group_folder:
        for run in runs:
            run.join(group_folder)
    seconds = runs[0].request.config["runtime"]["checkpoint_seconds"]
    return Checkpoints(group_folder, about={"runs": names}, least_seconds=seconds)


def _goes_on(report: EpochReport, num_epochs: int) -> bool:
    """Whether any run trains in another epoch; when none does, each run's own last checkpoint follows."""
    metrics = report.metrics
    status, epoch, trained = (np.asarray(leaf) for leaf in (metrics.status, metrics.epoch, metrics.trained))
    return bool((is_running(status, epoch, num_epochs) & trained).any())


def _save(checkpoints: Checkpoints, runs: list[OpenRun], report: EpochReport) -> None:
    for run in runs:
        run.metrics_to_disk()
    states = on_host(report.state)
    if len(runs) == 1:
        checkpoints.save(run_state(states, 0))
    else:
        checkpoints.save_group(jax.tree.map(lambda leaf: leaf[: len(runs)], states))


def _finish(runs: list[OpenRun], states: TrainState, shared: Finishing) -> None:
    """Measure every run and write what it leaves; figures and W&B follow beside the measuring of the next.

    A run is this thread's until it is handed to one that completes it. What has not begun when the program is told to
    end never does.
    """
    try:
        for index, run in enumerate(runs):
            run.finish(run_state(states, index), shared)
    except BaseException:
        shared.completing.shutdown(cancel_futures=True)
        raise


def _profile(run: OpenRun) -> AbstractContextManager[None]:
    return jax.profiler.trace(run.folder / "profile", create_perfetto_trace=True)
