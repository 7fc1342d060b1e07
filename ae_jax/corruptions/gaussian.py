"""Additive isotropic Gaussian noise."""

import jax
import jax.numpy as jnp

from ae_jax.typing import Batch, NonNegative, PRNGKey


def gaussian(key: PRNGKey, x: Batch, /, *, scale: NonNegative) -> Batch:
    r"""Add independent Gaussian noise to every feature.

    .. math:: \tilde x = x + \mathrm{scale} \cdot \epsilon, \qquad \epsilon \sim \mathcal{N}(0, I)

    The result is not clipped to the range of x, as in the reference: clipping would make the noise depend on x, and
    would bias the features at the ends of the range.

    Args:
        key: The key of this batch.
        x: Inputs.
        scale: Standard deviation of the noise, in the units of x (not its variance).

    Returns:
        The corrupted inputs, in the type of x.

    Reference:
        Vincent, Larochelle, Lajoie, Bengio & Manzagol, JMLR 11:3371, 2010, section 3.3.
    """
    return x + jnp.asarray(scale, x.dtype) * jax.random.normal(key, x.shape, x.dtype)


# Of its strength, at which its effect is looked at where nothing else is said.
gaussian.levels = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)  # type: ignore[attr-defined] # functions take attributes
