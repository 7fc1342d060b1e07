"""What every corruption is once its options are bound, and the random numbers that the masking ones share."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from ae_jax.typing import Batch, PRNGKey

Corruption = Callable[[PRNGKey, Batch], Batch]


def coarse_uniform(key: PRNGKey, shape: tuple[int, ...]) -> Batch:
    """Uniform on the 2^16 midpoints (k + ½) / 2^16, two for each random word.

    Random words are what masking costs, and 16 bits decide as well as 32: for a rate r, `u < r` has probability
    r rounded to a multiple of 2^-16 (within 8e-6 of r), never happens at 0 and always at 1.
    """
    rows, columns = shape
    words = jax.random.bits(key, (rows, -(-columns // 2)), jnp.uint32)
    halves = jax.lax.bitcast_convert_type(words, jnp.uint16).reshape(rows, -1)[:, :columns]
    return (halves.astype(jnp.float32) + 0.5) * 2.0**-16
