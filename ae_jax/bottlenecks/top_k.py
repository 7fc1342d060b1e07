"""Sparse latents by selection."""

import jax
import jax.numpy as jnp

from ae_jax.bottlenecks.base import Bottleneck, check_flat, plain
from ae_jax.errors import UserError
from ae_jax.typing import Code, Latent, Size


def top_k(*, num_active: Size) -> Bottleneck:
    """The `num_active` largest numbers of the code, the rest 0; it costs nothing.

    The largest, not those of largest magnitude, as in the paper. Of equal ones the first are kept, so that no example
    has more. Gradients reach the kept ones alone.

    Args:
        num_active: How many latent dimensions an example may use.

    Raises:
        UserError: If there are fewer latent dimensions.

    Reference:
        Makhzani & Frey, k-Sparse Autoencoders, 2014.
    """

    def latent(code: Code) -> Latent:
        check_flat("top_k", code)
        if num_active > code.shape[-1]:
            problem = f"{num_active} is more than the {code.shape[-1]} latent dimensions"
            raise UserError("bottleneck.num_active", problem, f"give at most {code.shape[-1]}")
        values, places = jax.lax.top_k(code, num_active)
        return jnp.zeros_like(code).at[jnp.arange(len(code))[:, None], places].set(values)

    return plain(latent, lambda latent: {})._replace(num_active=num_active)
