"""The objective of a run on a batch: model, bottleneck and loss put together, in training and in evaluation."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from ae_jax.bottlenecks import Bottled, Weights
from ae_jax.errors import UserError, nearest
from ae_jax.models.check import check_arrays
from ae_jax.objectives import Carried, Parts, Value
from ae_jax.objectives.base import Progress
from ae_jax.training.state import Best, Parameters, Run, Structure
from ae_jax.training.streams import Stream, run_key
from ae_jax.typing import Batch, Code, Latent, PRNGKey

MONITORED = ("objective", "sse")
"""What may choose the best epoch beside the terms of the objective."""
# Names of columns of metrics.jsonl and of measures, which a term may not have.
_TAKEN = ("loss", *MONITORED, "mse", "explained_variance", "psnr", "bce", "terms", "total")
Values = dict[str, PyTree]
"""The values of a run, see `Run.values`."""
Trained = tuple[Parameters, Carried]
"""What a model is used with."""
_EXAMPLES = 1009  # of shapes alone: a number that no other axis is likely to have


class Keys(NamedTuple):
    """What the objective of a batch draws with, and when.

    Attributes:
        corruption: For what the encoder gets.
        latent: For the objective, and in it the bottleneck.
        model: For layers that draw, such as dropout, in training; None: in evaluation, where they do not.
        progress: The part of all updates that is made, in training; by it weights may be scheduled.
    """

    corruption: PRNGKey
    latent: PRNGKey
    model: PRNGKey | None = None
    progress: Progress | None = None


def objective_of(
    structure: Structure, run: Run, params: Parameters, carried: Carried, keys: Keys, x: Batch, weights: Weights
) -> Value:
    """The objective of each example of a batch."""
    seen = structure.corrupt(keys.corruption, x, **run.values["corruption"])
    target = seen if structure.augments else x
    return objective_from(structure, run, params, carried, keys, target, seen, weights)


def objective_from(
    structure: Structure,
    run: Run,
    params: Parameters,
    carried: Carried,
    keys: Keys,
    x: Batch,
    seen: Batch,
    weights: Weights,
) -> Value:
    """The objective of each example of a batch, where it is known what the encoder gets."""
    parts = _parts(structure, run, params, keys, weights)
    value: object = structure.objective(parts, carried, keys.latent, x, seen, **run.values["objective"])
    if not isinstance(value, Value):
        problem = f"returned a {type(value).__name__}, expected a Value"
        raise UserError("objective", problem, "return Value(per_example, terms, carried)")
    return value


def _parts(structure: Structure, run: Run, params: Parameters, keys: Keys, weights: Weights) -> Parts:
    key = keys.model
    model, bottleneck = structure.model, structure.make_bottleneck(**run.values["bottleneck"])

    def encode(carried: Carried, seen: Batch) -> tuple[Code, Carried]:
        if key is None:
            return model.encode(params.model, carried.model, seen), carried
        code, state = model.train_encode(params.model, carried.model, jax.random.fold_in(key, 0), seen)
        return code, carried._replace(model=state)

    def squeeze(carried: Carried, latent_key: PRNGKey, code: Code) -> tuple[Bottled, Carried]:
        apply = bottleneck.apply if key is not None else bottleneck.evaluate or bottleneck.apply
        bottled = apply(params.bottleneck, carried.bottleneck, latent_key, code, weights)
        _check_shapes("bottleneck", bottled.terms, weights.shape)
        return bottled, carried if key is None else carried._replace(bottleneck=bottled.state)

    def decode(carried: Carried, latent: Latent) -> tuple[Batch, Carried]:
        if key is None:
            return model.decode(params.model, carried.model, latent), carried
        outputs, state = model.train_decode(params.model, carried.model, jax.random.fold_in(key, 1), latent)
        return outputs, carried._replace(model=state)

    loss = structure.make_loss(**run.values["loss"]).per_example
    return Parts(encode, squeeze, decode, loss, couples=model.couples, progress=keys.progress)


def latent_of(structure: Structure, values: Values, params: Parameters, carried: Carried, x: Batch) -> Latent:
    """The latents that a trained model is measured by: nothing in them is drawn."""
    bottleneck = structure.make_bottleneck(**values["bottleneck"])
    code = structure.model.encode(params.model, carried.model, x)
    return bottleneck.latent(params.bottleneck, carried.bottleneck, code)


def mean_of(structure: Structure, values: Values, params: Parameters, carried: Carried, x: Batch) -> Latent:
    """The means of the latents that are drawn, by a bottleneck that has such."""
    bottleneck = structure.make_bottleneck(**values["bottleneck"])
    assert bottleneck.mean is not None  # who asks has looked
    code = structure.model.encode(params.model, carried.model, x)
    return bottleneck.mean(params.bottleneck, carried.bottleneck, code)


def indices_of(structure: Structure, values: Values, params: Parameters, carried: Carried, x: Batch) -> Array:
    """Which of a finite number each part of a latent is, by a bottleneck that has such numbers."""
    bottleneck = structure.make_bottleneck(**values["bottleneck"])
    assert bottleneck.indices is not None  # who asks has looked
    code = structure.model.encode(params.model, carried.model, x)
    return bottleneck.indices(params.bottleneck, carried.bottleneck, code)


def from_latent(structure: Structure, values: Values, params: Parameters, carried: Carried, latent: Latent) -> Batch:
    """Reconstructions, after the loss's link."""
    outputs = structure.model.decode(params.model, carried.model, latent)
    return structure.make_loss(**values["loss"]).link(outputs)


def reconstruct(structure: Structure, values: Values, params: Parameters, carried: Carried, x: Batch) -> Batch:
    """Reconstructions of inputs by a trained model."""
    return from_latent(structure, values, params, carried, latent_of(structure, values, params, carried, x))


def init_params(structure: Structure, run: Run) -> Trained:
    """Parameters before the first epoch, and what is carried beside them."""
    model = structure.model
    params, state = model.init(run_key(run.seed, Stream.MODEL_INIT))
    make = structure.make_bottleneck(**run.values["bottleneck"]).init
    own, own_state = make(run_key(run.seed, Stream.BOTTLENECK_INIT), model.abstract_code)
    return Parameters(params, own), Carried(state, own_state)


def abstract_params(structure: Structure, run: Run) -> Trained:
    """Shapes and types of what `init_params` makes."""
    return jax.eval_shape(lambda run: init_params(structure, run), run)


def abstract_latent(structure: Structure, values: Values, trained: Trained) -> PyTree:
    """Shapes and types of the latent of one example, as the decoder gets it."""

    def latent(values: Values, trained: Trained, code: Code) -> Latent:
        params, carried = trained
        make = structure.make_bottleneck(**values["bottleneck"])
        return make.latent(params.bottleneck, carried.bottleneck, code)

    return jax.eval_shape(latent, values, trained, structure.model.abstract_code)


def first_best(params: Parameters, carried: Carried) -> Best:
    """Before the first epoch: anything is better."""
    infinity = jnp.float32(jnp.inf)
    return Best(params, carried, monitored=infinity, validation_loss=infinity, epoch=jnp.int32(0))


def abstract_best(structure: Structure, run: Run) -> Best:
    """Shapes and types of a run's best epoch."""
    return jax.eval_shape(lambda run: first_best(*init_params(structure, run)), run)


def term_names(structure: Structure, run: Run, num_features: int) -> tuple[str, ...]:
    """Names of the terms of a structure's objective, once everything in it fits together; nothing is computed.

    Args:
        structure: What is to be trained; what it monitors is checked too.
        run: One of its runs.
        num_features: Features of an example.

    Raises:
        UserError: If parts do not fit together, or a term has another shape or a name that is taken.
    """
    x = jax.ShapeDtypeStruct((_EXAMPLES, num_features), jnp.float32)
    weights = jax.ShapeDtypeStruct((_EXAMPLES,), jnp.float32)

    def first(run: Run, x: Batch, weights: Weights, progress: Progress) -> tuple[Carried, Value]:
        params, carried = init_params(structure, run)
        key = run_key(run.seed, Stream.TRAIN)
        return carried, objective_of(structure, run, params, carried, Keys(key, key, key, progress), x, weights)

    check_arrays("bottleneck", *(part.bottleneck for part in abstract_params(structure, run)))
    carried, value = jax.eval_shape(first, run, x, weights, jax.ShapeDtypeStruct((), jnp.float32))
    _check_shapes("objective", value.terms, weights.shape)
    _check_shapes("objective", {"its value": value.per_example}, weights.shape)
    for name in value.terms:
        if name in _TAKEN or not name.isidentifier():
            reason = "it is taken" if name in _TAKEN else "it is a column of metrics.jsonl"
            raise UserError("objective", f"{name!r} cannot be the name of a term: {reason}", "call it otherwise")
    if _shapes(carried) != _shapes(value.carried):
        problem = "what it carries from step to step has other arrays after a step than before it"
        raise UserError("objective", problem, "keep names, shapes and types of the state")
    names = tuple(value.terms)
    if structure.monitor not in (*MONITORED, *names):
        raise UserError(
            "trainer.monitor",
            f"{structure.monitor!r} is no term of this objective",
            nearest(structure.monitor, (*MONITORED, *names)),
        )
    return names


def _check_shapes(part: str, terms: dict[str, Any], shape: tuple[int, ...]) -> None:
    for name, term in terms.items():
        if jnp.shape(term) != shape:
            problem = f"{name} has shape {jnp.shape(term)} of {shape[0]} examples, expected a number an example"
            raise UserError(part, problem, "sum over all other axes")


def _shapes(tree: PyTree) -> list[tuple[str, tuple[int, ...], str]]:
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return [(jax.tree_util.keystr(place), leaf.shape, str(leaf.dtype)) for place, leaf in leaves]
