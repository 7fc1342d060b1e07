"""What a model has to be, checked once where it is built, and whether examples depend on each other in it."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, PyTree

from ae_jax.errors import UserError
from ae_jax.models.base import FunctionalModel

_EXAMPLES, _FEWER = 5, slice(2, 4)  # with others before and after
_RTOL = 1e-3  # of the largest value; products of other shapes are rounded otherwise by 1e-6


def check_variables(model: FunctionalModel) -> None:
    """Refuse parameters that have no gradient, and state that cannot be saved.

    Raises:
        UserError: It names the first such variable.
    """
    for path, leaf in nnx.to_flat_state(model.abstract_params):
        if not jnp.issubdtype(leaf.dtype, jnp.floating):
            problem = f"has {_place(path)}, a parameter of {leaf.dtype}, which has no gradient"
            raise UserError("model", problem, "make it an nnx.Variable, which is not descended")
    for path, leaf in nnx.to_flat_state(model.abstract_state):
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            problem = f"keeps a random key in {_place(path)}, which is neither a parameter nor a stream"
            raise UserError("model", problem, "keep `rngs`, or a stream of it: its key is that of each step")


def is_plain(model: FunctionalModel) -> bool:
    """Whether a model has parameters only: then examples cannot depend on each other from step to step."""
    return not jax.tree.leaves(model.abstract_state)


def checked_examples(model: FunctionalModel, num_features: int, abstract_latent: PyTree) -> FunctionalModel:
    """The model, with `couples` as it is found to be, once it is one that can be used.

    Args:
        model: The model.
        num_features: Of the data.
        abstract_latent: Shapes of what the decoder gets, of one example.

    Raises:
        UserError: If it has other shapes, or its result for an example depends on the others also after training.
    """
    rng = np.random.default_rng(0)
    params = jax.tree.map(lambda leaf: rng.normal(size=leaf.shape).astype(leaf.dtype) / 10, model.abstract_params)
    shapes = {"encode": jax.ShapeDtypeStruct((1, num_features), jnp.float32), "decode": abstract_latent}
    inputs = jax.tree.map(lambda leaf: _draw(rng, leaf), shapes)
    others = jax.tree.map(lambda leaf: _draw(rng, leaf).at[_FEWER].set(leaf[_FEWER]), inputs)

    def evaluate(state: PyTree, given: dict[str, Any]) -> dict[str, Any]:
        return {name: getattr(model, name)(params, state, given[name]) for name in inputs}

    def train(state: PyTree, given: dict[str, Any]) -> dict[str, Any]:
        key = jax.random.key(0)
        return {name: getattr(model, f"train_{name}")(params, state, key, given[name]) for name in inputs}

    def results(given: dict[str, Any], others: dict[str, Any]) -> tuple[Any, Any, Any, Any]:
        _, state = model.init(jax.random.key(0))
        return evaluate(state, given), evaluate(state, _few(given)), train(state, given), train(state, others)

    _check_shapes(jax.eval_shape(results, inputs, others)[0], inputs)
    try:
        together, apart, trained, beside_others = jax.jit(results)(inputs, others)
    except jax.errors.UnexpectedTracerError as error:
        raise UserError("model", "keeps an array that is no nnx.Param", "make it one, or make it with NumPy") from error
    for name in inputs:
        if not _alike(_few(together[name]), apart[name]):
            problem = f"{name} gives an example another result when it is with other examples"
            raise UserError("model", problem, "compute each example from itself alone: no mean over the batch")
    alone = all(
        _alike(_few(made), _few(made_beside)) and _alike(state, state_beside)
        for (made, state), (made_beside, state_beside) in zip(trained.values(), beside_others.values(), strict=True)
    )
    return model._replace(couples=not alone)


def _draw(rng: np.random.Generator, shape: Any) -> Array:
    """Rows of random numbers, each of another size."""
    scales = np.arange(1, _EXAMPLES + 1).reshape(-1, *[1] * (len(shape.shape) - 1))
    return jnp.asarray(rng.normal(size=(_EXAMPLES, *shape.shape[1:])) * scales, jnp.float32)


def _check_shapes(made: dict[str, Any], inputs: dict[str, Any]) -> None:
    x, codes = inputs["encode"].shape, jax.tree.leaves(made["encode"])
    for code in codes:
        if len(code.shape) < 2 or code.shape[0] != _EXAMPLES:
            raise UserError("model", f"encode makes {code.shape} of {x}, expected (examples, code)")
    if jax.tree.map(jnp.shape, made["decode"]) != x:
        shape = jax.tree.map(jnp.shape, made["decode"])
        raise UserError("model", f"decode(encode(x)) makes {shape} of {x}, expected the same shape")


def _few(tree: PyTree) -> PyTree:
    return jax.tree.map(lambda leaf: leaf[_FEWER], tree)


def _alike(first: PyTree, second: PyTree) -> bool:
    """Whether two results are the same up to rounding."""
    return all(
        np.allclose(a, b, rtol=0, atol=_RTOL * float(np.nanmax(np.abs(a), initial=0)), equal_nan=True)
        for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)
    )


def _place(path: tuple[Any, ...]) -> str:
    return ".".join(map(str, path))
