"""Lion, which steps along the signs of an average of gradients."""

import optax

from ae_jax.optimizers.base import Decay, Schedule, descend
from ae_jax.typing import NonNegative, Positive


def lion(
    *,
    learning_rate: Positive,
    b1: Decay,
    b2: Decay,
    weight_decay: NonNegative,
    schedule: Schedule,
    clip_norm: Positive | None,
) -> optax.GradientTransformation:
    r"""The sign of an average of gradients: all parameters step by the same amount.

    .. math::
        \theta_{t+1} = \theta_t - \eta \, s(t) \left( \mathrm{sign}(\beta_1 m_t + (1 - \beta_1) g_t)
        + \lambda \theta_t \right), \qquad m_{t+1} = \beta_2 m_t + (1 - \beta_2) g_t

    A step is as long as the learning rate in each parameter, so that its learning rate is three to ten times smaller
    than Adam's, and its decay as much larger. One copy of the parameters is kept, where Adam keeps two.

    Conventions differ: b1 weighs the direction and b2 the average, as in the paper and Optax. The decay is multiplied
    by the learning rate and the schedule, as in `adamw`.

    Args:
        learning_rate: η, the length of a step of each parameter.
        b1: β₁, in [0, 1).
        b2: β₂, in [0, 1).
        weight_decay: λ.
        schedule: s, a factor in [0, 1] for each update.
        clip_norm: The largest norm of the gradient over all parameters together; None for no clipping.

    Returns:
        The transformation.

    Reference:
        Chen et al., Symbolic Discovery of Optimization Algorithms, 2023, program 1.
    """
    direction = (optax.scale_by_lion(b1, b2), optax.add_decayed_weights(weight_decay))
    return descend(*direction, learning_rate=learning_rate, schedule=schedule, clip_norm=clip_norm)
