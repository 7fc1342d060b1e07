"""Methods and data that are small enough to know what is to be found, for evaluations of latents."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ae_jax.datasets import Dataset
from ae_jax.evaluation.base import Found
from ae_jax.evaluation.competitor import Competitor
from ae_jax.evaluation.method import Method
from tests.evaluations import conftest

SPLITS = ("train", "validation", "test")


def drawn(sizes: tuple[int, int, int] = (200, 40, 50), num_features: int = 6, seed: int = 0) -> Dataset:
    """Normal data of falling variances."""
    rng = np.random.default_rng(seed)
    scales = np.linspace(3, 0.5, num_features)
    splits = {
        split: (rng.normal(size=(size, num_features)) * scales + 1).astype(np.float32)
        for split, size in zip(SPLITS, sizes, strict=True)
    }
    return Dataset(
        **splits, labels=None, name="drawn", scale=1.0, offset=0.0, feature_shape=(num_features,), unit_interval=False,
        feature_names=None, provenance={},
    )  # fmt: skip


def permuted(dataset: Dataset) -> Dataset:
    """The same examples in another order."""
    rng = np.random.default_rng(1)
    splits = {split: getattr(dataset, split) for split in SPLITS}
    return Dataset(
        **{split: x[rng.permutation(len(x))] for split, x in splits.items()}, labels=None, name="permuted", scale=1.0,
        offset=0.0, feature_shape=dataset.feature_shape, unit_interval=False, feature_names=None, provenance={},
    )  # fmt: skip


def fake(
    encode: Callable[..., Any], size: int, decode: Callable[..., Any] = lambda latent: latent, **more: Any
) -> Method:
    """A method that takes the autoencoder's place; its reconstruction is the latent, unless it says otherwise."""
    return conftest.fake(encode, decode, size, **more)


def asked(evaluation: Any, dataset: Dataset, method: Method, limits: Competitor, experiment: Any = None) -> Found:
    """What an evaluation finds of a method, and of PCA under some limits."""
    return conftest.asked(evaluation, dataset, method, limits=limits, experiment=experiment)
