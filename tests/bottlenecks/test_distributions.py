"""Latents with a distribution: divergences against closed forms and draws, discrepancies against integrals."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ae_jax.bottlenecks.bernoulli import bernoulli
from ae_jax.bottlenecks.gaussian import gaussian
from ae_jax.bottlenecks.l2 import l2
from ae_jax.bottlenecks.mmd import discrepancy, mmd

KEY = jax.random.key(0)
CODE = jnp.asarray(np.random.default_rng(0).normal(size=(5, 6)), jnp.float32)


@functools.partial(jax.jit, static_argnums=(0, 3))
def applied(bottleneck, code=CODE, key=KEY, how="apply"):
    return getattr(bottleneck, how)({}, {}, key, code, jnp.ones(len(code)))


def test_free_bits_are_the_least_that_a_dimension_costs_and_draw_nothing():
    free = 0.4
    mean, variance = np.float64(CODE[:, :3]), np.exp(np.float64(CODE[:, 3:]))
    each = (mean**2 + variance - 1 - np.log(variance)) / 2
    assert 0 < (each < free).sum() < each.size
    floored = gaussian(kl="analytic", free_bits=free)
    np.testing.assert_allclose(applied(floored).terms["kl"], np.maximum(each, free).sum(axis=1), rtol=1e-5)
    np.testing.assert_allclose(applied(floored, CODE, KEY, "evaluate").terms["kl"], each.sum(axis=1), rtol=1e-5)
    slope = np.asarray(jax.grad(lambda code: applied(floored, code).terms["kl"].sum())(CODE))
    np.testing.assert_allclose(slope[:, :3], np.where(each < free, 0, mean), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(slope[:, 3:], np.where(each < free, 0, (variance - 1) / 2), rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_free_bits_of_a_sampled_divergence_ask_the_exact_one():
    free = 0.4
    mean, variance = np.float64(CODE[:, :3]), np.exp(np.float64(CODE[:, 3:]))
    low = (mean**2 + variance - 1 - np.log(variance)) / 2 < free
    made = applied(gaussian(kl="sampled", free_bits=free))
    latent = np.float64(made.latent)
    noise = (latent - mean) / np.sqrt(variance)
    ratios = (latent**2 - noise**2 - np.log(variance)) / 2
    np.testing.assert_allclose(made.terms["kl"], np.where(low, free, ratios).sum(axis=1), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(made.log_ratio, ratios.sum(axis=1), rtol=1e-4, atol=1e-5)
    none = applied(gaussian(kl="sampled", free_bits=0.0))
    np.testing.assert_array_equal(none.terms["kl"], none.log_ratio)


def test_coins_cost_their_divergence_from_the_prior_and_are_drawn_as_often_as_they_say():
    prior, num_draws = 0.2, 3000
    bottleneck = bernoulli(prior=prior, temperature=None)
    q = 1 / (1 + np.exp(-np.float64(CODE)))
    expected = (q * np.log(q / prior) + (1 - q) * np.log((1 - q) / (1 - prior))).sum(axis=1)
    draws = jax.vmap(lambda key: applied(bottleneck, CODE, key))(jax.random.split(KEY, num_draws))
    latents = np.float64(draws.latent)
    np.testing.assert_allclose(draws.terms["kl"][0], expected, rtol=1e-4)
    assert set(np.unique(latents)) == {0.0, 1.0}
    assert (np.abs(latents.mean(axis=0) - q) < 5 * np.sqrt(q * (1 - q) / num_draws)).all()
    # The ratio of a draw is that of its probabilities, and its mean the divergence.
    ratio = (latents * np.log(q / prior) + (1 - latents) * np.log((1 - q) / (1 - prior))).sum(axis=2)
    np.testing.assert_allclose(draws.log_ratio, ratio, rtol=1e-3, atol=1e-4)
    assert (np.abs(ratio.mean(axis=0) - expected) < 5 * ratio.std(axis=0) / np.sqrt(num_draws)).all()
    slope = jax.grad(lambda code: applied(bottleneck, code).latent.sum())(CODE)
    np.testing.assert_allclose(slope, q * (1 - q), rtol=1e-4)  # of the mean
    np.testing.assert_array_equal(bottleneck.latent({}, {}, CODE), CODE > 0)
    assert bottleneck.rate == "kl"


@pytest.mark.slow
def test_relaxed_coins_lie_between_and_become_coins_as_the_temperature_falls():
    """P(z > 1/2) = P(l + logistic > 0) = sigmoid(l) at every temperature."""
    keys, q = jax.random.split(KEY, 3000), 1 / (1 + np.exp(-np.float64(CODE)))
    for temperature, within in ((1.0, 0.0), (1e-3, 0.98)):
        bottleneck = bernoulli(prior=0.5, temperature=temperature)
        latents = np.float64(jax.vmap(lambda key, own=bottleneck: applied(own, CODE, key).latent)(keys))
        assert ((latents >= 0) & (latents <= 1)).all()
        assert (np.minimum(latents, 1 - latents) < 1e-3).mean() >= within
        assert (np.abs((latents > 0.5).mean(axis=0) - q) < 5 * np.sqrt(q * (1 - q) / 3000)).all()
    assert set(np.unique(applied(bottleneck, CODE, KEY, "evaluate").latent)) == {0.0, 1.0}
    # Its gradient is that of the draw: (1/tau) z (1 - z).
    relaxed = bernoulli(prior=0.5, temperature=0.7)
    latent, slopes = jax.vjp(lambda code: applied(relaxed, code).latent, CODE)
    np.testing.assert_allclose(slopes(jnp.ones_like(CODE))[0], latent * (1 - latent) / 0.7, rtol=1e-3, atol=1e-6)
    assert applied(relaxed).log_ratio is None


def test_l2_costs_half_the_squared_length():
    made = applied(l2())
    np.testing.assert_array_equal(made.latent, CODE)
    np.testing.assert_allclose(made.terms["l2"], 0.5 * (np.float64(CODE) ** 2).sum(axis=1), rtol=1e-6)


def kernel_mean(shift, variance, base):
    """The mean of the kernel of a difference that is N(shift, variance), by quadrature in one dimension."""
    nodes = np.linspace(-9, 9, 20001)
    squared, weights = (shift + np.sqrt(variance) * nodes) ** 2, np.exp(-(nodes**2) / 2)
    kernels = sum(scale * base / (scale * base + squared) for scale in (0.1, 0.2, 0.5, 1, 2, 5, 10))
    return float((weights * kernels).sum() / weights.sum())


def test_the_discrepancy_of_equal_samples_is_0_and_of_shifted_ones_what_the_integral_says():
    """2 E k(z, z') - 2 E k(z, y) in one dimension, where z - z' is N(0, 2) and z - y is N(shift, 2)."""

    @jax.jit
    def found(shift):
        z, y = jax.random.normal(KEY, (2, 20, 400, 1))
        costs = jax.vmap(lambda z, y: discrepancy(z, y, jnp.ones(400), prior_scale=1.0).mean())
        return costs(z + shift, y)

    for shift in (0.0, 1.5):
        costs = np.float64(found(shift))
        expected = 2 * (kernel_mean(0.0, 2.0, 2.0) - kernel_mean(shift, 2.0, 2.0))
        assert abs(costs.mean() - expected) < 5 * costs.std() / np.sqrt(20)
        assert (expected > 0.5) == (shift > 0)


def test_mmd_is_the_sum_over_pairs_of_the_rows_that_count():
    """Written out: of three rows, with as many draws of the prior; the others may be anything."""
    code, weights = np.float64(CODE), np.float64([1, 1, 1, 0, 0])
    apply = jax.jit(mmd(prior_scale=2.0).apply)
    made = apply({}, {}, KEY, CODE, jnp.float32(weights))
    prior = 2 * np.float64(jax.random.normal(KEY, (5, 6)))

    def kernel(a, b):
        return sum(s * 48 / (s * 48 + ((a - b) ** 2).sum()) for s in (0.1, 0.2, 0.5, 1, 2, 5, 10))

    same = sum(kernel(x[i], x[j]) for x in (code, prior) for i in range(3) for j in range(3) if i != j) / 6
    across = sum(kernel(code[i], prior[j]) for i in range(3) for j in range(3)) / 9
    np.testing.assert_allclose((np.asarray(made.terms["mmd"]) * weights).sum() / 3, same - 2 * across, rtol=1e-4)
    np.testing.assert_array_equal(made.latent, CODE)
    alone = apply({}, {}, KEY, CODE, jnp.array([1.0, 0, 0, 0, 0]))
    assert alone.terms["mmd"][0] == 0


@pytest.mark.parametrize(
    ("bottleneck", "mean", "variance"),
    [
        (gaussian(kl="analytic"), 0.0, 1.0),
        (mmd(prior_scale=2.0), 0.0, 4.0),
        (bernoulli(prior=0.3, temperature=None), 0.3, 0.21),
    ],
    ids=["gaussian", "mmd", "bernoulli"],
)
def test_samples_are_distributed_as_the_prior(bottleneck, mean, variance):
    drawn = bottleneck.prior(jax.random.key(0), jax.ShapeDtypeStruct((4000, 3), jnp.float32))
    assert drawn.shape == (4000, 3)
    np.testing.assert_allclose([drawn.mean(), drawn.var()], [mean, variance], atol=0.1)
