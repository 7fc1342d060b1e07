"""The dictionary: each example a sum of few of many directions."""

import math

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from ae_jax.models.base import AbstractAutoencoder, check_code_is_latent
from ae_jax.models.layers import ACTIVATIONS, ActivationName, linear
from ae_jax.typing import Batch, Code, Latent, Size

_LEAST_LENGTH = 1e-8  # of a direction, so that one of no length divides by something


class DictionaryAutoencoder(AbstractAutoencoder):
    r"""One layer each way, with directions of unit length and one bias of the inputs.

    .. math::
        \text{code} = a \left( (x - b) W + c \right), \qquad
        \text{outputs} = b + \sum_j z_j \frac{d_j}{\lVert d_j \rVert}

    The latent may be larger than the input, of which it is to be a sparse sum: by a bottleneck such as `top_k`, `l1`,
    `batch_top_k` or `jump_relu`. Unit length keeps a penalty from being avoided by small latents and long directions.
    It is part of the forward pass here, so that any optimizer keeps it; codebases that normalise after each step and
    project the gradient descend differently. b is both subtracted from the inputs and added to the outputs, which are
    in the units of the inputs: for losses with the identity as their link.

    Args:
        feature_shape: Shape of one example before it was flattened.
        latent_size: Number of directions, more or less than features.
        latent_activation: a; relu for the sparse dictionaries of the papers.
        tied_init: Whether W begins as the directions, and is free from then on; else at random.
        code_width: Numbers of the code that the bottleneck takes for each latent dimension.
        output_width: Numbers that the loss takes for each feature; b and the inputs are those of the first.
        rngs: Random streams of the initialisation.

    Raises:
        UserError: If the code is not the latent, and begins as the directions, or has an activation.

    Reference:
        Bricken et al., Towards Monosemanticity, 2023; Gao et al., Scaling and evaluating sparse autoencoders, 2024,
        section 2 and appendix A.1.
    """

    def __init__(
        self,
        *,
        feature_shape: tuple[int, ...],
        latent_size: Size,
        latent_activation: ActivationName,
        tied_init: bool,
        code_width: int,
        output_width: int = 1,
        rngs: nnx.Rngs,
    ):
        check_code_is_latent("tied_init", code_width, is_asked=tied_init, remedy="give model.tied_init=false")
        has_activation = latent_activation != "identity"
        check_code_is_latent("latent_activation", code_width, is_asked=has_activation, remedy="leave it at identity")
        num_features = math.prod(feature_shape)
        directions = jax.random.normal(rngs.params(), (latent_size, output_width * num_features))
        self.directions = nnx.Param(directions / jnp.linalg.norm(directions, axis=1, keepdims=True))
        self.encoder = linear(num_features, code_width * latent_size, 1.0, rngs)
        if tied_init:
            self.encoder.kernel[...] = self.directions[...][:, :num_features].T
        self.bias = nnx.Param(jnp.zeros(output_width * num_features))
        self.latent_activation = latent_activation

    def encode(self, x: Batch) -> Code:
        """The inputs without the bias of the outputs, by an affine map and the activation."""
        centred = x - self.bias[...][None, : x.shape[-1]]
        return ACTIVATIONS[self.latent_activation].function(self.encoder(centred))

    def decode(self, latent: Latent) -> Batch:
        """A sum of directions of unit length, and the bias."""
        return latent @ self._unit_directions() + self.bias[...][None, :]

    def _unit_directions(self) -> Float[Array, "latent outputs"]:
        directions = self.directions[...]
        lengths = jnp.linalg.norm(directions.astype(jnp.float32), axis=1, keepdims=True)
        return directions / jnp.maximum(lengths, _LEAST_LENGTH).astype(directions.dtype)
