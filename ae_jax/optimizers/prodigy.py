"""Prodigy, which finds the size of its steps."""

import optax
import optax.contrib

from ae_jax.optimizers.base import Decay, Schedule, clipped, one_ahead
from ae_jax.typing import NonNegative, Positive


def prodigy(
    *,
    d0: Positive,
    d_coef: Positive,
    b1: Decay,
    b2: Decay,
    eps: Positive,
    weight_decay: NonNegative,
    schedule: Schedule,
    clip_norm: Positive | None,
) -> optax.GradientTransformation:
    r"""AdamW without a learning rate: its steps are as long as an estimate of how far the solution is from the start.

    .. math::
        \theta_{t+1} = \theta_t - d_t \, s(t + 1) \left( a_t + \lambda \theta_t \right), \qquad
        d_{t+1} = \max \left( d_t, \; c \, \frac{r_{t+1}}{\lVert q_{t+1} \rVert_1} \right)

    where a is Adam's direction with its correction of bias, r a weighted average of how well gradients agree with the
    way gone, and q one of the gradients. d never falls: a schedule that ends in 0 lets the last steps settle.

    Conventions differ: the schedule is one update ahead of that of the other optimizers, since its first factor, 0 for
    any warm-up, is in both averages, and would make the first estimate 0/0. Decay is multiplied by the step, as in
    `adamw`. All else is `optax.contrib.prodigy`.

    Args:
        d0: The first estimate d, of the distance of the parameters from the solution; too small rather than too large.
        d_coef: c, by which every estimate is multiplied; what to sweep instead of a learning rate.
        b1: β₁ of Adam, in [0, 1).
        b2: β₂ of Adam, in [0, 1); the averages of the estimate decay by its root.
        eps: ε of Adam, which is multiplied by d.
        weight_decay: λ.
        schedule: s, a factor in [0, 1] for each update.
        clip_norm: The largest norm of the gradient over all parameters together; None for no clipping.

    Returns:
        The transformation.

    Reference:
        Mishchenko & Defazio, Prodigy: An Expeditiously Adaptive Parameter-Free Learner, 2024, algorithm 4.
    """
    step = optax.contrib.prodigy(
        one_ahead(schedule, 1.0),
        betas=(b1, b2),
        eps=eps,
        estim_lr0=d0,
        estim_lr_coef=d_coef,
        weight_decay=weight_decay,
    )
    return clipped(step, clip_norm=clip_norm)
