"""Gradient descent with classical or Nesterov momentum."""

import optax

from ae_jax.optimizers.base import Decay, Schedule, descend
from ae_jax.typing import Positive


def momentum(
    *, learning_rate: Positive, decay: Decay, nesterov: bool, schedule: Schedule, clip_norm: Positive | None
) -> optax.GradientTransformation:
    r"""Stochastic gradient descent along a decaying sum of gradients.

    .. math::
        m_t &= \mu m_{t-1} + g_t \\
        \theta_{t+1} &= \theta_t - \eta \, s(t) \, d_t, \qquad
        d_t = \begin{cases} m_t & \text{classical} \\ g_t + \mu m_t & \text{Nesterov} \end{cases}

    Conventions differ: this is a sum, not an average, so that a constant gradient moves 1/(1 - μ) times as far as with
    `sgd`; the learning rate stands outside of it, as in Optax and PyTorch. Sutskever et al. have it inside, which is
    the same while it is constant. The Nesterov form is theirs in the parameters at which the gradient is taken.

    Args:
        learning_rate: η.
        decay: μ, in [0, 1); 0 is `sgd`.
        nesterov: Whether to look ahead.
        schedule: s, a factor in [0, 1] for each update.
        clip_norm: The largest norm of the gradient over all parameters together; None for no clipping.

    Returns:
        The transformation.

    Reference:
        Sutskever, Martens, Dahl & Hinton, On the importance of initialization and momentum in deep learning, 2013.
    """
    direction = optax.trace(decay, nesterov=nesterov)
    return descend(direction, learning_rate=learning_rate, schedule=schedule, clip_norm=clip_norm)
