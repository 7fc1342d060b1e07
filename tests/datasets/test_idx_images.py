import numpy as np
import pytest

from ae_jax.datasets.fashion_mnist import FASHION_MNIST, fashion_mnist
from ae_jax.datasets.mnist import MNIST, mnist
from ae_jax.errors import UserError


@pytest.mark.parametrize("loader", [mnist, fashion_mnist])
def test_canonical_files(loader, data_dir, monkeypatch):
    monkeypatch.setenv("AE_JAX_DATA_DIR", str(data_dir))
    data = loader(validation_size=5000, split_seed=0)
    assert data.name == loader.__name__
    assert (data.train.shape, data.validation.shape, data.test.shape) == ((55000, 784), (5000, 784), (10000, 784))
    assert {split.dtype for split in (data.train, data.validation, data.test)} == {np.dtype(np.uint8)}
    assert data.feature_shape == (28, 28)
    assert data.scaled("test").max() == 1
    assert data.provenance["counts"] == {"train": 55000, "validation": 5000, "test": 10000}
    labels = np.concatenate([data.labels["train"], data.labels["validation"]])
    assert len(np.unique(labels)) == 10
    assert np.bincount(data.labels["test"]).sum() == 10000


def test_validation_comes_out_of_the_training_images(data_dir, monkeypatch):
    monkeypatch.setenv("AE_JAX_DATA_DIR", str(data_dir))
    few, many = (mnist(validation_size=size, split_seed=0) for size in (1000, 10000))
    assert np.array_equal(few.test, many.test)
    pixels = [int(data.train.sum(dtype=np.int64) + data.validation.sum(dtype=np.int64)) for data in (few, many)]
    assert pixels[0] == pixels[1]
    with pytest.raises(UserError, match=r"dataset\.validation_size"):
        mnist(validation_size=60000, split_seed=0)


@pytest.mark.parametrize("collection", [MNIST, FASHION_MNIST])
def test_collections_are_complete(collection):
    assert {file.name for file in collection.files} == {
        f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")
    }
    assert len({file.sha256 for file in collection.files}) == 4
    assert {len(file.sha256) for file in collection.files} == {64}
    assert len(collection.mirrors) >= 2
