"""One run, one epoch, as a pure function: batches, steps, validation, and the decision whether to go on.

Written for one run; only `training.group` knows that there may be several.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int, Num, PyTree

from ae_jax.corruptions.base import coarse_uniform
from ae_jax.models.precision import with_products
from ae_jax.training.averages import averaged
from ae_jax.training.gradients import Means, mean_gradient, mean_value
from ae_jax.training.objective import Keys, first_best, init_params, objective_of, reconstruct
from ae_jax.training.state import Best, EpochMetrics, Run, Status, Structure, TrainingData, TrainState
from ae_jax.training.streams import Draw, Stream, epoch_keys, run_key
from ae_jax.typing import Batch, PRNGKey

_OF_STEPS = (Draw.CORRUPTION, Draw.LATENT, Draw.MODEL)  # as `Keys` has them


class _Batches(NamedTuple):
    """Row numbers and weights of an epoch's batches; rows beyond the last example have weight 0."""

    rows: Int[Array, "steps batch"]
    weights: Float[Array, "steps batch"]


class _Validated(NamedTuple):
    """Means over the validation split: of the objective and its terms, and the squared error of clean inputs."""

    objective: Float[Array, ""]
    sse: Float[Array, ""]
    terms: dict[str, Float[Array, ""]]

    def named(self, name: str) -> Float[Array, ""]:
        """What `trainer.monitor` names."""
        return {"objective": self.objective, "sse": self.sse, **self.terms}[name]


def init_state(structure: Structure, run: Run, *, num_train: int) -> TrainState:
    """The state before the first epoch, a function of the run alone."""
    params, carried = init_params(structure, run)
    optimizer = _optimizer(structure, run, num_train)
    return TrainState(
        params=params,
        carried=carried,
        opt_state=optimizer.init(params),
        epoch=jnp.int32(0),
        best=first_best(params, carried),
        reference_loss=jnp.float32(jnp.inf),
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
    updated, trained_on = _update(structure, data, run, state)
    measured = updated._replace(params=averaged(updated.opt_state, updated.params))
    validated = _validate(structure, data, run, measured)
    finite = jnp.isfinite(trained_on.objective) & jnp.isfinite(validated.objective)
    if structure.monitor != "objective":
        finite &= jnp.isfinite(validated.named(structure.monitor))
    trained = _advance(structure, run, measured, validated)._replace(params=updated.params)
    diverged = state._replace(status=jnp.int32(Status.DIVERGED))
    running = (state.status == Status.RUNNING) & (state.epoch < structure.num_epochs)
    after = _select(running, _select(finite, trained, diverged), state)
    return after, EpochMetrics(
        epoch=state.epoch + 1,
        trained=running,
        train_loss=trained_on.objective,
        validation_loss=validated.objective,
        validation_sse=validated.sse,
        train_terms=trained_on.terms,
        validation_terms=validated.terms,
        status=after.status,
    )


def skip_epoch(structure: Structure, state: TrainState) -> tuple[TrainState, EpochMetrics]:
    """What `train_epoch` makes of a run that has stopped, without the work."""
    nothing = jnp.float32(0)
    return state, EpochMetrics(
        epoch=state.epoch + 1,
        trained=jnp.bool_(False),
        train_loss=nothing,
        validation_loss=nothing,
        validation_sse=nothing,
        train_terms=dict.fromkeys(structure.terms, nothing),
        validation_terms=dict.fromkeys(structure.terms, nothing),
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


def _update(structure: Structure, data: TrainingData, run: Run, state: TrainState) -> tuple[TrainState, Means]:
    """Every example once, in the order that (seed, epoch) gives.

    Returns:
        The state with other parameters, and the means over the examples while those changed.
    """
    num_train = data.train.shape[0]
    optimizer, num_steps = _optimizer(structure, run, num_train), num_steps_per_epoch(num_train, structure.batch_size)
    keys = epoch_keys(run.seed, state.epoch)
    order = _random_order(keys[Draw.ORDER], num_train)

    def step(carry: tuple, inputs: tuple) -> tuple[tuple, None]:
        params, carried, opt_state, totals = carry
        index, rows, weights = inputs
        x = scaled(data, data.train.at[rows].get(mode="clip"))
        if structure.binarises:
            x = _drawn(jax.random.fold_in(keys[Draw.BINARISATION], index), x)
        progress = (state.epoch * num_steps + index) / (structure.num_epochs * num_steps)
        step_keys = Keys(*(jax.random.fold_in(keys[draw], index) for draw in _OF_STEPS))._replace(progress=progress)
        gradient, means = mean_gradient(
            lambda params: objective_of(structure, run, params, carried, step_keys, x, weights), params, weights
        )
        updates, opt_state = with_products(structure.matmul_precision, optimizer.update)(gradient, opt_state, params)
        totals = _added(totals, means, weights)
        return (optax.apply_updates(params, updates), means.carried, opt_state, totals), None

    carry = (state.params, state.carried, state.opt_state, _nothing(structure))
    carry = _over_batches(structure, step, carry, order)
    params, carried, opt_state, totals = carry
    objective, terms = jax.tree.map(lambda total: total / num_train, totals)
    updated = state._replace(params=params, carried=carried, opt_state=opt_state)
    return updated, Means(objective, terms, carried)


def _drawn(key: PRNGKey, probabilities: Batch) -> Batch:
    """Features that are 1 with their probabilities, resolved to 2^-16, else 0."""
    return (coarse_uniform(key, probabilities.shape) < probabilities).astype(probabilities.dtype)


def _over_batches(structure: Structure, step: Any, carry: tuple, order: Int[Array, " examples"]) -> tuple:
    """Scan over the batches of an epoch.

    The last one is filled up with rows of weight 0, unless examples depend on each other: those rows would be among
    them, so it is a step of its own, of the size that it has.
    """
    batch_size = structure.batch_size
    rest = order.shape[0] % batch_size if structure.model.couples else 0
    batches = _batches(order[: order.shape[0] - rest], batch_size)
    num_steps = batches.rows.shape[0]
    carry, _ = jax.lax.scan(step, carry, (jnp.arange(num_steps), *batches))
    if rest:
        carry, _ = step(carry, (jnp.int32(num_steps), order[-rest:], jnp.ones(rest)))
    return carry


def _validate(structure: Structure, data: TrainingData, run: Run, state: TrainState) -> _Validated:
    """With the model as it is used after training, and the same noise every epoch."""
    num_validation = data.validation.shape[0]
    batches = _batches(jnp.arange(num_validation), structure.batch_size)
    keys = [run_key(run.seed, stream) for stream in (Stream.VALIDATION_CORRUPTION, Stream.VALIDATION_LATENT)]
    params, carried = state.params, state.carried

    def step(totals: tuple, inputs: tuple) -> tuple[tuple, None]:
        index, rows, weights = inputs
        x = scaled(data, data.validation.at[rows].get(mode="clip"))
        step_keys = Keys(*(jax.random.fold_in(key, index) for key in keys))
        value = objective_of(structure, run, params, carried, step_keys, x, weights)
        reconstruction = reconstruct(structure, run.values, params, carried, x)
        squared = jnp.sum(jnp.sum((reconstruction - x) ** 2, axis=1) * weights)
        return (_added(totals[0], mean_value(value, weights), weights), totals[1] + squared), None

    steps = jnp.arange(batches.rows.shape[0])
    totals, _ = jax.lax.scan(step, (_nothing(structure), jnp.float32(0)), (steps, *batches))
    (objective, terms), squared = jax.tree.map(lambda total: total / num_validation, totals)
    return _Validated(objective, squared, terms)


def _nothing(structure: Structure) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
    """Totals before the first batch: of the objective, and of its terms."""
    return jnp.float32(0), {name: jnp.float32(0) for name in structure.terms}


def _added(totals: tuple, means: Means, weights: Float[Array, " batch"]) -> tuple:
    """The totals with those of a batch."""
    return jax.tree.map(lambda total, mean: total + mean * weights.sum(), totals, (means.objective, means.terms))


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


def _advance(structure: Structure, run: Run, state: TrainState, validated: _Validated) -> TrainState:
    """The state after a good epoch: best parameters, epochs without improvement, convergence."""
    epoch, monitored = state.epoch + 1, validated.named(structure.monitor)
    now = Best(state.params, state.carried, monitored, validated.objective, epoch)
    best = _select(monitored < state.best.monitored, now, state.best)
    improved = monitored < state.reference_loss - run.values["trainer"]["min_delta"]
    stale_epochs = jnp.where(improved, 0, state.stale_epochs + 1)
    converged = jnp.bool_(False) if structure.patience is None else stale_epochs >= structure.patience
    return state._replace(
        epoch=epoch,
        best=best,
        reference_loss=jnp.where(improved, monitored, state.reference_loss),
        stale_epochs=stale_epochs,
        status=jnp.where(converged, jnp.int32(Status.CONVERGED), jnp.int32(Status.RUNNING)),
    )


def _select(condition: Bool[Array, ""], if_true: PyTree, if_false: PyTree) -> PyTree:
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), if_true, if_false)
