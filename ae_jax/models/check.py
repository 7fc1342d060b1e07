"""What a model has to be, checked once where it is built: parameters alone, and a function of each example."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from ae_jax.errors import UserError
from ae_jax.models.base import FunctionalModel

_EXAMPLES, _FEWER = 5, slice(2, 4)  # with others before and after
_RTOL = 1e-3  # of the largest value; products of other shapes are rounded otherwise by 1e-6


def check_state(state: Any) -> None:
    """Refuse a model with state that is no parameter: it would be trained, averaged and saved as one.

    Args:
        state: All that `nnx.split` finds in the model.

    Raises:
        UserError: It names the first such variable.
    """
    for path, variable in nnx.to_flat_state(state):
        if not isinstance(variable, nnx.Param):
            place, kind = ".".join(map(str, path)), type(variable).__name__
            problem = f"has {place}, a {kind}: state that is no parameter is not supported yet"
            raise UserError("model", problem, "use nnx.Param, or layers without such state, as nnx.LayerNorm is")


def check_examples(model: FunctionalModel, num_features: int) -> None:
    """Refuse a model of other shapes, or one whose result for an example depends on the others of its batch.

    Args:
        model: The model.
        num_features: Of the data.

    Raises:
        UserError: It says what the model does.
    """
    rng = np.random.default_rng(0)
    params = jax.tree.map(lambda leaf: rng.normal(size=leaf.shape).astype(leaf.dtype) / 10, model.abstract_params)
    scales = np.arange(1, _EXAMPLES + 1)[:, None]
    x = jnp.asarray(rng.normal(size=(_EXAMPLES, num_features)) * scales, jnp.float32)

    def both(x: Any) -> Any:
        latent = model.encode(params, x)
        return {"encode": latent, "decode": model.decode(params, latent)}

    shapes = {name: made.shape for name, made in jax.eval_shape(both, x).items()}
    if len(shapes["encode"]) != 2 or shapes["encode"][0] != _EXAMPLES:
        raise UserError("model", f"encode makes {shapes['encode']} of {x.shape}, expected (examples, latent)")
    if shapes["decode"] != x.shape:
        raise UserError("model", f"decode(encode(x)) makes {shapes['decode']} of {x.shape}, expected the same shape")
    try:
        together, apart = jax.jit(lambda x: (both(x), both(x[_FEWER])))(x)
    except jax.errors.UnexpectedTracerError as error:
        raise UserError("model", "keeps an array that is no nnx.Param", "make it one, or make it with NumPy") from error
    for name in ("encode", "decode"):
        first, few = np.asarray(together[name][_FEWER]), np.asarray(apart[name])
        largest = np.nanmax(np.abs(first), initial=0)
        if not np.allclose(first, few, rtol=0, atol=_RTOL * float(largest), equal_nan=True):
            problem = f"{name} gives an example another result when it is with other examples"
            raise UserError("model", problem, "compute each example from itself alone: no mean over the batch")
