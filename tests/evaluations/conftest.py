"""What evaluations are asked about in their tests: small data in classes, and methods that are functions."""

from collections.abc import Callable, Mapping
from typing import Any
from unittest.mock import Mock

import jax
import numpy as np
import pytest

from ae_jax.baselines.pca import PCA, fit_pca
from ae_jax.datasets import Dataset
from ae_jax.evaluation.base import Found, Subject
from ae_jax.evaluation.competitor import Competitor
from ae_jax.evaluation.method import AUTOENCODER, Method, leading
from ae_jax.evaluations.anomaly import anomaly
from ae_jax.evaluations.classification import classification
from ae_jax.experiment.build import Experiment


@pytest.fixture(autouse=True)
def each_sealed(sealed: None) -> None:
    """See tests/running.py."""


SIZES = {"train": 300, "validation": 90, "test": 150}


def method(name: str, encode: Callable[..., Any], reconstruct: Callable[..., Any] = np.asarray) -> Method:
    """A method of two functions."""
    return Method(name, 1, encode=encode, decode=np.asarray, reconstruct=reconstruct, cost=lambda _: {})


def identity(x: np.ndarray) -> np.ndarray:
    return x


def of_pca(pca: PCA, num_components: int) -> Method:
    """PCA with some components."""
    return method(
        "pca", lambda x: pca.encode(x, num_components), lambda x: pca.reconstruct(x, num_components)
    )._replace(latent_size=num_components)


@pytest.fixture
def classes() -> Callable[..., Dataset]:
    """Three classes around corners of a cube of six dimensions, as far apart as `apart` in units of their spread."""

    def make(*, apart: float = 3.0, kept: tuple[int, ...] | None = None, order: int | None = None) -> Dataset:
        rng, splits, labels = np.random.default_rng(0), {}, {}
        for split, size in SIZES.items():
            allowed = kept if kept and split != "test" else (0, 1, 2)
            labels[split] = rng.choice(allowed, size)
            noise = rng.normal(size=(size, 6))
            splits[split] = (apart * np.eye(6)[labels[split]] + noise).astype(np.float32)
            if order is not None:
                places = np.random.default_rng(order).permutation(size)
                splits[split], labels[split] = splits[split][places], labels[split][places]
        return Dataset(
            **splits, name="corners", scale=1.0, offset=0.0, feature_shape=(6,), unit_interval=False, labels=labels,
            feature_names=None, provenance={}, kept_labels=kept,
        )  # fmt: skip

    return make


def asked(
    evaluation: Any,
    dataset: Dataset,
    *methods: Method,
    limits: Competitor | None = None,
    experiment: Any = None,
    seed: int = 0,
) -> Found:
    """What methods answer, and beside them PCA under some limits, if there are any."""
    pca = fit_pca([dataset.train])
    all_of = methods if limits is None else (*methods, leading(pca, limits, "float32"))
    return evaluation.ask(Subject(experiment, dataset, all_of, pca, lambda: None, jax.random.key(seed)))


@pytest.fixture
def classified() -> Callable[..., Mapping[str, Any]]:
    """Values and intervals of the classification, as `conf/evaluation` has it."""

    def ask(dataset: Dataset, *methods: Method, num_neighbors: int = 5) -> Found:
        evaluation = classification(num_neighbors=num_neighbors, penalties=[1e-6, 1e-3, 1.0])
        return asked(evaluation, dataset, *methods)

    return ask


@pytest.fixture
def detected() -> Callable[..., Found]:
    """Values, intervals and curves of the detection of anomalies."""
    return lambda dataset, *methods: asked(anomaly(), dataset, *methods)


def fake(encode: Callable[..., Any], decode: Callable[..., Any], size: int, **more: Any) -> Method:
    """A method that takes the autoencoder's place."""
    return Method(AUTOENCODER, size, encode, decode, lambda x: decode(encode(x)), cost=lambda _: {}, **more)


def of_data(dataset: Dataset) -> Any:
    """An experiment of which no more is known than its data."""
    return Mock(spec=Experiment, dataset=dataset)


def perfect(num_features: int) -> Method:
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

    def ask(evaluation: Any, dataset: Dataset, method: Method, *, num_components: int = 4, seed: int = 0) -> Found:
        return asked(evaluation, dataset, method, limits=Competitor(num_components), seed=seed)

    return ask
