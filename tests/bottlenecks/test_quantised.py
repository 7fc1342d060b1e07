"""Quantised latents against their definitions, written out in NumPy."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ae_jax.bottlenecks.fsq import fsq
from ae_jax.bottlenecks.residual_vq import residual_vq
from ae_jax.bottlenecks.vq import vq
from ae_jax.errors import UserError

KEY = jax.random.key(0)
CODE = jnp.asarray(np.random.default_rng(0).normal(size=(5, 6)), jnp.float32)
SHAPE = jax.ShapeDtypeStruct((1, 6), jnp.float32)
LEVELS = [2, 3, 4, 5, 8, 16]


@functools.partial(jax.jit, static_argnums=0)
def applied(bottleneck, code, params, state, key=KEY, weights=None):
    return bottleneck.apply(params, state, key, code, jnp.ones(len(code)) if weights is None else weights)


def nearest(codebook, parts):
    return ((parts[:, :, None] - codebook[None, None]) ** 2).sum(axis=-1).argmin(axis=-1)


def test_fsq_uses_each_level_and_no_other_and_its_codes_come_back():
    """A sweep of a code from far below to far above goes through all levels, in order."""
    bottleneck = fsq(levels=LEVELS)
    code = jnp.broadcast_to(jnp.linspace(-12, 12, 4001)[:, None], (4001, 6))
    latent = np.asarray(jax.jit(bottleneck.latent)({}, {}, code))
    which = np.asarray(jax.jit(bottleneck.indices)({}, {}, code))
    for at, num_levels in enumerate(LEVELS):
        np.testing.assert_allclose(
            np.unique(latent[:, at]), np.arange(-(num_levels // 2), (num_levels + 1) // 2) / (num_levels // 2)
        )
        np.testing.assert_array_equal(np.unique(which[:, at]), np.arange(num_levels))
        assert (np.diff(latent[:, at]) >= 0).all()
    half = np.array(LEVELS) // 2
    np.testing.assert_allclose(latent, (which - half) / half)
    np.testing.assert_array_equal(latent[2000], np.zeros(6))  # of a code of 0
    # Of a mixed radix, one number for each: as many as there are products of levels.
    assert np.ravel_multi_index(tuple(which.T), LEVELS).max() == math.prod(LEVELS) - 1
    assert bottleneck.rate == pytest.approx(math.log2(math.prod(LEVELS)))


def test_gradients_of_fsq_are_those_of_its_bound():
    """Of three levels: (1 + 1e-3) tanh z, which is rounded to -1, 0 and 1."""
    latent, slopes = jax.vjp(lambda code: applied(fsq(levels=[3] * 6), code, {}, {}).latent, CODE)
    np.testing.assert_array_equal(latent, np.round(1.001 * np.tanh(CODE)))
    np.testing.assert_allclose(slopes(jnp.ones_like(CODE))[0], 1.001 * (1 - np.tanh(CODE) ** 2), rtol=1e-4)


@pytest.mark.parametrize("levels", [[], [8, 5, 5], [2] * 7])
def test_levels_that_do_not_fit_the_latent_are_refused(levels):
    said = rf"^bottleneck\.levels: are {len(levels)} numbers, one for each dimension, and the latent has 6; give 6"
    with pytest.raises(UserError, match=said):
        fsq(levels=levels).init(KEY, SHAPE)


@pytest.mark.slow
def test_a_codebook_of_gradients_is_drawn_by_the_commitment_alone():
    """d/de of the sum of (z - e)^2 over the parts t that chose e: 2 sum (e - t); it is 0 of the others."""
    bottleneck = vq(num_tokens=2, num_codes=4, decay=0.9, codebook_update="gradient", expiry=0.0)
    params, state = bottleneck.init(KEY, SHAPE)

    def cost(params):
        made = applied(bottleneck, CODE, params, state)
        return made.terms["commitment"].sum() + 0 * made.latent.sum(), made

    (_, made), slope = jax.value_and_grad(cost, has_aux=True)(params)
    codebook, parts = np.float64(params["codebook"]), np.float64(CODE).reshape(5, 2, 3)
    choices, expected = nearest(codebook, parts), np.zeros((4, 3))
    for row in range(5):
        for token in range(2):
            expected[choices[row, token]] += 2 * (codebook[choices[row, token]] - parts[row, token])
    np.testing.assert_allclose(slope["codebook"], expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(made.state["renewal"], np.zeros((4, 3)))
    np.testing.assert_allclose(made.state["counts"], 0.9 + 0.1 * np.bincount(choices.ravel(), minlength=4), rtol=1e-6)
    np.testing.assert_array_equal(bottleneck.indices(params, state, CODE), choices)
    # As if the choice were the identity, and past the codebook.
    passed = jax.grad(lambda params: applied(bottleneck, CODE, params, state).latent.sum())(params)
    np.testing.assert_array_equal(passed["codebook"], np.zeros((4, 3)))


@pytest.mark.parametrize("update", ["moving_averages", pytest.param("gradient", marks=pytest.mark.slow)])
def test_vectors_that_nothing_chooses_come_back_as_parts_of_the_batch(update):
    """All parts are near 10, so that one vector wins; the others come back, to real rows only, and by the key."""
    bottleneck = vq(num_tokens=2, num_codes=8, decay=0.5, codebook_update=update, expiry=0.2)
    (params, first), code = bottleneck.init(KEY, SHAPE), 10 + 0.1 * CODE
    weights, state = jnp.array([1.0, 1, 1, 0, 0]), first

    def vectors(state):
        return np.asarray(params["codebook"] + state["renewal"] if update == "gradient" else state["codebook"])

    for _ in range(2):  # 1, then 0.5, then 0.25
        state = applied(bottleneck, code, params, state, KEY, weights).state
    unused = np.asarray(state["counts"]) < 0.3
    assert unused.sum() == 7
    np.testing.assert_array_equal(vectors(state)[unused], vectors(first)[unused])
    after = applied(bottleneck, code, params, state, KEY, weights).state
    real = np.asarray(code[:3]).reshape(6, 3)
    for vector in vectors(after)[unused]:
        assert np.abs(real - vector).max(axis=1).min() < 1e-5
    np.testing.assert_allclose(np.asarray(after["counts"])[unused], 6 / 8)  # as if chosen equally often
    np.testing.assert_array_equal(vectors(after), vectors(applied(bottleneck, code, params, state, KEY, weights).state))
    other = applied(bottleneck, code, params, state, jax.random.key(1), weights).state
    assert (vectors(after) != vectors(other)).any()
    used = applied(bottleneck, code[:3], params, after, KEY)
    assert len(np.unique(nearest(vectors(after), np.asarray(code[:3]).reshape(3, 2, 3)))) > 1
    assert float(used.terms["commitment"].sum()) < 0.1 * float(
        applied(bottleneck, code[:3], params, first, KEY).terms["commitment"].sum()
    )


@pytest.mark.slow
def test_residual_vq_quantises_what_is_left_stage_by_stage():
    decay, num_stages = 0.7, 3
    bottleneck = residual_vq(num_tokens=2, num_codes=4, num_stages=num_stages, decay=decay, expiry=0.0)
    _, state = bottleneck.init(KEY, SHAPE)
    weights, parts = np.float64([1, 1, 1, 1, 0]), np.float64(CODE).reshape(5, 2, 3)
    made = applied(bottleneck, CODE, {}, state, KEY, jnp.float32(weights))
    left, commitment, chosen = parts.copy(), np.zeros(5), []
    for stage in range(num_stages):
        codebook = np.float64(state["codebook"][stage])
        choices = nearest(codebook, left)
        sums, counts = codebook.copy(), np.ones(4)  # the averages in the beginning
        sums, counts = decay * sums, decay * counts
        for row in range(4):
            for token in range(2):
                sums[choices[row, token]] += (1 - decay) * left[row, token]
                counts[choices[row, token]] += 1 - decay
        np.testing.assert_allclose(made.state["codebook"][stage], sums / counts[:, None], rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(made.state["counts"][stage], counts, rtol=1e-5)
        left = left - codebook[choices]
        commitment += (left**2).sum(axis=(1, 2))
        chosen.append(choices)
    np.testing.assert_allclose(made.terms["commitment"], commitment, rtol=1e-4)
    np.testing.assert_allclose(made.latent, (parts - left).reshape(5, 6), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(bottleneck.latent({}, state, CODE), (parts - left).reshape(5, 6), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(bottleneck.indices({}, state, CODE), np.concatenate(chosen, axis=1))
    assert bottleneck.rate == 2 * 3 * 2
    np.testing.assert_array_equal(
        jax.grad(lambda code: applied(bottleneck, code, {}, state).latent.sum())(CODE), np.ones((5, 6))
    )


@pytest.mark.slow
def test_one_stage_is_vq():
    options = {"num_tokens": 3, "num_codes": 5, "decay": 0.8, "expiry": 0.0}
    alone, staged = vq(**options), residual_vq(**options, num_stages=1)
    _, state = alone.init(KEY, SHAPE)
    ours = applied(staged, CODE, {}, jax.tree.map(lambda leaf: leaf[None], state))
    theirs = applied(alone, CODE, {}, state)
    np.testing.assert_allclose(ours.latent, theirs.latent, rtol=1e-6)
    np.testing.assert_allclose(ours.terms["commitment"], theirs.terms["commitment"], rtol=1e-5)
    np.testing.assert_allclose(ours.state["codebook"][0], theirs.state["codebook"], rtol=1e-5)
    assert alone.rate == staged.rate == pytest.approx(3 * math.log2(5))


def test_parts_of_residual_vq_that_do_not_divide_the_code_are_refused():
    with pytest.raises(UserError, match=r"^bottleneck\.num_tokens: 4 parts do not divide the 6 latent dimensions; cho"):
        residual_vq(num_tokens=4, num_codes=2, num_stages=2, decay=0.9, expiry=0.0).init(KEY, SHAPE)
