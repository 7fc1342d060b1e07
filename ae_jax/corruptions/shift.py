"""Images moved aside."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ae_jax.corruptions.base import Target, as_images
from ae_jax.typing import Batch, NonNegative, PRNGKey


def shift(
    key: PRNGKey, x: Batch, /, *, feature_shape: tuple[int, ...], distance: NonNegative, target: Target = "clean"
) -> Batch:
    r"""Move every image by whole pixels, up, down and aside, by numbers of its own; what comes in is 0.

    .. math:: \tilde x_{ij} = x_{i - a, \, j - b}, \qquad a, b \sim \mathrm{Uniform} \{-D, \dots, D\}

    With `target: corrupted` it is an augmentation: the model is trained to give back the moved image. With `clean` it
    is trained to put it back in its place.

    Args:
        key: The key of this batch.
        x: Inputs.
        feature_shape: Of an image: height, width, and channels if there are any.
        distance: The most pixels that an image moves along either side: D is its whole part.
        target: What reconstructions are compared with.

    Returns:
        The moved inputs, in the type of x.

    Raises:
        UserError: If an example is no image.

    Reference:
        Simard, Steinkraus & Platt, Best Practices for Convolutional Neural Networks Applied to Visual Document
        Analysis, 2003 (as an augmentation).
    """
    images = as_images("shift", x, feature_shape)
    most = jnp.floor(jnp.asarray(distance, jnp.float32))
    moves = jnp.floor(jax.random.uniform(key, (2, len(images))) * (2 * most + 1)) - most
    return _moved(_moved(images, moves[0], 1), moves[1], 2).reshape(x.shape)


# Of its strength, at which its effect is looked at where nothing else is said.
shift.levels = (0.0, 1.0, 2.0, 3.0, 4.0)  # type: ignore[attr-defined] # functions take attributes


def _moved(
    images: Float[Array, "images height width channels"], moves: Float[Array, " images"], axis: int
) -> Float[Array, "images height width channels"]:
    """Images that are moved along an axis, each by its own number of pixels."""
    length = images.shape[axis]
    shape = [len(images) if at == 0 else length if at == axis else 1 for at in range(4)]
    source = (jnp.arange(length)[None, :] - moves[:, None]).reshape(shape)
    within = (source >= 0) & (source < length)
    places = jnp.clip(source, 0, length - 1).astype(jnp.int32)
    return jnp.where(within, jnp.take_along_axis(images, places, axis=axis), 0)
