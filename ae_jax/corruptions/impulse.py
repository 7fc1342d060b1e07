"""Impulse noise in one colour channel."""

import jax
import jax.numpy as jnp

from ae_jax.corruptions.base import as_images, black_or_white, coarse_uniform
from ae_jax.typing import Batch, Fraction, PRNGKey


def impulse(key: PRNGKey, x: Batch, /, *, feature_shape: tuple[int, ...], rate: Fraction) -> Batch:
    r"""Set pixels to 0 or 1, each with probability r/2, in one channel of each image, and leave the others.

    .. math::
        \tilde x_{pc} = \begin{cases} 0 & u_p < r / 2 \\ 1 & r / 2 \le u_p < r \\ x_{pc} & u_p \ge r \end{cases}
        \quad (c = C), \qquad \tilde x_{pc} = x_{pc} \quad (c \ne C), \qquad C \sim \mathrm{Uniform} \{1, \dots, n\}

    As a sensor of one colour that fails. Of grey images, that have one channel, it is salt and pepper. Meant for
    features in [0, 1], whose ends 0 and 1 are.

    Args:
        key: The key of this batch.
        x: Inputs.
        feature_shape: Of an image: height, width, and channels if there are any.
        rate: r, the probability that a pixel of that channel is replaced; it and its half are resolved to 2^-16.

    Returns:
        The corrupted inputs, in the type of x.

    Raises:
        UserError: If an example is no image.

    Reference:
        Hendrycks & Dietterich, Benchmarking Neural Network Robustness to Common Corruptions and Perturbations, 2019
        (of all channels).
    """
    images = as_images("impulse", x, feature_shape)
    num_images, height, width, num_channels = images.shape
    of_channel, of_pixels = jax.random.split(key)
    channel = jax.random.randint(of_channel, (num_images, 1, 1, 1), 0, num_channels)
    hit = jnp.arange(num_channels)[None, None, None, :] == channel
    u = coarse_uniform(of_pixels, (num_images, height * width)).reshape(num_images, height, width, 1)
    replaced = black_or_white(u, rate, images)
    return jnp.where(hit, replaced, images).astype(x.dtype).reshape(x.shape)


# White and black are 1 and 0: the builder refuses other data.
impulse.needs_unit_interval = True  # type: ignore[attr-defined] # functions take attributes
