"""Images with something in front of them."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

from ae_jax.corruptions.base import Target, as_images
from ae_jax.typing import Batch, Fraction, PRNGKey


def occlusion(
    key: PRNGKey, x: Batch, /, *, feature_shape: tuple[int, ...], size: Fraction, target: Target = "clean"
) -> Batch:
    r"""Set a rectangle of every image to 0, at a place of its own, all channels alike.

    Its sides are the part `size` of those of the image, rounded to whole pixels, and it lies within the image, at every
    place with the same probability: pixels in the middle are covered more often. (In Cutout, what lies beyond the
    border is cut off, and the patch is a square.)

    Args:
        key: The key of this batch.
        x: Inputs.
        feature_shape: Of an image: height, width, and channels if there are any.
        size: Sides of the rectangle, as a part of those of the image; its square is the area that is lost.
        target: What reconstructions are compared with.

    Returns:
        The occluded inputs, in the type of x.

    Raises:
        UserError: If an example is no image.

    Reference:
        DeVries & Taylor, Improved Regularization of Convolutional Neural Networks with Cutout, 2017.
    """
    images = as_images("occlusion", x, feature_shape)
    num_images, height, width, _ = images.shape
    places = jax.random.uniform(key, (2, num_images))
    rows, columns = _covered(places[0], height, size), _covered(places[1], width, size)
    covered = rows[:, :, None, None] & columns[:, None, :, None]
    return jnp.where(covered, 0, images).reshape(x.shape)


def _covered(places: Array, length: int, size: Fraction) -> Bool[Array, "images length"]:
    """Which of the lines of each image are covered, by uniform numbers in [0, 1)."""
    side = jnp.round(size * length)
    first = jnp.floor(places * (length - side + 1))[:, None]
    lines = jnp.arange(length)[None, :]
    return (lines >= first) & (lines < first + side)
