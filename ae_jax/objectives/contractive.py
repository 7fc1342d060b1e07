"""Codes that change little with their inputs."""

from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array

from ae_jax.errors import UserError
from ae_jax.objectives import rate_distortion  # the module: a config names the function by one place alone
from ae_jax.objectives.base import Carried, Parts, Schedule, Value, joined
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
    schedule: Schedule | None = None,
    estimate: Literal["exact", "stochastic"] = "exact",
) -> Value:
    r"""`rate_distortion`, and the squared Frobenius norm of the encoder's Jacobian.

    .. math::
        \ell(x) = d(x, \hat x) + \beta \sum_c c(z) +
            \lambda \left\lVert \frac{\partial f(x)}{\partial x} \right\rVert_F^2

    The norm is of the code, before the bottleneck, at the input that the encoder gets. `exact`, it takes one backward
    pass of the encoder for each number of the code, so that a step costs as many times more. `stochastic`, it takes one
    in all, along a random row of signs v for each example, which has that mean:

    .. math:: \operatorname{E} \lVert v^\top J \rVert^2 = \operatorname{tr} J^\top \operatorname{E}[v v^\top] J = \lVert
    J \rVert_F^2

    Args:
        parts: The model.
        carried: Its state.
        key: The key of this batch.
        x: Clean inputs.
        seen: What the encoder gets.
        beta: β.
        contraction_weight: λ.
        schedule: What part of β each update descends, see `rate_distortion`.
        estimate: The norm itself, or its estimate without bias.

    Returns:
        The value, with the term `contraction`, the norm, in squared units of the code by those of x.

    Raises:
        UserError: If the encoder lets examples depend on each other, which have no Jacobian each then.

    Reference:
        Rifai, Vincent, Muller, Glorot & Bengio, Contractive Auto-Encoders, 2011, equation 5; Hutchinson, A stochastic
        estimator of the trace of the influence matrix, 1989.
    """
    if parts.couples:
        problem = "needs an encoder that computes each example by itself, which one with batch statistics does not"
        raise UserError("objective=contractive", problem, "use a model without them, or objective=rate_distortion")
    base = rate_distortion.rate_distortion(parts, carried, key, x, seen, beta=beta, schedule=schedule)

    def numbers(inputs: Batch) -> Array:
        """The code of each example as one row, also if it has several axes or arrays."""
        leaves = jax.tree.leaves(parts.encode(carried, inputs)[0])
        return jnp.concatenate([leaf.reshape(len(leaf), -1) for leaf in leaves], axis=1)

    code, backward = jax.vjp(numbers, seen)

    def slopes(direction: Array) -> Array:
        """Squared length of the gradient of the code along a direction, for each example."""
        (gradient,) = backward(jnp.broadcast_to(direction, code.shape))
        return jnp.sum(gradient**2, axis=-1)

    if estimate == "exact":
        contraction = jax.vmap(slopes)(jnp.eye(code.shape[-1])).sum(axis=0)
    else:
        own_key = jax.random.fold_in(key, 1)  # of `key` itself the latent is drawn
        contraction = slopes(jax.random.rademacher(own_key, code.shape, code.dtype))
    terms = joined({"contraction": contraction}, base.terms)
    return Value(base.per_example + contraction_weight * contraction, terms, base.carried)
