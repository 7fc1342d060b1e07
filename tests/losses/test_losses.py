"""Every loss against float64 NumPy, and the laws that relate them."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy.special import expit, xlogy
from scipy.special import huber as scipy_huber

from ae_jax.losses.bce import bce
from ae_jax.losses.half_sse import half_sse
from ae_jax.losses.huber import huber
from ae_jax.losses.mse import mse

BATCH, FEATURES = 5, 784
DELTA = 0.7
UNIT = 2.0**-24  # rounding error of float32, relative
# A float32 sum of d positive terms, each with an error of a few units, is wrong by at most about d units, relative.
SUM_RTOL = FEATURES * UNIT


def identity(outputs):
    return outputs


def squared(outputs, x, link):
    return (link(outputs) - x) ** 2


def scipy_bce(outputs, x, link):
    p, q = expit(outputs), expit(-outputs)
    return -(xlogy(x, p) + xlogy(1 - x, q)).sum(-1)


LINKS = {"identity": identity, "sigmoid": expit}
# name: (the loss, its link, the same in float64 NumPy)
LOSSES = {
    "bce": (bce(), expit, scipy_bce),
    **{f"mse-{n}": (mse(link=n), f, lambda z, x, f: squared(z, x, f).mean(-1)) for n, f in LINKS.items()},
    **{
        f"half_sse-{n}": (half_sse(link=n), f, lambda z, x, f: 0.5 * squared(z, x, f).sum(-1)) for n, f in LINKS.items()
    },
    **{
        f"huber-{n}": (huber(delta=DELTA, link=n), f, lambda z, x, f: scipy_huber(DELTA, f(z) - x).mean(-1))
        for n, f in LINKS.items()
    },
}
each_loss = pytest.mark.parametrize("name", LOSSES)


@pytest.fixture
def outputs():
    return jnp.asarray(np.random.default_rng(0).normal(size=(BATCH, FEATURES), scale=3), jnp.float32)


@pytest.fixture
def x():
    """Soft targets, with both ends of [0, 1] among them."""
    x = np.random.default_rng(1).uniform(size=(BATCH, FEATURES))
    x[:, :100], x[:, 100:200] = 0, 1
    return jnp.asarray(x, jnp.float32)


def exact(array):
    return np.asarray(array, np.float64)


def gradients(loss, outputs, x):
    """Of the sum over examples, so that examples do not mix; with respect to outputs and x."""
    return jax.jit(jax.grad(lambda z, x: loss.per_example(z, x).sum(), argnums=(0, 1)))(outputs, x)


@each_loss
def test_values_match_numpy_in_float64(name, outputs, x):
    loss, link, oracle = LOSSES[name]
    expected = oracle(exact(outputs), exact(x), link)
    np.testing.assert_allclose(jax.jit(loss.per_example)(outputs, x), expected, rtol=SUM_RTOL)


@each_loss
def test_reconstruction_is_the_link_of_the_outputs(name, outputs):
    loss, link, _ = LOSSES[name]
    # The sigmoid is good to a few units.
    np.testing.assert_allclose(loss.link(outputs), link(exact(outputs)), rtol=4 * UNIT)


@each_loss
def test_gradients_match_central_differences_in_float64(name, outputs, x):
    loss, link, oracle = LOSSES[name]
    z, t, step = exact(outputs), exact(x), 1e-5
    to_outputs, to_x = gradients(loss, outputs, x)
    # The quotient loses |value| * 1e-16 / step, about 1e-8, and curvature * step^2, about 1e-10.
    tolerance = {"rtol": 1e-5, "atol": 1e-7}
    for at in (0, 25, 150, 300, 783):
        bump = step * (np.arange(FEATURES) == at)
        slope = (oracle(z + bump, t, link) - oracle(z - bump, t, link)) / (2 * step)
        np.testing.assert_allclose(to_outputs[:, at], slope, **tolerance)
        if at >= 200:  # where targets are within (0, 1), so that the oracle exists on both sides
            slope = (oracle(z, t + bump, link) - oracle(z, t - bump, link)) / (2 * step)
            np.testing.assert_allclose(to_x[:, at], slope, **tolerance)


@each_loss
def test_bfloat16_outputs_are_summed_in_float32(name, outputs, x):
    loss = LOSSES[name][0]
    narrow = outputs.astype(jnp.bfloat16)
    values = loss.per_example(narrow, x)
    assert values.dtype == jnp.float32
    np.testing.assert_array_equal(values, loss.per_example(narrow.astype(jnp.float32), x))
    to_outputs, to_x = gradients(loss, narrow, x)
    assert (to_outputs.dtype, to_x.dtype) == (jnp.bfloat16, jnp.float32)


@each_loss
def test_runs_in_a_group_get_their_own_values(name, outputs, x):
    loss = LOSSES[name][0]
    grouped = jax.jit(jax.vmap(loss.per_example))(jnp.stack([outputs, 2 * outputs]), jnp.stack([x, x]))
    for values, alone in zip(grouped, (outputs, 2 * outputs), strict=True):
        np.testing.assert_allclose(values, loss.per_example(alone, x), rtol=SUM_RTOL)


def test_bce_matches_optax(outputs, x):
    def expected(z, x):
        return optax.sigmoid_binary_cross_entropy(z, x).sum(-1)

    np.testing.assert_allclose(bce().per_example(outputs, x), expected(outputs, x), rtol=SUM_RTOL)
    wanted = jax.grad(lambda z: expected(z, x).sum())(outputs)
    # Both are within a few units of a number of at most 1.
    np.testing.assert_allclose(gradients(bce(), outputs, x)[0], wanted, atol=8 * UNIT)


def test_bce_gradient_matches_its_formula(outputs, x):
    to_outputs, to_x = gradients(bce(), outputs, x)
    np.testing.assert_allclose(to_outputs, expit(exact(outputs)) - x, atol=4 * UNIT)
    np.testing.assert_array_equal(to_x, -outputs)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_bce_at_huge_logits(dtype):
    """At |z| = 1e4 the loss is |z| where the target is the wrong end and 0 where it is the right one."""
    z = jnp.asarray([[1e4], [1e4], [-1e4], [-1e4]], dtype)
    x = jnp.asarray([[0.0], [1.0], [0.0], [1.0]])
    size = float(z[0, 0])  # 1e4 as the type has it
    np.testing.assert_array_equal(bce().per_example(z, x), [size, 0, 0, size])
    np.testing.assert_array_equal(gradients(bce(), z, x)[0].astype(jnp.float32), [[1], [0], [0], [-1]])


def test_bce_at_zero_logits():
    """log 2 for each feature, whatever the target; the gradient is 1/2 - x."""
    z, x = jnp.zeros((3, 2)), jnp.asarray([[0.0, 0.0], [0.5, 0.5], [1.0, 1.0]])
    np.testing.assert_allclose(bce().per_example(z, x), np.full(3, 2 * np.log(2)), rtol=4 * UNIT)
    np.testing.assert_array_equal(gradients(bce(), z, x)[0], 0.5 - x)


@pytest.mark.parametrize("link", LINKS)
def test_half_sse_is_half_the_features_times_mse(link, outputs, x):
    expected = FEATURES / 2 * mse(link=link).per_example(outputs, x)
    np.testing.assert_allclose(half_sse(link=link).per_example(outputs, x), expected, rtol=SUM_RTOL)


def test_huber_within_delta_is_half_of_mse(outputs, x):
    """With features in [0, 1] and a sigmoid link no error exceeds 1."""
    expected = 0.5 * mse(link="sigmoid").per_example(outputs, x)
    np.testing.assert_allclose(huber(delta=1.0, link="sigmoid").per_example(outputs, x), expected, rtol=SUM_RTOL)


def test_huber_takes_a_delta_for_each_run(outputs, x):
    deltas = jnp.asarray([0.3, 1.0, 4.0])
    grouped = jax.jit(jax.vmap(lambda delta: huber(delta=delta, link="identity").per_example(outputs, x)))(deltas)
    for delta, values in zip((0.3, 1.0, 4.0), grouped, strict=True):
        np.testing.assert_allclose(values, optax.huber_loss(outputs, x, delta=delta).mean(-1), rtol=SUM_RTOL)
