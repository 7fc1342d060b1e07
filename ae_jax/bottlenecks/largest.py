r"""The largest of some numbers, by bisection on the bits of floats: each round counts, and nothing is sorted.

Read as integers, positive floats are in the order of their values, and with their bits turned over so are the negative
ones. The k-th largest of such keys is found from its highest bit on: a bit is set where at least k keys are no less
then. So 32 rounds find it exactly, where a sort of 4,096 numbers takes several times as long on a CPU.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, UInt32

from ae_jax.errors import UserError

_SIGN, _HIGHEST = np.uint32(1 << 31), np.uint32(0xFFFFFFFF)
Count = Int[Array, ""] | int


def largest(values: Float[Array, "*rows numbers"], count: Count) -> Bool[Array, "*rows numbers"]:
    """Which are the `count` largest of each row; of equal ones the first. What is no number counts as the largest.

    Args:
        values: Rows of numbers.
        count: How many, at least 1 and at most as many as there are.
    """
    keys = _ordered(values)
    least = _highest(lambda key: _number(keys >= key) >= count, keys.shape[:-1], 32)
    above, equal = keys > least, keys == least
    places = jnp.broadcast_to(jnp.arange(keys.shape[-1], dtype=jnp.uint32), keys.shape)
    missing = count - _number(above)
    # The last of the equal ones that is kept: before it are fewer than those that are missing.
    last = _highest(
        lambda place: _number(equal & (places < place)) < missing, keys.shape[:-1], keys.shape[-1].bit_length()
    )
    return above | (equal & (places <= last))


def check_num_active(num_active: int, size: int) -> None:
    """Refuse more numbers than there are.

    Raises:
        UserError: If there are fewer latent dimensions.
    """
    if num_active > size:
        problem = f"{num_active} is more than the {size} latent dimensions"
        raise UserError("bottleneck.num_active", problem, f"give at most {size}")


def _ordered(values: Float[Array, "*rows numbers"]) -> UInt32[Array, "*rows numbers"]:
    """Integers in the order of the values."""
    bits = jax.lax.bitcast_convert_type(values.astype(jnp.float32), jnp.uint32)
    keys = jnp.where(bits & _SIGN, ~bits, bits | _SIGN)
    return jnp.where(jnp.isnan(values), _HIGHEST, keys)


def _number(which: Bool[Array, "*rows numbers"]) -> Int[Array, "*rows"]:
    return which.sum(axis=-1, dtype=jnp.int32)


def _highest(
    holds: Callable[[UInt32[Array, "*rows 1"]], Bool[Array, "*rows"]], shape: tuple[int, ...], num_bits: int
) -> UInt32[Array, "*rows 1"]:
    """The highest integer of so many bits for which something holds that holds for 0, and up to some integer."""

    def tried(index: Int[Array, ""], found: UInt32[Array, "*rows"]) -> UInt32[Array, "*rows"]:
        higher = found | (jnp.uint32(1) << (num_bits - 1 - index).astype(jnp.uint32))
        return jnp.where(holds(higher[..., None]), higher, found)

    return jax.lax.fori_loop(0, num_bits, tried, jnp.zeros(shape, jnp.uint32))[..., None]
