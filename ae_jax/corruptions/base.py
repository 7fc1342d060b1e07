"""What every corruption is once its options are bound, and what several share: random numbers, and images."""

from collections.abc import Callable
from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ae_jax.images import image_shape
from ae_jax.typing import Batch, Fraction, PRNGKey

Corruption = Callable[[PRNGKey, Batch], Batch]
Target = Literal["clean", "corrupted"]
"""What reconstructions are compared with: `corrupted` makes a corruption an augmentation of the data.

A corruption that may be one has an option of this name, which it does not look at itself: the objective does.
"""


def as_images(name: str, x: Batch, feature_shape: tuple[int, ...]) -> Float[Array, "batch height width channels"]:
    """Examples as images of height, width and channels, of which there is one where the shape has no axis of them.

    Args:
        name: Of the corruption, for the message.
        x: Examples, flattened.
        feature_shape: Of one before it was flattened.

    Raises:
        UserError: If an example is no image.
    """
    shape = image_shape(f"corruption={name}", feature_shape, otherwise="corruption=masking or gaussian")
    return x.reshape(len(x), *shape)


def coarse_uniform(key: PRNGKey, shape: tuple[int, ...]) -> Batch:
    """Uniform on the 2^16 midpoints (k + ½) / 2^16, two for each random word.

    Random words are what masking costs, and 16 bits decide as well as 32: for a rate r, `u < r` has probability
    r rounded to a multiple of 2^-16 (within 8e-6 of r), never happens at 0 and always at 1.
    """
    rows, columns = shape
    words = jax.random.bits(key, (rows, -(-columns // 2)), jnp.uint32)
    halves = jax.lax.bitcast_convert_type(words, jnp.uint16).reshape(rows, -1)[:, :columns]
    return (halves.astype(jnp.float32) + 0.5) * 2.0**-16


def black_or_white(u: Array, rate: Fraction, x: Array) -> Array:
    """0 where u is below half of the rate, 1 where it is below the rate, and x elsewhere."""
    return jnp.where(u < rate / 2, 0, jnp.where(u < rate, 1, x))
