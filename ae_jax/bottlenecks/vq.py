"""Vector quantisation, with a codebook of moving averages or of gradients."""

from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import PyTree

from ae_jax.bottlenecks.base import Bottled, Bottleneck, Weights, straight_through
from ae_jax.bottlenecks.codebook import Choices, Codebook, Parts, Vectors, bits, followed, nearest, part_size, renewed
from ae_jax.typing import Code, Fraction, Latent, NonNegative, PRNGKey, Size


def vq(
    *,
    num_tokens: Size,
    num_codes: Size,
    decay: Fraction,
    codebook_update: Literal["moving_averages", "gradient"] = "moving_averages",
    expiry: NonNegative = 0.0,
) -> Bottleneck:
    r"""The code is cut into `num_tokens` parts, each replaced by the nearest of `num_codes` vectors of a codebook.

    Gradients pass the choice straight through, as if it were the identity. The term `commitment` is the squared
    distance of the code from what replaced it, summed; the paper's weight of it, 0.25, is `objective.beta`. A latent
    is `num_tokens` times log2 `num_codes` bits.

    The codebook is state where it follows by `moving_averages` (see `bottlenecks.codebook.followed`), and is drawn by
    no gradient. By `gradient`, its vectors are parameters, and the commitment draws them as well as the code,

    .. math:: \lVert z - \mathrm{sg}(e) \rVert^2 + \lVert \mathrm{sg}(z) - e \rVert^2

    as one term, of which the record has the value once. The paper weighs the second by 1 where the first has 0.25; no
    other gradient reaches the codebook, so that to Adam that weight makes no difference.

    Args:
        num_tokens: Parts of the code; they divide the latent size.
        num_codes: Vectors in the codebook, which all parts share.
        decay: The share of an average that stays, in [0, 1].
        codebook_update: How the codebook learns.
        expiry: Vectors that fewer parts of a batch choose, by a moving average, are put where a part of the batch
            is, drawn from the key; 0: never. Others count the usage over a batch or an epoch, or have a threshold of
            1 or 2; the average here is of a batch, so that what is even depends on its size.

    Raises:
        UserError: If the parts do not divide the latent size.

    Reference:
        van den Oord, Vinyals & Kavukcuoglu, Neural Discrete Representation Learning, 2017, equation 3 and appendix A.1;
        Dhariwal et al., Jukebox, 2020, section 3.1 (vectors that come back).
    """

    def init(key: PRNGKey, code: PyTree) -> tuple[PyTree, PyTree]:
        vectors = jax.random.normal(key, (num_codes, part_size("vq", code, num_tokens)))
        counts = jnp.ones(num_codes)
        if codebook_update == "gradient":
            return {"codebook": vectors}, {"renewal": jnp.zeros_like(vectors), "counts": counts}
        return {}, {"codebook": vectors, "counts": counts}

    def choose(vectors: Vectors, code: Code) -> tuple[Parts, Choices]:
        part_size("vq", code, num_tokens)
        parts = code.reshape(len(code), num_tokens, -1)
        return parts, nearest(vectors, parts)

    def apply(params: PyTree, state: PyTree, key: PRNGKey, code: Code, weights: Weights) -> Bottled:
        vectors = _vectors(params, state)
        codebook = Codebook(jax.lax.stop_gradient(vectors), state["counts"])
        parts, choices = choose(codebook.vectors, jax.lax.stop_gradient(code))
        quantised = vectors[choices].reshape(code.shape)
        after = followed(codebook, parts, choices, weights, decay=decay, moves=codebook_update == "moving_averages")
        after = renewed(after, key, parts, weights, expiry=expiry)
        commitment = jnp.sum((code - quantised) ** 2, axis=-1)
        latent = straight_through(quantised, code)
        return Bottled(latent, {"commitment": commitment}, _carried(params, state, codebook, after))

    def latent(params: PyTree, state: PyTree, code: Code) -> Latent:
        vectors = _vectors(params, state)
        return vectors[choose(vectors, code)[1]].reshape(code.shape)

    def indices(params: PyTree, state: PyTree, code: Code) -> Choices:
        return choose(_vectors(params, state), code)[1]

    rate = bits(num_tokens, num_codes)
    codebooks = ((num_codes, num_tokens),)
    return Bottleneck(apply, latent, init, couples=True, rate=rate, indices=indices, codebooks=codebooks)


def _vectors(params: PyTree, state: PyTree) -> Vectors:
    return params["codebook"] + state["renewal"] if params else state["codebook"]


def _carried(params: PyTree, state: PyTree, before: Codebook, after: Codebook) -> PyTree:
    """The state after a step. Of parameters, which are only descended, it has by how much a vector jumped."""
    if not params:
        return {"codebook": after.vectors, "counts": after.counts}
    jumped = after.vectors - jax.lax.stop_gradient(params["codebook"])
    return {"renewal": jnp.where(after.vectors == before.vectors, state["renewal"], jumped), "counts": after.counts}
