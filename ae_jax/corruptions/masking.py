"""Masking noise: features dropped to 0."""

import jax.numpy as jnp

from ae_jax.corruptions.base import coarse_uniform
from ae_jax.typing import Batch, Fraction, PRNGKey


def masking(key: PRNGKey, x: Batch, /, *, rate: Fraction) -> Batch:
    r"""Set each feature to 0, independently with probability `rate`.

    .. math:: \tilde x_j = m_j x_j, \qquad m_j \sim \mathrm{Bernoulli}(1 - \mathrm{rate})

    The features that stay are not scaled up by 1/(1 - rate), as dropout would do. The reference drops a fixed number of
    features of each example; here that number is binomial, with the same mean.

    Args:
        key: The key of this batch.
        x: Inputs.
        rate: Probability that a feature is dropped, resolved to 2^-16.

    Returns:
        The corrupted inputs, in the type of x.

    Reference:
        Vincent, Larochelle, Lajoie, Bengio & Manzagol, JMLR 11:3371, 2010, section 3.3.
    """
    return jnp.where(coarse_uniform(key, x.shape) < rate, 0, x)
