"""Muon, which makes the steps of matrices orthogonal."""

import optax
import optax.contrib

from ae_jax.optimizers.base import Decay, Schedule, clipped
from ae_jax.typing import NonNegative, Positive


def muon(
    *,
    learning_rate: Positive,
    decay: Decay,
    nesterov: bool,
    update_scale: Positive,
    b1: Decay,
    b2: Decay,
    eps: Positive,
    weight_decay: NonNegative,
    schedule: Schedule,
    clip_norm: Positive | None,
) -> optax.GradientTransformation:
    r"""Every matrix steps along its averaged gradient with all singular values near 1; the rest as `adamw`.

    .. math::
        m_t = \mu m_{t-1} + (1 - \mu) g_t, \qquad m_t = U S V^\top, \qquad
        \theta_{t+1} = \theta_t - \eta \, s(t) \left( \rho \sqrt{\max(a, b)} \, U V^\top + \lambda \theta_t \right)

    of a matrix with a rows and b columns. :math:`U V^\top` comes of five iterations of Newton and Schulz, which leave
    singular values between 0.7 and 1.2. Biases, and what has more axes, as kernels of convolutions, are Adam's.

    Conventions differ: with :math:`\rho \sqrt{\max(a, b)}` a step has the root mean square `update_scale`, which
    makes one learning rate do for both halves (0.2 in Liu et al.); the first version has
    :math:`\sqrt{\max(1, b / a)}` and two learning rates. Averages are corrected for their start at 0, as in Optax.

    Args:
        learning_rate: η, of matrices and of the rest.
        decay: μ, in [0, 1).
        nesterov: Whether to look ahead.
        update_scale: The root mean square of the step of a matrix before the learning rate.
        b1: Of Adam, in [0, 1).
        b2: Of Adam, in [0, 1).
        eps: Added to norms and roots.
        weight_decay: λ, of all parameters.
        schedule: s, a factor in [0, 1] for each update.
        clip_norm: The largest norm of the gradient over all parameters together; None for no clipping.

    Returns:
        The transformation.

    Reference:
        Jordan et al., Muon: An optimizer for hidden layers in neural networks, 2024; Liu et al., Muon is Scalable for
        LLM Training, 2025, equation 4.
    """
    step = optax.contrib.muon(
        lambda count: learning_rate * schedule(count),
        beta=decay,
        nesterov=nesterov,
        consistent_rms=update_scale,
        adam_b1=b1,
        adam_b2=b2,
        eps=eps,
        weight_decay=weight_decay,
        adam_weight_decay=weight_decay,
    )
    return clipped(step, clip_norm=clip_norm)
