"""Every random stream of a run, by what its key is folded with: the one list, so that no two draw the same bits.

    run key = key(seed) -> a `Stream` -> of training: the epoch -> a `Draw` -> the step

Numbers are never used again for something else: a run that goes on, or is measured again, draws what it drew.
"""

import enum

import jax
from jaxtyping import Array, Int, UInt32

from ae_jax.typing import PRNGKey


class Stream(enum.IntEnum):
    """What a run draws for."""

    MODEL_INIT = 0
    TRAIN = 1
    VALIDATION_CORRUPTION = 2
    TEST_CORRUPTION = 3
    BOTTLENECK_INIT = 4
    VALIDATION_LATENT = 5
    MEASURED_LATENT = 6
    SAMPLES = 7
    EVALUATION = 8


class Draw(enum.IntEnum):
    """What an epoch of training draws for."""

    ORDER = 0
    CORRUPTION = 1
    LATENT = 2
    MODEL = 3
    BINARISATION = 4


def run_key(seed: UInt32[Array, ""], stream: Stream) -> PRNGKey:
    """The key of a stream of a run."""
    return jax.random.fold_in(jax.random.key(seed), stream)


def epoch_keys(seed: UInt32[Array, ""], epoch: Int[Array, ""]) -> dict[Draw, PRNGKey]:
    """The keys of an epoch of training."""
    key = jax.random.fold_in(run_key(seed, Stream.TRAIN), epoch)
    return {draw: jax.random.fold_in(key, draw) for draw in Draw}
