"""Sparse latents by selection."""

import jax
import jax.numpy as jnp

from ae_jax.bottlenecks.base import Bottleneck, check_flat
from ae_jax.bottlenecks.idle import sparse
from ae_jax.bottlenecks.largest import check_num_active, largest
from ae_jax.typing import Code, Latent, Size


def top_k(*, num_active: Size, count_idle: bool = False) -> Bottleneck:
    """The `num_active` largest numbers of the code, the rest 0; it costs nothing.

    The largest, not those of largest magnitude, as in the paper. Of equal ones the first are kept, so that no example
    has more. Gradients reach the kept ones alone.

    Args:
        num_active: How many latent dimensions an example may use.
        count_idle: Whether to count for how many steps each dimension was 0, see `bottlenecks.idle`.

    Raises:
        UserError: If there are fewer latent dimensions.

    Reference:
        Makhzani & Frey, k-Sparse Autoencoders, 2014; Gao et al., Scaling and evaluating sparse autoencoders, 2024 (as a
        dictionary; with a ReLU, which is `model.latent_activation`).
    """

    def latent(code: Code) -> Latent:
        check_flat("top_k", code)
        check_num_active(num_active, code.shape[-1])
        return jnp.where(largest(jax.lax.stop_gradient(code), num_active), code, 0)

    return sparse("top_k", latent, lambda latent: {}, count_idle=count_idle)._replace(num_active=num_active)
