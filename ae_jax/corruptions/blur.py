"""Images out of focus."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from ae_jax.corruptions.base import Target, as_images
from ae_jax.typing import Batch, NonNegative, PRNGKey


def blur(
    key: PRNGKey, x: Batch, /, *, feature_shape: tuple[int, ...], scale: NonNegative, target: Target = "clean"
) -> Batch:
    r"""Average every pixel with its neighbours, weighted by a normal distribution of their distance.

    .. math:: \tilde x_p = \sum_q w_{pq} x_q, \qquad w_{pq} \propto e^{-\lVert p - q \rVert^2 / 2 \sigma^2}

    The weights of each pixel sum to 1 over the pixels that there are: nothing comes in over the border, and an image of
    one grey stays as it is. Nothing in it is random; each channel is blurred by itself.

    Args:
        key: The key of this batch; not used.
        x: Inputs.
        feature_shape: Of an image: height, width, and channels if there are any.
        scale: Standard deviation of that distribution, in pixels.
        target: What reconstructions are compared with.

    Returns:
        The blurred inputs, in the type of x.

    Raises:
        UserError: If an example is no image.

    Reference:
        Hendrycks & Dietterich, Benchmarking Neural Network Robustness to Common Corruptions and Perturbations, 2019.
    """
    images = as_images("blur", x, feature_shape).astype(jnp.float32)
    _, height, width, _ = images.shape
    rows, columns = _weights(height, scale), _weights(width, scale)
    blurred = jnp.einsum("bhwc,rh,vw->brvc", images, rows, columns, precision="highest")
    return jnp.where(scale > 0, blurred.reshape(x.shape).astype(x.dtype), x)


# Of its strength, at which its effect is looked at where nothing else is said.
blur.levels = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0)  # type: ignore[attr-defined] # functions take attributes


def _weights(size: int, scale: NonNegative) -> Float[Array, "size size"]:
    places = jnp.arange(size, dtype=jnp.float32)
    distances = places[:, None] - places[None, :]
    weights = jnp.exp(-0.5 * (distances / jnp.maximum(scale, 1e-6)) ** 2)
    return weights / weights.sum(axis=1, keepdims=True)
