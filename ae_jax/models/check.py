"""What a model has to be, checked once where it is built, and whether examples depend on each other in it."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PyTree

from ae_jax.errors import UserError
from ae_jax.models.base import FunctionalModel, place_name

_EXAMPLES, _FEWER = 5, slice(2, 4)  # with others before and after
_RTOL = 1e-3  # of the largest value; products of other shapes are rounded otherwise by 1e-6


def check_variables(model: FunctionalModel) -> None:
    """Refuse parameters that have no gradient, and state that cannot be saved; raises as `check_arrays`."""
    check_arrays("model", model.abstract_params, model.abstract_state)


def check_arrays(name: str, params: PyTree, state: PyTree) -> None:
    """Refuse parameters that have no gradient, and state that cannot be saved.

    Args:
        name: Of whom they are: the key of a config.
        params: Shapes and types of what is descended.
        state: Those of what is carried.

    Raises:
        UserError: It names the first such variable.
    """
    for place, leaf in _by_place(params):
        if not jnp.issubdtype(leaf.dtype, jnp.floating):
            problem = f"has {place}, a parameter of {leaf.dtype}, which has no gradient"
            raise UserError(name, problem, "make it an nnx.Variable, which is not descended")
    for place, leaf in _by_place(state):
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            problem = f"keeps a random key in {place}, which is neither a parameter nor a stream"
            raise UserError(name, problem, "keep `rngs`, or a stream of it: its key is that of each step")
    for place, leaf in (*_by_place(params), *_by_place(state)):
        if leaf.size == 0:
            raise UserError(name, f"has {place}, an array without a value, which cannot be saved", "leave it out")


def is_plain(model: FunctionalModel) -> bool:
    """Whether a model has parameters only: then examples cannot depend on each other from step to step."""
    return not jax.tree.leaves(model.abstract_state)


def checked_examples(
    model: FunctionalModel, num_features: int, abstract_latent: PyTree, *, output_width: int = 1
) -> FunctionalModel:
    """The model, with `couples` as it is found to be, once it is one that can be used.

    Args:
        model: The model.
        num_features: Of the data.
        abstract_latent: Shapes of what the decoder gets, of one example.
        output_width: Numbers that the decoder makes for each feature.

    Raises:
        UserError: If it has other shapes, or its result for an example depends on the others also after training.
    """
    rng = np.random.default_rng(0)
    params = jax.tree.map(lambda leaf: jnp.asarray(rng.normal(size=leaf.shape) / 10, leaf.dtype), model.abstract_params)
    shapes = {"encode": jax.ShapeDtypeStruct((1, num_features), jnp.float32), "decode": abstract_latent}
    inputs = jax.tree.map(lambda leaf: _draw(rng, leaf), shapes)
    others = jax.tree.map(lambda leaf: _draw(rng, leaf).at[_FEWER].set(leaf[_FEWER]), inputs)

    def evaluate(state: PyTree, given: dict[str, Any]) -> dict[str, Any]:
        return {name: getattr(model, name)(params, state, given[name]) for name in inputs}

    def train(state: PyTree, given: dict[str, Any]) -> dict[str, Any]:
        key = jax.random.key(0)
        return {name: getattr(model, f"train_{name}")(params, state, key, given[name]) for name in inputs}

    def results(given: dict[str, Any], others: dict[str, Any]) -> tuple[Any, ...]:
        _, state = model.init(jax.random.key(0))
        trained = (train(state, given), train(state, others), train(state, _few(given)))
        return evaluate(state, given), evaluate(state, _few(given)), *trained

    _check_shapes(jax.eval_shape(results, inputs, others)[0], inputs, output_width)
    try:
        together, apart, trained, beside_others, few = jax.jit(results)(inputs, others)
    except jax.errors.UnexpectedTracerError as error:
        raise UserError("model", "keeps an array that is no nnx.Param", "make it one, or make it with NumPy") from error
    for name in inputs:
        if not _alike(_few(together[name]), apart[name]):
            problem = f"{name} gives an example another result when it is with other examples"
            raise UserError("model", problem, "compute each example from itself alone: no mean over the batch")
    # Of states the bits are compared: one that follows examples slowly changes by less than the rounding of results.
    alone = all(
        _alike(_few(trained[name][0]), _few(beside_others[name][0]))
        and _alike(trained[name][1], few[name][1], rtol=0.0)
        for name in inputs
    )
    return model._replace(couples=not alone)


def _draw(rng: np.random.Generator, shape: Any) -> Array:
    """Rows of random numbers, each of another size."""
    scales = np.arange(1, _EXAMPLES + 1).reshape(-1, *[1] * (len(shape.shape) - 1))
    return jnp.asarray(rng.normal(size=(_EXAMPLES, *shape.shape[1:])) * scales, jnp.float32)


def _check_shapes(made: dict[str, Any], inputs: dict[str, Any], output_width: int) -> None:
    x, codes = inputs["encode"].shape, jax.tree.leaves(made["encode"])
    for code in codes:
        if len(code.shape) < 2 or code.shape[0] != _EXAMPLES:
            raise UserError("model", f"encode makes {code.shape} of {x}, expected (examples, code)")
    shape, expected = jax.tree.map(jnp.shape, made["decode"]), (x[0], output_width * x[1])
    if shape != expected:
        wanted = "the same shape" if output_width == 1 else f"{expected}, as the loss takes {output_width} a feature"
        raise UserError("model", f"decode(encode(x)) makes {shape} of {x}, expected {wanted}")


def _few(tree: PyTree) -> PyTree:
    return jax.tree.map(lambda leaf: leaf[_FEWER], tree)


def _alike(first: PyTree, second: PyTree, rtol: float = _RTOL) -> bool:
    """Whether two results are the same up to rounding."""
    return all(
        np.allclose(a, b, rtol=0, atol=rtol * float(np.nanmax(np.abs(a), initial=0)), equal_nan=True)
        for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)
    )


def _by_place(tree: PyTree) -> list[tuple[str, Any]]:
    """Leaves by their places, such as `part.mean`."""
    return [(place_name(place), leaf) for place, leaf in jax.tree_util.tree_leaves_with_path(tree)]
