"""Features in which samples are compared: those of a small classifier, trained here, once for each data set.

    conv 5x5, 6 → average pool 2 → conv 5x5, 16 → average pool 2 → dense 120 → dense 84 → classes

with ReLU in between, which is LeNet-5 (LeCun et al. 1998) in all but its activations; without the convolutions for data
that are no images. Features are the 84 numbers before the classes. No network is downloaded, so what is measured in
them has names of its own, such as `frechet_lenet`, and compares with nothing but what was measured on the same data.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from ae_jax.datasets import Dataset
from ae_jax.evaluation.measure import batches
from ae_jax.evaluation.method import Host, in_rows
from ae_jax.images import has_image_shape, image_shape

NUM_FEATURES = 84
_UPDATES, _BATCH, _LEARNING_RATE, _CHANNELS, _WIDTH = 600, 128, 2e-3, (6, 16), 120
Params = dict[str, Any]


@functools.lru_cache(maxsize=8)
def classifier_features(dataset: Dataset) -> Callable[[Host], Host]:
    """A function from inputs, shape "examples features", to features of them, shape "examples 84", in float32.

    It follows from the data alone: their order and labels.
    """
    assert dataset.labels is not None  # or there are no classes
    num_classes = 1 + max(int(labels.max()) for labels in dataset.labels.values())
    shape = image_shape("generation", dataset.feature_shape, otherwise="") if is_image(dataset) else None
    params = _trained(dataset, shape, num_classes)
    return functools.partial(in_rows, jax.jit(lambda x: _features(params, x, shape)))


def is_image(dataset: Dataset) -> bool:
    """Whether there are pixels enough to be pooled twice."""
    return has_image_shape(dataset.feature_shape) and min(dataset.feature_shape[:2]) >= 4


@functools.lru_cache(maxsize=8)
def train_features(dataset: Dataset) -> Host:
    """Features of all training examples."""
    features = classifier_features(dataset)
    return np.concatenate([features(x) for x in batches(dataset, "train")])


def _trained(dataset: Dataset, shape: tuple[int, int, int] | None, num_classes: int) -> Params:
    """Parameters after a fixed number of updates by Adam."""
    assert dataset.labels is not None
    x, labels = dataset.scaled("train"), jnp.asarray(dataset.labels["train"])
    params = _init(dataset, shape, num_classes)
    optimizer = optax.adam(optax.cosine_decay_schedule(_LEARNING_RATE, _UPDATES))

    def loss(params: Params, x: Array, labels: Array) -> Array:
        logits = _features(params, x, shape) @ params["classes"]["kernel"] + params["classes"]["bias"][None]
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()

    @jax.jit
    def update(params: Params, state: Any, x: Array, labels: Array) -> tuple[Params, Any]:
        changes, state = optimizer.update(jax.grad(loss)(params, x, labels), state)
        return optax.apply_updates(params, changes), state

    state, rng = optimizer.init(params), np.random.default_rng(0)
    for _ in range(_UPDATES):
        rows = rng.integers(len(x), size=_BATCH)
        params, state = update(params, state, x[rows], labels[rows])
    return params


def _init(dataset: Dataset, shape: tuple[int, int, int] | None, num_classes: int) -> Params:
    """He's initialisation; the first layer takes off the mean of the data."""
    widths: dict[str, tuple[int, ...]] = {}
    num = dataset.num_features
    if shape is not None:
        height, width, channels = shape
        for name, size in zip(("conv1", "conv2"), _CHANNELS, strict=True):
            widths[name], channels = (5, 5, channels, size), size
            height, width = -(-height // 2), -(-width // 2)
        num = height * width * channels
    widths |= {"dense1": (num, _WIDTH), "dense2": (_WIDTH, NUM_FEATURES), "classes": (NUM_FEATURES, num_classes)}
    keys = jax.random.split(jax.random.key(0), len(widths))
    layers = {
        name: {
            "kernel": jax.random.normal(key, size) * np.sqrt(2 / np.prod(size[:-1])),
            "bias": jnp.zeros(size[-1]),
        }
        for key, (name, size) in zip(keys, widths.items(), strict=True)
    }
    return {**layers, "mean": jnp.asarray(dataset.mean, jnp.float32)}


def _features(
    params: Params, x: Float[Array, "batch features"], shape: tuple[int, int, int] | None
) -> Float[Array, "batch 84"]:
    x = x - jax.lax.stop_gradient(params["mean"])[None]
    if shape is not None:
        images = x.reshape(len(x), *shape)
        for name in ("conv1", "conv2"):
            images = _pooled(jax.nn.relu(_convolved(images, **params[name])))
        x = images.reshape(len(images), -1)
    for name in ("dense1", "dense2"):
        x = jax.nn.relu(jnp.matmul(x, params[name]["kernel"], precision="highest") + params[name]["bias"][None])
    return x


def _convolved(images: Array, kernel: Array, bias: Array) -> Array:
    layout = ("NHWC", "HWIO", "NHWC")
    made = jax.lax.conv_general_dilated(images, kernel, (1, 1), "SAME", dimension_numbers=layout, precision="highest")
    return made + bias[None, None, None]


def _pooled(images: Array) -> Array:
    """Means of 2 x 2; at an odd border of what is there, and nothing."""
    return jax.lax.reduce_window(images, 0.0, jax.lax.add, (1, 2, 2, 1), (1, 2, 2, 1), "SAME") / 4
