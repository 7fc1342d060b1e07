"""A group of runs as one compiled program: the only place that knows the `runs` axis.

    init  = map(init_state) over runs
    epoch = vmap(train_epoch) over runs, with the state donated

Runs belong together exactly when their `Structure` and data are the same; a single run is a group of one.
"""

import time
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp

from ae_jax.training.epoch import init_state, train_epoch
from ae_jax.training.state import EpochMetrics, Run, Structure, TrainingData, TrainState


class Group(NamedTuple):
    """A compiled group.

    Attributes:
        init: The state of every run before the first epoch.
        epoch: One epoch of every run; the state that goes in is consumed.
        runs: Seeds and values, stacked.
        data: What the runs train on.
        compile_seconds: Time that tracing and compiling both programs took.
        program_bytes: Device memory of the epoch program (arguments, results and temporaries), None if unknown.
    """

    init: jax.stages.Compiled
    epoch: jax.stages.Compiled
    runs: Run
    data: TrainingData
    compile_seconds: float
    program_bytes: int | None

    def init_state(self) -> TrainState:
        """State of every run before the first epoch, with a leading "runs" axis."""
        return self.init(self.runs)

    def train_epoch(self, state: TrainState) -> tuple[TrainState, EpochMetrics]:
        """Train every run for one epoch. `state` is donated: use the returned one."""
        return self.epoch(self.data, self.runs, state)


def compile_group(structure: Structure, data: TrainingData, runs: Sequence[Run]) -> Group:
    """Compile the training of several runs of one structure into one program.

    Args:
        structure: What the runs share.
        data: What they train on, on the device.
        runs: Seed and values of each run; their trees are alike.

    Returns:
        The compiled group; runs are in the given order along the leading axis.
    """
    start = time.perf_counter()
    stacked = stack(runs)

    def init(group: Run) -> TrainState:
        # Mapped, not vectorised: batched random bits take three times as long to compile.
        return jax.lax.map(lambda run: init_state(structure, run, num_train=data.train.shape[0]), group)

    def epoch(shared: TrainingData, group: Run, state: TrainState) -> tuple[TrainState, EpochMetrics]:
        return jax.vmap(lambda run, one: train_epoch(structure, shared, run, one))(group, state)

    compiled_init = jax.jit(init).lower(stacked).compile()
    abstract_state = jax.eval_shape(init, stacked)
    compiled_epoch = jax.jit(epoch, donate_argnums=2).lower(data, stacked, abstract_state).compile()
    return Group(
        init=compiled_init,
        epoch=compiled_epoch,
        runs=stacked,
        data=data,
        compile_seconds=time.perf_counter() - start,
        program_bytes=_program_bytes(compiled_epoch),
    )


def stack(runs: Sequence[Run]) -> Run:
    """Give seeds and values a leading "runs" axis."""
    return jax.tree.map(lambda *leaves: jnp.stack([jnp.asarray(leaf) for leaf in leaves]), *runs)


def _program_bytes(compiled: jax.stages.Compiled) -> int | None:
    memory = compiled.memory_analysis()
    if memory is None:
        return None
    sizes = (memory.argument_size_in_bytes, memory.output_size_in_bytes, memory.temp_size_in_bytes)
    return sum(sizes) - memory.alias_size_in_bytes
