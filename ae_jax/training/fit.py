"""The loop over epochs, on the host: one call of the compiled program each, until no run is left running."""

import time
from collections.abc import Iterator
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Bool, Int

from ae_jax.training.group import Group
from ae_jax.training.state import EpochMetrics, Status, TrainState


class EpochReport(NamedTuple):
    """What an epoch of a group left.

    Attributes:
        state: State of every run; consumed by the next epoch, so copy what is to be kept.
        metrics: NumPy arrays of shape "runs".
        seconds: Wall-clock time of the epoch.
        first_nan: In a checked group, the operation that made the first NaN; training ends with it.
    """

    state: TrainState
    metrics: EpochMetrics
    seconds: float
    first_nan: str | None


def fit(group: Group, state: TrainState, *, num_epochs: int) -> Iterator[EpochReport]:
    """Train until every run has stopped or seen `num_epochs` epochs, reporting after each epoch.

    Runs may start from different epochs, as they do when some were interrupted earlier than others.
    """
    running = is_running(np.asarray(state.status), np.asarray(state.epoch), num_epochs)
    while running.any():
        start = time.perf_counter()
        state, metrics, first_nan = group.train_epoch(state)
        if first_nan:
            stopped = jax.numpy.full_like(state.status, Status.DIVERGED)
            state, metrics = state._replace(status=stopped), metrics._replace(status=stopped)
        metrics = jax.device_get(metrics)
        yield EpochReport(state, metrics, time.perf_counter() - start, first_nan)
        running = metrics.trained & is_running(metrics.status, metrics.epoch, num_epochs)


def is_running(
    status: Int[np.ndarray, " runs"], epoch: Int[np.ndarray, " runs"], num_epochs: int
) -> Bool[np.ndarray, " runs"]:
    """Which runs have neither stopped nor seen all their epochs."""
    return (status == Status.RUNNING) & (epoch < num_epochs)


def num_reported(state: TrainState) -> int:
    """Epochs that one run has reported: those completed, and that in which it diverged."""
    return int(state.epoch) + (int(state.status) == Status.DIVERGED)


def on_host(state: TrainState) -> TrainState:
    """A copy of a group's state as NumPy arrays, which the next epoch does not consume."""
    return jax.tree.map(np.array, state)


def run_state(state: TrainState, index: int) -> TrainState:
    """One run's part of a state on the host, without the "runs" axis."""
    return jax.tree.map(lambda leaf: np.array(leaf[index]), state)
