"""Stochastic gradient descent."""

import optax

from ae_jax.optimizers.base import Schedule, descend
from ae_jax.typing import Positive


def sgd(*, learning_rate: Positive, schedule: Schedule, clip_norm: Positive | None) -> optax.GradientTransformation:
    r"""Plain stochastic gradient descent, without momentum.

    .. math:: \theta_{t+1} = \theta_t - \eta \, s(t) \, g_t

    Args:
        learning_rate: η.
        schedule: s, a factor in [0, 1] for each update.
        clip_norm: The largest norm of the gradient over all parameters together; None for no clipping.

    Returns:
        The transformation.
    """
    return descend(learning_rate=learning_rate, schedule=schedule, clip_norm=clip_norm)
