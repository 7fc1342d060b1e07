"""The dense autoencoder: fully connected layers, mirrored around the latent."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array

from ae_jax.errors import UserError
from ae_jax.models.base import AbstractAutoencoder, check_code_is_latent, check_latent_size, check_tied_width
from ae_jax.models.layers import (
    ACTIVATIONS,
    ActivationName,
    DropoutRate,
    Finish,
    Normalization,
    Style,
    linear,
    transposed,
)
from ae_jax.typing import Batch, Code, Latent, Size


class DenseAutoencoder(AbstractAutoencoder):
    """Layers of sizes features, *hidden_sizes, latent_size, and the same backwards.

    The reference case 784-256-784 is `hidden_sizes=[] latent_size=256 latent_activation=relu`. A hidden layer is
    dropout(activation(normalization(x W + b))); with a normalization, which has a shift of its own, there is no b.
    Neither the code nor the outputs are normalised or dropped.

    Args:
        feature_shape: Shape of one example before it was flattened.
        hidden_sizes: Widths of the encoder's hidden layers, from the input to the latent; may be empty.
        latent_size: Number of latent dimensions.
        activation: Activation of the hidden layers.
        latent_activation: Activation of the latent.
        tied_weights: Whether the decoder uses the transposed kernels of the encoder, with biases and normalizations of
            its own. Of a code that is wider than the latent, its first layer has those of the first `latent_size`
            numbers.
        overcomplete: Whether `latent_size` may exceed the number of features.
        normalization: Of the hidden layers: over the batch or over an example's numbers, see `layers.normalizer`.
        dropout_rate: Share of the numbers of hidden layers that is set to 0 in training.
        code_width: Numbers of the code that the bottleneck takes for each latent dimension.
        output_width: Numbers that the loss takes for each feature.
        rngs: Random streams of the initialisation.

    Raises:
        UserError: If `latent_size` is larger than the number of features without `overcomplete`, the code is not the
            latent and has an activation, tied weights are to make several numbers for each feature, or an option is
            for hidden layers and there are none.
    """

    def __init__(
        self,
        *,
        feature_shape: tuple[int, ...],
        hidden_sizes: Sequence[Size],
        latent_size: Size,
        activation: ActivationName,
        latent_activation: ActivationName,
        tied_weights: bool,
        overcomplete: bool,
        normalization: Normalization = "none",
        dropout_rate: DropoutRate = 0.0,
        code_width: int,
        output_width: int = 1,
        rngs: nnx.Rngs,
    ):
        check_latent_size(latent_size, feature_shape, overcomplete=overcomplete)
        _check_widths(code_width, latent_activation, output_width, tied_weights=tied_weights)
        _check_hidden(hidden_sizes, normalization, dropout_rate)
        sizes = [math.prod(feature_shape), *hidden_sizes, latent_size]
        self.latent_activation, self.tied_weights = latent_activation, tied_weights
        style = Style(activation, normalization, dropout_rate)
        there = [*sizes[:-1], code_width * latent_size]
        self.encoder = _layers(there, style, ACTIVATIONS[latent_activation].gain, rngs)
        if tied_weights:
            biased = reversed(sizes[:-1]) if style.use_bias else sizes[:1]
            self.decoder_biases = nnx.List(nnx.Param(jnp.zeros(size)) for size in biased)
        else:
            back = [*sizes[:0:-1], output_width * sizes[0]]
            self.decoder = _layers(back, style, 1.0, rngs)
        self.encoder_hidden = nnx.List(Finish(size, style, rngs) for size in hidden_sizes)
        self.decoder_hidden = nnx.List(Finish(size, style, rngs) for size in reversed(hidden_sizes))

    def encode(self, x: Batch) -> Code:
        """Hidden layers, then the code with `latent_activation`."""
        for layer, finish in zip(self.encoder[:-1], self.encoder_hidden, strict=True):
            x = finish(layer(x))
        return ACTIVATIONS[self.latent_activation].function(self.encoder[-1](x))

    def decode(self, latent: Latent) -> Batch:
        """Hidden layers, then an affine last layer."""
        layers = self._tied_decoder() if self.tied_weights else list(self.decoder)
        x = latent
        for layer, finish in zip(layers[:-1], self.decoder_hidden, strict=True):
            x = finish(layer(x))
        return layers[-1](x)

    def _tied_decoder(self) -> list[Callable[[Array], Array]]:
        mirrored = list(reversed(list(self.encoder)))
        biases = [None] * (len(mirrored) - len(self.decoder_biases)) + list(self.decoder_biases)

        def back(layer: nnx.Linear, bias: nnx.Param | None) -> Callable[[Array], Array]:
            def tied(x: Array) -> Array:
                product = transposed(x, layer)
                return product if bias is None else product + bias[...][None, :]

            return tied

        return [back(*pair) for pair in zip(mirrored, biases, strict=True)]


def _layers(sizes: list[int], style: Style, last_gain: float, rngs: nnx.Rngs) -> nnx.List:
    """Linear maps from each size to the next, of which the last is no hidden layer."""
    *hidden, last = pairwise(sizes)
    before = [linear(*pair, style.gain, rngs, use_bias=style.use_bias) for pair in hidden]
    return nnx.List([*before, linear(*last, last_gain, rngs)])


def _check_widths(code_width: int, latent_activation: str, output_width: int, *, tied_weights: bool) -> None:
    has_activation = latent_activation != "identity"
    check_code_is_latent("latent_activation", code_width, is_asked=has_activation, remedy="leave it at identity")
    check_tied_width(output_width, tied_weights=tied_weights)


def _check_hidden(hidden_sizes: Sequence[int], normalization: str, dropout_rate: float) -> None:
    given = {"normalization": normalization != "none", "dropout_rate": dropout_rate > 0}
    for name, is_asked in given.items():
        if is_asked and not hidden_sizes:
            problem = "is for hidden layers, and model.hidden_sizes is empty"
            raise UserError(f"model.{name}", problem, "give hidden_sizes, or leave it out")
