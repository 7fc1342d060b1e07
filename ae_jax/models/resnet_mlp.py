"""The residual MLP: an affine map to a width that stays, blocks that add to it, and the same backwards."""

import math

from flax import nnx
from jaxtyping import Array, Float

from ae_jax.models.base import AbstractAutoencoder, check_latent_size
from ae_jax.models.layers import ActivationName, DropoutRate, Finish, Normalization, Style, linear
from ae_jax.typing import Batch, Code, Count, Latent, Size

Rows = Float[Array, "batch _"]


class ResNetMLPAutoencoder(AbstractAutoencoder):
    """Blocks of fully connected layers that each add to what the one before made.

    Encoder and decoder are each

        out(activation(normalization(block(...block(in(x))))))
        block(x) = x + dropout(second(dropout(activation(first(normalization(x))))))

    with affine maps `in`, `out`, `first` and `second`, of which `second` begins at 0, so that a block begins as the
    identity.

    Args:
        feature_shape: Shape of one example before it was flattened.
        hidden_size: Width of the blocks.
        num_blocks: Of the encoder, and of the decoder.
        latent_size: Number of latent dimensions, at most the number of features.
        activation: Activation of the hidden layers.
        normalization: Over the batch or over an example's numbers, see `layers.normalizer`.
        dropout_rate: Share of the numbers that is set to 0 in training.
        code_width: Numbers of the code that the bottleneck takes for each latent dimension.
        output_width: Numbers that the loss takes for each feature.
        rngs: Random streams of the initialisation.

    Raises:
        UserError: If `latent_size` is larger than the number of features.

    Reference:
        Gorishniy et al., Revisiting Deep Learning Models for Tabular Data, 2021, section 3.2 (batch normalisation).
    """

    def __init__(
        self,
        *,
        feature_shape: tuple[int, ...],
        hidden_size: Size,
        num_blocks: Count,
        latent_size: Size,
        activation: ActivationName,
        normalization: Normalization,
        dropout_rate: DropoutRate,
        code_width: int,
        output_width: int = 1,
        rngs: nnx.Rngs,
    ):
        check_latent_size(latent_size, feature_shape)
        num_features = math.prod(feature_shape)
        style = Style(activation, normalization, dropout_rate)
        self.encoder = _Network(num_features, hidden_size, code_width * latent_size, num_blocks, style, rngs)
        self.decoder = _Network(latent_size, hidden_size, output_width * num_features, num_blocks, style, rngs)

    def encode(self, x: Batch) -> Code:
        """The encoder's blocks between two affine maps."""
        return self.encoder(x)

    def decode(self, latent: Latent) -> Batch:
        """The decoder's blocks between two affine maps."""
        return self.decoder(latent)


class _Network(nnx.Module):
    """An encoder or a decoder: of so many inputs, of that size inside, to so many outputs."""

    def __init__(self, num_inputs: int, size: int, num_outputs: int, num_blocks: int, style: Style, rngs: nnx.Rngs):
        self.first = linear(num_inputs, size, 1.0, rngs)
        self.blocks = nnx.List(_Block(size, style, rngs) for _ in range(num_blocks))
        self.finish = Finish(size, style._replace(dropout_rate=0.0), rngs)
        self.last = linear(size, num_outputs, 1.0, rngs)

    def __call__(self, x: Rows) -> Rows:
        x = self.first(x)
        for block in self.blocks:
            x = block(x)
        return self.last(self.finish(x))


class _Block(nnx.Module):
    """x + dropout(second(dropout(activation(first(normalization(x))))))."""

    def __init__(self, size: int, style: Style, rngs: nnx.Rngs):
        self.before = Finish(size, Style("identity", style.normalization), rngs)
        self.first = linear(size, size, style.gain, rngs)
        self.between = Finish(size, style._replace(normalization="none"), rngs)
        self.second = linear(size, size, 0.0, rngs)
        self.after = Finish(size, Style("identity", dropout_rate=style.dropout_rate), rngs)

    def __call__(self, x: Rows) -> Rows:
        return x + self.after(self.second(self.between(self.first(self.before(x)))))
