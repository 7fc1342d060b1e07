"""PCA under the limits of others: probabilistic, sparse, quantised; against SciPy, published numbers and by hand."""

import itertools

import numpy as np
import pytest
from scipy import stats

from ae_jax.baselines.pca import fit_pca
from ae_jax.baselines.probabilistic_pca import ProbabilisticPCA
from ae_jax.baselines.squeezed import _best_step, keep_largest, quantiser
from ae_jax.errors import UserError


@pytest.fixture(scope="module")
def x():
    """Of 6 features, with variances from 9 to 1/4 along directions of no axis."""
    rng = np.random.default_rng(0)
    rotation = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    return rng.normal(size=(200, 6)) * [3, 2, 1, 0.8, 0.6, 0.5] @ rotation + 5


@pytest.mark.parametrize("num_components", [0, 1, 4, 5])
def test_probabilistic_pca_is_the_normal_distribution_of_its_covariance(num_components, x):
    model = ProbabilisticPCA(fit_pca([x]), num_components)
    covariance = np.cov(x.T, bias=True)
    values, vectors = np.linalg.eigh(covariance)
    noise = values[: 6 - num_components].mean()
    assert model.noise_variance == pytest.approx(noise)
    values[: 6 - num_components] = noise
    expected = stats.multivariate_normal(x.mean(axis=0), vectors * values @ vectors.T).logpdf(x)
    np.testing.assert_allclose(model.log_likelihood(x), expected, rtol=1e-9)
    # At the maximum the trace of inverse model times sample covariance is d: 2 log p = -(d log 2 pi + log det + d).
    assert model.log_likelihood(x).mean() == pytest.approx(-0.5 * (6 * np.log(2 * np.pi) + np.log(values).sum() + 6))


def test_its_likelihood_rises_with_components_and_nothing_else_is_as_likely(x):
    pca = fit_pca([x])
    means = [ProbabilisticPCA(pca, size).log_likelihood(x).mean() for size in range(6)]
    assert (np.diff(means) > 0).all()
    rng = np.random.default_rng(1)
    other = np.linalg.qr(rng.normal(size=(6, 2)))[0]
    for noise in (0.5, 1.0, 2.0):
        covariance = other * [5.0, 3.0] @ other.T + noise * np.eye(6)
        assert stats.multivariate_normal(x.mean(axis=0), covariance).logpdf(x).mean() < means[2]


def test_its_samples_have_the_covariance_of_what_the_components_explain(x):
    model = ProbabilisticPCA(fit_pca([x]), 2)
    drawn = model.sample(20_000, seed=0)
    loadings = model.pca.components[:2]
    expected = (loadings.T * (model.variances - model.noise_variance)) @ loadings
    # An entry of a sample covariance has a standard error of at most sqrt(2 / n) of the largest variance.
    np.testing.assert_allclose(np.cov(drawn.T), expected, atol=5 * 9 * np.sqrt(2 / 20_000))
    np.testing.assert_array_equal(drawn, model.sample(20_000, seed=0))


def test_without_variance_left_there_is_no_density(x):
    flat = np.concatenate([x[:, :3], np.ones((200, 2))], axis=1)
    pca = fit_pca([flat])
    assert np.isfinite(ProbabilisticPCA(pca, 2).log_likelihood(flat)).all()
    with pytest.raises(UserError, match=r"^num_components: got 3, .* have 3 components; ask for fewer"):
        ProbabilisticPCA(pca, 3)


def test_the_largest_coordinates_are_kept_and_no_others_would_do_better():
    coordinates = np.random.default_rng(0).normal(size=(20, 5))
    kept = keep_largest(coordinates, 2)
    assert ((kept != 0).sum(axis=1) == 2).all()
    errors = ((coordinates - kept) ** 2).sum(axis=1)
    for pair in itertools.combinations(range(5), 2):
        rest = np.delete(coordinates, pair, axis=1)
        assert (errors <= (rest**2).sum(axis=1) + 1e-12).all()
    np.testing.assert_array_equal(keep_largest(coordinates, 5), coordinates)
    np.testing.assert_array_equal(keep_largest(np.array([[1.0, -1.0, 1.0]]), 2), [[1, -1, 0]])


@pytest.mark.parametrize(
    ("num_levels", "step", "error"),
    # Max 1960, table II, "equally spaced": the output spacing, and the mean squared error.
    [(2, 1.596, 0.3634), (3, 1.224, 0.1902), (4, 0.9957, 0.1188), (8, 0.5860, 0.03744), (32, 0.1881, 0.003495)],
)
def test_steps_are_those_of_max(num_levels, step, error):
    assert _best_step(num_levels) == pytest.approx((step, error), rel=5e-4)


@pytest.mark.parametrize("num_levels", [2, 3, 6, 16])
def test_the_error_of_a_quantiser_is_that_of_what_it_rounds(num_levels):
    made = quantiser([4.0], float(np.log2(num_levels)) + 1e-9)
    drawn = 2 * stats.norm.ppf((np.arange(100_000) + 0.5) / 100_000)[:, None]
    rounded = made(drawn)
    assert len(np.unique(rounded)) == made.num_levels[0] == num_levels
    assert ((drawn - rounded) ** 2).mean() == pytest.approx(4 * _best_step(num_levels)[1], rel=1e-3)


def test_bits_go_where_they_save_most():
    """Against all ways to give 5 bits to three coordinates, by the closed form of each error."""
    variances = [4.0, 1.5, 0.1]
    made = quantiser(variances, 5.0)
    errors = {
        bits: sum(v * _best_step(2**b)[1] for v, b in zip(variances, bits, strict=True))
        for bits in itertools.product(range(6), repeat=3)
        if sum(bits) == 5
    }
    best = min(errors, key=errors.__getitem__)
    assert made.num_levels == tuple(2**b for b in best if b)
    assert made.rate == 5


def test_a_rate_is_not_exceeded_and_hardly_left_unused():
    variances = np.geomspace(5, 0.01, 12)
    for rate in (0.0, 0.4, 1.0, 7.9, 20.0, 31.3, 200.0):
        made = quantiser(variances, rate)
        assert rate - 1 < made.rate <= rate + 1e-9
        assert len(made.num_levels) == len(made.steps) <= 12
    assert quantiser([], 3.0).num_levels == ()


def test_bits_that_no_coordinate_has_a_use_for_are_not_allotted():
    made = quantiser([4.0, 1.0], 4000.5)
    assert made.num_levels == (2**32, 2**32)
    coordinates = np.array([[1.25, -0.5]])
    np.testing.assert_allclose(made(coordinates), coordinates, atol=1e-8)
