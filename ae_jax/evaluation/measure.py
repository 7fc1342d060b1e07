"""Measure a trained model and PCA: the same measures, on the same splits, in the same units."""

import functools
import math
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from ae_jax.baselines.pca import PCA, fit_pca
from ae_jax.bottlenecks import Weights
from ae_jax.datasets import Dataset
from ae_jax.evaluation.cost import inference_cost
from ae_jax.evaluation.measures import example_errors, measures, total_sums
from ae_jax.evaluation.subspace import principal_angles
from ae_jax.experiment.build import Experiment
from ae_jax.models.precision import MatmulPrecision, with_products
from ae_jax.runs.measures import components_to_match
from ae_jax.training import Best, Run, Structure
from ae_jax.training.objective import Keys, Trained, Values, abstract_params, from_latent, latent_of, objective_from
from ae_jax.training.streams import Stream, run_key
from ae_jax.typing import Batch, Latent, PRNGKey

SPLITS = ("train", "validation", "test")
# Rows reconstructed in one call; the last call is padded, so that there is one program and one result.
_ROWS = 1024

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
        encode: `(values, trained, x)` to latents.
        decode: `(values, trained, latent)` to reconstructions, after the loss's link.
        reconstruct: `(values, trained, x)` to reconstructions.
        corrupt: `(values, key, x)` to corrupted x.
        terms: `(run, trained, key, x, weights)` to the terms of the objective, summed over examples.
    """

    def __init__(self, structure: Structure):

        def encode(values: Values, trained: Trained, x: Batch) -> Latent:
            return latent_of(structure, values, *trained, x)

        def decode(values: Values, trained: Trained, latent: Latent) -> Batch:
            return from_latent(structure, values, *trained, latent)

        def reconstruct(values: Values, trained: Trained, x: Batch) -> Batch:
            return decode(values, trained, encode(values, trained, x))

        def terms(run: Run, trained: Trained, key: PRNGKey, x: Batch, weights: Weights) -> dict[str, Array]:
            value = objective_from(structure, run, *trained, Keys(key, key), x, x, weights)
            return {name: jnp.sum(term * weights) for name, term in value.terms.items()}

        def corrupt(values: PyTree, key: PRNGKey, x: Batch) -> Batch:
            return structure.corrupt(key, x, **values["corruption"])

        self.encode, self.decode, self.reconstruct, self.corrupt, self.terms = (
            jax.jit(with_products(structure.matmul_precision, function))
            for function in (encode, decode, reconstruct, corrupt, terms)
        )
        self._batch_size = structure.batch_size
        self._cost: dict[str, Any] | None = None

    def cost(self, values: Values, trained: Trained, num_features: int) -> dict[str, Any]:
        """Size and speed of inference (encode and decode) of one example and of one batch, measured once."""
        if self._cost is None:
            given = (values, trained)
            self._cost = inference_cost(self.reconstruct, given, trained[0], num_features, self._batch_size)
        return self._cost


class TrainedModel(NamedTuple):
    """A model with its parameters, from NumPy arrays to NumPy arrays of inputs (scaled values).

    Attributes:
        encode: Inputs to latents.
        decode: Latents to reconstructions, after the loss's link.
        reconstruct: Inputs to reconstructions.
        corrupt: `(key, x)` to corrupted x.
        terms: `(key, x, weights)` to the terms of the objective, summed over examples.
        cost: Size and speed, see `ModelFunctions.cost`.
    """

    encode: Callable[[Host], Host]
    decode: Callable[[Host], Host]
    reconstruct: Callable[[Host], Host]
    corrupt: Callable[[PRNGKey, Host], Host]
    terms: Callable[[PRNGKey, Host, Host], dict[str, Array]]
    cost: Callable[[], dict[str, Any]]


def trained_model(experiment: Experiment, best: Best, functions: ModelFunctions | None = None) -> TrainedModel:
    """The model of an experiment at its best epoch; runs of one structure may share its functions."""
    functions = functions or ModelFunctions(experiment.structure)
    run, values = experiment.run, experiment.run.values
    placed = jax.tree.map(jnp.asarray, (best.params, best.carried))
    return TrainedModel(
        encode=functools.partial(_in_rows, functions.encode, values, placed),
        decode=functools.partial(_in_rows, functions.decode, values, placed),
        reconstruct=functools.partial(_in_rows, functions.reconstruct, values, placed),
        corrupt=lambda key, x: np.asarray(functions.corrupt(values, key, x)),
        terms=lambda key, x, weights: functions.terms(run, placed, key, x, weights),
        cost=lambda: functions.cost(values, placed, experiment.inputs.num_features),
    )


def measure_model(dataset: Dataset, model: TrainedModel, pca: PCA) -> dict[str, Measured]:
    """Measures of the autoencoder on every split, from clean inputs; the training mean is PCA's."""
    return {split: _measure(dataset, split, model.reconstruct, pca.mean) for split in SPLITS}


def measure_terms(experiment: Experiment, model: TrainedModel) -> dict[str, dict[str, float]]:
    """The terms of the objective on every split, from clean inputs: means over examples.

    Where examples depend on each other, in batches as those of training.
    """
    structure, dataset = experiment.structure, experiment.dataset
    num_rows = structure.batch_size if structure.couples else _ROWS
    key, measured = run_key(experiment.run.seed, Stream.MEASURED_LATENT), {}
    for at, split in enumerate(SPLITS):
        totals = dict.fromkeys(structure.terms, 0.0)
        for index, x in enumerate(batches(dataset, split, num_rows)):
            own = jax.random.fold_in(jax.random.fold_in(key, at), index)
            weights = (np.arange(num_rows) < len(x)).astype(np.float32)
            sums = model.terms(own, np.pad(x, ((0, num_rows - len(x)), (0, 0))), weights)
            totals = {name: total + float(sums[name]) for name, total in totals.items()}
        measured[split] = {name: total / len(getattr(dataset, split)) for name, total in totals.items()}
    return measured


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
    """Number of latent dimensions, as the result of the bottleneck has it."""
    row = jax.ShapeDtypeStruct((1, experiment.inputs.num_features), jnp.float32)
    structure, run = experiment.structure, experiment.run

    def latents(values: Values, trained: Trained, x: Batch) -> Latent:
        return latent_of(structure, values, *trained, x)

    latent = jax.eval_shape(latents, run.values, abstract_params(structure, run), row)
    return sum(math.prod(leaf.shape[1:]) for leaf in jax.tree.leaves(latent))


def corrupt_rows(experiment: Experiment, model: TrainedModel, x: Host, index: int) -> Host:
    """Corrupted inputs of the test split's batch number `index`: a function of the seed and that number."""
    key = run_key(experiment.run.seed, Stream.TEST_CORRUPTION)
    return model.corrupt(jax.random.fold_in(key, index), x)


def batches(dataset: Dataset, split: str, num_rows: int = _ROWS) -> Iterator[Host]:
    """Inputs of a split in float32, a bounded number of rows at a time."""
    raw = getattr(dataset, split)
    for start in range(0, len(raw), num_rows):
        yield dataset.scaled(raw[start : start + num_rows])


def _measure(dataset: Dataset, split: str, reconstruct: Callable[[Host], Host], mean: Host) -> Measured:
    pairs = ((x, reconstruct(x)) for x in batches(dataset, split))
    return _measured(dataset, pairs, mean, keep_errors=split == "test")


def _measured(dataset: Dataset, pairs: Iterable[tuple[Host, Host]], mean: Host, *, keep_errors: bool) -> Measured:
    sums = total_sums(pairs, mean)
    taken = measures(sums, num_features=len(mean), unit_interval=dataset.unit_interval)
    return Measured(taken, example_errors(sums) if keep_errors else None)


def _in_rows(function: Callable[..., Float[Array, "..."]], values: Values, trained: Trained, x: Host) -> Host:
    """Apply a compiled function to any number of rows, in padded calls of one size."""
    x = np.asarray(x, np.float32)
    results = []
    for start in range(0, max(1, len(x)), _ROWS):
        rows = x[start : start + _ROWS]
        padded = np.pad(rows, ((0, _ROWS - len(rows)), (0, 0)))
        results.append(np.asarray(function(values, trained, padded))[: len(rows)])
    return np.concatenate(results)
