"""Observation models against SciPy in float64: they sum to 1 over what can be observed, so that bits are bits."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from ae_jax.losses.bernoulli_nll import bernoulli_nll
from ae_jax.losses.beta_binomial import beta_binomial
from ae_jax.losses.discretised_logistic import discretised_logistic
from ae_jax.losses.gaussian_nll import gaussian_nll

LEAST = 0.002
# The first number of a feature from far below to far above, the second from the least spread to the largest.
FIRST, SECOND = np.meshgrid([-30.0, -4.0, -0.3, 0.2, 0.8, 5.0, 1e4], [-1e4, -5.0, -1.0, 0.0, 3.0, 40.0])
OUTPUTS = np.stack([FIRST.ravel(), SECOND.ravel()], axis=1)


def floored(raw):
    return np.log(LEAST) + np.logaddexp(0, raw - np.log(LEAST))


def scipy_logistic(outputs, num_levels):
    """The masses of all levels, of one feature: the tails belong to the ends."""
    mean, s = outputs[:, :1], np.exp(floored(outputs[:, 1:]))
    inner = (np.arange(num_levels - 1) + 0.5) / (num_levels - 1)
    below, above = stats.logistic.cdf((inner - mean) / s), stats.logistic.sf((inner - mean) / s)
    middle = np.where(below[:, 1:] < 0.5, np.diff(below), -np.diff(above))
    return np.concatenate([below[:, :1], middle, above[:, -1:]], axis=1)


def scipy_beta_binomial(outputs, num_levels):
    log_c = 10 * np.tanh(outputs[:, 1:] / 10)
    a, b = (np.exp(log_c - np.logaddexp(0, sign * outputs[:, :1])) for sign in (-1, 1))
    return stats.betabinom.pmf(np.arange(num_levels), num_levels - 1, a, b)


def scipy_bernoulli(outputs, num_levels):
    return np.concatenate([expit(-outputs[:, :1]), expit(outputs[:, :1])], axis=1)


OF_LEVELS = {
    "bernoulli": (bernoulli_nll(), scipy_bernoulli),
    **{f"logistic-{n}": (discretised_logistic(num_levels=n, min_scale=LEAST), scipy_logistic) for n in (17, 256)},
    **{f"beta_binomial-{n}": (beta_binomial(num_levels=n), scipy_beta_binomial) for n in (17, 256)},
}
each_of_levels = pytest.mark.parametrize("name", OF_LEVELS)


@functools.cache
def log_masses(name):
    """-log p of every level, shape "outputs levels", and its gradient by the outputs; compiled once for all tests."""
    loss, _ = OF_LEVELS[name]
    outputs = np.repeat(OUTPUTS[:, : loss.output_width], loss.num_levels, axis=0)
    observed = np.tile(np.arange(loss.num_levels) / (loss.num_levels - 1), len(OUTPUTS))[:, None]

    def total(outputs, x):
        values = loss.per_example(outputs, x)
        return values.sum(), values

    slopes, values = jax.jit(jax.grad(total, has_aux=True))(jnp.float32(outputs), jnp.float32(observed))
    shape = (len(OUTPUTS), loss.num_levels)
    return np.asarray(values, np.float64).reshape(shape), np.asarray(slopes).reshape(*shape, -1)


@each_of_levels
def test_masses_sum_to_one_and_are_those_of_scipy(name):
    """Also where the likelihood is a step or a plain, and at outputs that no training reaches: gradients are finite."""
    loss, oracle = OF_LEVELS[name]
    values, slopes = log_masses(name)
    assert np.isfinite(values).all()
    assert np.isfinite(slopes).all()
    # A value is a sum of some numbers of up to L, each known to a few units of 2^-24.
    tolerance = 16 * loss.num_levels * 2.0**-24
    expected, masses = oracle(OUTPUTS, loss.num_levels), np.exp(-values)
    np.testing.assert_allclose(masses.sum(axis=1), 1, atol=tolerance)
    known = np.isfinite(expected)  # SciPy has no beta-binomial of a parameter that float64 does not tell from 0
    assert known[OUTPUTS[:, 0] < 100].all()
    np.testing.assert_allclose(masses[known], expected[known], atol=tolerance)


@each_of_levels
def test_the_reconstruction_is_the_mean(name):
    """Of a discretised logistic within half a level, as its docstring says; but for rounding."""
    loss, oracle = OF_LEVELS[name]
    outputs = OUTPUTS[OUTPUTS[:, 0] < 100]
    mean = oracle(outputs, loss.num_levels) @ np.linspace(0, 1, loss.num_levels)
    made = jax.jit(loss.link)(jnp.asarray(outputs[:, : loss.output_width], jnp.float32))[:, 0]
    tolerance = 0.5 / (loss.num_levels - 1) if name.startswith("logistic") else 0
    np.testing.assert_allclose(made, mean, atol=tolerance + 1e-5)


@each_of_levels
def test_gradients_match_central_differences(name):
    loss, oracle = OF_LEVELS[name]
    rows, step = (np.abs(OUTPUTS) < 6).all(axis=1), 1e-4
    at, values, slopes = OUTPUTS[rows], *(taken[rows] for taken in log_masses(name))
    for number in range(loss.output_width):
        bump = step * (np.arange(2) == number)
        with np.errstate(divide="ignore", invalid="ignore"):
            above, below = (np.log(oracle(at + sign * bump, loss.num_levels)) for sign in (1, -1))
            expected = (below - above) / (2 * step)
        known = values < 14  # SciPy loses the digits of masses that are small beside 1
        np.testing.assert_allclose(slopes[..., number][known], expected[known], rtol=2e-3, atol=2e-3)


def test_examples_sum_over_features_and_take_the_type_of_training():
    loss, rng = beta_binomial(num_levels=17), np.random.default_rng(0)
    outputs = jnp.asarray(rng.normal(size=(3, 10)), jnp.bfloat16)
    x = jnp.asarray(rng.integers(17, size=(3, 5)) / 16, jnp.float32)
    values = jax.jit(loss.per_example)(outputs, x)
    each = jax.jit(loss.per_example)(outputs.reshape(3, 2, 5).swapaxes(1, 2).reshape(15, 2), x.reshape(15, 1))
    assert values.dtype == jnp.float32
    np.testing.assert_allclose(values, each.reshape(3, 5).sum(axis=1), rtol=1e-5)


@pytest.mark.parametrize("scale", [0.3, "learned"])
def test_gaussian_density_is_that_of_scipy_and_integrates_to_one(scale):
    loss = gaussian_nll(scale=scale, min_scale=LEAST, link="identity")
    outputs = OUTPUTS[np.abs(OUTPUTS).max(axis=1) < 10]
    deviations = np.exp(floored(outputs[:, 1:])) if scale == "learned" else np.full((len(outputs), 1), scale)
    given = jnp.asarray(outputs[:, : loss.output_width], jnp.float32)
    x = outputs[:, :1] + deviations * np.linspace(-9, 9, 400)
    values = jax.jit(loss.per_example)(jnp.repeat(given, 400, axis=0), jnp.float32(x.reshape(-1, 1))).reshape(x.shape)
    # The deviation from a mean of up to 5 is known to 5 * 2^-24, in units of a scale of at least `LEAST`.
    expected = -stats.norm.logpdf(x, outputs[:, :1], deviations)
    np.testing.assert_allclose(values, expected, atol=9 * 5 * 2.0**-23 / LEAST)
    np.testing.assert_allclose(np.trapezoid(np.exp(-expected), x), 1, atol=1e-6)


def test_gaussian_of_a_scale_is_half_of_the_squared_error_by_its_square_and_a_constant():
    rng = np.random.default_rng(0)
    outputs, x = (jnp.asarray(rng.normal(size=(4, 7)), jnp.float32) for _ in range(2))
    scales = jnp.asarray([0.5, 2.0])
    grouped = jax.vmap(
        lambda scale: gaussian_nll(scale=scale, min_scale=LEAST, link="sigmoid").per_example(outputs, x)
    )(scales)
    squared = ((expit(np.asarray(outputs, np.float64)) - np.asarray(x)) ** 2).sum(axis=1)
    for scale, values in zip((0.5, 2.0), grouped, strict=True):
        np.testing.assert_allclose(values, squared / (2 * scale**2) + 3.5 * np.log(2 * np.pi * scale**2), rtol=1e-6)


def test_learned_scales_far_outside_have_finite_gradients():
    loss = gaussian_nll(scale="learned", min_scale=LEAST, link="identity")
    outputs, x = jnp.asarray(OUTPUTS, jnp.float32), jnp.full((len(OUTPUTS), 1), 0.5)
    value, slope = jax.jit(jax.value_and_grad(lambda given: loss.per_example(given, x).sum()))(outputs)
    assert np.isfinite(value)
    assert np.isfinite(slope).all()
    np.testing.assert_array_equal(loss.link(outputs), outputs[:, :1])
