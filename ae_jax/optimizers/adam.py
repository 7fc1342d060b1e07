"""Adam."""

import optax

from ae_jax.optimizers.base import Decay, Schedule, descend
from ae_jax.typing import Positive


def adam(
    *,
    learning_rate: Positive,
    b1: Decay,
    b2: Decay,
    eps: Positive,
    schedule: Schedule,
    clip_norm: Positive | None,
) -> optax.GradientTransformation:
    r"""Adam: gradients averaged over time, scaled by their averaged squares.

    .. math::
        m_t = \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2, \qquad
        \theta_{t+1} = \theta_t - \eta \, s(t) \frac{m_t / (1 - \beta_1^t)}{\sqrt{v_t / (1 - \beta_2^t)} + \epsilon}

    Conventions differ: ε stands outside of the root, as in the paper, Optax and PyTorch.

    Args:
        learning_rate: η.
        b1: β₁, in [0, 1).
        b2: β₂, in [0, 1).
        eps: ε.
        schedule: s, a factor in [0, 1] for each update.
        clip_norm: The largest norm of the gradient over all parameters together; None for no clipping.

    Returns:
        The transformation.

    Reference:
        Kingma & Ba, Adam: A Method for Stochastic Optimization, 2015, algorithm 1.
    """
    direction = optax.scale_by_adam(b1, b2, eps)
    return descend(direction, learning_rate=learning_rate, schedule=schedule, clip_norm=clip_norm)
