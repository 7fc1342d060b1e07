"""Distortion, and what the latent costs."""

from ae_jax.objectives.base import Carried, Parts, Schedule, Value, passed, weighed
from ae_jax.typing import Batch, NonNegative, PRNGKey


def rate_distortion(
    parts: Parts,
    carried: Carried,
    key: PRNGKey,
    x: Batch,
    seen: Batch,
    /,
    *,
    beta: NonNegative,
    schedule: Schedule | None = None,
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
        schedule: What part of β each update descends, see `objectives.schedules`; None: all of it. In evaluation it is
            all of it, so that epochs compare.

    Returns:
        The value, with the terms `distortion`, in the units of the loss, and the bottleneck's.

    Reference:
        Higgins et al., beta-VAE, 2017; Alemi et al., Fixing a Broken ELBO, 2018 (rate and distortion).
    """
    return weighed(parts, passed(parts, carried, key, x, seen), beta=beta, schedule=schedule)
