"""Codes that change little with their inputs."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from ae_jax.errors import UserError
from ae_jax.objectives import rate_distortion  # the module: a config names the function by one place alone
from ae_jax.objectives.base import Carried, Parts, Value, joined
from ae_jax.typing import Batch, NonNegative, PRNGKey


def contractive(
    parts: Parts,
    carried: Carried,
    key: PRNGKey,
    x: Batch,
    seen: Batch,
    /,
    *,
    beta: NonNegative,
    contraction_weight: NonNegative,
) -> Value:
    r"""`rate_distortion`, and the squared Frobenius norm of the encoder's Jacobian.

    .. math::
        \ell(x) = d(x, \hat x) + \beta \sum_c c(z) +
            \lambda \left\lVert \frac{\partial f(x)}{\partial x} \right\rVert_F^2

    The norm is exact: one backward pass of the encoder for each number of the code, so that a step costs as many times
    more. It is of the code, before the bottleneck, at the input that the encoder gets.

    Args:
        parts: The model.
        carried: Its state.
        key: The key of this batch.
        x: Clean inputs.
        seen: What the encoder gets.
        beta: β.
        contraction_weight: λ.

    Returns:
        The value, with the term `contraction`, the norm, in squared units of the code by those of x.

    Raises:
        UserError: If the encoder lets examples depend on each other, which have no Jacobian each then.

    Reference:
        Rifai, Vincent, Muller, Glorot & Bengio, Contractive Auto-Encoders, 2011, equation 5.
    """
    if parts.couples:
        problem = "needs an encoder that computes each example by itself, which one with batch statistics does not"
        raise UserError("objective=contractive", problem, "use a model without them, or objective=rate_distortion")
    base = rate_distortion.rate_distortion(parts, carried, key, x, seen, beta=beta)

    def numbers(inputs: Batch) -> Array:
        """The code of each example as one row, also if it has several axes or arrays."""
        leaves = jax.tree.leaves(parts.encode(carried, inputs)[0])
        return jnp.concatenate([leaf.reshape(len(leaf), -1) for leaf in leaves], axis=1)

    code, backward = jax.vjp(numbers, seen)

    def slopes(direction: Array) -> Array:
        """Squared length of the gradient of one number of the code, for each example."""
        (gradient,) = backward(jnp.broadcast_to(direction, code.shape))
        return jnp.sum(gradient**2, axis=-1)

    contraction = jax.vmap(slopes)(jnp.eye(code.shape[-1])).sum(axis=0)
    terms = joined({"contraction": contraction}, base.terms)
    return Value(base.per_example + contraction_weight * contraction, terms, base.carried)
