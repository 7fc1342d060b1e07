"""Small latents by a penalty."""

import jax.numpy as jnp

from ae_jax.bottlenecks.base import Bottleneck, Terms, check_flat, plain
from ae_jax.typing import Latent


def l2() -> Bottleneck:
    r"""The code is the latent; the term `l2` is half its squared length, in its own squared units.

    .. math:: c(z) = \tfrac12 \lVert z \rVert^2

    Its weight is `objective.beta`. With a decoder that is smooth this is the regularised autoencoder, which keeps its
    latents together without drawing them; of the paper's ways to smooth the decoder, its L2 is weight decay
    (`optimizer=adamw`). Conventions differ in the ½, which the paper has.

    Reference:
        Ghosh, Sajjadi, Vergari, Black & Schölkopf, From Variational to Deterministic Autoencoders, 2020, equation 11.
    """

    def terms(latent: Latent) -> Terms:
        check_flat("l2", latent)
        return {"l2": 0.5 * jnp.sum(latent**2, axis=-1)}

    return plain(lambda code: code, terms)
