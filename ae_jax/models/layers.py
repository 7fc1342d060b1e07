"""What layers of several models are made of: linear maps, and what follows them inside a network.

hidden layer = dropout(activation(normalization(linear(x))))
"""

from collections.abc import Callable
from typing import Annotated, Literal, NamedTuple

import jax
import jax.numpy as jnp
from annotated_types import Interval
from flax import nnx
from jaxtyping import Array

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

Normalization = Literal["none", "batch", "layer"]
"""Of vectors: those of `normalizer` without groups, which vectors do not have."""
DropoutRate = Annotated[float, Interval(ge=0, lt=1)]

_EPSILON = 1e-5  # added to variances
_MOMENTUM = 0.9  # of averages of batch statistics: what stays at each step


def linear(num_inputs: int, num_outputs: int, gain: float, rngs: nnx.Rngs, *, use_bias: bool = True) -> nnx.Linear:
    """An affine map whose weights have variance gain / num_inputs."""
    return nnx.Linear(num_inputs, num_outputs, kernel_init=initializer(gain), use_bias=use_bias, rngs=rngs)


def transposed(x: Array, layer: nnx.Linear) -> Array:
    """Rows times the transposed kernel of a layer, of its first numbers where it makes more than rows have."""
    return x @ layer.kernel[...][:, : x.shape[-1]].T


def initializer(gain: float) -> jax.nn.initializers.Initializer:
    """Weights of variance gain / fan-in, normal and cut off at two standard deviations."""
    return jax.nn.initializers.variance_scaling(gain, "fan_in", "truncated_normal")


def normalizer(name: str, num_channels: int, rngs: nnx.Rngs, *, num_groups: int = 1) -> Callable[[Array], Array]:
    """A layer that makes mean 0 and variance 1 of numbers that belong together, then scales and shifts each channel.

    | name | mean and variance of | source |
    |---|---|---|
    | none | nothing: the identity, without parameters | |
    | batch | a channel, over the examples and all positions of an image | Ioffe & Szegedy 2015 |
    | layer | an example, over all channels and positions | Ba, Kiros & Hinton 2016; Wu & He 2018 |
    | group | an example and a group of channels, over these and all positions | Wu & He 2018 |

    `layer` of an image takes channels and positions together, as in Wu & He, where `nnx.LayerNorm` and ConvNeXt take
    the channels of each position. After training `batch` uses averages, of which 0.9 stays at each step (PyTorch's
    momentum 0.1), of variances that are divided by n, where PyTorch divides by n - 1. Variances get 1e-5.

    Args:
        name: Which.
        num_channels: Length of the last axis.
        rngs: Random streams of the initialisation.
        num_groups: Of `group`; it divides `num_channels`.
    """
    if name == "none":
        return _identity
    if name == "batch":
        return nnx.BatchNorm(num_channels, momentum=_MOMENTUM, epsilon=_EPSILON, use_fast_variance=False, rngs=rngs)
    groups = num_groups if name == "group" else 1
    return nnx.GroupNorm(num_channels, num_groups=groups, epsilon=_EPSILON, use_fast_variance=False, rngs=rngs)


def _identity(x: Array) -> Array:
    return x


class Style(NamedTuple):
    """What all hidden layers of a model share: what follows their linear map."""

    activation: str
    normalization: str = "none"
    dropout_rate: float = 0.0
    num_groups: int = 1

    @property
    def gain(self) -> float:
        """Of the weights before the activation."""
        return ACTIVATIONS[self.activation].gain

    @property
    def use_bias(self) -> bool:
        """Whether a linear map shifts its result: a normalization would take that away, and has a shift of its own."""
        return self.normalization == "none"


class Finish(nnx.Module):
    """What follows the linear map of a hidden layer: normalization, activation, dropout (Srivastava et al. 2014).

    Dropout sets numbers to 0 at that rate in training, and multiplies the others by 1 / (1 - rate); after training it
    does nothing. Neither has parameters where it is `none` or 0.
    """

    def __init__(self, num_channels: int, style: Style, rngs: nnx.Rngs):
        self.activation = style.activation
        self.normalize = normalizer(style.normalization, num_channels, rngs, num_groups=style.num_groups)
        self.drop = nnx.Dropout(style.dropout_rate, rngs=rngs) if style.dropout_rate else _identity

    def __call__(self, x: Array) -> Array:
        """The numbers of a hidden layer, of what its linear map makes, in the same type: statistics are float32."""
        normalized = self.normalize(x).astype(x.dtype)
        return self.drop(ACTIVATIONS[self.activation].function(normalized))


class Biased(nnx.Module):
    """A number for each of the channels that a layer makes, which are the last axis; or none."""

    def __init__(self, num_outputs: int, *, use_bias: bool):
        self.bias = nnx.Param(jnp.zeros(num_outputs)) if use_bias else None

    def shifted(self, x: Array) -> Array:
        """Numbers with the bias added, where there is one."""
        return x if self.bias is None else x + self.bias[...].reshape((1,) * (x.ndim - 1) + (-1,))


class TiedLinear(Biased):
    """An affine map by the transposed kernel of another, with a bias of its own."""

    def __call__(self, x: Array, layer: nnx.Linear) -> Array:
        """Rows of what that layer takes, of what it makes."""
        return self.shifted(transposed(x, layer))
