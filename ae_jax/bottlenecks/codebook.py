"""Codebooks: which vector is nearest, how they follow what chose them, and what becomes of what nothing chooses."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PyTree

from ae_jax.bottlenecks.base import Weights, check_flat
from ae_jax.errors import UserError
from ae_jax.typing import Fraction, NonNegative, PRNGKey

Vectors = Float[Array, "codes size"]
Parts = Float[Array, "batch tokens size"]
Choices = Int[Array, "batch tokens"]

_LEAST_COUNT = 1e-5  # of parts in a vector's average, so that one that is never chosen divides by something


class Codebook(NamedTuple):
    """Vectors, and how many parts of a batch have chosen each of late.

    Attributes:
        vectors: One a row.
        counts: Moving averages of how many parts chose it.
    """

    vectors: Vectors
    counts: Float[Array, " codes"]


def part_size(name: str, code: PyTree, num_tokens: int) -> int:
    """Numbers in each of the parts of a code.

    Raises:
        UserError: If the parts do not divide the latent size.
    """
    check_flat(name, code)
    if code.shape[-1] % num_tokens:
        problem = f"{num_tokens} parts do not divide the {code.shape[-1]} latent dimensions"
        raise UserError("bottleneck.num_tokens", problem, "choose a divisor of model.latent_size")
    return int(code.shape[-1]) // num_tokens


def bits(num_tokens: int, num_codes: int) -> float:
    """What so many choices among so many vectors take to be sent."""
    return num_tokens * math.log2(num_codes)


def nearest(vectors: Vectors, parts: Parts) -> Choices:
    """The number of the vector that is nearest to each part; of equally near ones the first."""
    distances = jnp.sum(vectors**2, axis=-1)[None, None, :] - 2 * parts @ vectors.T
    return distances.argmin(axis=-1)


def followed(
    codebook: Codebook, parts: Parts, choices: Choices, weights: Weights, *, decay: Fraction, moves: bool
) -> Codebook:
    r"""The codebook after a batch has chosen.

    With n and s the moving averages of how many parts chose a vector e, and of their sum,

    .. math::
        n &\leftarrow \gamma n + (1 - \gamma) \textstyle\sum_t [c_t = k] \\
        s &\leftarrow \gamma s + (1 - \gamma) \textstyle\sum_t [c_t = k] \, t, \qquad e = s / n

    It is e that is kept, and moved by what s / n changes by, so that a vector that nothing chooses stays where it is.

    Args:
        codebook: The codebook before.
        parts: What chose.
        choices: What was chosen.
        weights: Of the examples.
        decay: The share of an average that stays.
        moves: Whether vectors move, or are only counted.
    """
    counted = jax.nn.one_hot(choices, len(codebook.vectors)) * weights[:, None, None]
    counts = counted.sum(axis=(0, 1))
    averages = decay * codebook.counts + (1 - decay) * counts
    if not moves:
        return Codebook(codebook.vectors, averages)
    sums = jnp.einsum("btk,btd->kd", counted, parts)
    moved = (sums - counts[:, None] * codebook.vectors) / jnp.maximum(averages, _LEAST_COUNT)[:, None]
    return Codebook(codebook.vectors + (1 - decay) * moved, averages)


def renewed(codebook: Codebook, key: PRNGKey, parts: Parts, weights: Weights, *, expiry: NonNegative) -> Codebook:
    """The codebook, with vectors that hardly anything chooses put where a part of the batch is.

    Such a part is drawn for each, from those of the examples. A vector that is renewed counts as if all were chosen
    equally often, and so has time to be found.

    Args:
        codebook: The codebook before.
        key: What parts are drawn with.
        parts: Those of the batch.
        weights: Of the examples.
        expiry: The least count, in parts of a batch, of a vector that stays.
    """
    num_codes, num_tokens = len(codebook.vectors), parts.shape[1]
    row_key, token_key = jax.random.split(key)
    total = weights.sum()
    places = jnp.minimum(jax.random.uniform(row_key, (num_codes,)) * total, jnp.nextafter(total, 0.0))
    rows = jnp.searchsorted(jnp.cumsum(weights), places, side="right")
    drawn = parts[rows, jax.random.randint(token_key, (num_codes,), 0, num_tokens)]
    expired = codebook.counts < expiry
    usual = total * num_tokens / num_codes
    return Codebook(jnp.where(expired[:, None], drawn, codebook.vectors), jnp.where(expired, usual, codebook.counts))
