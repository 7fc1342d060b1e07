"""Vector quantisation, with a codebook of moving averages."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from ae_jax.bottlenecks.base import Bottled, Bottleneck, Weights, check_flat
from ae_jax.errors import UserError
from ae_jax.typing import Code, Fraction, Latent, PRNGKey, Size

_LEAST_COUNT = 1e-5  # of parts in a vector's average, so that one that is never chosen divides by something


def vq(*, num_tokens: Size, num_codes: Size, decay: Fraction) -> Bottleneck:
    r"""The code is cut into `num_tokens` parts, each replaced by the nearest of `num_codes` vectors of a codebook.

    The codebook is state: with n and s the moving averages of how many parts chose a vector e, and of their sum,

    .. math::
        n &\leftarrow \gamma n + (1 - \gamma) \textstyle\sum_t [c_t = k] \\
        s &\leftarrow \gamma s + (1 - \gamma) \textstyle\sum_t [c_t = k] \, t, \qquad e = s / n

    It is e that is kept, and moved by what s / n changes by, so that a vector that nothing chooses stays where it is.

    Gradients pass the choice straight through, as if it were the identity. The term `commitment` is the squared
    distance of the code from what replaced it, summed; the paper's weight of it, 0.25, is `objective.beta`. A latent
    is `num_tokens` times log2 `num_codes` bits.

    Args:
        num_tokens: Parts of the code; they divide the latent size.
        num_codes: Vectors in the codebook, which all parts share.
        decay: The share of an average that stays, in [0, 1].

    Raises:
        UserError: If the parts do not divide the latent size.

    Reference:
        van den Oord, Vinyals & Kavukcuoglu, Neural Discrete Representation Learning, 2017, appendix A.1.
    """

    def init(key: PRNGKey, code: PyTree) -> tuple[PyTree, PyTree]:
        check_flat("vq", code)
        if code.shape[-1] % num_tokens:
            problem = f"{num_tokens} parts do not divide the {code.shape[-1]} latent dimensions"
            raise UserError("bottleneck.num_tokens", problem, "choose a divisor of model.latent_size")
        codebook = jax.random.normal(key, (num_codes, code.shape[-1] // num_tokens))
        return {}, {"codebook": codebook, "counts": jnp.ones(num_codes)}

    def chosen(state: PyTree, code: Code) -> tuple[Array, Array, Array]:
        """Parts "batch tokens size", the numbers "batch tokens" of their vectors, and what replaces the code."""
        parts = code.reshape(len(code), num_tokens, -1)
        codebook = state["codebook"]
        distances = jnp.sum(codebook**2, axis=-1)[None, None, :] - 2 * parts @ codebook.T
        choices = distances.argmin(axis=-1)
        return parts, choices, codebook[choices].reshape(code.shape)

    def apply(params: PyTree, state: PyTree, key: PRNGKey, code: Code, weights: Weights) -> Bottled:
        parts, choices, quantised = chosen(state, jax.lax.stop_gradient(code))
        counted = jax.nn.one_hot(choices, num_codes) * weights[:, None, None]
        sums, counts = jnp.einsum("btk,btd->kd", counted, parts), counted.sum(axis=(0, 1))
        averages = decay * state["counts"] + (1 - decay) * counts
        moved = (sums - counts[:, None] * state["codebook"]) / jnp.maximum(averages, _LEAST_COUNT)[:, None]
        after = {"codebook": state["codebook"] + (1 - decay) * moved, "counts": averages}
        commitment = jnp.sum((code - quantised) ** 2, axis=-1)
        return Bottled(code + jax.lax.stop_gradient(quantised - code), {"commitment": commitment}, after)

    def latent(params: PyTree, state: PyTree, code: Code) -> Latent:
        return chosen(state, code)[2]

    return Bottleneck(apply, latent, init, couples=True, rate=num_tokens * math.log2(num_codes))
