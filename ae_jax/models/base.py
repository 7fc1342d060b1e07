"""What every model is: `outputs = decode(encode(x))`, and its form as pure functions of parameters."""

import math
from abc import abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import PyTree

from ae_jax.errors import UserError
from ae_jax.models.precision import MatmulPrecision, with_products
from ae_jax.typing import Batch, Latent, PRNGKey


class AbstractAutoencoder(nnx.Module):
    """An encoder and a decoder on flattened examples.

    `decode` returns the raw outputs of the last layer: the loss owns the output link (identity or sigmoid) that turns
    them into a reconstruction.
    """

    @abstractmethod
    def encode(self, x: Batch) -> Latent:
        """The latent of each example, shape "batch latent"."""

    @abstractmethod
    def decode(self, latent: Latent) -> Batch:
        """The outputs before the link, shape "batch features"."""


class FunctionalModel(NamedTuple):
    """A model as pure functions of its parameters, which is how training sees it."""

    init: Callable[[PRNGKey], PyTree]
    encode: Callable[[PyTree, Batch], Latent]
    decode: Callable[[PyTree, Latent], Batch]
    abstract_params: PyTree


def functional(
    construct: Callable[[nnx.Rngs], AbstractAutoencoder],
    *,
    precision: str = "float32",
    matmul_precision: MatmulPrecision = "float32",
) -> FunctionalModel:
    """Split a model into parameters and pure functions.

    Args:
        construct: Makes the model from its random streams.
        precision: Type that encoder and decoder compute in. Parameters stay float32, and so do latents and outputs.
        matmul_precision: How exactly their products of float32 are, see `models.precision`.

    Returns:
        The functions; `init` gives equal bits alone, under `jax.vmap` and under `jax.lax.map`.
    """
    dtype = jnp.dtype(precision)
    graph, abstract_params = nnx.split(nnx.eval_shape(lambda: construct(nnx.Rngs(params=0))))

    def call(method: str, params: PyTree, x: Any) -> Any:
        params, x = jax.tree.map(lambda leaf: leaf.astype(dtype), (params, x))
        return getattr(nnx.merge(graph, params), method)(x).astype(jnp.float32)

    return FunctionalModel(
        init=lambda key: nnx.state(construct(nnx.Rngs(params=key))),
        encode=with_products(matmul_precision, lambda params, x: call("encode", params, x)),
        decode=with_products(matmul_precision, lambda params, latent: call("decode", params, latent)),
        abstract_params=abstract_params,
    )


def check_latent_size(latent_size: int, feature_shape: tuple[int, ...], *, overcomplete: bool = False) -> None:
    """Refuse a latent that is larger than the input, which compresses nothing, unless it is asked for.

    Raises:
        UserError: If `latent_size` exceeds the number of features and `overcomplete` is false.
    """
    num_features = math.prod(feature_shape)
    if latent_size > num_features and not overcomplete:
        raise UserError(
            "model.latent_size",
            f"{latent_size} is larger than the {num_features} features of the data",
            f"give at most {num_features}, or allow it with model=dense model.overcomplete=true",
        )
