"""Distortion, and what the latent costs."""

from ae_jax.objectives.base import Carried, Parts, Value, joined
from ae_jax.typing import Batch, NonNegative, PRNGKey


def rate_distortion(
    parts: Parts, carried: Carried, key: PRNGKey, x: Batch, seen: Batch, /, *, beta: NonNegative
) -> Value:
    r"""The distortion of the reconstruction, and β times all that its latent costs.

    .. math:: \ell(x) = d(x, \hat x) + \beta \sum_c c(z)

    Of a plain autoencoder it is the loss; with `bottleneck=gaussian` the β-VAE's objective, and at β = 1 that of the
    VAE, where the loss is -log p(x|z).

    Args:
        parts: The model.
        carried: Its state.
        key: The key of this batch.
        x: Clean inputs.
        seen: What the encoder gets.
        beta: β.

    Returns:
        The value, with the terms `distortion`, in the units of the loss, and the bottleneck's.

    Reference:
        Higgins et al., beta-VAE, 2017; Alemi et al., Fixing a Broken ELBO, 2018 (rate and distortion).
    """
    code, carried = parts.encode(carried, seen)
    bottled, carried = parts.bottleneck(carried, key, code)
    outputs, carried = parts.decode(carried, bottled.latent)
    distortion = parts.loss(outputs, x)
    total = distortion + beta * sum(bottled.terms.values()) if bottled.terms else distortion
    return Value(total, joined({"distortion": distortion}, bottled.terms), carried)
