"""A group of runs as one compiled program: the only place that knows the `runs` axis.

    init  = lax.map(init_state) over runs
    epoch = lax.map or vmap of train_epoch over runs, with the state donated

Runs belong together exactly when their `Structure` and data are the same; a single run is a group of one.
"""

import functools
import time
from collections.abc import Sequence
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax.experimental import checkify

from ae_jax.training.epoch import init_state, train_epoch
from ae_jax.training.state import EpochMetrics, Run, Structure, TrainingData, TrainState

RunsAxis = Literal["auto", "vmap", "map"]
"""`vmap`: all runs at once, in batched operations. `map`: one after the other, inside the same program.

`auto` is `vmap` on accelerators, which a small model leaves idle, and `map` on CPUs and for a group of one. Measured on
two CPU cores, 784-256-784: `vmap` over one run costs 21 % (the batched layout makes Adam read the weight gradients
through transposes); over 8 runs 22 %; over 16 runs of width 32, 30 to 45 % (batched products use about one core).
"""


class Group(NamedTuple):
    """A compiled group.

    Attributes:
        init: The state of every run before the first epoch.
        epoch: One epoch of every run; the state that goes in is consumed.
        runs: Seeds and values, stacked.
        data: What the runs train on.
        checked: Whether `epoch` also returns the first NaN that it met.
        compile_seconds: Time that tracing and compiling both programs took.
        program_bytes: Device memory of the epoch program (arguments, results and temporaries), None if unknown.
    """

    init: jax.stages.Compiled
    epoch: jax.stages.Compiled
    runs: Run
    data: TrainingData
    checked: bool
    compile_seconds: float
    program_bytes: int | None

    def init_state(self) -> TrainState:
        """State of every run before the first epoch, with a leading "runs" axis."""
        return self.init(self.runs)

    def train_epoch(self, state: TrainState) -> tuple[TrainState, EpochMetrics, str | None]:
        """Train every run for one epoch. `state` is donated: use the returned one.

        Returns:
            The state, the metrics, and in a checked group the operation that made the first NaN, with its place.
        """
        if not self.checked:
            return (*self.epoch(self.data, self.runs, state), None)
        error, result = self.epoch(self.data, self.runs, state)
        found = error.get_exception()
        return (*result, found and f"{str(found).rstrip('.')}, at {_place(found)}")


def compile_group(
    structure: Structure,
    data: TrainingData,
    runs: Sequence[Run],
    *,
    runs_axis: RunsAxis = "auto",
    check_nans: bool = False,
) -> Group:
    """Compile the training of several runs of one structure into one program.

    Args:
        structure: What the runs share.
        data: What they train on, on the device.
        runs: Seed and values of each run; their trees are alike.
        runs_axis: How the runs axis is executed, see `RunsAxis`.
        check_nans: Whether to stop at the first NaN with its place, which makes training several times slower.

    Returns:
        The compiled group; runs are in the given order along the leading axis.
    """
    start = time.perf_counter()
    stacked = stack(runs)
    vectorised = _is_vectorised(runs_axis, len(runs))

    def init(group: Run) -> TrainState:
        # Mapped, not vectorised: batched random bits take three times as long to compile.
        return jax.lax.map(lambda run: init_state(structure, run, num_train=data.train.shape[0]), group)

    def epoch(shared: TrainingData, group: Run, state: TrainState) -> tuple[TrainState, EpochMetrics]:
        def one(member: tuple[Run, TrainState]) -> tuple[TrainState, EpochMetrics]:
            return train_epoch(structure, shared, *member)

        return (jax.vmap(one) if vectorised else functools.partial(jax.lax.map, one))((group, state))

    compiled_init = jax.jit(init).lower(stacked).compile()
    abstract_state = jax.eval_shape(init, stacked)
    program = checkify.checkify(epoch, errors=checkify.float_checks) if check_nans else epoch
    compiled_epoch = jax.jit(program, donate_argnums=2).lower(data, stacked, abstract_state).compile()
    return Group(
        init=compiled_init,
        epoch=compiled_epoch,
        runs=stacked,
        data=data,
        checked=check_nans,
        compile_seconds=time.perf_counter() - start,
        program_bytes=_program_bytes(compiled_epoch),
    )


def _is_vectorised(runs_axis: RunsAxis, num_runs: int) -> bool:
    if runs_axis != "auto":
        return runs_axis == "vmap"
    return num_runs > 1 and jax.default_backend() != "cpu"


def stack(runs: Sequence[Run]) -> Run:
    """Give seeds and values a leading "runs" axis."""
    return jax.tree.map(lambda *leaves: jnp.stack([jnp.asarray(leaf) for leaf in leaves]), *runs)


def _place(found: Exception) -> str:
    """File, line and function of the innermost frame that is not a library's."""
    frames = str(getattr(found, "traceback_info", "")).splitlines()
    own = [frame for frame in frames if "site-packages" not in frame]
    return own[0] if own else "an unknown place"


def _program_bytes(compiled: jax.stages.Compiled) -> int | None:
    memory = compiled.memory_analysis()
    if memory is None:
        return None
    sizes = (memory.argument_size_in_bytes, memory.output_size_in_bytes, memory.temp_size_in_bytes)
    return sum(sizes) - memory.alias_size_in_bytes
