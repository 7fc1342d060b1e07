"""AdamW that averages its parameters instead of decaying its learning rate."""

from typing import Annotated

import optax
import optax.contrib
from annotated_types import Interval

from ae_jax.optimizers.base import Decay, Schedule, clipped, one_ahead
from ae_jax.typing import NonNegative, Positive, Scalar


def schedule_free_adamw(
    *,
    learning_rate: Positive,
    b1: Annotated[Scalar, Interval(gt=0, lt=1)],
    b2: Decay,
    eps: Positive,
    weight_decay: NonNegative,
    schedule: Schedule,
    clip_norm: Positive | None,
) -> optax.GradientTransformation:
    r"""Gradients are taken between where plain steps have come, z, and the average of that way, x, which is the result.

    .. math::
        y_t = (1 - \beta_1) z_t + \beta_1 x_t, \qquad
        z_{t+1} = z_t - \gamma_t \left( \frac{g(y_t)}{\sqrt{v_t} + \epsilon} + \lambda y_t \right), \qquad
        x_{t+1} = (1 - c_t) x_t + c_t z_{t+1}, \qquad c_t = \frac{\gamma_t^2}{\sum_{i \le t} \gamma_i^2}

    Training descends y; validation, the best epoch, and all that is measured have x, see `training.averages`. Batch
    statistics are those of y, as training sees them. A warm-up helps; a learning rate that falls is not needed.

    Conventions differ: :math:`\gamma_t = \eta \, s(t + 1)`, one update ahead of the other optimizers, as the first
    factor of a warm-up, 0, would give the first step no weight. v is corrected for its start at 0; the decay pulls at
    y, as in Optax and the authors' code. All else is `optax.contrib.schedule_free_adamw`.

    Args:
        learning_rate: η.
        b1: β₁, in (0, 1): how near to the average gradients are taken.
        b2: β₂ of Adam, in [0, 1).
        eps: ε of Adam.
        weight_decay: λ.
        schedule: s, a factor in [0, 1] for each update.
        clip_norm: The largest norm of the gradient over all parameters together; None for no clipping.

    Returns:
        The transformation.

    Reference:
        Defazio, Yang, Khaled, Mishchenko, Mehta & Cutkosky, The Road Less Scheduled, 2024, algorithm 1.
    """
    steps = optax.chain(
        optax.scale_by_rms(decay=b2, eps=eps, eps_in_sqrt=False, bias_correction=True),
        optax.add_decayed_weights(weight_decay),
        optax.scale_by_learning_rate(one_ahead(schedule, learning_rate)),
    )
    # Its own count of updates begins with 1, and so is ahead already.
    free = optax.contrib.schedule_free(steps, lambda count: learning_rate * schedule(count), b1=b1)
    return clipped(free, clip_norm=clip_norm)
