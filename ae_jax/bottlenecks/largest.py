r"""The largest of some numbers, by bisection on the bits of floats: each round counts, and nothing is sorted.

Read as integers, positive floats are in the order of their values, and negative ones against it. The k-th largest of
keys that are in order is found from its highest bit on: a bit is set where at least k keys are no less then. So 32
rounds find it exactly, and fewer where a prefix tells k keys from the others. Inside a scan on two CPU cores the 32
largest of 4,096 numbers of 256 examples take 2.6 ms so; 3.4 by `jax.lax.top_k` with its places scattered, and 115 where
its last value is a threshold, for which XLA sorts.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, UInt32

from ae_jax.errors import UserError

_SIGN, _HIGHEST = np.uint32(1 << 31), np.int32(2**31 - 1)
Values = Float[Array, "rows numbers"]
Which = Bool[Array, "rows numbers"]
Keys = Int[Array, "rows numbers"]
# Of a row each, or of all rows together.
Counts = Int[Array, "counted 1"]
Bits = UInt32[Array, "counted 1"]
_State = tuple[UInt32[Array, ""], Bits, Counts]


def largest(values: Values, count: Int[Array, ""] | int, *, of_all: bool = False) -> Which:
    """Which are the `count` largest of each row; of equal ones the first. What is no number counts as the largest.

    Args:
        values: Rows of numbers.
        count: How many, at most as many as there are.
        of_all: Whether of all rows together, in their order, instead of each.
    """

    def number(which: Which) -> Counts:
        # A product with ones, as it sums faster than a reduction does on CPUs; floats count a row exactly.
        of_rows = (which.astype(jnp.float32) @ jnp.ones(which.shape[-1])).astype(jnp.int32)[:, None]
        return of_rows.sum(axis=0, keepdims=True) if of_all else of_rows

    keys = _ordered(values)
    there = jnp.full((1, 1), keys.size) if of_all else jnp.full((len(keys), 1), keys.shape[1])
    wanted = jnp.full(there.shape, count)
    least, num_kept = _highest(lambda bits: number(keys >= _key(bits)), wanted, there)
    kept = keys >= _key(least)
    # Only where keys are equal there are too many: of the least ones as many are taken as can be, from the first on.
    equal, places = keys == _key(least), _places(keys, of_all=of_all)
    spare = num_kept - wanted
    first, _ = _highest(lambda bits: number(equal & (places >= bits)), spare, jnp.where(spare > 0, there, 0))
    return kept & ~(equal & (places >= first) & (spare > 0))


def check_num_active(num_active: int, size: int) -> None:
    """Refuse more numbers than there are.

    Raises:
        UserError: If there are fewer latent dimensions.
    """
    if num_active > size:
        problem = f"{num_active} is more than the {size} latent dimensions"
        raise UserError("bottleneck.num_active", problem, f"give at most {size}")


def _ordered(values: Values) -> Keys:
    """Integers in the order of the values."""
    bits = jax.lax.bitcast_convert_type(values.astype(jnp.float32), jnp.int32)
    return jnp.where(jnp.isnan(values), _HIGHEST, jnp.where(bits < 0, bits ^ _HIGHEST, bits))


def _key(bits: Bits) -> Counts:
    """The key that has so many others below it as these bits say."""
    return jax.lax.bitcast_convert_type(bits ^ _SIGN, jnp.int32)


def _places(keys: Keys, *, of_all: bool) -> UInt32[Array, "rows numbers"]:
    rows, numbers = (jax.lax.broadcasted_iota(jnp.uint32, keys.shape, axis) for axis in (0, 1))
    return rows * jnp.uint32(keys.shape[1]) + numbers if of_all else numbers


def _highest(number: Callable[[Bits], Counts], count: Counts, most: Counts) -> tuple[Bits, Counts]:
    """The highest bits that at least `count` reach, or lower ones that exactly as many do, and how many that is.

    Args:
        number: How many reach some bits.
        count: How many are wanted.
        most: How many reach 0.
    """

    def goes_on(state: _State) -> Bool[Array, ""]:
        bit, _, reached = state
        return (bit != 0) & jnp.any(reached != count)

    def tried(state: _State) -> _State:
        bit, found, reached = state
        now = number(found | bit)
        higher = now >= count
        return bit >> 1, jnp.where(higher, found | bit, found), jnp.where(higher, now, reached)

    start = (jnp.uint32(_SIGN), jnp.zeros(most.shape, jnp.uint32), most)
    _, found, reached = jax.lax.while_loop(goes_on, tried, start)
    return found, reached
