"""Sparse latents against their definitions, and against JAX's own selection."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ae_jax.bottlenecks.batch_top_k import batch_top_k
from ae_jax.bottlenecks.jump_relu import jump_relu
from ae_jax.bottlenecks.kl_sparsity import kl_sparsity
from ae_jax.bottlenecks.l1 import l1
from ae_jax.bottlenecks.largest import largest
from ae_jax.bottlenecks.top_k import top_k
from ae_jax.errors import UserError

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)
CODE = jnp.asarray(RNG.normal(size=(5, 6)), jnp.float32)
SHAPE = jax.ShapeDtypeStruct((1, 6), jnp.float32)


@functools.partial(jax.jit, static_argnums=0)
def applied(bottleneck, code, params, state, weights=None):
    return bottleneck.apply(params, state, KEY, code, jnp.ones(len(code)) if weights is None else weights)


def test_the_largest_are_those_of_jax_also_where_many_are_equal_or_no_numbers():
    values = RNG.normal(size=(8, 37)).astype(np.float32)
    values[1] = np.round(values[1])  # many equal ones
    values[2], values[3] = 0, -1
    values[4, ::2] = np.inf
    values[5, ::3] = -np.inf
    values[6] = np.abs(values[6]) * 1e-40  # subnormal
    values[7, [4, 30]] = np.nan, -np.float32(np.nan)

    @jax.jit
    def ours(values, count):
        return largest(values, count)

    for count in (0, 1, 2, 5, 36, 37):
        expected = np.zeros_like(values, bool)
        _, places = jax.lax.top_k(values, count)
        np.put_along_axis(expected, np.asarray(places), True, axis=1)
        found = np.asarray(ours(values, count))
        np.testing.assert_array_equal(found[:7], expected[:7], err_msg=str(count))
        assert found[7].sum() == count
        assert found[7, 4] or count == 0  # for JAX, what is no number and has a sign is the least
        assert found[7, 30] or count < 2
    together = jax.jit(lambda values: largest(values, 100, of_all=True))(values[:4])
    _, places = jax.lax.top_k(values[:4].ravel(), 100)
    np.testing.assert_array_equal(np.flatnonzero(together), np.sort(places))


def test_batch_top_k_keeps_as_many_on_average_and_padded_rows_none():
    bottleneck = batch_top_k(num_active=2, decay=0.75)
    _, state = bottleneck.init(KEY, SHAPE)
    code = CODE.at[4].set(100.0)  # fills up
    weights, least = jnp.array([1.0, 1, 1, 1, 0]), []
    for _ in range(2):
        made = applied(bottleneck, code, {}, state, weights)
        flat = np.asarray(code[:4]).ravel()
        kept = np.sort(flat)[-8:]
        expected = np.where(np.asarray(code[:4]) >= kept.min(), code[:4], 0)
        np.testing.assert_array_equal(made.latent[:4], expected)
        assert (np.asarray(made.latent[:4]) != 0).sum() == 2 * 4
        state, code = made.state, 1.5 * code
        least.append(kept.min())
    # The average, made free of its start: weights 0.75 · 0.25 and 0.25.
    threshold = (0.75 * least[0] + least[1]) / 1.75
    np.testing.assert_allclose(state["least"] / state["weight"], threshold, rtol=1e-6)
    evaluated = jax.jit(bottleneck.evaluate)({}, state, KEY, CODE, weights)
    np.testing.assert_array_equal(evaluated.latent, np.where(threshold <= CODE, CODE, 0))
    pull = jax.grad(lambda code: jnp.sum(applied(bottleneck, code, {}, state, weights).latent ** 2))
    np.testing.assert_array_equal(pull(code), 2 * applied(bottleneck, code, {}, state, weights).latent)
    assert bottleneck.num_active == 2


@pytest.mark.parametrize("select", [top_k, functools.partial(batch_top_k, decay=0.9)], ids=["top_k", "batch_top_k"])
def test_more_than_there_are_are_refused(select):
    with pytest.raises(UserError, match=r"^bottleneck\.num_active: 7 is more than the 6 latent dimensions; give at mo"):
        applied(select(num_active=7), CODE, *select(num_active=7).init(KEY, SHAPE))


def test_jump_relu_passes_what_is_above_and_its_gradients_are_as_stated():
    """d z/d theta = -theta/eps and d l0/d theta = -1/eps where |x - theta| < eps/2; theta = exp t."""
    threshold, width = 0.5, 0.2
    bottleneck = jump_relu(initial_threshold=threshold, bandwidth=width)
    params, state = bottleneck.init(KEY, SHAPE)
    code = jnp.float32([[0.0, 0.39, 0.41, 0.45, 0.55, 0.59], [0.61, 5.0, -0.5, 0.3, 0.48, 1.0]])
    above, near = np.asarray(code) > threshold, np.abs(np.asarray(code) - threshold) < width / 2
    pull = jnp.asarray(RNG.normal(size=(2, 6)), jnp.float32)

    def parts(params, code):
        made = applied(bottleneck, code, params, state)
        return jnp.sum(made.latent * pull), made.terms["l0"].sum()

    made = applied(bottleneck, code, params, state)
    np.testing.assert_array_equal(made.latent, np.where(above, code, 0))
    np.testing.assert_array_equal(jax.jit(bottleneck.latent)(params, state, code), made.latent)
    np.testing.assert_array_equal(made.terms["l0"], above.sum(axis=1))
    (of_params, of_code), of_number = jax.jit(jax.jacrev(parts, argnums=(0, 1)))(params, code)
    np.testing.assert_array_equal(of_code, np.where(above, pull, 0))
    expected = -threshold / width * np.where(near, pull, 0).sum(axis=0) * threshold
    np.testing.assert_allclose(of_params["log_threshold"], expected, rtol=1e-4, atol=1e-6)
    of_params, of_code = of_number
    np.testing.assert_array_equal(of_code, np.zeros((2, 6)))
    np.testing.assert_allclose(of_params["log_threshold"], -near.sum(axis=0) / width * threshold, rtol=1e-4, atol=1e-6)


def test_kl_sparsity_is_the_divergence_of_coins_with_the_mean_of_each_dimension():
    code, weights, rho = np.float64(CODE), np.float64([1, 1, 1, 0, 0]), 0.1
    made = applied(kl_sparsity(target_activation=rho), CODE, {}, {}, jnp.float32(weights))
    latent = 1 / (1 + np.exp(-code))
    mean = latent[:3].mean(axis=0)
    expected = (rho * np.log(rho / mean) + (1 - rho) * np.log((1 - rho) / (1 - mean))).sum()
    np.testing.assert_allclose(made.latent, latent, rtol=1e-5)
    np.testing.assert_allclose(made.terms["kl_sparsity"], np.full(5, expected), rtol=1e-4)
    # Where a dimension is never on, and where each is on as often as it should be.
    off = applied(kl_sparsity(target_activation=rho), jnp.full((5, 6), -200.0), {}, {}, jnp.ones(5))
    np.testing.assert_allclose(off.terms["kl_sparsity"], 6 * (rho * (np.log(rho) + 200) + 0.9 * np.log(0.9)), rtol=1e-5)
    even = jnp.full((5, 6), np.log(rho / (1 - rho)), jnp.float32)
    np.testing.assert_allclose(
        applied(kl_sparsity(target_activation=rho), even, {}, {}, jnp.ones(5)).terms["kl_sparsity"], 0, atol=1e-5
    )


@pytest.mark.parametrize(
    "bottleneck",
    [
        l1(count_idle=True),
        *(
            pytest.param(other, marks=pytest.mark.slow)
            for other in (
                top_k(num_active=1, count_idle=True),
                batch_top_k(num_active=1, decay=0.9),
                jump_relu(initial_threshold=0.5, bandwidth=0.1),
            )
        ),
    ],
    ids=["l1", "top_k", "batch_top_k", "jump_relu"],
)
def test_dimensions_that_are_0_for_all_examples_are_counted(bottleneck):
    """Of two rows and one that fills up: 0 fires in each step, 1 in the last, 2 never, 3 in what does not count."""
    params, state = bottleneck.init(KEY, jax.ShapeDtypeStruct((1, 4), jnp.float32))
    first, second = np.zeros((2, 3, 4), np.float32)
    first[:2, 0], first[2, 3] = 1, 9
    second[0, 0], second[1, 1], second[2, 3] = 1, 1, 9
    weights, seen = jnp.array([1.0, 1, 0]), []
    for code in (first, first, second):
        state = applied(bottleneck, code, params, state, weights).state
        seen.append(np.asarray(state["idle_steps"]).tolist())
    assert seen == [[0, 1, 1, 1], [0, 2, 2, 2], [0, 0, 3, 3]]
    assert bottleneck.couples
