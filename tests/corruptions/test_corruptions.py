"""Laws that every corruption keeps, and the statistics of each, within five standard errors (false alarms: 6e-7)."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ae_jax.corruptions.base import coarse_uniform
from ae_jax.corruptions.gaussian import gaussian
from ae_jax.corruptions.masking import masking
from ae_jax.corruptions.none import none
from ae_jax.corruptions.salt_and_pepper import salt_and_pepper

# An odd number of features: the last random word of a row is used by half.
SHAPE = (256, 785)
SIZE = SHAPE[0] * SHAPE[1]
SIGMAS = 5
NOISY = {"gaussian": gaussian, "masking": masking, "salt_and_pepper": salt_and_pepper}
each_corruption = pytest.mark.parametrize("corrupt", NOISY.values(), ids=NOISY)


def strength(corrupt, value):
    """The one option of a corruption, at a value."""
    (name,) = [p.name for p in inspect.signature(corrupt).parameters.values() if p.kind is p.KEYWORD_ONLY]
    return {name: value}


@pytest.fixture
def key():
    return jax.random.key(0)


@pytest.fixture
def x():
    return jax.random.uniform(jax.random.key(1), SHAPE)


@each_corruption
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_strength_zero_is_the_identity_to_the_bit(corrupt, dtype, key, x):
    x = x.astype(dtype)
    corrupted = jax.jit(lambda value: corrupt(key, x, **strength(corrupt, value)))(0.0)
    assert corrupted.dtype == x.dtype
    assert np.asarray(corrupted).tobytes() == np.asarray(x).tobytes()


def test_none_is_the_identity(key, x):
    assert none(key, x) is x


@each_corruption
def test_a_key_decides_the_noise(corrupt, key, x):
    options = strength(corrupt, 0.5)
    np.testing.assert_array_equal(corrupt(key, x, **options), corrupt(key, x, **options))
    assert not np.array_equal(corrupt(key, x, **options), corrupt(jax.random.key(2), x, **options))


@each_corruption
def test_runs_in_a_group_are_corrupted_as_alone(corrupt, x):
    values = (0.0, 0.25, 1.0)
    keys = jax.random.split(jax.random.key(3), len(values))
    grouped = jax.jit(jax.vmap(lambda key, value: corrupt(key, x, **strength(corrupt, value))))(
        keys, jnp.asarray(values)
    )
    for index, value in enumerate(values):
        alone = corrupt(keys[index], x, **strength(corrupt, value))
        # Masks are equal to the bit; a product and a sum may be rounded once or twice, to numbers below 8.
        atol = 8 * 2**-23 if corrupt is gaussian else 0
        np.testing.assert_allclose(grouped[index], alone, rtol=0, atol=atol)


def assert_frequency(hits, probability):
    """The number of hits is binomial."""
    error = np.sqrt(SIZE * probability * (1 - probability))
    assert abs(hits.sum() - SIZE * probability) <= SIGMAS * error


@pytest.mark.parametrize("rate", [0.01, 0.25, 0.9])
def test_masking_drops_at_its_rate_and_keeps_the_rest(rate, key, x):
    corrupted = np.asarray(masking(key, x + 1, rate=rate))
    dropped = corrupted == 0
    np.testing.assert_array_equal(corrupted[~dropped], np.asarray(x + 1)[~dropped])
    # The rate in force differs by 2^-17 at most: 1.5 of 200,960 features, where a standard error is 44 or more.
    assert_frequency(dropped, rate)


@pytest.mark.parametrize("rate", [0.01, 0.25, 0.9])
def test_salt_and_pepper_are_as_frequent(rate, key):
    corrupted = np.asarray(salt_and_pepper(key, jnp.full(SHAPE, 0.5), rate=rate))
    assert_frequency(corrupted == 0, rate / 2)
    assert_frequency(corrupted == 1, rate / 2)
    assert np.isin(corrupted, [0, 0.5, 1]).all()


def test_rate_one_leaves_nothing(key, x):
    assert not masking(key, x + 1, rate=1.0).any()
    assert np.isin(salt_and_pepper(key, x + 2, rate=1.0), [0, 1]).all()


def test_gaussian_noise_has_its_scale(key, x):
    scale = 0.3
    noise = (np.asarray(gaussian(key, x, scale=scale), np.float64) - np.asarray(x)) / scale
    # The mean of N standard normals has variance 1/N, the mean of their squares 2/N.
    assert abs(noise.mean()) <= SIGMAS * SIZE**-0.5
    assert abs((noise**2).mean() - 1) <= SIGMAS * (2 / SIZE) ** 0.5


def test_gaussian_noise_is_not_clipped(key):
    """Half of the noise on 0 is below it, and half of that on 1 above."""
    assert_frequency(np.asarray(gaussian(key, jnp.zeros(SHAPE), scale=0.3)) < 0, 0.5)
    assert_frequency(np.asarray(gaussian(key, jnp.ones(SHAPE), scale=0.3)) > 1, 0.5)


def test_neighbours_are_independent(key):
    """The two numbers made of one word, and those of neighbouring words, have no covariance."""
    u = np.asarray(coarse_uniform(key, SHAPE), np.float64) - 0.5
    for shift in (1, 2):
        products = u[:, :-shift] * u[:, shift:]
        # A product of two independent uniforms of variance 1/12 has variance 1/144; products do not correlate.
        assert abs(products.mean()) <= SIGMAS / 12 * products.size**-0.5


def test_coarse_uniform_is_a_midpoint_of_its_grid(key):
    u = np.asarray(coarse_uniform(key, SHAPE), np.float64)
    steps = u * 2**16 - 0.5
    np.testing.assert_array_equal(steps, np.round(steps))
    assert u.min() > 0
    assert u.max() < 1
    # A uniform on [0, 1] has mean 1/2 and variance 1/12.
    assert abs(u.mean() - 0.5) <= SIGMAS * (12 * SIZE) ** -0.5
