"""The methods that are compared, as one type: an autoencoder at its best epoch, and PCA."""

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PyTree

from ae_jax.baselines.pca import PCA
from ae_jax.bottlenecks import Weights
from ae_jax.evaluation.competitor import Competitor
from ae_jax.evaluation.cost import inference_bytes, inference_cost
from ae_jax.evaluation.importance import Bounds, bounds_of, log_weights
from ae_jax.experiment.build import Experiment
from ae_jax.models.precision import MatmulPrecision, with_products
from ae_jax.training import Best, Run, Structure
from ae_jax.training.objective import (
    Keys,
    Trained,
    Values,
    abstract_latent,
    abstract_params,
    from_latent,
    indices_of,
    latent_of,
    mean_of,
    objective_from,
)
from ae_jax.training.objective import reconstruct as reconstruction_of
from ae_jax.training.streams import Stream, run_key
from ae_jax.typing import Batch, Latent, PRNGKey

AUTOENCODER, BASELINE = "autoencoder", "pca"
"""Names of methods, in summary.json and in files of arrays."""
ROWS = 1024
"""Rows in one call of a compiled function; the last call is padded, so that there is one program and one result."""
Host = np.ndarray


class Method(NamedTuple):
    """A way from inputs to fewer numbers and back, from NumPy arrays to NumPy arrays of inputs (scaled values).

    Attributes:
        name: What it is called.
        latent_size: Numbers in the latent of an example.
        encode: Inputs to latents.
        decode: Latents to reconstructions; of an autoencoder after the loss's link.
        reconstruct: Inputs to reconstructions.
        cost: `cost.COSTS` of inference (encode and decode) of one example and of a batch of that size, measured once.
        corrupt: `(index, x)` to the test split's batch number `index` as the run's corruption leaves it: a function of
            the seed and that number. None without a corruption.
        terms: `(key, x, weights)` to the terms of the objective, summed over examples; None without an objective.
        sample: So many reconstructions of latents that are drawn from the prior; None without a prior.
        indices: Inputs to which of a finite number each part of a latent is; None where latents are not quantised.
        codebooks: See `Bottleneck.codebooks`.
        mean: Inputs to the mean of the latents that are drawn; None: `encode` gives it.
        bounds: `(key, x, num_samples)` to bounds on the log-likelihood of each example, by latents that are drawn from
            a density: see `evaluation.importance`. None without such a bound.
        memory: Bytes that inference of a batch of that size holds; None where that is not known.
    """

    name: str
    latent_size: int
    encode: Callable[[Host], Host]
    decode: Callable[[Host], Host]
    reconstruct: Callable[[Host], Host]
    cost: Callable[[int], dict[str, Any]]
    corrupt: Callable[[int, Host], Host] | None = None
    terms: Callable[[PRNGKey, Host, Host], dict[str, Array]] | None = None
    sample: Callable[[int], Host] | None = None
    indices: Callable[[Host], Host] | None = None
    codebooks: tuple[tuple[int, int], ...] = ()
    mean: Callable[[Host], Host] | None = None
    bounds: Callable[[PRNGKey, Host, int], Bounds] | None = None
    memory: Callable[[int], int | None] | None = None


class ModelFunctions:
    """The functions of a structure, compiled once for all its runs, when each is first called.

    `values` are the run's, as `Run` has them: nothing that a run may differ in is compiled in.

    Attributes:
        encode: `(values, trained, x)` to latents, shape "batch latent": of a tree of arrays one row an example.
        decode: `(values, trained, latent)` to reconstructions, after the loss's link.
        reconstruct: `(values, trained, x)` to reconstructions.
        corrupt: `(values, key, x)` to corrupted x.
        terms: `(run, trained, key, x, weights)` to the terms of the objective, summed over examples.
        indices: `(values, trained, x)` to the numbers of what quantised latents are made of.
        mean: `(values, trained, x)` to the means of the latents that are drawn.
        log_weights: See `evaluation.importance`; products are in float32.
    """

    def __init__(self, structure: Structure):

        def encode(values: Values, trained: Trained, x: Batch) -> Array:
            return _as_rows(latent_of(structure, values, *trained, x))

        def decode(values: Values, trained: Trained, latent: Array) -> Batch:
            like = abstract_latent(structure, values, trained)
            return from_latent(structure, values, *trained, _from_rows(latent, like))

        def reconstruct(values: Values, trained: Trained, x: Batch) -> Batch:
            return reconstruction_of(structure, values, *trained, x)

        def terms(run: Run, trained: Trained, key: PRNGKey, x: Batch, weights: Weights) -> dict[str, Array]:
            value = objective_from(structure, run, *trained, Keys(key, key), x, x, weights)
            return {name: jnp.sum(term * weights) for name, term in value.terms.items()}

        def corrupt(values: PyTree, key: PRNGKey, x: Batch) -> Batch:
            return structure.corrupt(key, x, **values["corruption"])

        def indices(values: Values, trained: Trained, x: Batch) -> Array:
            return indices_of(structure, values, *trained, x)

        def mean(values: Values, trained: Trained, x: Batch) -> Array:
            return _as_rows(mean_of(structure, values, *trained, x))

        self.encode, self.decode, self.reconstruct, self.corrupt, self.terms, self.indices, self.mean = (
            jax.jit(with_products(structure.matmul_precision, function))
            for function in (encode, decode, reconstruct, corrupt, terms, indices, mean)
        )
        weights = with_products("float32", functools.partial(log_weights, structure))
        self.log_weights = jax.jit(weights, static_argnums=(5, 6))
        self._cost: dict[str, Any] | None = None
        self._bytes: dict[int, int | None] = {}

    def cost(self, values: Values, trained: Trained, num_features: int, batch_size: int) -> dict[str, Any]:
        """See `Method`."""
        if self._cost is None:
            given = (values, trained)
            self._cost = inference_cost(self.reconstruct, given, trained[0], num_features, batch_size)
        return self._cost

    def memory(self, values: Values, trained: Trained, num_features: int, batch_size: int) -> int | None:
        """See `Method`."""
        if batch_size not in self._bytes:
            self._bytes[batch_size] = inference_bytes(self.reconstruct, (values, trained), num_features, batch_size)
        return self._bytes[batch_size]


def autoencoder(experiment: Experiment, best: Best, functions: ModelFunctions | None = None) -> Method:
    """The model of an experiment at its best epoch; runs of one structure may share its functions."""
    functions = functions or ModelFunctions(experiment.structure)
    run, values = experiment.run, experiment.run.values
    placed = jax.tree.map(jnp.asarray, (best.params, best.carried))
    num_features, seen = experiment.inputs.num_features, run_key(run.seed, Stream.TEST_CORRUPTION)

    def corrupt(index: int, x: Host) -> Host:
        return np.asarray(functions.corrupt(values, jax.random.fold_in(seen, index), x))

    def rowwise(function: Callable[..., Array]) -> Callable[[Host], Host]:
        return functools.partial(in_rows, functools.partial(function, values, placed))

    bottleneck, output_width = experiment.bottleneck, experiment.loss.output_width
    decode = rowwise(functions.decode)

    def sample(num: int) -> Host:
        one = abstract_latent(experiment.structure, values, placed)
        like = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((num, *leaf.shape[1:]), leaf.dtype), one)
        assert bottleneck.prior is not None  # else there is no sample
        return decode(np.asarray(_as_rows(bottleneck.prior(run_key(run.seed, Stream.SAMPLES), like))))

    return Method(
        AUTOENCODER,
        latent_size_of(experiment),
        encode=rowwise(functions.encode),
        decode=decode,
        reconstruct=rowwise(functions.reconstruct),
        cost=functools.partial(functions.cost, values, placed, num_features),
        corrupt=corrupt if experiment.corrupts else None,
        terms=functools.partial(functions.terms, run, placed),
        sample=sample if bottleneck.prior else None,
        indices=rowwise(functions.indices) if bottleneck.indices else None,
        codebooks=bottleneck.codebooks,
        mean=rowwise(functions.mean) if bottleneck.mean else None,
        bounds=functools.partial(bounds_of, functions.log_weights, values, placed, output_width),
        memory=functools.partial(functions.memory, values, placed, num_features),
    )


@functools.lru_cache(maxsize=256)
def leading(pca: PCA, limits: Competitor, precision: MatmulPrecision) -> Method:
    """PCA under the limits of a latent; one object for all runs that are compared with it, as it is measured once.

    In float64 on the host. What it costs is that of a compiled program in float32, measured as a model's is, without
    what sorts or rounds its coordinates.
    """
    num_components = limits.num_components

    def encode(x: Host) -> Host:
        return limits.squeeze(pca.encode(x, num_components))

    def program(params: dict[str, Array], x: Batch) -> Batch:
        return (x - params["mean"][None]) @ params["components"].T @ params["components"] + params["mean"][None]

    compiled, num_features, quantiser = jax.jit(with_products(precision, program)), len(pca.mean), limits.quantiser

    @functools.cache
    def cost(batch_size: int) -> dict[str, Any]:
        params = {"mean": jnp.float32(pca.mean), "components": jnp.float32(pca.components[:num_components])}
        return inference_cost(compiled, (params,), params, num_features, batch_size)

    @functools.cache
    def memory(batch_size: int) -> int | None:
        shapes = {"mean": (num_features,), "components": (num_components, num_features)}
        params = {name: jax.ShapeDtypeStruct(shape, jnp.float32) for name, shape in shapes.items()}
        return inference_bytes(compiled, (params,), num_features, batch_size)

    def indices(x: Host) -> Host:
        assert quantiser is not None  # else there are none
        return quantiser.indices(pca.encode(x, num_components))

    return Method(
        BASELINE,
        num_components,
        encode=encode,
        decode=pca.decode,
        reconstruct=lambda x: pca.decode(encode(x)),
        cost=cost,
        indices=None if quantiser is None else indices,
        codebooks=() if quantiser is None else tuple((count, 1) for count in quantiser.num_levels),
        memory=memory,
    )


def latent_size_of(experiment: Experiment) -> int:
    """Number of latent dimensions, as the result of the bottleneck has it."""
    structure, run = experiment.structure, experiment.run
    latent = abstract_latent(structure, run.values, abstract_params(structure, run))
    return sum(math.prod(leaf.shape[1:]) for leaf in jax.tree.leaves(latent))


def _as_rows(latent: Latent) -> Array:
    """A latent as one row of numbers for each example, which most are."""
    leaves = [leaf.reshape(len(leaf), -1) for leaf in jax.tree.leaves(latent)]
    return leaves[0] if len(leaves) == 1 else jnp.concatenate(leaves, axis=1)


def _from_rows(rows: Array, like: PyTree) -> Latent:
    """The latent that `_as_rows` made rows of; `like` has the shapes of one example."""
    leaves, tree = jax.tree.flatten(like)
    ends = np.cumsum([math.prod(leaf.shape[1:]) for leaf in leaves])[:-1].tolist()
    parts = jnp.split(rows, ends, axis=1) if ends else [rows]
    shaped = [part.reshape(len(rows), *leaf.shape[1:]) for part, leaf in zip(parts, leaves, strict=True)]
    return jax.tree.unflatten(tree, shaped)


def in_rows(function: Callable[[Host], Array], x: Host) -> Host:
    """Apply a compiled function to any number of rows, in padded calls of one size."""
    x = np.asarray(x, np.float32)
    results = []
    for start in range(0, max(1, len(x)), ROWS):
        rows = x[start : start + ROWS]
        padded = np.pad(rows, ((0, ROWS - len(rows)), (0, 0)))
        results.append(np.asarray(function(padded))[: len(rows)])
    return np.concatenate(results)
