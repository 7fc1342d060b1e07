"""Huber's loss: quadratic near zero, linear beyond."""

import jax.numpy as jnp
import optax

from ae_jax.losses.base import Link, Loss, output_link, reconstruct_wide, widen
from ae_jax.typing import Batch, PerExample, Positive


def huber(*, delta: Positive, link: Link) -> Loss:
    r"""Huber's loss of the error, averaged over features; with the factor ½.

    .. math::
        \ell(y, x) = \frac{1}{d} \sum_{j=1}^{d} h(x_j - \hat x_j), \qquad
        h(r) = \begin{cases} \tfrac{1}{2} r^2 & |r| \le \delta \\ \delta (|r| - \tfrac{1}{2} \delta) & |r| > \delta
        \end{cases}

    Conventions differ: h is that of `optax.huber_loss` and PyTorch's `HuberLoss`; PyTorch's `SmoothL1Loss` is
    :math:`h / \delta`. Where no error exceeds delta the loss is half of `mse`: with features in [0, 1], a sigmoid link
    and delta ≥ 1 it is nothing else.

    Args:
        delta: The error, in the units of x, beyond which the loss is linear.
        link: From outputs to the reconstruction; "sigmoid" keeps it within (0, 1).

    Returns:
        The loss.

    Reference:
        Huber, Robust Estimation of a Location Parameter, Annals of Mathematical Statistics 35:73, 1964.
    """

    def per_example(outputs: Batch, x: Batch) -> PerExample:
        return jnp.mean(optax.huber_loss(reconstruct_wide(outputs, link), widen(x), delta=delta), axis=-1)

    return Loss(per_example, output_link(link))
