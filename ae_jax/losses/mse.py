"""Mean squared error."""

import jax.numpy as jnp

from ae_jax.losses.base import Link, Loss, output_link, reconstruct_wide, widen
from ae_jax.typing import Batch, PerExample


def mse(*, link: Link) -> Loss:
    r"""Squared error, averaged over features; no factor ½.

    .. math:: \ell(y, x) = \frac{1}{d} \sum_{j=1}^{d} (x_j - \hat x_j)^2, \qquad \hat x = \mathrm{link}(y)

    Conventions differ: this is PyTorch's and Keras's `mse` and the unit that tables call `mse`. `half_sse` is d/2
    times as large, so that the same learning rate means another step there.

    Args:
        link: From outputs to the reconstruction; "sigmoid" keeps it within (0, 1).

    Returns:
        The loss.
    """

    def per_example(outputs: Batch, x: Batch) -> PerExample:
        return jnp.mean(jnp.square(reconstruct_wide(outputs, link) - widen(x)), axis=-1)

    return Loss(per_example, output_link(link))
