"""Each bottleneck against its definition, written out in NumPy."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ae_jax.bottlenecks.batch_top_k import batch_top_k
from ae_jax.bottlenecks.bernoulli import bernoulli
from ae_jax.bottlenecks.fsq import fsq
from ae_jax.bottlenecks.gaussian import gaussian
from ae_jax.bottlenecks.jump_relu import jump_relu
from ae_jax.bottlenecks.kl_sparsity import kl_sparsity
from ae_jax.bottlenecks.l1 import l1
from ae_jax.bottlenecks.l2 import l2
from ae_jax.bottlenecks.mmd import mmd
from ae_jax.bottlenecks.none import none
from ae_jax.bottlenecks.residual_vq import residual_vq
from ae_jax.bottlenecks.top_k import top_k
from ae_jax.bottlenecks.vq import vq
from ae_jax.errors import UserError

KEY = jax.random.key(0)
CODE = np.random.default_rng(0).normal(size=(5, 6)).astype(np.float32)
WEIGHTS = jnp.ones(5)


@functools.partial(jax.jit, static_argnums=0)
def _applied(bottleneck, code, state, key):
    return bottleneck.apply({}, state, key, code, jnp.ones(len(code)))


def applied(bottleneck, code=CODE, *, state=None, key=KEY):
    """What it makes of codes, with no parameters."""
    return _applied(bottleneck, jnp.asarray(code), {} if state is None else state, key)


def test_none_is_the_identity_and_costs_nothing():
    made = applied(none())
    np.testing.assert_array_equal(made.latent, CODE)
    np.testing.assert_array_equal(none().latent({}, {}, jnp.asarray(CODE)), CODE)
    assert made.terms == {}
    assert made.log_ratio is None
    assert none().init(KEY, CODE) == ({}, {})


def test_l1_costs_the_sum_of_absolute_values():
    made = applied(l1())
    np.testing.assert_array_equal(made.latent, CODE)
    np.testing.assert_allclose(made.terms["l1"], np.abs(CODE).sum(axis=1), rtol=1e-6)


def test_kl_is_the_divergence_of_two_normal_distributions():
    """sum of log(1/s) + (s^2 + m^2 - 1)/2: the textbook's, by standard deviations."""
    mean, deviation = np.float64(CODE[:, :3]), np.exp(np.float64(CODE[:, 3:]) / 2)
    expected = (np.log(1 / deviation) + (deviation**2 + mean**2 - 1) / 2).sum(axis=1)
    np.testing.assert_allclose(applied(gaussian(kl="analytic")).terms["kl"], expected, rtol=1e-5)
    np.testing.assert_allclose(applied(gaussian(kl="analytic"), np.zeros((1, 6))).terms["kl"], [0.0])


def test_the_ratio_of_a_latent_is_that_of_its_densities_and_its_mean_is_the_divergence():
    def normal(z, mean, variance):
        return -0.5 * ((z - mean) ** 2 / variance + np.log(2 * np.pi * variance)).sum(axis=-1)

    num_draws = 4000
    draws = jax.vmap(lambda key: applied(gaussian(kl="sampled"), key=key))(jax.random.split(KEY, num_draws))
    latents = np.float64(draws.latent)
    mean, variance = np.float64(CODE[:, :3]), np.exp(np.float64(CODE[:, 3:]))
    expected = normal(latents, mean, variance) - normal(latents, 0, 1)
    np.testing.assert_allclose(draws.log_ratio, expected, rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(draws.terms["kl"], draws.log_ratio)
    # Means over draws, within five of their standard errors.
    analytic = np.asarray(applied(gaussian(kl="analytic")).terms["kl"])
    error = np.std(expected, axis=0) / np.sqrt(num_draws)
    assert (np.abs(expected.mean(axis=0) - analytic) < 5 * error).all()
    assert (np.abs(latents.mean(axis=0) - mean) < 5 * np.sqrt(variance / num_draws)).all()
    # The variance of a sample variance is 2 v^2 / n.
    assert (np.abs(latents.var(axis=0) - variance) < 5 * variance * np.sqrt(2 / num_draws)).all()


def test_a_gaussian_is_measured_by_its_mean_and_needs_two_numbers_for_each_dimension():
    np.testing.assert_array_equal(gaussian(kl="analytic").latent({}, {}, jnp.asarray(CODE)), CODE[:, :3])
    assert gaussian(kl="analytic").width == 2
    with pytest.raises(UserError, match=r"^bottleneck=gaussian: takes two numbers of the code .* the model makes 5;"):
        applied(gaussian(kl="analytic"), CODE[:, :5])


@pytest.mark.slow
def test_the_gradient_of_a_drawn_latent_passes_the_draw():
    """dz/dm = 1 and dz/d log v = (z - m)/2."""
    latent, slopes = jax.vjp(lambda code: applied(gaussian(kl="analytic"), code).latent, jnp.asarray(CODE))
    (gradient,) = slopes(jnp.ones_like(latent))
    np.testing.assert_array_equal(gradient[:, :3], np.ones((5, 3)))
    np.testing.assert_allclose(gradient[:, 3:], (latent - CODE[:, :3]) / 2, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "num_active", [2, *(pytest.param(all_or_one, marks=pytest.mark.slow) for all_or_one in (1, 6))]
)
def test_top_k_keeps_the_largest_and_nothing_else(num_active):
    made = np.asarray(applied(top_k(num_active=num_active)).latent)
    for row, code in zip(made, CODE, strict=True):
        kept = np.argsort(-code)[:num_active]
        expected = np.zeros(6, np.float32)
        expected[kept] = code[kept]
        np.testing.assert_array_equal(row, expected)


def test_top_k_keeps_no_more_where_several_are_equal_and_the_gradient_reaches_the_kept_alone():
    code = jnp.array([[2.0, 1.0, 1.0, 1.0], [-1.0, -1.0, -1.0, -1.0]])
    latent, slopes = jax.vjp(lambda code: applied(top_k(num_active=2), code).latent, code)
    np.testing.assert_array_equal(latent, [[2, 1, 0, 0], [-1, -1, 0, 0]])
    np.testing.assert_array_equal(slopes(3 * jnp.ones_like(code))[0], [[3, 3, 0, 0], [3, 3, 0, 0]])


def test_top_k_of_more_than_there_are_is_refused():
    with pytest.raises(UserError, match=r"^bottleneck\.num_active: 7 is more than the 6 latent dimensions; give at mo"):
        applied(top_k(num_active=7))


def codebook_of(state):
    return np.float64(state["codebook"])


def nearest(codebook, parts):
    return ((parts[:, :, None] - codebook[None, None]) ** 2).sum(axis=-1).argmin(axis=-1)


@pytest.mark.parametrize(
    ("num_tokens", "num_codes"),
    [(2, 5), *(pytest.param(*one, marks=pytest.mark.slow) for one in ((1, 4), (3, 1), (6, 3)))],
)
def test_vq_replaces_each_part_by_the_nearest_vector(num_tokens, num_codes):
    bottleneck = vq(num_tokens=num_tokens, num_codes=num_codes, decay=0.9)
    _, state = bottleneck.init(KEY, jax.ShapeDtypeStruct((1, 6), jnp.float32))
    made = applied(bottleneck, state=state)
    codebook, parts = codebook_of(state), CODE.reshape(5, num_tokens, -1)
    expected = codebook[nearest(codebook, parts)].reshape(5, 6)
    np.testing.assert_allclose(made.latent, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(bottleneck.latent({}, state, jnp.asarray(CODE)), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(made.terms["commitment"], ((CODE - expected) ** 2).sum(axis=1), rtol=1e-4)


def test_the_codebook_of_vq_is_what_moving_averages_make_of_the_weighted_rows():
    decay, num_codes, rng = 0.7, 4, np.random.default_rng(1)
    bottleneck = vq(num_tokens=2, num_codes=num_codes, decay=decay)
    _, state = bottleneck.init(KEY, jax.ShapeDtypeStruct((1, 6), jnp.float32))
    sums, counts = np.float64(state["codebook"]), np.float64(state["counts"])  # which are 1
    apply = jax.jit(bottleneck.apply)
    for num_rows in (5, 3, 1, 4):  # of five; the rest fills up
        code, weights = rng.normal(size=(5, 6)), np.arange(5) < num_rows
        parts = code.reshape(5, 2, 3)
        choices = nearest(sums / counts[:, None], parts)
        new_sums, new_counts = np.zeros_like(sums), np.zeros_like(counts)
        for row in range(num_rows):
            for token in range(2):
                new_sums[choices[row, token]] += parts[row, token]
                new_counts[choices[row, token]] += 1
        sums, counts = decay * sums + (1 - decay) * new_sums, decay * counts + (1 - decay) * new_counts
        state = apply({}, state, KEY, np.float32(code), np.float32(weights)).state
        np.testing.assert_allclose(state["codebook"], sums / counts[:, None], rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(state["counts"], counts, rtol=1e-5)


@pytest.mark.slow
def test_gradients_pass_vq_as_if_it_were_the_identity_and_its_decay_is_a_value():
    def made(code, decay):
        bottleneck = vq(num_tokens=2, num_codes=4, decay=decay)
        _, state = bottleneck.init(KEY, jax.ShapeDtypeStruct((1, 6), jnp.float32))
        return bottleneck.apply({}, state, KEY, code, WEIGHTS)

    target = jnp.asarray(CODE[::-1].copy())
    latent, slopes = jax.vjp(lambda code: made(code, 0.9).latent, jnp.asarray(CODE))
    np.testing.assert_array_equal(slopes(target)[0], target)
    states = jax.jit(jax.vmap(lambda decay: made(jnp.asarray(CODE), decay).state))(jnp.array([0.0, 0.5, 1.0]))
    np.testing.assert_allclose(states["counts"].sum(axis=1), [10, 7, 4])  # of 10 parts now, and 4 in the beginning
    # The commitment pulls the code, and neither draws the codebook.
    pull = jax.grad(lambda code: made(code, 0.9).terms["commitment"].sum())(jnp.asarray(CODE))
    np.testing.assert_allclose(pull, 2 * (CODE - latent), rtol=1e-4, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("decay", [0.0, 0.5])
def test_vectors_that_nothing_chooses_stay_where_they_are(decay):
    bottleneck = vq(num_tokens=1, num_codes=3, decay=decay)
    _, first = bottleneck.init(KEY, jax.ShapeDtypeStruct((1, 6), jnp.float32))
    chosen, state = int(nearest(codebook_of(first), np.ones((5, 1, 6)))[0, 0]), first
    for _ in range(40):
        state = applied(bottleneck, np.ones((5, 6)), state=state).state
    unused = np.arange(3) != chosen
    np.testing.assert_array_equal(np.asarray(state["codebook"])[unused], np.asarray(first["codebook"])[unused])
    made = applied(bottleneck, np.ones((5, 6)), state=state)
    np.testing.assert_allclose(sorted(np.asarray(state["counts"])), [0, 0, 5], atol=1e-6)
    assert np.isfinite(made.latent).all()
    np.testing.assert_allclose(made.latent, np.ones((5, 6)), rtol=1e-6)


def test_parts_that_do_not_divide_the_code_are_refused():
    with pytest.raises(UserError, match=r"^bottleneck\.num_tokens: 4 parts do not divide the 6 latent dimensions; cho"):
        vq(num_tokens=4, num_codes=2, decay=0.9).init(KEY, jax.ShapeDtypeStruct((1, 6), jnp.float32))


MEMBERS = {
    "none": (none(), 6),
    "gaussian": (gaussian(kl="analytic"), 6),
    "gaussian-sampled": (gaussian(kl="sampled"), 6),
    "l1": (l1(), 6),
    "top_k": (top_k(num_active=2), 6),
    "vq": (vq(num_tokens=2, num_codes=4, decay=0.9), 6),
    "vq-gradient": (vq(num_tokens=2, num_codes=4, decay=0.9, codebook_update="gradient"), 6),
    "residual_vq": (residual_vq(num_tokens=2, num_codes=4, num_stages=2, decay=0.9, expiry=0.0), 6),
    "fsq": (fsq(levels=[4, 5, 3, 3, 2, 8]), 6),
    "bernoulli": (bernoulli(prior=0.3, temperature=None), 6),
    "bernoulli-relaxed": (bernoulli(prior=0.3, temperature=0.5), 6),
    "l2": (l2(), 6),
    "kl_sparsity": (kl_sparsity(target_activation=0.1), 6),
    "batch_top_k": (batch_top_k(num_active=2, decay=0.9), 6),
    "jump_relu": (jump_relu(initial_threshold=0.5, bandwidth=0.5), 6),
    "mmd": (mmd(prior_scale=1.0), 6),
}


@pytest.mark.parametrize(
    "name", ["vq", *(pytest.param(name, marks=pytest.mark.slow) for name in MEMBERS if name != "vq")]
)
def test_rows_that_fill_up_count_for_nothing(name):
    """What is made of the others, and the next state, are those of a batch without them."""
    bottleneck, width = MEMBERS[name]
    params, state = bottleneck.init(KEY, jax.ShapeDtypeStruct((1, width), jnp.float32))
    padding = np.full((3, width), 1e3, np.float32)
    filled = jnp.concatenate([CODE, padding]), jnp.float32([1, 1, 1, 1, 1, 0, 0, 0])
    padded = bottleneck.apply(params, state, KEY, *filled)
    alone = bottleneck.apply(params, state, KEY, jnp.asarray(CODE), WEIGHTS)
    for ours, theirs in zip(
        jax.tree.leaves((padded.latent, padded.terms)), jax.tree.leaves((alone.latent, alone.terms)), strict=True
    ):
        np.testing.assert_allclose(ours[:5], theirs, rtol=1e-5, atol=1e-6)
    for ours, theirs in zip(jax.tree.leaves(padded.state), jax.tree.leaves(alone.state), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize("name", [name for name in MEMBERS if name != "none"])
@pytest.mark.parametrize("code", [jnp.ones((2, 3, 6)), {"a": jnp.ones((2, 6)), "b": jnp.ones((2, 6))}])
def test_codes_of_several_axes_or_arrays_are_refused(name, code):
    bottleneck, _ = MEMBERS[name]
    with pytest.raises(UserError, match=rf"^bottleneck={name.partition('-')[0]}: is for codes that are one row of num"):
        bottleneck.apply({}, bottleneck.init(KEY, code)[1], KEY, code, jnp.ones(2))
