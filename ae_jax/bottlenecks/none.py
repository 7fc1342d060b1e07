"""No bottleneck but the size of the latent."""

from ae_jax.bottlenecks.base import Bottleneck, plain


def none() -> Bottleneck:
    """The code is the latent, and costs nothing: a plain autoencoder."""
    return plain(lambda code: code, lambda latent: {})
