"""Half the squared error, the objective of the textbooks."""

import jax.numpy as jnp

from ae_jax.losses.base import Link, Loss, output_link, reconstruct_wide, widen
from ae_jax.typing import Batch, PerExample


def half_sse(*, link: Link) -> Loss:
    r"""Half the squared error, summed over features.

    .. math:: \ell(y, x) = \tfrac{1}{2} \sum_{j=1}^{d} (x_j - \hat x_j)^2, \qquad \hat x = \mathrm{link}(y)

    The training step averages over the n examples of a batch, which gives the textbook objective
    :math:`\frac{1}{2n} \sum_i \lVert x_i - \hat x_i \rVert^2`. The ½ makes its gradient the plain error. It is half
    of the unit that tables call `sse`, and d/2 times `mse`.

    Args:
        link: From outputs to the reconstruction; "sigmoid" keeps it within (0, 1).

    Returns:
        The loss.

    Reference:
        Bishop, Pattern Recognition and Machine Learning, 2006, equation 5.11.
    """

    def per_example(outputs: Batch, x: Batch) -> PerExample:
        return 0.5 * jnp.sum(jnp.square(reconstruct_wide(outputs, link) - widen(x)), axis=-1)

    return Loss(per_example, output_link(link))
