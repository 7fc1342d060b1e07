"""Fréchet distance against SciPy, precision and recall against all pairs, densities against scikit-learn."""

import numpy as np
import pytest
from scipy.linalg import sqrtm
from sklearn.metrics import pairwise_distances
from sklearn.mixture import GaussianMixture

from ae_jax.evaluation.distributions import frechet_distance, precision_recall
from ae_jax.evaluation.mixture import fit_density, fit_mixture


@pytest.fixture
def sets():
    rng = np.random.default_rng(0)
    return rng.normal(size=(400, 6)) @ rng.normal(size=(6, 6)), rng.normal(size=(300, 6)) + 0.3


def test_frechet_distance_is_that_of_scipy(sets):
    one, other = sets
    means, covariances = [rows.mean(axis=0) for rows in sets], [np.cov(rows, rowvar=False) for rows in sets]
    cross = np.trace(sqrtm(covariances[0] @ covariances[1]).real)
    expected = np.sum((means[0] - means[1]) ** 2) + sum(map(np.trace, covariances)) - 2 * cross
    assert frechet_distance(one, other) == pytest.approx(expected)
    assert frechet_distance(other, one) == pytest.approx(expected)


def test_frechet_distance_of_equals_is_0_and_a_shift_is_squared(sets):
    one, _ = sets
    assert frechet_distance(one, one[::-1]) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(one, one + np.array([[3.0, 0, 0, 0, 0, 4.0]])) == pytest.approx(25)
    flat = np.zeros_like(one)  # covariances of rank 0
    assert frechet_distance(one, flat) == pytest.approx(np.sum(one.mean(axis=0) ** 2) + one.var(axis=0, ddof=1).sum())


def test_precision_and_recall_are_those_of_all_pairs(sets):
    one, other = sets

    def within(points, queries):
        reach = np.sort(pairwise_distances(points), axis=1)[:, 3]
        return np.mean((pairwise_distances(queries, points) <= reach[None]).any(axis=1))

    assert precision_recall(one, other, 3) == pytest.approx((within(one, other), within(other, one)))


def test_a_set_has_all_of_itself_and_none_of_what_is_far(sets):
    one, other = sets
    assert precision_recall(one, one[::-1], 3) == (1, 1)
    assert precision_recall(one, other + 1e3, 3) == (0, 0)
    # Half of what is generated is real, and it does not cover all of what is real.
    few = np.concatenate([one[:20], one[:20] + 1e3])
    found = precision_recall(one, few, 1)
    assert found.precision == 0.5
    assert found.recall < 1


def blobs(rng, size):
    return rng.normal(size=(size, 2)) * 0.1 + 3 * np.eye(3, 2)[rng.integers(3, size=size)]


def test_the_mixture_has_as_many_components_as_validation_asks_for():
    rng = np.random.default_rng(0)
    found = fit_mixture(blobs(rng, 900), blobs(rng, 300), [1, 2, 3, 6, 12])
    assert found.num_components == 3
    assert fit_mixture(rng.normal(size=(900, 2)), rng.normal(size=(300, 2)), [1, 2, 3]).num_components == 1
    samples = found.sample(9000, np.random.default_rng(1))
    # Shares of blobs have standard errors of 0.016, of 900 that were fitted, and means three times that.
    assert frechet_distance(blobs(rng, 9000), samples) < 0.05
    assert precision_recall(blobs(rng, 500), samples[:500], 3).precision > 0.9


def test_one_gaussian_has_the_moments_of_the_latents(sets):
    one, _ = sets
    samples = fit_density(one, 1).sample(100_000, np.random.default_rng(0))
    # Of 100,000 draws a covariance is within a few of its 0.3 per cent.
    scale = np.abs(np.cov(one.T)).max()
    np.testing.assert_allclose(np.cov(samples.T), np.cov(one.T, ddof=0), atol=0.03 * scale)
    np.testing.assert_allclose(samples.mean(axis=0), one.mean(axis=0), atol=0.03 * np.sqrt(scale))
    fitted = GaussianMixture(1, random_state=0).fit(one)
    assert fit_density(one, 1).bic(one) == pytest.approx(fitted.bic(one), rel=1e-4)


def test_latents_that_are_constant_have_a_density():
    latents = np.concatenate([np.random.default_rng(0).normal(size=(50, 2)), np.full((50, 1), 7.0)], axis=1)
    samples = fit_mixture(latents, latents, [1, 2]).sample(100, np.random.default_rng(0))
    np.testing.assert_allclose(samples[:, 2], 7, atol=0.02)
    np.testing.assert_allclose(fit_density(np.full((5, 2), 2.0), 1).sample(9, np.random.default_rng(0)), 2, atol=0.02)
