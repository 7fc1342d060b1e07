import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ae_jax.datasets import Dataset
from ae_jax.datasets.base import split_examples
from ae_jax.datasets.digits import digits
from ae_jax.errors import UserError


@pytest.fixture(scope="module")
def small() -> Dataset:
    return digits(validation_fraction=0.1, test_fraction=0.2, split_seed=3)


@given(
    num_examples=st.integers(10, 500),
    validation=st.one_of(st.integers(1, 4), st.floats(0.1, 0.4)),
    test=st.one_of(st.integers(0, 4), st.floats(0.1, 0.4)),
    split_seed=st.integers(0, 2**31),
)
def test_splits_are_disjoint_complete_and_deterministic(num_examples, validation, test, split_seed):
    split = split_examples(num_examples, validation=validation, test=test, split_seed=split_seed)
    again = split_examples(num_examples, validation=validation, test=test, split_seed=split_seed)
    assert sorted(np.concatenate(split).tolist()) == list(range(num_examples))
    assert all(np.array_equal(one, other) for one, other in zip(split, again, strict=True))


def test_split_ignores_global_state_and_heeds_the_seed():
    np.random.seed(0)  # noqa: NPY002 - the point is that the legacy global state does not matter
    first = split_examples(100, validation=0.1, test=0.2, split_seed=1)
    np.random.seed(1)  # noqa: NPY002 - as above
    assert np.array_equal(first.train, split_examples(100, validation=0.1, test=0.2, split_seed=1).train)
    assert not np.array_equal(first.train, split_examples(100, validation=0.1, test=0.2, split_seed=2).train)


def test_test_split_does_not_depend_on_the_validation_size():
    few, many = (split_examples(100, validation=size, test=20, split_seed=1) for size in (5, 50))
    assert np.array_equal(few.test, many.test)


@pytest.mark.parametrize(
    ("validation", "test", "message"),
    [
        (0, 1, "dataset.validation_size: 0 of 10 examples leaves the validation split empty"),
        (0.01, 1, "dataset.validation_fraction: 0.01 of 10 examples leaves the validation split empty"),
        (1, 0.01, "dataset.test_fraction: 0.01 of 10 examples leaves the test split empty"),
        (0.5, 0.5, "dataset.validation_fraction: 5 validation and 5 test examples leave none of 10"),
        (10, 0, "dataset.validation_size: 10 validation and 0 test examples leave none of 10"),
    ],
)
def test_empty_splits_are_refused(validation, test, message):
    with pytest.raises(UserError, match=message.replace(".", r"\.")):
        split_examples(10, validation=validation, test=test, split_seed=0)


def test_digits_are_compact_whole_and_scaled(small):
    assert [len(split) for split in (small.train, small.validation, small.test)] == [1258, 180, 359]  # of 1797
    assert small.train.dtype == np.uint8
    assert small.feature_shape == (8, 8)
    assert small.num_features == 64
    everything = np.concatenate([small.scaled(split) for split in ("train", "validation", "test")])
    assert everything.dtype == np.float32
    assert small.unit_interval
    assert everything.min() == 0
    assert everything.max() == 1
    json.dumps(small.provenance)


def test_digits_equal_the_source_with_labels_beside_their_images(small):
    from sklearn.datasets import load_digits

    source = load_digits()
    expected = {
        image.tobytes(): label for image, label in zip(source.data.astype(np.uint8), source.target, strict=True)
    }
    for split in ("train", "validation", "test"):
        labels = [expected[image.tobytes()] for image in getattr(small, split)]
        assert small.labels[split].tolist() == labels


def test_mean_is_the_training_mean_whatever_the_chunks(small, monkeypatch):
    expected = small.scaled("train").astype(np.float64).mean(axis=0)
    monkeypatch.setattr("ae_jax.datasets.base.CHUNK_ELEMENTS", 64 * 7)
    again = digits(validation_fraction=0.1, test_fraction=0.2, split_seed=3)
    assert again.mean.dtype == np.float64
    np.testing.assert_allclose(again.mean, expected, rtol=1e-12)
    np.testing.assert_allclose(small.mean, expected, rtol=1e-12)


def test_scaled_takes_arrays_and_leaves_them_alone(small):
    raw = small.test[:3].copy()
    np.testing.assert_array_equal(small.scaled(raw), small.scaled("test")[:3])
    np.testing.assert_array_equal(raw, small.test[:3])
    floats = raw.astype(np.float32)
    small.scaled(floats)
    np.testing.assert_array_equal(floats, small.test[:3])


def test_train_limit_keeps_the_first_examples_and_the_other_splits(small):
    limited = small.with_train_limit(100)
    assert np.array_equal(limited.train, small.train[:100])
    assert np.array_equal(limited.labels["train"], small.labels["train"][:100])
    assert limited.test is small.test
    assert limited.provenance["counts"] == {"train": 100, "validation": 180, "test": 359}
    assert small.provenance["counts"]["train"] == 1258
    assert not np.array_equal(limited.mean, small.mean)
    assert small.with_train_limit(None) is small


@pytest.mark.parametrize("limit", [0, -1, 1259])
def test_impossible_train_limits_are_refused(small, limit):
    with pytest.raises(UserError, match="expected 1 to 1258"):
        small.with_train_limit(limit)
