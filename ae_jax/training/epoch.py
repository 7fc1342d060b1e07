"""One run, one epoch, as a pure function: batches, steps, validation, and the decision whether to go on.

Written for one run; only `training.group` knows that there may be several.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int, Num, PyTree

from ae_jax.training.state import Best, EpochMetrics, Run, Status, Structure, TrainingData, TrainState
from ae_jax.typing import Batch, PRNGKey

# What the run's key is folded with, so that initialisation, training and validation draw independent bits.
_INIT, _TRAIN, _VALIDATION = range(3)


class _Batches(NamedTuple):
    """Row numbers and weights of an epoch's batches; rows beyond the last example have weight 0."""

    rows: Int[Array, "steps batch"]
    weights: Float[Array, "steps batch"]


def init_state(structure: Structure, run: Run, *, num_train: int) -> TrainState:
    """The state before the first epoch, a function of the run alone."""
    params = structure.model.init(jax.random.fold_in(jax.random.key(run.seed), _INIT))
    optimizer = _optimizer(structure, run, num_train)
    infinity = jnp.float32(jnp.inf)
    return TrainState(
        params=params,
        opt_state=optimizer.init(params),
        epoch=jnp.int32(0),
        best=Best(params, infinity, jnp.int32(0)),
        reference_loss=infinity,
        stale_epochs=jnp.int32(0),
        status=jnp.int32(Status.RUNNING),
    )


def train_epoch(
    structure: Structure, data: TrainingData, run: Run, state: TrainState
) -> tuple[TrainState, EpochMetrics]:
    """Train a run for one epoch.

    A run that has stopped, or seen all its epochs, stays as it is. An epoch with a loss that is not finite is undone,
    and the run is marked diverged.
    """
    params, opt_state, train_loss = _update(structure, data, run, state)
    validation_loss, validation_sse = _validate(structure, data, run, params)
    finite = jnp.isfinite(train_loss) & jnp.isfinite(validation_loss)
    trained = _advance(structure, run, state, params, opt_state, validation_loss)
    diverged = state._replace(status=jnp.int32(Status.DIVERGED))
    running = (state.status == Status.RUNNING) & (state.epoch < structure.num_epochs)
    after = _select(running, _select(finite, trained, diverged), state)
    return after, EpochMetrics(
        epoch=state.epoch + 1,
        trained=running,
        train_loss=train_loss,
        validation_loss=validation_loss,
        validation_sse=validation_sse,
        status=after.status,
    )


def skip_epoch(state: TrainState) -> tuple[TrainState, EpochMetrics]:
    """What `train_epoch` makes of a run that has stopped, without the work."""
    nothing = jnp.float32(0)
    return state, EpochMetrics(
        epoch=state.epoch + 1,
        trained=jnp.bool_(False),
        train_loss=nothing,
        validation_loss=nothing,
        validation_sse=nothing,
        status=state.status,
    )


def scaled(data: TrainingData, raw: Num[Array, "batch features"]) -> Batch:
    """The model's input in float32."""
    shape = (1, -1) if data.scale.ndim else ()
    return raw.astype(jnp.float32) * data.scale.reshape(shape) + data.offset.reshape(shape)


def num_steps_per_epoch(num_examples: int, batch_size: int) -> int:
    """Updates in an epoch; the last one may see fewer examples."""
    return -(-num_examples // batch_size)


def _optimizer(structure: Structure, run: Run, num_train: int) -> optax.GradientTransformation:
    num_steps = structure.num_epochs * num_steps_per_epoch(num_train, structure.batch_size)
    return structure.make_optimizer(**run.values["optimizer"], num_steps=num_steps)


def _update(
    structure: Structure, data: TrainingData, run: Run, state: TrainState
) -> tuple[PyTree, PyTree, Float[Array, ""]]:
    """Every example once, in the order that (seed, epoch) gives. Returns the mean loss over the examples last."""
    num_train = data.train.shape[0]
    optimizer = _optimizer(structure, run, num_train)
    key = jax.random.fold_in(jax.random.fold_in(jax.random.key(run.seed), _TRAIN), state.epoch)
    order_key, corruption_key = jax.random.split(key)
    batches = _batches(_random_order(order_key, num_train), structure.batch_size)

    def step(carry: tuple, inputs: tuple) -> tuple[tuple, None]:
        params, opt_state, total = carry
        index, rows, weights = inputs
        x = scaled(data, data.train.at[rows].get(mode="clip"))
        value, gradient = jax.value_and_grad(_mean_loss, argnums=2)(
            structure, run, params, jax.random.fold_in(corruption_key, index), x, weights
        )
        updates, opt_state = optimizer.update(gradient, opt_state, params)
        return (optax.apply_updates(params, updates), opt_state, total + value * weights.sum()), None

    steps = jnp.arange(batches.rows.shape[0])
    (params, opt_state, total), _ = jax.lax.scan(
        step, (state.params, state.opt_state, jnp.float32(0)), (steps, *batches)
    )
    return params, opt_state, total / num_train


def _mean_loss(
    structure: Structure, run: Run, params: PyTree, key: PRNGKey, x: Batch, weights: Float[Array, " batch"]
) -> Float[Array, ""]:
    corrupted = structure.corrupt(key, x, **run.values["corruption"])
    outputs = structure.model.decode(params, structure.model.encode(params, corrupted))
    losses = structure.make_loss(**run.values["loss"]).per_example(outputs, x)
    return jnp.sum(losses * weights) / jnp.sum(weights)


def _validate(
    structure: Structure, data: TrainingData, run: Run, params: PyTree
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Mean objective and mean squared error of clean reconstructions over the validation split."""
    num_validation = data.validation.shape[0]
    batches = _batches(jnp.arange(num_validation), structure.batch_size)
    key = jax.random.fold_in(jax.random.key(run.seed), _VALIDATION)
    loss = structure.make_loss(**run.values["loss"])

    def step(totals: tuple, inputs: tuple) -> tuple[tuple, None]:
        index, rows, weights = inputs
        x = scaled(data, data.validation.at[rows].get(mode="clip"))
        objective = _mean_loss(structure, run, params, jax.random.fold_in(key, index), x, weights) * weights.sum()
        reconstruction = loss.link(structure.model.decode(params, structure.model.encode(params, x)))
        squared = jnp.sum(jnp.sum((reconstruction - x) ** 2, axis=1) * weights)
        return (totals[0] + objective, totals[1] + squared), None

    steps = jnp.arange(batches.rows.shape[0])
    (objective, squared), _ = jax.lax.scan(step, (jnp.float32(0), jnp.float32(0)), (steps, *batches))
    return objective / num_validation, squared / num_validation


def _random_order(key: PRNGKey, num_examples: int) -> Int[Array, " examples"]:
    """Row numbers in random order, by one sort of random words where `jax.random.permutation` makes two or more.

    Equal words, about n/2 times 2^-32 of n, leave their rows in an arbitrary order, which is random enough here.
    """
    return jnp.argsort(jax.random.bits(key, (num_examples,)), stable=False).astype(jnp.int32)


def _batches(order: Int[Array, " examples"], batch_size: int) -> _Batches:
    num_examples = order.shape[0]
    num_steps = num_steps_per_epoch(num_examples, batch_size)
    padding = num_steps * batch_size - num_examples
    rows = jnp.pad(order, (0, padding)).reshape(num_steps, batch_size)
    weights = (jnp.arange(num_steps * batch_size) < num_examples).astype(jnp.float32)
    return _Batches(rows, weights.reshape(num_steps, batch_size))


def _advance(
    structure: Structure, run: Run, state: TrainState, params: PyTree, opt_state: PyTree, loss: Float[Array, ""]
) -> TrainState:
    """The state after a good epoch: best parameters, epochs without improvement, convergence."""
    epoch = state.epoch + 1
    best = _select(loss < state.best.validation_loss, Best(params, loss, epoch), state.best)
    improved = loss < state.reference_loss - run.values["trainer"]["min_delta"]
    stale_epochs = jnp.where(improved, 0, state.stale_epochs + 1)
    converged = jnp.bool_(False) if structure.patience is None else stale_epochs >= structure.patience
    return TrainState(
        params=params,
        opt_state=opt_state,
        epoch=epoch,
        best=best,
        reference_loss=jnp.where(improved, loss, state.reference_loss),
        stale_epochs=stale_epochs,
        status=jnp.where(converged, jnp.int32(Status.CONVERGED), jnp.int32(Status.RUNNING)),
    )


def _select(condition: Bool[Array, ""], if_true: PyTree, if_false: PyTree) -> PyTree:
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), if_true, if_false)
