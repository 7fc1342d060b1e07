"""Sparse latents by selection over a batch."""

import jax
import jax.numpy as jnp
from jaxtyping import PyTree

from ae_jax.bottlenecks.base import Bottled, Bottleneck, Weights, check_flat
from ae_jax.bottlenecks.idle import counted, none_idle
from ae_jax.bottlenecks.largest import check_num_active, largest
from ae_jax.typing import Code, Fraction, Latent, PRNGKey, Size

_LEAST_WEIGHT = 1e-12  # of the average, so that one of nothing divides by something


def batch_top_k(*, num_active: Size, decay: Fraction) -> Bottleneck:
    r"""The largest numbers of the codes of a batch, `num_active` on average of an example, the rest 0; it costs
    nothing.

    Which example has how many is open while it trains. In evaluation each example is by itself: kept is what is at
    least a threshold, the moving average of the least number that was kept in a batch,

    .. math:: s \leftarrow \gamma s + (1 - \gamma) \min_{kept} z, \quad
        w \leftarrow \gamma w + (1 - \gamma), \quad \theta = s / w

    so that it has `num_active` on average as far as the data are those of training. Before the first step, and at a
    `decay` of 1, it is 0. Of equal numbers the first are kept, by example and dimension. Gradients reach the kept ones
    alone. Conventions differ: the paper has a ReLU before, which is `model.latent_activation`, and averages the least
    positive number over all batches after training.

    Args:
        num_active: How many latent dimensions an example uses on average.
        decay: The share of the average that stays, in [0, 1].

    Raises:
        UserError: If there are fewer latent dimensions.

    Reference:
        Bussmann, Leask & Nanda, BatchTopK Sparse Autoencoders, 2024, equations 3 and 5.
    """

    def init(key: PRNGKey, code: PyTree) -> tuple[PyTree, PyTree]:
        check_flat("batch_top_k", code)
        check_num_active(num_active, code.shape[-1])
        return {}, {"least": jnp.float32(0), "weight": jnp.float32(0), **none_idle("batch_top_k", code)}

    def apply(params: PyTree, state: PyTree, key: PRNGKey, code: Code, weights: Weights) -> Bottled:
        check_flat("batch_top_k", code)
        eligible = jnp.where(weights[:, None] > 0, jax.lax.stop_gradient(code), -jnp.inf)
        count = num_active * jnp.sum(weights > 0, dtype=jnp.int32)
        kept = largest(eligible, count, of_all=True)
        least = jnp.min(eligible, where=kept, initial=jnp.inf)
        latent = jnp.where(kept, code, 0)
        after = {
            "least": decay * state["least"] + (1 - decay) * least,
            "weight": decay * state["weight"] + (1 - decay),
            **counted(state, latent, weights),
        }
        return Bottled(latent, {}, after)

    def latent(params: PyTree, state: PyTree, code: Code) -> Latent:
        check_flat("batch_top_k", code)
        threshold = state["least"] / jnp.maximum(state["weight"], _LEAST_WEIGHT)
        return jnp.where(code < threshold, 0, code)  # so that what is no number stays that

    def evaluate(params: PyTree, state: PyTree, key: PRNGKey, code: Code, weights: Weights) -> Bottled:
        return Bottled(latent(params, state, code), {}, state)

    return Bottleneck(apply, latent, init, couples=True, num_active=num_active, evaluate=evaluate)
