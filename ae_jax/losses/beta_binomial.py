r"""Counts with a beta distribution of their own as an observation model.

Everything is made of :math:`R(a, k) = \log \Gamma(a + k) - \log \Gamma(a)`, which is a small difference of large
numbers where a is large, and where a is small one of the tail of a gamma function. Both are avoided: eight factors are
taken out, and of what is left, :math:`b = a + 8`, Stirling's series gives the difference itself,

.. math::
    R(a, k) = \sum_{i=0}^{7} \log \frac{a + i}{a + k + i} + (b - \tfrac12) \log \left( 1 + \tfrac{k}{b} \right)
    + k \log \frac{b + k}{e} + \tfrac{1}{12} \left( \tfrac{1}{b + k} - \tfrac1b \right)
    - \tfrac{1}{360} \left( \tfrac{1}{(b + k)^3} - \tfrac{1}{b^3} \right)

good to 3e-8 for any a, and with a gradient that needs no other function. The three that a probability is made of have
counts that cancel, n = k + (n - k), so that e is left out and each b + k is taken relative to the largest.
"""

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import gammaln

from ae_jax.losses.base import Loss, levels, two_parts
from ae_jax.typing import Batch, Levels, Outputs, PerExample

_MOST_LOG_CONCENTRATION = 10.0
_SHIFT = 8


def beta_binomial(*, num_levels: Levels) -> Loss:
    r"""-log p(x|z) of levels, in nats, summed over features: of n = L - 1 coin flips, whose coin is drawn for each.

    .. math::
        p(k) = \binom{n}{k} \frac{B(k + \alpha, \, n - k + \beta)}{B(\alpha, \beta)}, \qquad
        \alpha = m c, \quad \beta = (1 - m) c, \quad k = (L - 1) \, x

    The decoder makes two numbers for each feature: the logit of the mean m, which is the reconstruction, and t, of
    which the log of the concentration is :math:`10 \tanh(t / 10)`. Large concentrations are coin flips of one coin,
    the least that these levels can vary; c = 2 at m = ½ is the uniform distribution, and small ones have both ends.

    Conventions differ: others let the decoder make the logs of both parameters of the beta distribution.

    Args:
        num_levels: L: 256 for bytes.

    Returns:
        The loss.

    Reference:
        Skellam, A Probability Distribution Derived from the Binomial Distribution, 1948; Townsend, Bird & Barber,
        Practical Lossless Compression with Latent Variables using Bits Back Coding, 2019 (of pixels).
    """
    num_flips = num_levels - 1
    counts = np.arange(num_levels)
    log_choices = np.float32(gammaln(num_levels) - gammaln(counts + 1) - gammaln(num_levels - counts))

    def per_example(outputs: Outputs, x: Batch) -> PerExample:
        logit, raw = two_parts(outputs)
        log_c = _MOST_LOG_CONCENTRATION * jnp.tanh(raw / _MOST_LOG_CONCENTRATION)
        k = jnp.clip(levels(x, num_levels), 0, num_flips)
        largest = jnp.exp(log_c) + (_SHIFT + num_flips)
        ones = _log_rising(log_c + jax.nn.log_sigmoid(logit), k, largest)
        zeros = _log_rising(log_c + jax.nn.log_sigmoid(-logit), num_flips - k, largest)
        flips = _log_rising(log_c, jnp.full_like(k, num_flips), largest)
        return jnp.sum(flips - ones - zeros - jnp.asarray(log_choices)[k.astype(jnp.int32)], axis=-1)

    def reconstruction(outputs: Outputs) -> Batch:
        return jax.nn.sigmoid(jnp.split(outputs, 2, axis=-1)[0])

    return Loss(per_example, reconstruction, output_width=2, num_levels=num_levels)


def _log_rising(log_a: Batch, k: Batch, largest: Batch) -> Batch:
    """`log Γ(a + k) - log Γ(a) - k log(largest / e)` for whole k ≥ 0, from the log of a, as a may be too small."""
    a = jnp.exp(log_a)
    first = jnp.where(k > 0, jnp.log(jnp.maximum(k, 1) + a) - log_a, 0)
    factors = jnp.ones_like(a)
    for i in range(1, _SHIFT):
        factors *= 1 + k / (a + i)
    b = a + _SHIFT
    end = b + k
    stirling = (b - 0.5) * jnp.log1p(k / b) + k * jnp.log(end / largest)
    corrected = stirling + (1 / end - 1 / b) / 12 - (end**-3 - b**-3) / 360
    return corrected - first - jnp.log(factors)
