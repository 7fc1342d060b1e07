"""Shapes of the learning rate over a run: factors in [0, 1], with peak 1, that the learning rate is multiplied by.

They are Optax's schedules without its branches in Python, so that every float may be a traced array.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ae_jax.optimizers.base import LearningRate, Schedule, one_ahead
from ae_jax.typing import Fraction, Positive


def constant(*, num_steps: int) -> Schedule:
    """The factor 1 throughout, whatever the number of updates."""

    def factor(step: Int[Array, ""]) -> Float[Array, ""]:
        return jnp.float32(1)

    return factor


def warmup_cosine(*, num_steps: int, warmup_fraction: Fraction, final_fraction: Fraction) -> Schedule:
    r"""Linear warm-up from 0, then a half cosine down to `final_fraction`.

    With N updates in all, of which the first :math:`W = wN` are warm-up,

    .. math::
        s(t) = \begin{cases} t / W & t < W \\
        f + (1 - f) \, \tfrac{1}{2} \left( 1 + \cos \pi \frac{t - W}{N - W} \right) & W \le t \le N \end{cases}

    This is `optax.warmup_cosine_decay_schedule` with peak 1; as there, the first of any warm-up has factor 0. W need
    not be whole. With early stopping, a run ends before its schedule does.

    Args:
        num_steps: N, the updates in all epochs.
        warmup_fraction: w, the part of the updates that is warm-up; 0 for none.
        final_fraction: f, the factor that the cosine ends in.

    Returns:
        From the number of updates made before to a factor.

    Reference:
        Loshchilov & Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts, 2017, equation 5 (the cosine).
    """

    def factor(step: Int[Array, ""]) -> Float[Array, ""]:
        warmup = jnp.asarray(warmup_fraction, jnp.float32) * num_steps
        # Where a phase has no length its quotient is not used; the maximum keeps it finite.
        progress = jnp.clip((step - warmup) / jnp.maximum(num_steps - warmup, 1), 0, 1)
        cosine = final_fraction + (1 - final_fraction) * 0.5 * (1 + jnp.cos(jnp.pi * progress))
        return jnp.where(step < warmup, step / jnp.maximum(warmup, 1), cosine)

    return factor


def learning_rate(*, peak: Positive, schedule: Schedule) -> LearningRate:
    """A learning rate for optimizers of other packages, which multiply no factor themselves: peak · s(t + 1).

    One update ahead, so that it is never 0 where a warm-up begins: some methods divide by it.

    Args:
        peak: The largest learning rate, in the optimizer's own units.
        schedule: s.

    Returns:
        From the number t of updates made before to the learning rate.
    """
    return one_ahead(schedule, peak)
