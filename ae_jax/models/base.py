"""What every model is: `outputs = decode(encode(x))`, and its form as pure functions of parameters and state."""

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
from ae_jax.typing import Batch, Code, Latent, PRNGKey

# What the key of the initialisation is folded with for streams that layers draw from later, which are replaced then.
_OTHER_STREAMS = 1 << 31


class AbstractAutoencoder(nnx.Module):
    """An encoder and a decoder on flattened examples.

    `decode` returns the raw outputs of the last layer: the loss owns the output link (identity or sigmoid) that turns
    them into a reconstruction. A bottleneck turns the code into the latent. Where it takes several numbers for each
    latent dimension, the constructor is given their number as `code_width`, if it has such a parameter. Where the loss
    takes several numbers for each feature, it is given theirs as `output_width`: `decode` then makes as many times the
    features, all of the first number (the mean), then all of the second.

    Any layers of Flax will do. Each `nnx.Param` is descended; every other variable, such as the statistics of
    `nnx.BatchNorm`, is carried from step to step; random streams, as of `nnx.Dropout`, draw from the key of the step.
    After training all are in evaluation mode (`nnx.Module.eval`).
    """

    @abstractmethod
    def encode(self, x: Batch) -> Code:
        """The code of each example, shape "batch code": `code_width` numbers for each latent dimension."""

    @abstractmethod
    def decode(self, latent: Latent) -> Batch:
        """The outputs before the link, shape "batch features", `output_width` times as many features."""


class FunctionalModel(NamedTuple):
    """A model as pure functions of its parameters and its state, which is how training sees it.

    Attributes:
        init: Key to parameters and state.
        encode: `(params, state, x)` to codes, in evaluation.
        decode: `(params, state, latent)` to outputs, in evaluation.
        train_encode: `(params, state, key, x)` to codes and the next state, in training.
        train_decode: `(params, state, key, latent)` to outputs and the next state, in training.
        abstract_params: Shapes and types of the parameters.
        abstract_state: Those of the state.
        abstract_code: Those of the code of one example.
        couples: Whether examples of a batch depend on each other in training.
    """

    init: Callable[[PRNGKey], tuple[PyTree, PyTree]]
    encode: Callable[[PyTree, PyTree, Batch], Code]
    decode: Callable[[PyTree, PyTree, Latent], Batch]
    train_encode: Callable[[PyTree, PyTree, PRNGKey, Batch], tuple[Code, PyTree]]
    train_decode: Callable[[PyTree, PyTree, PRNGKey, Latent], tuple[Batch, PyTree]]
    abstract_params: PyTree
    abstract_state: PyTree
    abstract_code: PyTree
    couples: bool


class _Split(NamedTuple):
    """A model in pieces: what it is made of, its random streams, its parameters, and its state."""

    graph: Any
    streams: PyTree
    params: PyTree
    state: PyTree


def functional(
    construct: Callable[[nnx.Rngs], AbstractAutoencoder],
    num_features: int,
    *,
    precision: str = "float32",
    matmul_precision: MatmulPrecision = "float32",
) -> FunctionalModel:
    """Split a model into parameters, state and pure functions.

    Args:
        construct: Makes the model from its random streams.
        num_features: Features of an example.
        precision: Type that encoder and decoder compute in. Parameters and state stay as they are, and codes and
            outputs are float32.
        matmul_precision: How exactly their products of float32 are, see `models.precision`.

    Returns:
        The functions; `init` gives equal bits alone, under `jax.vmap` and under `jax.lax.map`.
    """
    pieces = _Pieces(construct, jnp.dtype(precision))
    abstract = pieces.abstract

    def evaluate(method: str) -> Callable[[PyTree, PyTree, Any], Any]:
        return with_products(
            matmul_precision,
            lambda params, state, x: pieces.call(method, False, params, state, jax.random.key(0), x)[0],
        )

    def train(method: str) -> Callable[[PyTree, PyTree, PRNGKey, Any], tuple[Any, PyTree]]:
        return with_products(matmul_precision, lambda *given: pieces.call(method, True, *given))

    def init(key: PRNGKey) -> tuple[PyTree, PyTree]:
        split = pieces.made(key)
        return split.params, split.state

    row, (encode, decode) = jax.ShapeDtypeStruct((1, num_features), jnp.float32), map(evaluate, ("encode", "decode"))
    code = jax.eval_shape(encode, abstract.params, abstract.state, row)
    steps = train("encode"), train("decode")
    return FunctionalModel(init, encode, decode, *steps, abstract.params, abstract.state, code, couples=False)


def _check_call(method: str, before: PyTree, after: PyTree, *, draws: bool) -> None:
    """Refuse a call after which the state has other variables, and one that draws where it must not."""
    _check_followed(method, before, after)
    if draws:
        problem = f"{method} draws random numbers in evaluation too"
        raise UserError("model", problem, "draw in training only, as nnx.Dropout does by `deterministic`")


class _Pieces:
    """A model that is taken apart, and put together again for each call of a method.

    Args:
        construct: Makes it from its random streams.
        dtype: What it computes in.
    """

    def __init__(self, construct: Callable[[nnx.Rngs], AbstractAutoencoder], dtype: jnp.dtype):
        self._construct, self._dtype = construct, dtype
        self._graphs: dict[bool, Any] = {}  # in training and in evaluation
        self.abstract: _Split = jax.eval_shape(self.made, jax.random.key(0))

    def made(self, key: PRNGKey) -> _Split:
        """A new model; its graph is kept as it was made at first, as what is in it is of one trace alone."""
        model = self._construct(_streams(key))
        model.eval()
        self._graphs.setdefault(False, _split(model).graph)
        model.train()
        split = _split(model)
        self._graphs.setdefault(True, split.graph)
        return split._replace(graph=None)

    def call(
        self, method: str, training: bool, params: PyTree, state: PyTree, key: PRNGKey, x: Any
    ) -> tuple[Any, PyTree]:
        """What a method makes of x, in float32, and the state after it."""
        params, x = jax.tree.map(lambda leaf: leaf.astype(self._dtype), (params, x))
        streams = _drawing_from(key, self.abstract.streams)
        module = nnx.merge(self._graphs[training], streams, params, state, copy=True)
        result = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), getattr(module, method)(x))
        after = _split(module)
        _check_call(method, state, after.state, draws=not (training or _unused(streams, after.streams)))
        return result, jax.tree.map(lambda now, before: now.astype(before.dtype), after.state, state)


def _streams(key: PRNGKey) -> nnx.Rngs:
    """Random streams of a model that is made: parameters draw from the first, all else from the second."""
    return nnx.Rngs(jax.random.fold_in(key, _OTHER_STREAMS), params=key)


def _split(model: nnx.Module) -> _Split:
    """A model in pieces; what `sow` has put there is left out."""
    graph, streams, params, _, state = nnx.split(model, nnx.RngState, nnx.Param, nnx.Intermediate, ...)
    return _Split(graph, streams, params, state)


def _drawing_from(key: PRNGKey, streams: PyTree) -> PyTree:
    """Random streams as of a model that is new, each with a key of its own."""
    leaves, tree = jax.tree.flatten(streams)

    def begun(index: int, leaf: Any) -> Any:
        if not jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            return jnp.zeros(leaf.shape, leaf.dtype)  # a count of what was drawn
        own = jax.random.fold_in(key, index)
        return jax.random.split(own, leaf.shape) if leaf.shape else own

    return jax.tree.unflatten(tree, [begun(index, leaf) for index, leaf in enumerate(leaves)])


def _has_places_of(tree: PyTree, other: PyTree) -> bool:
    """Whether two trees have leaves in the same places."""
    first, second = (jax.tree_util.tree_leaves_with_path(one) for one in (tree, other))
    return [place for place, _ in first] == [place for place, _ in second]


def _check_followed(method: str, before: PyTree, after: PyTree) -> None:
    """Refuse other variables after a step, of other shapes, and such as would lose what they are in their own type."""
    if not _has_places_of(after, before):
        raise UserError("model", f"{method} makes variables, or takes some away", "make all in the constructor")
    for (place, old), new in zip(jax.tree_util.tree_leaves_with_path(before), jax.tree.leaves(after), strict=True):
        floats = jnp.issubdtype(old.dtype, jnp.floating) and jnp.issubdtype(new.dtype, jnp.floating)
        if old.shape != new.shape or not (floats or old.dtype == new.dtype):
            was, became = (f"{leaf.dtype} of shape {leaf.shape}" for leaf in (old, new))
            problem = f"{method} makes {place_name(place)}, {was}, {became}"
            raise UserError("model", problem, "keep shape and type of every variable")


def place_name(place: tuple[Any, ...]) -> str:
    """What an array of a tree is called: `part.mean`, also where it is the value of a variable of Flax."""
    return jax.tree_util.keystr(place, simple=True, separator=".").removesuffix(".value")


def _unused(before: PyTree, after: PyTree) -> bool:
    """Whether nothing was drawn from random streams: each counts what is."""
    return all(a is b for a, b in zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True))


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


def check_code_is_latent(option: str, code_width: int, *, is_asked: bool, remedy: str) -> None:
    """Refuse an option that takes the code for the latent, where a bottleneck takes more numbers than one a dimension.

    Raises:
        UserError: If it does, and the option is asked for.
    """
    if is_asked and code_width > 1:
        problem = f"is for a code that is the latent; this bottleneck takes {code_width} numbers for each dimension"
        raise UserError(f"model.{option}", problem, remedy)


def check_tied_width(output_width: int, *, tied_weights: bool) -> None:
    """Refuse a decoder with the encoder's weights where it is to make several numbers for each feature.

    Raises:
        UserError: If it is.
    """
    if tied_weights and output_width > 1:
        problem = f"has no weights to share for {output_width} numbers a feature, which this loss takes"
        raise UserError("model.tied_weights", problem, "set it to false, or choose a loss that takes one")
