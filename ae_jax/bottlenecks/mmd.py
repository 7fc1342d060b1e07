"""Latents that are distributed as a prior, all of a batch together."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from ae_jax.bottlenecks.base import Bottled, Bottleneck, Weights, check_flat
from ae_jax.typing import Code, Latent, PerExample, Positive, PRNGKey

_SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)  # of the paper's code


def mmd(*, prior_scale: Positive) -> Bottleneck:
    r"""The code is the latent, and costs how far the latents of a batch are from as many of the prior N(0, σ² I).

    The term `mmd` is the squared maximum mean discrepancy of the n latents z and of n draws y, without bias,

    .. math::
        \frac{1}{n (n-1)} \sum_{i \ne j} k(z_i, z_j) + k(y_i, y_j) - \frac{2}{n^2} \sum_{i,j} k(z_i, y_j), \qquad
        k(a, b) = \sum_s \frac{s C}{s C + \lVert a - b \rVert^2}, \quad C = 2 d \sigma^2

    with the inverse multiquadric kernel at the scales s = .1, .2, .5, 1, 2, 5, 10, summed, of latents of d dimensions.
    It has no unit, is at most 14, and on average 0 where both are distributed alike, so that single batches may be
    below. Each example is given its part of the sums; of a batch of one nothing can be said, and it costs nothing.

    Codebases differ: some average over scales, keep i = j (which is never below 0), or multiply by the batch size.
    The weight, λ, is `objective.beta`; the paper's is 10 beside a squared error summed over features.

    Args:
        prior_scale: The standard deviation of the prior.

    Reference:
        Tolstikhin, Bousquet, Gelly & Schölkopf, Wasserstein Auto-Encoders, 2018, algorithm 2 and section 4.
    """

    def apply(params: PyTree, state: PyTree, key: PRNGKey, code: Code, weights: Weights) -> Bottled:
        check_flat("mmd", code)
        cost = discrepancy(code, from_prior(key, code), weights, prior_scale=prior_scale)
        return Bottled(code, {"mmd": cost}, state)

    def latent(params: PyTree, state: PyTree, code: Code) -> Latent:
        return code

    def from_prior(key: PRNGKey, like: PyTree) -> Latent:
        return prior_scale * jax.random.normal(key, like.shape)

    return Bottleneck(apply, latent, couples=True, prior=from_prior)


def discrepancy(
    latent: Float[Array, "batch latent"],
    prior: Float[Array, "batch latent"],
    weights: Weights,
    *,
    prior_scale: Positive,
) -> PerExample:
    """What each example has in the sums of `mmd`, so that their weighted mean is it."""
    base = 2 * latent.shape[-1] * jnp.asarray(prior_scale) ** 2

    def kernel(
        first: Float[Array, "batch latent"], second: Float[Array, "batch latent"]
    ) -> Float[Array, "batch batch"]:
        lengths = jnp.sum(first**2, axis=-1)[:, None] + jnp.sum(second**2, axis=-1)[None, :]
        distances = jnp.maximum(lengths - 2 * first @ second.T, 0)
        kernels = [scale * base / (scale * base + distances) for scale in _SCALES]
        return jnp.stack(kernels).sum(axis=0)

    total = weights.sum()
    others = weights[None, :] * (1 - jnp.eye(len(weights)))
    alike = jnp.sum(others * (kernel(latent, latent) + kernel(prior, prior)), axis=-1) / jnp.maximum(total - 1, 1)
    across = jnp.sum(weights[None, :] * kernel(latent, prior), axis=-1) / total
    return jnp.where(total > 1, alike - 2 * across, 0)
