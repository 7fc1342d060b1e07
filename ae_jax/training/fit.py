"""The loop over epochs, on the host: one call of the compiled program each, until no run is left running."""

import time
from collections.abc import Iterator
from typing import NamedTuple

import jax
import numpy as np

from ae_jax.training.group import Group
from ae_jax.training.state import EpochMetrics, Status, TrainState


class EpochReport(NamedTuple):
    """What an epoch of a group left.

    Attributes:
        epoch: Epochs completed, from 1.
        state: State of every run; consumed by the next epoch, so copy what is to be kept.
        metrics: NumPy arrays of shape "runs".
        trained: Which runs trained in this epoch; a run that diverges in it counts.
        seconds: Wall-clock time of the epoch.
    """

    epoch: int
    state: TrainState
    metrics: EpochMetrics
    trained: np.ndarray
    seconds: float


def fit(group: Group, state: TrainState, *, num_epochs: int) -> Iterator[EpochReport]:
    """Train until every run has stopped or seen `num_epochs` epochs, reporting after each epoch."""
    running = np.asarray(state.status) == Status.RUNNING
    epoch = int(np.max(np.asarray(state.epoch)))
    while running.any() and epoch < num_epochs:
        start = time.perf_counter()
        state, metrics = group.train_epoch(state)
        metrics = jax.device_get(metrics)
        epoch += 1
        yield EpochReport(epoch, state, metrics, running, time.perf_counter() - start)
        running = metrics.status == Status.RUNNING


def run_state(state: TrainState, index: int) -> TrainState:
    """A copy of one run's state on the host, without the "runs" axis."""
    return jax.tree.map(lambda leaf: np.array(leaf[index]), state)
