"""A group of runs as one compiled program: the only place that knows the `runs` axis, and devices.

    init  = lax.map(init_state) over runs
    epoch = lax.map or vmap of train_epoch over runs, with the state donated

Runs belong together exactly when their `Structure` and data are the same; a single run is a group of one. The runs axis
is spread over the devices, padded to a multiple of their number; each device trains its own part of it. With
`data_parallel`, several devices share the batches of a run as well: the mesh is `runs x batch`.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import checkify
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from ae_jax.errors import UserError
from ae_jax.models import FunctionalModel
from ae_jax.models.precision import with_products
from ae_jax.training.epoch import init_state, skip_epoch, train_epoch
from ae_jax.training.state import EpochMetrics, Run, Status, Structure, TrainingData, TrainState
from ae_jax.typing import Batch

RunsAxis = Literal["auto", "vmap", "map"]
"""`vmap`: all runs of a device at once, in batched operations. `map`: one after the other, inside the same program.

`auto` is `vmap` on accelerators, which a small model leaves idle, and `map` on CPUs and for a group of one; what was
measured is in docs/sweeps.md.
"""


class Group(NamedTuple):
    """A compiled group, and the runs in it.

    Attributes:
        init: The state of every run before the first epoch.
        epoch: One epoch of every run; the state that goes in is consumed.
        runs: Seeds and values, stacked and padded to the slots of the program.
        num_runs: Runs without padding.
        data: What the runs train on.
        placement: How the runs axis lies on the devices; None: on one.
        checked: Whether `epoch` also returns the first NaN that it met.
        compile_seconds: Time that tracing and compiling both programs took.
        program_bytes: Memory of the epoch program (arguments, results and temporaries) on all its devices, None if
            unknown.
    """

    init: jax.stages.Compiled
    epoch: jax.stages.Compiled
    runs: Run
    num_runs: int
    data: TrainingData
    placement: NamedSharding | None
    checked: bool
    compile_seconds: float
    program_bytes: int | None

    @property
    def num_slots(self) -> int:
        """Length of the runs axis with its padding."""
        return self.runs.seed.shape[0]

    @property
    def num_devices(self) -> int:
        """Devices that it trains on."""
        return self.placement.mesh.size if self.placement else 1

    def with_runs(self, runs: Sequence[Run]) -> "Group":
        """The same program for other runs of its structure, as many as it was compiled for, or fewer."""
        return self._replace(runs=_place(_padded(runs, self.num_slots), self.placement), num_runs=len(runs))

    def init_state(self) -> TrainState:
        """State of every run before the first epoch, with a leading "runs" axis."""
        return self._stop_padding(self.init(self.runs))

    def stacked(self, states: Sequence[TrainState]) -> TrainState:
        """States of the runs, one by one, as the program takes them."""
        return self._stop_padding(_padded(states, self.num_slots))

    def train_epoch(self, state: TrainState) -> tuple[TrainState, EpochMetrics, str | None]:
        """Train every run for one epoch. `state` is donated: use the returned one.

        Returns:
            The state, the metrics, and in a checked group the operation that made the first NaN, with its place.
        """
        if not self.checked:
            return (*self.epoch(self.data, self.runs, state), None)
        error, result = self.epoch(self.data, self.runs, state)
        found = error.get_exception()
        return (*result, found and f"{str(found).rstrip('.')}, at {_origin(found)}")

    def _stop_padding(self, state: TrainState) -> TrainState:
        padding = np.arange(self.num_slots) >= self.num_runs
        status = jnp.where(padding, jnp.int32(Status.CONVERGED), state.status)
        return _place(state._replace(status=status), self.placement)


def compile_group(
    structure: Structure,
    data: TrainingData,
    runs: Sequence[Run],
    *,
    runs_axis: RunsAxis = "auto",
    data_parallel: int = 1,
    check_nans: bool = False,
) -> Group:
    """Compile the training of several runs of one structure into one program for all devices of this machine.

    Args:
        structure: What the runs share.
        data: What they train on.
        runs: Seed and values of each run; their trees are alike.
        runs_axis: How the runs axis is executed, see `RunsAxis`.
        data_parallel: Devices that share each batch; the batch size must be a multiple of it.
        check_nans: Whether to stop at the first NaN with its place, which makes training several times slower; on one
            device.

    Returns:
        The compiled group; runs are in the given order along the leading axis.

    Raises:
        UserError: If there are not enough devices, or the batches cannot be shared evenly.
    """
    start = time.perf_counter()
    mesh = None if check_nans else _mesh(len(runs), data_parallel, structure.batch_size)
    num_parts = mesh.shape["runs"] if mesh else 1
    num_slots = -(-len(runs) // num_parts) * num_parts
    placement = NamedSharding(mesh, P("runs")) if mesh else None
    shared = structure._replace(model=_with_shared_batches(structure.model, mesh))
    init, epoch = _functions(shared, data, _executor(shared, runs_axis, num_slots // num_parts), mesh)
    placed = _place(_padded(runs, num_slots), placement)
    everywhere = _place(data, NamedSharding(mesh, P()) if mesh else None)
    compiled_init = jax.jit(init).lower(placed).compile()
    state = jax.eval_shape(init, placed)
    if mesh:
        state = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=placement), state)
    program = checkify.checkify(epoch, errors=checkify.float_checks) if check_nans else epoch
    compiled_epoch = jax.jit(program, donate_argnums=2).lower(everywhere, placed, state).compile()
    return Group(
        init=compiled_init,
        epoch=compiled_epoch,
        runs=placed,
        num_runs=len(runs),
        data=everywhere,
        placement=placement,
        checked=check_nans,
        compile_seconds=time.perf_counter() - start,
        program_bytes=_program_bytes(compiled_epoch, mesh.size if mesh else 1),
    )


def check_devices(data_parallel: int, batch_size: int) -> None:
    """Refuse batches that the devices of this machine cannot share evenly.

    Raises:
        UserError: If there are fewer devices, or they do not divide the batch size.
    """
    devices = jax.local_devices()
    if data_parallel > len(devices):
        raise UserError("trainer.data_parallel", f"is {data_parallel}, devices here: {len(devices)}", "choose less")
    if batch_size % data_parallel:
        raise UserError(
            "trainer.data_parallel",
            f"{data_parallel} devices cannot share batches of {batch_size} examples evenly",
            f"choose trainer.batch_size as a multiple of {data_parallel}",
        )


def _functions(
    structure: Structure, data: TrainingData, over_runs: Callable[..., Any], mesh: Mesh | None
) -> tuple[Callable[[Run], TrainState], Callable[..., tuple[TrainState, EpochMetrics]]]:
    """`init` and `epoch` of a whole group; where there is a mesh, each device runs them on its part of the runs."""
    num_train, precision = data.train.shape[0], structure.matmul_precision

    def init(group: Run) -> TrainState:
        # Mapped, not vectorised: batched random bits take three times as long to compile.
        return jax.lax.map(lambda run: init_state(structure, run, num_train=num_train), group)

    def epoch(shared: TrainingData, group: Run, state: TrainState) -> tuple[TrainState, EpochMetrics]:
        return over_runs(lambda run, member: train_epoch(structure, shared, run, member), group, state)

    init, epoch = with_products(precision, init), with_products(precision, epoch)
    if mesh is None:
        return init, epoch
    part, whole = P("runs"), P()
    settings: dict[str, Any] = {"mesh": mesh, "axis_names": {"runs"}, "check_vma": False}
    return (
        jax.shard_map(init, in_specs=(part,), out_specs=part, **settings),
        jax.shard_map(epoch, in_specs=(whole, part, part), out_specs=part, **settings),
    )


def _executor(structure: Structure, runs_axis: RunsAxis, num_runs: int) -> Callable[..., Any]:
    """`(train one run, runs, states)` to the results of all, for the runs that lie on one device."""
    if runs_axis == "vmap" or (runs_axis == "auto" and num_runs > 1 and jax.default_backend() != "cpu"):
        return lambda train, runs, states: jax.vmap(train)(runs, states)

    def unless_stopped(train: Callable[..., Any], run: Run, state: TrainState) -> tuple[TrainState, EpochMetrics]:
        running = state.status == Status.RUNNING
        return jax.lax.cond(running, lambda: train(run, state), lambda: skip_epoch(structure, state))

    def one_by_one(train: Callable[..., Any], runs: Run, states: TrainState) -> tuple[TrainState, EpochMetrics]:
        one = train if num_runs == 1 else lambda run, state: unless_stopped(train, run, state)
        return jax.lax.map(lambda member: one(*member), (runs, states))

    return one_by_one


def _mesh(num_runs: int, data_parallel: int, batch_size: int) -> Mesh | None:
    """Devices as `runs x batch`, as many as there is work for; None for a single one."""
    check_devices(data_parallel, batch_size)
    devices = jax.local_devices()
    num_parts = min(num_runs, len(devices) // data_parallel)
    if num_parts * data_parallel == 1:
        return None
    kinds = (jax.sharding.AxisType.Auto,) * 2
    chosen = devices[: num_parts * data_parallel]
    return jax.make_mesh((num_parts, data_parallel), ("runs", "batch"), axis_types=kinds, devices=chosen)


def _with_shared_batches(model: FunctionalModel, mesh: Mesh | None) -> FunctionalModel:
    """The model with its inputs split over the mesh's batch axis; what is computed from them follows."""
    if mesh is None or mesh.shape["batch"] == 1:
        return model

    num_parts = mesh.shape["batch"]

    def shared(x: Batch) -> Batch:
        # The last batch of a model whose examples depend on each other has the rows that are left.
        return jax.lax.with_sharding_constraint(x, P("batch")) if len(x) % num_parts == 0 else x

    return model._replace(
        encode=lambda params, state, x: model.encode(params, state, shared(x)),
        train_encode=lambda params, state, key, x: model.train_encode(params, state, key, shared(x)),
    )


def _padded(members: Sequence[Any], num_slots: int) -> Any:
    """Trees of the runs stacked along a leading axis, which the last one fills up."""
    filled = [*members, *[members[-1]] * (num_slots - len(members))]
    return jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *filled)


def _place(tree: Any, placement: NamedSharding | None) -> Any:
    return jax.device_put(tree, placement) if placement else jax.tree.map(jnp.asarray, tree)


def _origin(found: Exception) -> str:
    """File, line and function of the innermost frame that is not a library's."""
    frames = str(getattr(found, "traceback_info", "")).splitlines()
    own = [frame for frame in frames if "site-packages" not in frame]
    return own[0] if own else "an unknown place"


def _program_bytes(compiled: jax.stages.Compiled, num_devices: int) -> int | None:
    memory = compiled.memory_analysis()
    if memory is None:
        return None
    sizes = (memory.argument_size_in_bytes, memory.output_size_in_bytes, memory.temp_size_in_bytes)
    return num_devices * (sum(sizes) - memory.alias_size_in_bytes)
