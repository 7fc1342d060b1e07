"""A run from when it is asked for until it has an outcome: its objects, what records it, and how it fails.

Whatever fails in a step of a run ends this run, and no other.
"""

import functools
import logging
import shlex
import sys
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeVar

import numpy as np

from ae_jax.errors import StorageError, UserError, describe
from ae_jax.evaluation.asked import asked
from ae_jax.evaluation.base import Evaluation
from ae_jax.evaluation.method import ModelFunctions
from ae_jax.evaluation.summary import Seconds, write_results
from ae_jax.experiment.build import Experiment
from ae_jax.figures.run import Drawn
from ae_jax.jobs.drawing import Drawing
from ae_jax.jobs.work import Outcome, Request, Watch
from ae_jax.runs.continuation import leave_groups, newest_state, point_to_group
from ae_jax.runs.recorder import Recorder, log_to, working_on, write_run_figure
from ae_jax.terminal import short_path
from ae_jax.tracking.wandb_run import Tracker
from ae_jax.training import Status, TrainState
from ae_jax.training.checkpoint import Checkpoints, keep_best
from ae_jax.training.fit import num_reported
from ae_jax.training.group import Group

_log = logging.getLogger(__name__)
_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")


class Finishing(NamedTuple):
    """What runs that were trained together share when they end.

    Attributes:
        program: What trained them.
        seconds: Since it began to be compiled, in this process.
        functions: The compiled functions of their structure.
        drawing: Draws their figures.
        completing: Threads that complete them, which is mostly waiting for figures and for W&B.
        why: What is wrong with those that diverged.
    """

    program: Group
    seconds: float
    functions: ModelFunctions
    drawing: Drawing
    completing: Executor
    why: str


def _step(
    method: Callable[Concatenate["OpenRun", _Given], _Result],
) -> Callable[Concatenate["OpenRun", _Given], _Result | None]:
    """A step of a run that is open, which may fail: see `OpenRun.attempt`. Of one that is not, it is left out."""

    @functools.wraps(method)
    def attempted(run: "OpenRun", *given: _Given.args, **options: _Given.kwargs) -> _Result | None:
        if run.is_open:
            with run.attempt():
                return method(run, *given, **options)
        return None

    return attempted


class OpenRun:
    """A run that is asked for, until it has an outcome.

    Attributes:
        request: What is asked for.
        outcome: How it ended; None while it is open.
        recorder: Writes the run folder. This and what follows are set by `take` and `open`.
        experiment: The config as objects.
        evaluations: What is asked when it ends.
        tracker: The W&B run.
        checkpoints: The run's own.
        epoch_seconds: Of each epoch that it trained in this process: of all runs of its program, undivided.
    """

    recorder: Recorder
    experiment: Experiment
    evaluations: dict[str, Evaluation]
    tracker: Tracker
    checkpoints: Checkpoints

    def __init__(self, request: Request, watch: Watch):
        self.request, self._watch = request, watch
        self.outcome: Outcome | None = None
        self.epoch_seconds: list[float] = []
        self._resources = ExitStack()
        self._is_taken = False

    @property
    def folder(self) -> Path:
        """The run folder."""
        return self.request.folder

    @property
    def is_open(self) -> bool:
        """Whether its end is not known yet."""
        return self.outcome is None

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Work on this run: what fails ends it, and no other."""
        with working_on(self.folder):
            try:
                yield
            except Exception as error:
                self.fail(error)

    @contextmanager
    def spare(self, what: str) -> Iterator[None]:
        """Make what decorates this run: what fails leaves its place empty, with a line that says so, and no more."""
        try:
            yield
        except Exception as error:
            self._lacks(what, describe(error))

    def _lacks(self, what: str, why: str) -> None:
        """Say that something of this run could not be made, and how to try it again."""
        place = str(short_path(self.folder))
        again = "python scripts/evaluate.py" if sys.argv[0].endswith(".py") else "ae-evaluate"
        line = f"{place}: {what} could not be made ({why}); try again with {again} {shlex.quote(place)} --fill"
        _log.info("%s", line)
        self._watch.note(line)

    @_step
    def take(self) -> None:
        """Take the run folder: from here on, whatever happens to the run is written there."""
        self.recorder = Recorder(self.folder, self.request.config)
        self._is_taken = True
        self._resources.callback(self.recorder.close)

    @_step
    def open(self, built: Callable[[dict[str, Any]], Experiment]) -> None:
        """Make the config's objects, and open log, W&B run and checkpoints.

        Args:
            built: Gives the objects of a config.
        """
        config, folder = self.request.config, self.folder
        self.experiment = experiment = built(config)
        self.evaluations = asked(config["evaluations"], experiment)
        handler = log_to(folder)
        self._resources.callback(handler.close)
        self._resources.callback(logging.getLogger("ae_jax").removeHandler, handler)
        self.recorder.environment(experiment.dataset.provenance["sha256"])
        self.tracker = Tracker(experiment.tracking, folder, config, run_name=folder.name)
        self._resources.push(self.tracker.__exit__)
        self.checkpoints = Checkpoints(
            folder / "checkpoint", about={"config": config}, least_seconds=config["runtime"]["checkpoint_seconds"]
        )
        self._resources.callback(self.checkpoints.close)

    @_step
    def resume(self, fresh: TrainState, restored: dict[Path, dict[str, TrainState]]) -> TrainState:
        """The state to train from: that of the newest checkpoint, or else the first; with what is recorded of it.

        Args:
            fresh: Its first state.
            restored: States of groups that were read already; added to.
        """
        reached = newest_state(self.folder, fresh, restored, num_recorded=self.recorder.num_recorded)
        if reached is not None:
            _log.info("continuing after epoch %d", int(reached.epoch))
        elif self.request.config["resume"] == "must":
            raise UserError("resume=must", f"{self.folder} holds no checkpoint", "leave it out to begin again")
        state = fresh if reached is None else reached
        for record in self.recorder.keep_metrics(num_reported(state)):
            self.tracker.log(record)
        return state

    @_step
    def join(self, group: Path) -> None:
        """Let the run find the checkpoints that it shares while it trains."""
        point_to_group(self.folder, group)

    @_step
    def epoch(self, record: dict[str, Any], seconds: float) -> None:
        """An epoch is over.

        Args:
            record: Its metrics.
            seconds: It took, with all runs that trained in it.
        """
        self.epoch_seconds.append(seconds)
        self.recorder.metrics(record)
        self.tracker.log(record)

    @_step
    def metrics_to_disk(self) -> None:
        """Before a checkpoint, which may not be newer than its metrics."""
        self.recorder.write_metrics(to_disk=True)

    @_step
    def finish(self, state: TrainState, shared: Finishing) -> None:
        """Training is over: save the last state, measure, and let the rest follow beside what there is to do here."""
        self.recorder.write_metrics(to_disk=True)
        self.checkpoints.save(state)
        config, seconds = self.request.config, Seconds(shared.seconds, self.epoch_seconds)
        summary = write_results(
            self.experiment,
            config,
            self.folder,
            state,
            shared.program,
            seconds,
            shared.functions,
            self.evaluations,
            spare=self.spare,
        )
        figures = None if int(state.status) == Status.DIVERGED else shared.drawing.draw(self.folder)
        shared.completing.submit(self._complete, state, summary, figures, shared.why)

    @_step
    def _complete(self, state: TrainState, summary: dict[str, Any], figures: Future[Drawn] | None, why: str) -> None:
        """Everything is measured: wait for figures and the last checkpoint, and close the record."""
        drawn = self._write_figures(figures) if figures else []
        self.checkpoints.close()
        with self._tidying("the checkpoints of its group"):
            leave_groups(self.folder)
        best = float(state.best.monitored)
        outcome = Outcome(self.folder, "completed", best if np.isfinite(best) else None)
        if int(state.status) == Status.DIVERGED:
            epoch = int(state.epoch) + 1
            outcome = outcome._replace(state="diverged")
            error = f"{why} in epoch {epoch}; the checkpoint holds epoch {epoch - 1}"
            self.tracker.finish(state="diverged", summary=summary)
            self.recorder.status("diverged", error=error, diverged_epoch=epoch)
        else:
            self.tracker.finish(state="completed", summary=summary, figures=drawn)
            self.recorder.status("completed", error=None, diverged_epoch=None)
            with self._tidying("more of its checkpoint than is needed"):
                keep_best(self.folder / "checkpoint")  # only now: until here, whoever is killed goes on from all of it
        self._end(outcome)
        self._watch.ended(outcome)

    def _write_figures(self, figures: Future[Drawn]) -> list[Path]:
        """Write what could be drawn. Returns the paths."""
        paths = []
        with self.spare("figures"):
            drawn = figures.result()
            for name, png in drawn.pngs.items():
                with self.spare(f"figures/{name}.png"):
                    paths.append(write_run_figure(self.folder, name, png))
            for name, problem in drawn.problems.items():
                self._lacks(f"figures/{name}.png", problem)
        return paths

    @contextmanager
    def _tidying(self, what: str) -> Iterator[None]:
        """Delete what is not needed any more: where that fails it is left behind, with a line."""
        try:
            yield
        except (OSError, UserError) as problem:
            _log.warning("%s: %s is left behind (%s)", self.folder.name, what, describe(problem))

    def fail(self, error: BaseException) -> None:
        """End the run by an exception: failed, or interrupted where the program is told to end or the disk is full."""
        if not self.is_open:
            return
        error = StorageError.behind(error, self.folder)
        failure = error if isinstance(error, Exception) else None
        state = "failed" if failure and not isinstance(failure, StorageError) else "interrupted"
        message = str(error) if isinstance(error, UserError) else repr(error)
        # Not a warning: whoever asked for the run shows it, and only once.
        _log.info("%s: %s", state, message, exc_info=None if isinstance(error, UserError) else failure)
        if self._is_taken:
            with suppress(UserError):  # a full disk; what is there already says that the run has not ended
                self.recorder.write_metrics()
                self.recorder.status(state, error=message if failure else None)
        self._end(Outcome(self.folder, state, None, failure), error)
        # The outcome is kept for as long as the sweep goes on, and must not keep the arrays that were worked on.
        traceback.clear_frames(error.__traceback__)

    def _end(self, outcome: Outcome, error: BaseException | None = None) -> None:
        self.outcome = outcome
        try:
            self._resources.__exit__(type(error) if error else None, error, error.__traceback__ if error else None)
        except Exception as closing:  # what failed may leave a save or an upload behind that fails as well
            _log.info("while closing: %r", closing)
