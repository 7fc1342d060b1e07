"""The normal distribution as an observation model."""

import math
from typing import Literal

import jax.numpy as jnp
from jaxtyping import Array

from ae_jax.losses.base import Link, Loss, log_scale, output_link, two_parts, widen
from ae_jax.typing import Batch, Outputs, PerExample, Positive

_HALF_LOG_2_PI = 0.5 * math.log(2 * math.pi)


def gaussian_nll(*, scale: Positive | Literal["learned"], min_scale: Positive, link: Link) -> Loss:
    r"""-log p(x|z) of normal features, in nats, summed over features; with its constant, so that p integrates to 1.

    .. math::
        \ell(y, x) = \sum_{j=1}^{d} \tfrac12 \left( \frac{x_j - \hat x_j}{\sigma_j} \right)^2 + \log \sigma_j
        + \tfrac12 \log 2 \pi, \qquad \hat x = \mathrm{link}(y)

    With a given scale it is `half_sse` over its square, and a constant: the square plays the part of `objective.beta`
    beside `half_sse`. With `scale: learned` the decoder makes two numbers for each feature, of which the second, r, is
    the log of its scale, bounded smoothly from below: :math:`\log \sigma = l + \log(1 + e^{r - l})`, l the log of
    `min_scale`; else the likelihood of a pixel that is always black would have no bound.

    Conventions differ: many codebases leave the constant out, or give the decoder the log of the variance. This is a
    density: it changes with the units of x, may be above 1, and its bits are not those of 8-bit pixels.

    Args:
        scale: The standard deviation in the units of x, one for all features; or `learned`, one for each of every
            example.
        min_scale: What a learned scale stays above, in the units of x.
        link: From the first outputs to the mean, which is the reconstruction; "sigmoid" keeps it within (0, 1).

    Returns:
        The loss.

    Reference:
        Kingma & Welling, Auto-Encoding Variational Bayes, 2014, appendix C.2; Rybkin, Daniilidis & Levine, Simple and
        Effective VAE Training with Calibrated Decoders, 2021 (learned scales, and their bound).
    """
    width = 2 if isinstance(scale, str) else 1

    def mean(outputs: Outputs) -> Batch:
        return output_link(link)(jnp.split(outputs, width, axis=-1)[0])

    def log_sigma(outputs: Outputs) -> Array:
        return log_scale(two_parts(outputs)[1], min_scale) if isinstance(scale, str) else jnp.log(scale)

    def per_example(outputs: Outputs, x: Batch) -> PerExample:
        log_s = log_sigma(outputs)
        deviation = (widen(x) - mean(widen(outputs))) * jnp.exp(-log_s)
        return jnp.sum(0.5 * deviation**2 + log_s + _HALF_LOG_2_PI, axis=-1)

    return Loss(per_example, mean, output_width=width, is_density=True)
