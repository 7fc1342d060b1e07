"""Adam with decoupled weight decay."""

import optax

from ae_jax.optimizers.base import Decay, Schedule, descend
from ae_jax.typing import NonNegative, Positive


def adamw(
    *,
    learning_rate: Positive,
    b1: Decay,
    b2: Decay,
    eps: Positive,
    weight_decay: NonNegative,
    schedule: Schedule,
    clip_norm: Positive | None,
) -> optax.GradientTransformation:
    r"""Adam's direction d, and a pull of every parameter towards 0 that Adam does not rescale.

    .. math:: \theta_{t+1} = \theta_t - \eta \, s(t) (d_t + \lambda \theta_t)

    Conventions differ: the decay is multiplied by the learning rate and the schedule, as in Optax and PyTorch; in the
    paper by the schedule alone. Biases decay as well, as there. It is not part of the reported loss.

    Args:
        learning_rate: η.
        b1: β₁, in [0, 1).
        b2: β₂, in [0, 1).
        eps: ε.
        weight_decay: λ; 0 is `adam`.
        schedule: s, a factor in [0, 1] for each update.
        clip_norm: The largest norm of the gradient, before decay, over all parameters together; None for no clipping.

    Returns:
        The transformation.

    Reference:
        Loshchilov & Hutter, Decoupled Weight Decay Regularization, 2019, algorithm 2.
    """
    direction = (optax.scale_by_adam(b1, b2, eps), optax.add_decayed_weights(weight_decay))
    return descend(*direction, learning_rate=learning_rate, schedule=schedule, clip_norm=clip_norm)
