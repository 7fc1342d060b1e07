"""Vector quantisation in stages, each of what the stages before have left."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import PyTree

from ae_jax.bottlenecks.base import Bottled, Bottleneck, Weights, straight_through
from ae_jax.bottlenecks.codebook import Choices, Codebook, Parts, bits, followed, nearest, part_size, renewed
from ae_jax.typing import Code, Fraction, Latent, NonNegative, PRNGKey, Size


class _Stage(NamedTuple):
    """What a stage gets, which vectors are nearest to that, and what all stages until then have made."""

    given: Parts
    choices: Choices
    made: Parts


def residual_vq(
    *, num_tokens: Size, num_codes: Size, num_stages: Size, decay: Fraction, expiry: NonNegative
) -> Bottleneck:
    r"""As `vq`, and what that leaves of each part is quantised again, with a codebook of its own for each stage.

    .. math:: r_0 = z, \qquad r_s = r_{s-1} - e_s(r_{s-1}), \qquad \text{latent} = \textstyle\sum_s e_s

    Codebooks follow by moving averages, and gradients pass straight through. The term `commitment` is the squared
    length of what each stage leaves, summed over stages. A latent is `num_stages` times `num_tokens` times log2
    `num_codes` bits.

    Args:
        num_tokens: Parts of the code; they divide the latent size.
        num_codes: Vectors in each codebook.
        num_stages: Codebooks.
        decay: The share of an average that stays, in [0, 1].
        expiry: Vectors that fewer parts of a batch choose are put where what a stage gets is; 0: never. See `vq`.

    Raises:
        UserError: If the parts do not divide the latent size.

    Reference:
        Zeghidour et al., SoundStream, 2021, section III-C; Lee et al., RQ-VAE, 2022, equation 7 (the commitment).
    """

    def init(key: PRNGKey, code: PyTree) -> tuple[PyTree, PyTree]:
        size = part_size("residual_vq", code, num_tokens)
        # What is left is smaller from stage to stage: vectors begin at half the length of those before.
        lengths = 0.5 ** jnp.arange(num_stages)
        vectors = lengths[:, None, None] * jax.random.normal(key, (num_stages, num_codes, size))
        return {}, {"codebook": vectors, "counts": jnp.ones((num_stages, num_codes))}

    def stages_of(state: PyTree, code: Code) -> list[_Stage]:
        part_size("residual_vq", code, num_tokens)
        left, made, stages = code.reshape(len(code), num_tokens, -1), jnp.float32(0), []
        for vectors in state["codebook"]:
            choices = nearest(vectors, left)
            made = made + vectors[choices]
            stages.append(_Stage(left, choices, made))
            left = left - vectors[choices]
        return stages

    def apply(params: PyTree, state: PyTree, key: PRNGKey, code: Code, weights: Weights) -> Bottled:
        stages, after = stages_of(state, jax.lax.stop_gradient(code)), []
        keys = jax.random.split(key, num_stages)
        for stage, own_key, *codebook in zip(stages, keys, state["codebook"], state["counts"], strict=True):
            moved = followed(Codebook(*codebook), stage.given, stage.choices, weights, decay=decay, moves=True)
            after.append(renewed(moved, own_key, stage.given, weights, expiry=expiry))
        vectors, counts = (jnp.stack(parts) for parts in zip(*after, strict=True))
        made = jnp.stack([stage.made.reshape(code.shape) for stage in stages])
        commitment = jnp.sum((code[None] - made) ** 2, axis=(0, -1))
        return Bottled(
            straight_through(made[-1], code), {"commitment": commitment}, {"codebook": vectors, "counts": counts}
        )

    def latent(params: PyTree, state: PyTree, code: Code) -> Latent:
        return stages_of(state, code)[-1].made.reshape(code.shape)

    def indices(params: PyTree, state: PyTree, code: Code) -> Choices:
        return jnp.concatenate([stage.choices for stage in stages_of(state, code)], axis=-1)

    rate, codebooks = bits(num_tokens * num_stages, num_codes), ((num_codes, num_tokens),) * num_stages
    return Bottleneck(apply, latent, init, couples=True, rate=rate, indices=indices, codebooks=codebooks)
