"""Methods and data that are small enough to know what is to be found."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest

from ae_jax.baselines.pca import fit_pca
from ae_jax.datasets import Dataset
from ae_jax.evaluation.base import Found, Subject
from ae_jax.evaluation.competitor import Competitor
from ae_jax.evaluation.method import AUTOENCODER, Method, leading


def fake(encode: Callable[..., Any], decode: Callable[..., Any], size: int) -> Method:
    """A method that takes the autoencoder's place."""
    return Method(AUTOENCODER, size, encode, decode, lambda x: decode(encode(x)), cost=lambda _: {})


def identity(num_features: int) -> Method:
    """A perfect one."""
    return fake(lambda x: x, lambda latent: latent, num_features)


def constant(num_features: int) -> Method:
    """One that keeps nothing."""
    return fake(lambda x: np.zeros((len(x), 1)), lambda latent: np.zeros((len(latent), num_features)), 1)


@pytest.fixture
def images() -> Dataset:
    """Grey images of 6 x 6 in three classes, each of which has rows of its own that are bright."""
    return made_images()


def made_images(seed: int = 0, sizes: tuple[int, int, int] = (300, 60, 90)) -> Dataset:
    rng, splits, labels = np.random.default_rng(seed), {}, {}
    for split, size in zip(("train", "validation", "test"), sizes, strict=True):
        labels[split] = rng.integers(3, size=size)
        x = rng.uniform(0, 0.5, size=(size, 6, 6))
        for row in range(2):
            x[np.arange(size), 2 * labels[split] + row] += 0.4
        splits[split] = x.reshape(size, 36).astype(np.float32)
    return Dataset(
        **splits, labels=labels, name="rows", scale=1.0, offset=0.0, feature_shape=(6, 6), unit_interval=True,
        feature_names=None, provenance={},
    )  # fmt: skip


@pytest.fixture
def ask() -> Callable[..., Found]:
    """Ask an evaluation about a method and PCA of some components."""

    def asked(evaluation: Any, dataset: Dataset, method: Method, *, num_components: int = 4, seed: int = 0) -> Found:
        pca = fit_pca([dataset.train])
        methods = (method, leading(pca, Competitor(num_components), "float32"))
        return evaluation.ask(Subject(None, dataset, methods, pca, lambda: None, jax.random.key(seed)))

    return asked
