r"""The logistic distribution, cut into levels, as an observation model.

A bin of width 2h around x has the mass :math:`\sigma(b) - \sigma(a)`, with :math:`b, a = (x \pm h - \mu) / s`. That is
a difference of numbers that may be equal in float32; this is not:

.. math:: \sigma(b) - \sigma(a) = \sigma(b) \, \sigma(-a) \, (1 - e^{a - b})
"""

import jax
import jax.numpy as jnp

from ae_jax.losses.base import Loss, levels, log_scale, two_parts
from ae_jax.typing import Batch, Levels, Outputs, PerExample, Positive

_SMALL = 1e-3  # below it, log(1 - exp(-t)) is log t - t/2 in float32
_FAR = 20.0  # scales from [0, 1], beyond which all of the mass is at one end
_WIDE = 30.0  # a scale beyond which the slope of the logistic is that of its middle, to 5e-6


def discretised_logistic(*, num_levels: Levels, min_scale: Positive) -> Loss:
    r"""-log p(x|z) of levels, in nats, summed over features: what a logistic distribution has in the bin of each.

    .. math::
        p(x_j) = F(x_j + h) - F(x_j - h), \qquad F(t) = \sigma \left( \frac{t - \mu_j}{s_j} \right), \qquad
        h = \frac{1}{2 (L - 1)}

    and the first and the last level take the tails, down to -∞ and up to ∞. The decoder makes two numbers for each
    feature, μ and the log of s, which is bounded smoothly from below by `min_scale` as in `gaussian_nll`. The
    reconstruction is the mean, of the logistic clipped into [0, 1]:
    :math:`s \log \frac{1 + e^{\mu / s}}{1 + e^{(\mu - 1) / s}}`; that of the levels differs by less than half of one.

    Conventions differ: pixels are in [0, 1] here, in [-1, 1] in the reference, where s is twice as large.

    Args:
        num_levels: L: 256 for bytes.
        min_scale: What s stays above, in the units of x.

    Returns:
        The loss.

    Reference:
        Kingma, Salimans, Jozefowicz, Chen, Sutskever & Welling, Improved Variational Inference with Inverse
        Autoregressive Flow, 2016; Salimans, Karpathy, Chen & Kingma, PixelCNN++, 2017, equation 2.
    """

    def per_example(outputs: Outputs, x: Batch) -> PerExample:
        mean, raw = two_parts(outputs)
        log_s, level = log_scale(raw, min_scale), levels(x, num_levels)
        centred = level / (num_levels - 1) - mean
        half, inverse = 0.5 / (num_levels - 1), jnp.exp(-log_s)
        below = jax.nn.log_sigmoid((centred + half) * inverse)  # log F of the upper edge
        above = jax.nn.log_sigmoid(-(centred - half) * inverse)  # log (1 - F) of the lower edge
        is_first, is_last = level <= 0, level >= num_levels - 1
        between = _log_one_minus_exp(2 * half * inverse, jnp.log(2 * half) - log_s)
        log_mass = jnp.where(is_last, 0, below) + jnp.where(is_first, 0, above)
        return -jnp.sum(log_mass + jnp.where(is_first | is_last, 0, between), axis=-1)

    def reconstruction(outputs: Outputs) -> Batch:
        mean, raw = two_parts(outputs)
        log_s = log_scale(raw, min_scale)
        s = jnp.minimum(jnp.exp(log_s), _WIDE)
        near = jnp.clip(mean, -_FAR * s, 1 + _FAR * s)  # what lies beyond is one of the ends, and has no digits left
        clipped = s * (jax.nn.softplus(near / s) - jax.nn.softplus((near - 1) / s))
        of_wide = jax.nn.sigmoid((mean - 0.5) * jnp.exp(-log_s))
        return jnp.where(s < _WIDE, jnp.clip(clipped, 0, 1), of_wide).astype(outputs.dtype)

    return Loss(per_example, reconstruction, output_width=2, num_levels=num_levels)


def _log_one_minus_exp(t: Batch, log_t: Batch) -> Batch:
    """log(1 - exp(-t)) for t ≥ 0, from t and its log, which is finite where t is not told from 0."""
    large = jnp.maximum(t, _SMALL)
    return jnp.where(t < _SMALL, log_t - 0.5 * t, jnp.log(-jnp.expm1(-large)))
