"""Images in fog."""

import jax.numpy as jnp

from ae_jax.corruptions.base import Target, as_images
from ae_jax.typing import Batch, Fraction, PRNGKey


def contrast(
    key: PRNGKey, x: Batch, /, *, feature_shape: tuple[int, ...], strength: Fraction, target: Target = "clean"
) -> Batch:
    r"""Draw every pixel towards the mean of its image: none of the contrast is left at strength 1.

    .. math:: \tilde x_p = x_p + r (m - x_p), \qquad m = \frac{1}{P} \sum_{p=1}^{P} x_p

    Each channel has a mean of its own. Nothing in it is random, and nothing leaves the range of the image.

    Args:
        key: The key of this batch; not used.
        x: Inputs.
        feature_shape: Of an image: height, width, and channels if there are any.
        strength: r, the part of the contrast that is lost.
        target: What reconstructions are compared with.

    Returns:
        The inputs of less contrast, in the type of x.

    Raises:
        UserError: If an example is no image.

    Reference:
        Hendrycks & Dietterich, Benchmarking Neural Network Robustness to Common Corruptions and Perturbations, 2019.
    """
    images = as_images("contrast", x, feature_shape).astype(jnp.float32)
    mean = images.mean(axis=(1, 2), keepdims=True)
    flat = (images + strength * (mean - images)).reshape(x.shape).astype(x.dtype)
    return jnp.where(strength > 0, flat, x)
