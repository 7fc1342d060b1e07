"""The linear autoencoder: code = x A + a, outputs = latent B + b."""

import math

from flax import nnx

from ae_jax.models.base import AbstractAutoencoder, check_latent_size
from ae_jax.models.layers import linear
from ae_jax.typing import Batch, Code, Latent, Size


class LinearAutoencoder(AbstractAutoencoder):
    """Affine encoder and decoder. With squared error its optimum spans PCA's subspace (Baldi & Hornik 1989).

    Args:
        feature_shape: Shape of one example before it was flattened.
        latent_size: Number of latent dimensions, at most the number of features.
        code_width: Numbers of the code that the bottleneck takes for each latent dimension.
        output_width: Numbers that the loss takes for each feature.
        rngs: Random streams of the initialisation.

    Raises:
        UserError: If `latent_size` is larger than the number of features.
    """

    def __init__(
        self,
        *,
        feature_shape: tuple[int, ...],
        latent_size: Size,
        code_width: int,
        output_width: int = 1,
        rngs: nnx.Rngs,
    ):
        check_latent_size(latent_size, feature_shape)
        num_features = math.prod(feature_shape)
        self.encoder = linear(num_features, code_width * latent_size, 1.0, rngs)
        self.decoder = linear(latent_size, output_width * num_features, 1.0, rngs)

    def encode(self, x: Batch) -> Code:
        """Affine map to the code."""
        return self.encoder(x)

    def decode(self, latent: Latent) -> Batch:
        """Affine map back to the features."""
        return self.decoder(latent)
