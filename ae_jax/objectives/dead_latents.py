"""Sparse latents of which none stays unused."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from ae_jax.bottlenecks.idle import IDLE_STEPS
from ae_jax.bottlenecks.largest import largest
from ae_jax.errors import UserError
from ae_jax.objectives.base import Carried, Parts, Schedule, Value, joined, passed, weighed
from ae_jax.typing import Batch, NonNegative, PRNGKey, Size


def dead_latents(
    parts: Parts,
    carried: Carried,
    key: PRNGKey,
    x: Batch,
    seen: Batch,
    /,
    *,
    beta: NonNegative,
    dead_weight: NonNegative,
    num_auxiliary: Size,
    steps_until_dead: Size,
    schedule: Schedule | None = None,
) -> Value:
    r"""`rate_distortion`, and what dead latents would make of the residual, so that they learn to be of use.

    .. math::
        \ell(x) = d(x, \hat x) + \beta \sum_c c(z) + \alpha \left( d(x, \mathrm{sg}(\hat x) + \hat e) -
            \mathrm{sg}(d(x, \hat x)) \right), \qquad \hat e = g(z_{dead}) - g(0)

    Dead is a dimension that was 0 for each example of the last `steps_until_dead` steps, and z_dead the `num_auxiliary`
    largest numbers of the code among those, where they are positive, the rest 0. For a squared error and an affine
    decoder g, the gradient is that of the paper's :math:`\lVert e - \hat e \rVert^2` of the residual e = x - x̂: it is
    of the encoder's and the decoder's numbers of dead dimensions, and of the bias that the encoder subtracts. What is
    added is the gain, at most 0 where they help and 0 where none is dead, so that the objective makes no jump when one
    dies.

    Args:
        parts: The model.
        carried: Its state, of a bottleneck that counts for how long each dimension was 0.
        key: The key of this batch.
        x: Clean inputs.
        seen: What the encoder gets.
        beta: β.
        dead_weight: What the gain is weighed by; 1/32 in the paper.
        num_auxiliary: Most dead dimensions that an example uses; half the number of features in the paper.
        steps_until_dead: Updates without use after which a dimension is dead; in the paper 10 million examples.
        schedule: What part of β each update descends, see `rate_distortion`.

    Returns:
        The value, with the terms `dead_latents`, the gain, in the units of the loss, and `num_dead`, how many there
        are.

    Raises:
        UserError: If the bottleneck does not count.

    Reference:
        Gao et al., Scaling and evaluating sparse autoencoders, 2024, section A.2 (AuxK).
    """
    made = passed(parts, carried, key, x, seen)
    base = weighed(parts, made, beta=beta, schedule=schedule)
    dead = _idle_steps(made.carried.bottleneck) >= steps_until_dead
    code, num_dead = made.code, dead.sum(dtype=jnp.int32)
    eligible = jnp.where(dead[None, :], jax.lax.stop_gradient(code), -jnp.inf)
    chosen = largest(eligible, jnp.minimum(num_dead, num_auxiliary))
    revived = jnp.where(chosen, jax.nn.relu(code), 0)
    with_dead, without = (parts.decode(made.carried, latent)[0] for latent in (revived, jnp.zeros_like(revived)))
    helped = parts.loss(jax.lax.stop_gradient(made.outputs) + (with_dead - without), x)
    gain = helped - jax.lax.stop_gradient(made.distortion)
    counted = jnp.full(gain.shape, num_dead, gain.dtype)
    terms = joined({"dead_latents": gain, "num_dead": counted}, base.terms)
    return Value(base.per_example + dead_weight * gain, terms, base.carried)


def _idle_steps(state: PyTree) -> Array:
    if not (isinstance(state, dict) and IDLE_STEPS in state):
        problem = "needs a bottleneck that counts for how long each dimension was 0"
        remedy = "choose bottleneck=batch_top_k or jump_relu, or bottleneck.count_idle=true with top_k or l1"
        raise UserError("objective=dead_latents", problem, remedy)
    return state[IDLE_STEPS]
