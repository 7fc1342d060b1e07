"""Measure a trained model and PCA: the same measures, on the same splits, in the same units."""

import functools
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from ae_jax.baselines.pca import PCA, fit_pca
from ae_jax.datasets import Dataset
from ae_jax.evaluation.cost import inference_cost
from ae_jax.evaluation.measures import example_errors, measures, total_sums
from ae_jax.evaluation.subspace import principal_angles
from ae_jax.experiment.build import Experiment
from ae_jax.models.precision import MatmulPrecision, with_products
from ae_jax.runs.measures import components_to_match
from ae_jax.training import Structure
from ae_jax.typing import Batch, Latent, PRNGKey

SPLITS = ("train", "validation", "test")
# Rows reconstructed in one call; the last call is padded, so that there is one program and one result.
_ROWS = 1024
# Folded into the seed's key for the corruption of the test split; training folds 0, 1 and 2.
_TEST_KEY = 3

Measures = dict[str, float | None]
Host = np.ndarray


class Measured(NamedTuple):
    """A split, measured.

    Attributes:
        measures: By name, see `evaluation.measures`.
        errors: Squared error of each test example, in the order of the split; None of other splits.
    """

    measures: Measures
    errors: Host | None


class ModelFunctions:
    """The functions of a structure, compiled once for all its runs, when each is first called.

    `values` are the run's, as `Run` has them: nothing that a run may differ in is compiled in.

    Attributes:
        encode: `(values, params, x)` to latents.
        decode: `(values, params, latent)` to reconstructions, after the loss's link.
        reconstruct: `(values, params, x)` to reconstructions.
        corrupt: `(values, key, x)` to corrupted x.
    """

    def __init__(self, structure: Structure):
        model = structure.model

        def encode(values: PyTree, params: PyTree, x: Batch) -> Latent:
            return model.encode(params, x)

        def decode(values: PyTree, params: PyTree, latent: Latent) -> Batch:
            return structure.make_loss(**values["loss"]).link(model.decode(params, latent))

        def reconstruct(values: PyTree, params: PyTree, x: Batch) -> Batch:
            return decode(values, params, encode(values, params, x))

        def corrupt(values: PyTree, key: PRNGKey, x: Batch) -> Batch:
            return structure.corrupt(key, x, **values["corruption"])

        self.encode, self.decode, self.reconstruct, self.corrupt = (
            jax.jit(with_products(structure.matmul_precision, function))
            for function in (encode, decode, reconstruct, corrupt)
        )
        self._batch_size = structure.batch_size
        self._cost: dict[str, Any] | None = None

    def cost(self, values: PyTree, params: PyTree, num_features: int) -> dict[str, Any]:
        """Size and speed of inference (encode and decode) of one example and of one batch, measured once."""
        if self._cost is None:
            self._cost = inference_cost(self.reconstruct, (values, params), params, num_features, self._batch_size)
        return self._cost


class TrainedModel(NamedTuple):
    """A model with its parameters, from NumPy arrays to NumPy arrays of inputs (scaled values).

    Attributes:
        encode: Inputs to latents.
        decode: Latents to reconstructions, after the loss's link.
        reconstruct: Inputs to reconstructions.
        corrupt: `(key, x)` to corrupted x.
        cost: Size and speed, see `ModelFunctions.cost`.
    """

    encode: Callable[[Host], Host]
    decode: Callable[[Host], Host]
    reconstruct: Callable[[Host], Host]
    corrupt: Callable[[PRNGKey, Host], Host]
    cost: Callable[[], dict[str, Any]]


def trained_model(experiment: Experiment, params: PyTree, functions: ModelFunctions | None = None) -> TrainedModel:
    """The model of an experiment with trained parameters; runs of one structure may share its functions."""
    functions = functions or ModelFunctions(experiment.structure)
    values = experiment.run.values
    placed = jax.tree.map(jnp.asarray, params)
    return TrainedModel(
        encode=functools.partial(_in_rows, functions.encode, values, placed),
        decode=functools.partial(_in_rows, functions.decode, values, placed),
        reconstruct=functools.partial(_in_rows, functions.reconstruct, values, placed),
        corrupt=lambda key, x: np.asarray(functions.corrupt(values, key, x)),
        cost=lambda: functions.cost(values, placed, experiment.inputs.num_features),
    )


def measure_model(dataset: Dataset, model: TrainedModel, pca: PCA) -> dict[str, Measured]:
    """Measures of the autoencoder on every split, from clean inputs; the training mean is PCA's."""
    return {split: _measure(dataset, split, model.reconstruct, pca.mean) for split in SPLITS}


def measure_corrupted(
    experiment: Experiment, model: TrainedModel, pca: PCA, num_components: int
) -> dict[str, Measured] | None:
    """Measures on the test split when both methods see the same corrupted inputs; None without corruption."""
    if not experiment.corrupts:
        return None
    dataset = experiment.dataset
    methods = {"autoencoder": model.reconstruct, "pca": lambda x: pca.reconstruct(x, num_components)}
    return {
        name: _measured(
            dataset,
            (
                (x, method(corrupt_rows(experiment, model, x, index)))
                for index, x in enumerate(batches(dataset, "test"))
            ),
            pca.mean,
            keep_errors=True,
        )
        for name, method in methods.items()
    }


def compare_pca(dataset: Dataset, pca: PCA, *, num_components: int, test_sse: float) -> dict[str, Any]:
    """PCA's part of the summary: its measures, its whole error curve, and what it needs to match `test_sse`."""
    curve = pca_curve(dataset, pca, "test")
    return {
        "num_components": num_components,
        **{split: one.measures for split, one in measure_pca(dataset, pca, num_components).items()},
        "components_to_match": components_to_match(np.asarray(curve), test_sse),
        "test_sse_by_components": list(curve),
    }


@functools.lru_cache(maxsize=64)
def pca_curve(dataset: Dataset, pca: PCA, split: str) -> tuple[float, ...]:
    """PCA's error on a split with 0, 1, … all components; computed once per dataset, as is all that follows from it."""
    curve = pca.sse_by_components([getattr(dataset, split)], scale=dataset.scale, offset=dataset.offset)
    return tuple(curve.tolist())


@functools.lru_cache(maxsize=256)
def measure_pca(dataset: Dataset, pca: PCA, num_components: int) -> dict[str, Measured]:
    """Measures of PCA on every split; computed once per dataset and number of components."""
    return {split: _measure(dataset, split, lambda x: pca.reconstruct(x, num_components), pca.mean) for split in SPLITS}


def fit_dataset_pca(dataset: Dataset) -> PCA:
    """PCA of the training split, fitted once per dataset and process."""
    return timed_pca(dataset)[0]


@functools.lru_cache(maxsize=16)
def timed_pca(dataset: Dataset) -> tuple[PCA, float]:
    """PCA of the training split with all components, and the wall-clock seconds that fitting it took."""
    start = time.perf_counter()
    pca = fit_pca([dataset.train], scale=dataset.scale, offset=dataset.offset)
    return pca, time.perf_counter() - start


@functools.lru_cache(maxsize=256)
def pca_cost(
    dataset: Dataset, pca: PCA, num_components: int, batch_size: int, precision: MatmulPrecision
) -> dict[str, Any]:
    """Size and speed of PCA's inference as a compiled program in float32, measured as a model's is."""
    params = {"mean": jnp.float32(pca.mean), "components": jnp.float32(pca.components[:num_components])}

    def reconstruct(params: dict[str, Array], x: Batch) -> Batch:
        return (x - params["mean"][None]) @ params["components"].T @ params["components"] + params["mean"][None]

    compiled = jax.jit(with_products(precision, reconstruct))
    return inference_cost(compiled, (params,), params, dataset.num_features, batch_size)


def angles_to_pca(model: TrainedModel, latent_size: int, pca: PCA, num_components: int) -> list[float] | None:
    """Principal angles in degrees between an affine decoder's range and PCA's leading components, ascending.

    None if the decoder is not affine, which has no subspace to compare.
    """
    outputs = model.decode(np.concatenate([np.zeros((1, latent_size)), np.eye(latent_size)]).astype(np.float32))
    rows = outputs[1:].astype(np.float64) - outputs[0]
    probe = np.random.default_rng(0).normal(size=(8, latent_size)).astype(np.float32)
    predicted = outputs[0] + probe @ rows
    if latent_size > len(pca.components) or not np.allclose(model.decode(probe), predicted, rtol=1e-3, atol=1e-3):
        return None
    return np.degrees(principal_angles(rows, pca.components[:num_components])).tolist()


def latent_size_of(experiment: Experiment) -> int:
    """Number of latent dimensions, as the encoder's result has it."""
    row = jax.ShapeDtypeStruct((1, experiment.inputs.num_features), jnp.float32)
    return jax.eval_shape(experiment.model.encode, experiment.model.abstract_params, row).shape[1]


def corrupt_rows(experiment: Experiment, model: TrainedModel, x: Host, index: int) -> Host:
    """Corrupted inputs of the test split's batch number `index`: a function of the seed and that number."""
    key = jax.random.fold_in(jax.random.fold_in(jax.random.key(experiment.run.seed), _TEST_KEY), index)
    return model.corrupt(key, x)


def batches(dataset: Dataset, split: str) -> Iterator[Host]:
    """Inputs of a split in float32, a bounded number of rows at a time."""
    raw = getattr(dataset, split)
    for start in range(0, len(raw), _ROWS):
        yield dataset.scaled(raw[start : start + _ROWS])


def _measure(dataset: Dataset, split: str, reconstruct: Callable[[Host], Host], mean: Host) -> Measured:
    pairs = ((x, reconstruct(x)) for x in batches(dataset, split))
    return _measured(dataset, pairs, mean, keep_errors=split == "test")


def _measured(dataset: Dataset, pairs: Iterable[tuple[Host, Host]], mean: Host, *, keep_errors: bool) -> Measured:
    sums = total_sums(pairs, mean)
    taken = measures(sums, num_features=len(mean), unit_interval=dataset.unit_interval)
    return Measured(taken, example_errors(sums) if keep_errors else None)


def _in_rows(function: Callable[..., Float[Array, "..."]], values: PyTree, params: PyTree, x: Host) -> Host:
    """Apply a compiled function to any number of rows, in padded calls of one size."""
    x = np.asarray(x, np.float32)
    results = []
    for start in range(0, max(1, len(x)), _ROWS):
        rows = x[start : start + _ROWS]
        padded = np.pad(rows, ((0, _ROWS - len(rows)), (0, 0)))
        results.append(np.asarray(function(values, params, padded))[: len(rows)])
    return np.concatenate(results)
