"""The dense autoencoder: fully connected layers, mirrored around the latent."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

import jax
from flax import nnx
from jaxtyping import Array

from ae_jax.errors import UserError
from ae_jax.models.base import AbstractAutoencoder, check_latent_size
from ae_jax.typing import Batch, Code, Latent, Size

ActivationName = Literal["identity", "relu", "leaky_relu", "elu", "gelu", "silu", "softplus", "tanh", "sigmoid"]


class Activation(NamedTuple):
    """A function and the gain that keeps the variance of its inputs when the weights have variance gain / fan-in."""

    function: Callable[[Array], Array]
    gain: float


# Gains: 2 for rectifiers (He et al. 2015), 1 for the rest (LeCun et al. 1998).
ACTIVATIONS: dict[str, Activation] = {
    "identity": Activation(lambda x: x, 1.0),
    "relu": Activation(jax.nn.relu, 2.0),
    "leaky_relu": Activation(jax.nn.leaky_relu, 2.0),
    "elu": Activation(jax.nn.elu, 1.0),
    "gelu": Activation(jax.nn.gelu, 2.0),
    "silu": Activation(jax.nn.silu, 2.0),
    "softplus": Activation(jax.nn.softplus, 1.0),
    "tanh": Activation(jax.nn.tanh, 1.0),
    "sigmoid": Activation(jax.nn.sigmoid, 1.0),
}


class DenseAutoencoder(AbstractAutoencoder):
    """Layers of sizes features, *hidden_sizes, latent_size, and the same backwards.

    The reference case 784-256-784 is `hidden_sizes=[] latent_size=256 latent_activation=relu`.

    Args:
        feature_shape: Shape of one example before it was flattened.
        hidden_sizes: Widths of the encoder's hidden layers, from the input to the latent; may be empty.
        latent_size: Number of latent dimensions.
        activation: Activation of the hidden layers.
        latent_activation: Activation of the latent.
        tied_weights: Whether the decoder uses the transposed kernels of the encoder, with biases of its own. Of a code
            that is wider than the latent, its first layer has those of the first `latent_size` numbers.
        overcomplete: Whether `latent_size` may exceed the number of features.
        code_width: Numbers of the code that the bottleneck takes for each latent dimension.
        output_width: Numbers that the loss takes for each feature.
        rngs: Random streams of the initialisation.

    Raises:
        UserError: If `latent_size` is larger than the number of features without `overcomplete`, the code is not the
            latent and has an activation, or tied weights are to make several numbers for each feature.
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
        code_width: int,
        output_width: int = 1,
        rngs: nnx.Rngs,
    ):
        check_latent_size(latent_size, feature_shape, overcomplete=overcomplete)
        if code_width > 1 and latent_activation != "identity":
            problem = f"is for a code that is the latent; this bottleneck takes {code_width} numbers for each dimension"
            raise UserError("model.latent_activation", problem, "leave it at identity")
        if tied_weights and output_width > 1:
            problem = f"has no weights to share for {output_width} numbers a feature, which this loss takes"
            raise UserError("model.tied_weights", problem, "set it to false, or choose a loss that takes one")
        sizes = [math.prod(feature_shape), *hidden_sizes, latent_size]
        self.activation = activation
        self.latent_activation = latent_activation
        hidden, latent = ACTIVATIONS[activation], ACTIVATIONS[latent_activation]
        encoder_gains = [hidden.gain] * len(hidden_sizes) + [latent.gain]
        self.encoder = nnx.List(
            _linear(*pair, gain, rngs)
            for pair, gain in zip(pairwise([*sizes[:-1], code_width * latent_size]), encoder_gains, strict=True)
        )
        if tied_weights:
            self.decoder_biases = nnx.List(nnx.Param(jax.numpy.zeros(size)) for size in reversed(sizes[:-1]))
        else:
            decoder_gains = [hidden.gain] * len(hidden_sizes) + [1.0]
            back = [*sizes[:0:-1], output_width * sizes[0]]
            self.decoder = nnx.List(
                _linear(*pair, gain, rngs) for pair, gain in zip(pairwise(back), decoder_gains, strict=True)
            )
        self.tied_weights = tied_weights

    def encode(self, x: Batch) -> Code:
        """Hidden layers with `activation`, then the code with `latent_activation`."""
        for layer in self.encoder[:-1]:
            x = ACTIVATIONS[self.activation].function(layer(x))
        return ACTIVATIONS[self.latent_activation].function(self.encoder[-1](x))

    def decode(self, latent: Latent) -> Batch:
        """Hidden layers with `activation`, then an affine last layer."""
        layers = self._tied_decoder() if self.tied_weights else list(self.decoder)
        x = latent
        for layer in layers[:-1]:
            x = ACTIVATIONS[self.activation].function(layer(x))
        return layers[-1](x)

    def _tied_decoder(self) -> list[Callable[[Array], Array]]:
        def transposed(layer: nnx.Linear, bias: nnx.Param) -> Callable[[Array], Array]:
            return lambda x: x @ layer.kernel[...][:, : x.shape[-1]].T + bias[...][None, :]

        return [transposed(*pair) for pair in zip(reversed(list(self.encoder)), self.decoder_biases, strict=True)]


def _linear(num_inputs: int, num_outputs: int, gain: float, rngs: nnx.Rngs) -> nnx.Linear:
    kernel_init = jax.nn.initializers.variance_scaling(gain, "fan_in", "truncated_normal")
    return nnx.Linear(num_inputs, num_outputs, kernel_init=kernel_init, rngs=rngs)
