"""Measure a trained model and PCA: the same measures, on the same splits, in the same units."""

import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from ae_jax.baselines.pca import PCA, components_to_match, fit_pca
from ae_jax.datasets import Dataset
from ae_jax.evaluation.cost import count_parameters, flops_per_example, latency
from ae_jax.evaluation.measures import measure_reconstruction
from ae_jax.evaluation.subspace import principal_angles
from ae_jax.experiments.build import Experiment
from ae_jax.typing import Batch, Latent

SPLITS = ("train", "validation", "test")
# Rows reconstructed in one call; the last call is padded, so that there is one program and one result.
_ROWS = 1024
_LATENCY_REPEATS = 50
# Folded into the seed's key for the corruption of the test split; training folds 0, 1 and 2.
_TEST_KEY = 3

Measures = dict[str, float | None]
Host = np.ndarray


class TrainedModel(NamedTuple):
    """A model with its parameters, from NumPy arrays to NumPy arrays of inputs (scaled values).

    Attributes:
        encode: Inputs to latents.
        decode: Latents to reconstructions, after the loss's link.
        reconstruct: Inputs to reconstructions.
        params: The parameters.
        compiled: `(params, x)` to reconstructions on the device, what `reconstruct` calls.
    """

    encode: Callable[[Host], Host]
    decode: Callable[[Host], Host]
    reconstruct: Callable[[Host], Host]
    params: PyTree
    compiled: Callable[[PyTree, Batch], Batch]


def trained_model(experiment: Experiment, params: PyTree) -> TrainedModel:
    """The model of an experiment with trained parameters; each function is compiled when it is first called."""
    model, link = experiment.model, experiment.loss.link

    def encode(parameters: PyTree, x: Batch) -> Latent:
        return model.encode(parameters, x)

    def decode(parameters: PyTree, latent: Latent) -> Batch:
        return link(model.decode(parameters, latent))

    def reconstruct(parameters: PyTree, x: Batch) -> Batch:
        return decode(parameters, encode(parameters, x))

    compiled = jax.jit(reconstruct)
    return TrainedModel(
        encode=functools.partial(_in_rows, jax.jit(encode), params),
        decode=functools.partial(_in_rows, jax.jit(decode), params),
        reconstruct=functools.partial(_in_rows, compiled, params),
        params=params,
        compiled=compiled,
    )


def measure_model(dataset: Dataset, model: TrainedModel, pca: PCA) -> dict[str, Measures]:
    """Measures of the autoencoder on every split, from clean inputs; the training mean is PCA's."""
    return {split: _measure(dataset, split, model.reconstruct, pca.mean) for split in SPLITS}


def measure_corrupted(
    experiment: Experiment, model: TrainedModel, pca: PCA, num_components: int
) -> dict[str, Measures] | None:
    """Measures on the test split when both methods see the same corrupted inputs; None without corruption."""
    if not experiment.corrupts:
        return None
    dataset = experiment.dataset
    methods = {"autoencoder": model.reconstruct, "pca": lambda x: pca.reconstruct(x, num_components)}
    return {
        name: measure_reconstruction(
            ((x, method(corrupt_rows(experiment, x, index))) for index, x in enumerate(batches(dataset, "test"))),
            pca.mean,
            unit_interval=dataset.unit_interval,
        )
        for name, method in methods.items()
    }


def compare_pca(dataset: Dataset, pca: PCA, *, num_components: int, test_sse: float) -> dict[str, Any]:
    """PCA's part of the summary: its measures, its whole error curve, and what it needs to match `test_sse`."""
    curve = pca.sse_by_components([dataset.test], scale=dataset.scale, offset=dataset.offset)
    measured = {
        split: _measure(dataset, split, lambda x: pca.reconstruct(x, num_components), pca.mean) for split in SPLITS
    }
    return {
        "num_components": num_components,
        **measured,
        "components_to_match": components_to_match(curve, test_sse),
        "test_sse_by_components": curve.tolist(),
    }


@functools.lru_cache(maxsize=4)
def fit_dataset_pca(dataset: Dataset) -> PCA:
    """PCA of the training split, fitted once per dataset and process."""
    return fit_pca([dataset.train], scale=dataset.scale, offset=dataset.offset)


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


def measure_cost(experiment: Experiment, model: TrainedModel) -> dict[str, Any]:
    """Size and speed of inference: encode and decode of one example, and of one batch."""

    def seconds(num_rows: int) -> float:
        x = jnp.zeros((num_rows, experiment.dataset.num_features))
        return latency(functools.partial(model.compiled, model.params), x, repeats=_LATENCY_REPEATS)

    row = jax.ShapeDtypeStruct((1, experiment.dataset.num_features), jnp.float32)
    return {
        "num_parameters": count_parameters(model.params),
        "flops_per_example": flops_per_example(model.compiled, model.params, row),
        "latency_per_example_seconds": seconds(1),
        "latency_per_batch_seconds": seconds(experiment.structure.batch_size),
    }


def latent_size_of(experiment: Experiment) -> int:
    """Number of latent dimensions, as the encoder's result has it."""
    row = jax.ShapeDtypeStruct((1, experiment.dataset.num_features), jnp.float32)
    return jax.eval_shape(experiment.model.encode, experiment.model.abstract_params, row).shape[1]


def corrupt_rows(experiment: Experiment, x: Host, index: int) -> Host:
    """Corrupted inputs of the test split's batch number `index`: a function of the seed and that number."""
    key = jax.random.fold_in(jax.random.fold_in(jax.random.key(experiment.run.seed), _TEST_KEY), index)
    return np.asarray(experiment.corrupt(key, jnp.asarray(x)))


def batches(dataset: Dataset, split: str) -> Iterator[Host]:
    """Inputs of a split in float32, a bounded number of rows at a time."""
    raw = getattr(dataset, split)
    for start in range(0, len(raw), _ROWS):
        yield dataset.scaled(raw[start : start + _ROWS])


def _measure(dataset: Dataset, split: str, reconstruct: Callable[[Host], Host], mean: Host) -> Measures:
    pairs = ((x, reconstruct(x)) for x in batches(dataset, split))
    return measure_reconstruction(pairs, mean, unit_interval=dataset.unit_interval)


def _in_rows(function: Callable[..., Float[Array, "..."]], params: PyTree, x: Host) -> Host:
    """Apply a compiled function to any number of rows, in padded calls of one size."""
    x = np.asarray(x, np.float32)
    results = []
    for start in range(0, max(1, len(x)), _ROWS):
        rows = x[start : start + _ROWS]
        padded = np.pad(rows, ((0, _ROWS - len(rows)), (0, 0)))
        results.append(np.asarray(function(params, padded))[: len(rows)])
    return np.concatenate(results)
