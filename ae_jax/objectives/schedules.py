"""Shapes of a weight over a run: factors in [0, 1] by the part of all updates that is made, for training alone."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from ae_jax.objectives.base import Progress, Schedule
from ae_jax.typing import Fraction, Size


def warmup(*, warmup_fraction: Fraction) -> Schedule:
    r"""From 0 to 1 in a line, and 1 from then on.

    .. math:: s(p) = \min(1, \, p / w)

    Args:
        warmup_fraction: w, the part of all updates after which it is 1; 0: at once.

    Reference:
        Bowman et al., Generating Sentences from a Continuous Space, 2016 (with a sigmoid); Sønderby et al., Ladder
        Variational Autoencoders, 2016 (a line).
    """
    return lambda progress: _risen(progress, warmup_fraction)


def cyclical(*, num_cycles: Size, rising_fraction: Fraction) -> Schedule:
    r"""From 0 to 1 in a line, 1 for a while, and again from 0: `num_cycles` times.

    .. math:: s(p) = \min(1, \, \tau / r), \qquad \tau = M p \bmod 1

    Args:
        num_cycles: M; 4 in the paper.
        rising_fraction: r, the part of a cycle in which it rises; 0.5 in the paper.

    Reference:
        Fu et al., Cyclical Annealing Schedule: A Simple Approach to Mitigating KL Vanishing, 2019, equations 6 and 7.
    """
    return lambda progress: _risen(progress * num_cycles % 1, rising_fraction)


def _risen(part: Progress, fraction: Fraction) -> Float[Array, ""]:
    # Where nothing rises the quotient is not used; the maximum keeps it finite.
    return jnp.where(part < fraction, part / jnp.maximum(fraction, 1e-12), 1.0)
