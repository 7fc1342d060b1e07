"""A run of a group while it trains: its objects, and what records it. Its failures are its own."""

import logging
import shlex
import sys
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from ae_jax.errors import StorageError, UserError, describe
from ae_jax.experiment.build import Experiment
from ae_jax.jobs.work import Outcome, Request, Watch
from ae_jax.runs.continuation import leave_groups
from ae_jax.runs.recorder import Recorder, log_to, working_on
from ae_jax.terminal import short_path
from ae_jax.tracking.wandb_run import Tracker
from ae_jax.training import Status, TrainState
from ae_jax.training.checkpoint import Checkpoints, keep_best

_log = logging.getLogger(__name__)


class Member:
    """A run that is asked for, until it has an outcome.

    Attributes:
        request: What is asked for.
        outcome: How it ended; None while it trains.
        recorder: Writes the run folder. This and what follows are set by `open`.
        experiment: The config as objects.
        tracker: The W&B run.
        checkpoints: The run's own.
        epoch_seconds: Of each epoch that it trained in this process: of the whole group, undivided.
    """

    recorder: Recorder
    experiment: Experiment
    tracker: Tracker
    checkpoints: Checkpoints

    def __init__(self, request: Request, watch: Watch):
        self.request, self._watch = request, watch
        self.outcome: Outcome | None = None
        self.epoch_seconds: list[float] = []
        self._resources = ExitStack()

    @property
    def folder(self) -> Path:
        """The run folder."""
        return self.request.folder

    def log(self, line: str) -> None:
        """Write a line to the run's log."""
        with working_on(self.folder):
            _log.info("%s", line)

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Work on this run: what fails ends this run, and no other."""
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
            self.lacks(what, describe(error))

    def lacks(self, what: str, why: str) -> None:
        """Say that something of this run could not be made, and how to try it again."""
        place = str(short_path(self.folder))
        again = "python scripts/evaluate.py" if sys.argv[0].endswith(".py") else "ae-evaluate"
        line = f"{place}: {what} could not be made ({why}); try again with {again} {shlex.quote(place)} --fill"
        self.log(line)
        self._watch.note(line)

    def record_in(self) -> None:
        """Take the run folder: from here on, whatever happens to the run is written there."""
        self.recorder = Recorder(self.folder, self.request.config)
        self._resources.callback(self.recorder.close)

    def open(self, experiment: Experiment) -> None:
        """Open log, W&B run and checkpoints."""
        config, folder = self.request.config, self.folder
        self.experiment = experiment
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

    def complete(self, state: TrainState, summary: dict[str, Any], figures: list[Path], why: str) -> Outcome:
        """Everything is measured and drawn: wait for the last checkpoint, and close the record.

        Args:
            state: The last state.
            summary: What summary.json says.
            figures: What was drawn.
            why: What was wrong, if the run diverged.
        """
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
            self.tracker.finish(state="completed", summary=summary, figures=figures)
            self.recorder.status("completed", error=None, diverged_epoch=None)
            with self._tidying("more of its checkpoint than is needed"):
                keep_best(self.folder / "checkpoint")  # only now: until here, whoever is killed goes on from all of it
        self._end(outcome)
        return outcome

    @contextmanager
    def _tidying(self, what: str) -> Iterator[None]:
        """Delete what is not needed any more: where that fails it is left behind, with a line."""
        try:
            yield
        except (OSError, UserError) as problem:
            _log.warning("%s: %s is left behind (%s)", self.folder.name, what, describe(problem))

    def fail(self, error: BaseException) -> None:
        """End the run by an exception: failed, or interrupted where the program is told to end or the disk is full."""
        if self.outcome is not None:
            return
        error = StorageError.behind(error, self.folder)
        failure = error if isinstance(error, Exception) else None
        state = "failed" if failure and not isinstance(failure, StorageError) else "interrupted"
        message = str(error) if isinstance(error, UserError) else repr(error)
        # Not a warning: whoever asked for the run shows it, and only once.
        _log.info("%s: %s", state, message, exc_info=None if isinstance(error, UserError) else failure)
        if hasattr(self, "recorder"):
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
