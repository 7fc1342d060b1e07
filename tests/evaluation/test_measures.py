"""Laws of the measures, and each against its definition written out."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import mean_squared_error

from ae_jax.evaluation.measures import (
    BCE_MARGIN,
    Sums,
    accumulate,
    example_errors,
    measures,
    total_sums,
)

RNG = np.random.default_rng(0)
X = RNG.random((40, 6)).astype(np.float32)
NOISY = np.clip(X + RNG.normal(scale=0.1, size=X.shape), 0, 1).astype(np.float32)
MEAN = X.mean(axis=0, dtype=np.float64)


def measured(batches, mean, *, unit_interval):
    """The measures of a split that comes as pairs."""
    return measures(total_sums(batches, mean), num_features=len(mean), unit_interval=unit_interval)


def measure(x, reconstruction, mean=MEAN, unit_interval=True):
    return measured([(x, reconstruction)], mean, unit_interval=unit_interval)


def test_names():
    assert list(measure(X, NOISY)) == ["sse", "mse", "explained_variance", "psnr", "bce"]


def test_identity_is_perfect():
    got = measure(X, X)
    assert (got["sse"], got["mse"], got["explained_variance"], got["psnr"]) == (0, 0, 1, None)
    assert json.loads(json.dumps(got, allow_nan=False)) == got


def test_mean_predictor_explains_nothing():
    reconstruction = np.broadcast_to(MEAN, X.shape)
    assert measure(X, reconstruction)["explained_variance"] == 0


def test_against_the_definitions():
    x, r = X.astype(np.float64), NOISY.astype(np.float64)
    got = measure(X, NOISY)
    assert got["sse"] == pytest.approx(np.square(x - r).sum(axis=1).mean(), rel=1e-12)
    assert got["mse"] == pytest.approx(mean_squared_error(x, r), rel=1e-12)
    assert got["explained_variance"] == pytest.approx(1 - np.square(x - r).sum() / np.square(x - MEAN).sum(), rel=1e-12)
    assert got["psnr"] == pytest.approx(-10 * np.log10(np.square(x - r).mean()), rel=1e-12)
    r = r.clip(BCE_MARGIN, 1 - BCE_MARGIN)
    assert got["bce"] == pytest.approx(-(x * np.log(r) + (1 - x) * np.log1p(-r)).sum(axis=1).mean(), rel=1e-12)


def test_psnr_of_a_known_error():
    """An error of 0.1 everywhere: mse 0.01, so 10 log10(100) = 20 dB."""
    assert measure(np.zeros((3, 6)), np.full((3, 6), 0.1))["psnr"] == pytest.approx(20)


def test_bce_of_known_reconstructions():
    """A grey answer costs log 2 a pixel, a wrong saturated one -log 1e-6 (by the clipping), a right one nothing."""
    x = np.array([[0.0, 1.0, 1.0]])
    mean = np.zeros(3)
    assert measure(x, np.full((1, 3), 0.5), mean)["bce"] == pytest.approx(3 * math.log(2))
    assert measure(x, 1 - x, mean)["bce"] == pytest.approx(-3 * math.log(1e-6), rel=1e-9)
    assert measure(x, x, mean)["bce"] == pytest.approx(3e-6, rel=1e-5)


def test_bce_is_least_at_the_target():
    best = measure(X, X)["bce"]
    assert best < measure(X, NOISY)["bce"]
    entropy = -(X * np.log(X) + (1 - X) * np.log(1 - X)).sum(axis=1).mean()
    assert best == pytest.approx(entropy, rel=1e-5)


@settings(max_examples=50, deadline=None)
@given(size=st.integers(1, 45), order=st.permutations(range(40)))
def test_independent_of_batches_and_order(size, order):
    batches = [(X[order[i : i + size]], NOISY[order[i : i + size]]) for i in range(0, 40, size)]
    got = measured(batches, MEAN, unit_interval=True)
    for name, value in measure(X, NOISY).items():
        assert got[name] == pytest.approx(value, rel=1e-12), name


def test_weighted_by_example_not_by_batch():
    x = np.zeros((4, 6))
    wrong = np.ones((1, 6))
    batches = [(x[:3], x[:3]), (x[3:], wrong)]
    assert measured(batches, MEAN, unit_interval=True)["sse"] == 6 / 4


def test_errors_of_examples_come_in_their_order_and_have_the_sse_as_mean():
    x, r = np.tile(X, (20, 1)), np.tile(NOISY, (20, 1))  # more than a block
    sums = total_sums([(x[:300], r[:300]), (x[300:], r[300:])], MEAN)
    errors = example_errors(sums)
    np.testing.assert_allclose(errors, ((x.astype(float) - r) ** 2).sum(axis=1), rtol=1e-12)
    assert errors.mean() == pytest.approx(measure(X, NOISY)["sse"], rel=1e-12)
    assert example_errors(Sums()).shape == (0,)


def test_more_examples_than_a_block():
    x, r = np.tile(X, (20, 1)), np.tile(NOISY, (20, 1))
    assert measure(x, r)["bce"] == pytest.approx(measure(X, NOISY)["bce"], rel=1e-12)


def test_float32_is_summed_in_float64():
    """2**24 + 1 is the first integer that float32 lacks: 3,000 examples of error 2**24 and one of 1 keep the last."""
    x = np.zeros((3001, 1), np.float32)
    r = np.full((3001, 1), 4096, np.float32)
    r[-1] = 1
    assert accumulate(x, r, np.zeros(1)).squared_error == 3000 * 2**24 + 1


def test_outside_the_unit_interval():
    got = measure(X * 7 - 3, NOISY * 7 - 3, unit_interval=False)
    assert got["psnr"] is None
    assert got["bce"] is None
    assert got["sse"] == pytest.approx(49 * measure(X, NOISY)["sse"], rel=1e-5)  # the inputs are float32


@pytest.mark.parametrize("constant", [0.0, 0.1, 1 / 3, 1e5])
def test_data_without_variance(constant):
    x = np.full((700, 6), constant)
    mean = x.mean(axis=0)  # differs from the constant in the last digits
    assert measure(x, x + 1, mean, unit_interval=False)["explained_variance"] is None
    assert measure(x, x + 1, mean, unit_interval=False)["sse"] == pytest.approx(6)


def test_nan_is_not_hidden():
    broken = NOISY.copy()
    broken[3, 3] = np.nan
    assert all(math.isnan(value) for value in measure(X, broken).values())
    assert math.isnan(measure(broken, X)["explained_variance"])


def test_no_examples():
    with pytest.raises(ValueError, match="at least one example"):
        measures(Sums(), num_features=6, unit_interval=True)
    with pytest.raises(ValueError, match="at least one example"):
        measured([], MEAN, unit_interval=True)


def test_a_huge_constant_feature_does_not_hide_a_varying_one():
    x = np.array([[1e12, 0.0], [1e12, 1.0]])
    got = measure(x, np.array([[1e12, 0.0], [1e12, 0.5]]), x.mean(axis=0), unit_interval=False)
    assert got["explained_variance"] == pytest.approx(1 - 0.25 / 0.5)
