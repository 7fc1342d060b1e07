"""What figures of some runs are drawn from: samples of those with a prior, codes of quantised ones, decoder columns.

| file | arrays | of runs |
|---|---|---|
| `samples.npz` | means, shape "samples *feature_shape": `autoencoder`, and perhaps `pca` | with a prior |
| `codes.npz` | `indices`, shape "examples parts": of the test split | with quantised latents |
| `columns.npz` | `columns`, shape "columns *feature_shape", `places`, and how much `used` | with an affine decoder |

Samples of PCA are those of probabilistic PCA, where components are left for its noise.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from ae_jax.baselines.pca import PCA
from ae_jax.baselines.probabilistic_pca import ProbabilisticPCA
from ae_jax.datasets import Dataset
from ae_jax.evaluation.method import Host, Method
from ae_jax.runs.recorder import write_npz

Shown = tuple[dict[str, Host], dict[str, Host]]
"""Arrays of a file: numbers, and integers."""

_NUM_SAMPLES, _NUM_COLUMNS, _NUM_EXAMPLES, _MOST_CODES = 10, 64, 1000, 10_000


def shown_of(dataset: Dataset, model: Method, pca: PCA) -> dict[str, Callable[[], Shown | None]]:
    """What makes the arrays of each file that fits a model, by its name; None of one that turns out not to fit."""
    made: dict[str, Callable[[], Shown | None]] = {"columns": partial(_columns, dataset, model)}
    if model.sample is not None:
        made["samples"] = partial(_samples, dataset, model, pca)
    if model.indices is not None:
        made["codes"] = partial(_codes, dataset, model)
    return made


def write_shown(path: Path, made: Callable[[], Shown | None]) -> bool:
    """Write such a file, and return whether there is one."""
    shown = made()
    if shown is not None:
        numbers, integers = shown
        write_npz(path, numbers, **integers)
    return shown is not None


def _samples(dataset: Dataset, model: Method, pca: PCA) -> Shown:
    assert model.sample is not None  # or there is no such file
    drawn = {model.name: model.sample(_NUM_SAMPLES)}
    size = min(model.latent_size, pca.rank)
    if size < pca.rank:
        drawn["pca"] = ProbabilisticPCA(pca, size).sample(_NUM_SAMPLES, seed=0)
    return {name: rows.reshape(len(rows), *dataset.feature_shape) for name, rows in drawn.items()}, {}


def _codes(dataset: Dataset, model: Method) -> Shown:
    assert model.indices is not None  # or there is no such file
    indices = model.indices(dataset.scaled(dataset.test[:_MOST_CODES]))
    return {}, {"indices": indices.reshape(len(indices), -1)}


def _columns(dataset: Dataset, model: Method) -> Shown | None:
    """The columns that add most to reconstructions: each by the mean square of what it adds.

    Outputs of a decoder that is not affine, up to the rounding of float32, are no sums of columns.
    """
    latents = model.encode(dataset.scaled(dataset.test[:_NUM_EXAMPLES])).astype(np.float64)
    size = (latents**2).mean(axis=0)
    places = np.argsort(-size, kind="stable")[:_NUM_COLUMNS]
    probe = np.zeros((len(places) + 1, model.latent_size), np.float32)
    probe[np.arange(len(places)) + 1, places] = 1
    outputs = model.decode(probe).astype(np.float64)
    columns = outputs[1:] - outputs[0]
    weights = np.random.default_rng(0).normal(size=(4, len(places)))
    mixed = np.zeros((4, model.latent_size), np.float32)
    mixed[:, places] = weights
    tolerance = 1e-3 * float(np.abs(columns).max(initial=0))
    if not np.allclose(model.decode(mixed), outputs[0] + mixed[:, places] @ columns, rtol=1e-3, atol=tolerance):
        return None
    used = size[places] * (columns**2).sum(axis=1)
    order = np.argsort(-used, kind="stable")
    shaped = columns[order].reshape(len(places), *dataset.feature_shape)
    return {"columns": shaped, "used": used[order]}, {"places": places[order]}
