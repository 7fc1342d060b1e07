"""Objectives that call the decoder several times, schedules of beta, and the estimate of the contraction."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ae_jax.bottlenecks.l1 import l1
from ae_jax.bottlenecks.top_k import top_k
from ae_jax.errors import UserError
from ae_jax.objectives import Carried
from ae_jax.objectives.contractive import contractive
from ae_jax.objectives.dead_latents import dead_latents
from ae_jax.objectives.matryoshka import matryoshka
from ae_jax.objectives.rate_distortion import rate_distortion
from ae_jax.objectives.schedules import cyclical, warmup
from tests.objectives.test_objectives import KEY, L1, LOSS, NONE, PARAMS, SEEN, START, X, encode, parts_of, value

COUNTING = top_k(num_active=1, count_idle=True)
IDLE = np.array([0, 9, 4, 9, 9, 0])  # 1, 3 and 4 are dead, unless they fire now


def affine(params):
    """Encoder and decoder with biases, of which the decoder's is subtracted before the encoder."""

    def apply(carried, key, code):
        bottled = COUNTING.apply({}, carried.bottleneck, key, code, jnp.ones(len(code)))
        return bottled, carried._replace(bottleneck=bottled.state)

    return parts_of(NONE)._replace(
        encode=lambda carried, x: ((x - params["bias"][None]) @ params["encoder"], carried),
        bottleneck=apply,
        decode=lambda carried, latent: (latent @ params["decoder"] + params["bias"][None], carried),
    )


AFFINE = {**PARAMS, "bias": jnp.linspace(-1, 1, 5)}
CARRIED = Carried({}, {"idle_steps": jnp.asarray(IDLE, jnp.int32)})


@functools.partial(jax.jit, static_argnums=0)
def of_affine(objective, params, carried=CARRIED, **options):
    return objective(affine(params), carried, KEY, X, SEEN, **options)


def test_dead_latents_learn_from_the_residual_and_nothing_else_is_touched():
    """By hand: half the squared distance of the residual from what positive codes of dead dimensions make of it."""
    objective = functools.partial(dead_latents, num_auxiliary=2, steps_until_dead=5)

    def gain(params):
        made = of_affine(objective, params, beta=1.0, dead_weight=0.5)
        return made.terms["dead_latents"].sum(), made

    (_, made), slope = jax.value_and_grad(gain, has_aux=True)(AFFINE)
    code = np.float64((SEEN - AFFINE["bias"][None]) @ AFFINE["encoder"])
    kept = np.argsort(-code, axis=1)[:, :1]
    latent = np.zeros_like(code)
    np.put_along_axis(latent, kept, np.take_along_axis(code, kept, axis=1), axis=1)
    dead = (IDLE + 1 >= 5) & ~(latent != 0).any(axis=0)
    assert 0 < dead.sum() < 6
    residual = np.float64(X) - latent @ np.float64(AFFINE["decoder"]) - np.float64(AFFINE["bias"])
    revived = np.where(dead, np.maximum(code, 0), 0)
    ranks = (-np.where(dead, code, -np.inf)).argsort(axis=1).argsort(axis=1)
    revived[ranks >= 2] = 0
    expected = 0.5 * ((residual - revived @ np.float64(AFFINE["decoder"])) ** 2).sum(axis=1)
    np.testing.assert_allclose(made.terms["dead_latents"], expected - 0.5 * (residual**2).sum(axis=1), rtol=1e-4)
    np.testing.assert_array_equal(made.terms["num_dead"], np.full(4, dead.sum()))
    np.testing.assert_allclose(made.per_example, made.terms["distortion"] + 0.5 * made.terms["dead_latents"], rtol=1e-5)
    assert (np.asarray(slope["encoder"])[:, ~dead] == 0).all()
    assert (np.asarray(slope["decoder"])[~dead] == 0).all()
    used = (revived != 0).any(axis=0)
    assert used.any()
    assert (np.abs(np.asarray(slope["decoder"])[used]).max(axis=1) > 0).all()


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_without_weight_or_without_dead_ones_it_is_rate_distortion_to_the_bit(weight):
    alive = CARRIED if weight == 0 else Carried({}, {"idle_steps": jnp.zeros(6, jnp.int32)})
    ours = functools.partial(dead_latents, num_auxiliary=2, steps_until_dead=5)

    def both(objective, **options):
        def total(params):
            made = of_affine(objective, params, alive, beta=1.0, **options)
            return made.per_example.sum(), made.per_example

        return jax.value_and_grad(total, has_aux=True)(AFFINE)

    for one, other in zip(
        jax.tree.leaves(both(ours, dead_weight=weight)), jax.tree.leaves(both(rate_distortion)), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_what_does_not_count_cannot_be_told_to_be_dead():
    with pytest.raises(
        UserError, match=r"^objective=dead_latents: needs a bottleneck that counts .*; choose bottleneck"
    ):
        value(functools.partial(dead_latents, num_auxiliary=1, steps_until_dead=1), L1, beta=1.0, dead_weight=1.0)


def test_each_prefix_counts_as_a_latent_of_its_own():
    ours = functools.partial(matryoshka, prefix_sizes=(1, 4))
    made, base = value(ours, L1, beta=0.3, prefix_weight=0.7), value(rate_distortion, L1, beta=0.3)
    code, own = np.asarray(encode(PARAMS, SEEN)), 0.0
    for size in (1, 4):
        expected = LOSS(jnp.asarray(code[:, :size] @ PARAMS["decoder"][:size]), X)
        np.testing.assert_allclose(made.terms[f"distortion_{size}"], expected, rtol=1e-5)
        own += np.asarray(expected)
    np.testing.assert_allclose(made.per_example, base.per_example + 0.7 * own, rtol=1e-5)
    assert made.terms.keys() == {"distortion", "l1", "distortion_1", "distortion_4"}
    for alike in (
        value(ours, L1, beta=0.3, prefix_weight=0.0),
        value(functools.partial(matryoshka, prefix_sizes=()), L1, beta=0.3, prefix_weight=1.0),
    ):
        np.testing.assert_array_equal(alike.per_example, base.per_example)


@pytest.mark.parametrize(("sizes", "said"), [((6,), "6 is not smaller than the 6"), ((2, 2), "2 is there twice")])
def test_prefixes_that_are_none_are_refused(sizes, said):
    with pytest.raises(UserError, match=rf"^objective\.prefix_sizes: {said}"):
        value(functools.partial(matryoshka, prefix_sizes=sizes), L1, beta=1.0, prefix_weight=1.0)


@pytest.mark.slow
def test_the_estimate_of_the_contraction_has_no_bias():
    """Its mean over keys, within five standard errors, is the norm."""
    exact = value(contractive, L1, beta=0.3, contraction_weight=0.7).terms["contraction"]
    estimated = functools.partial(contractive, estimate="stochastic", beta=0.3, contraction_weight=0.7)

    @jax.jit
    def estimates(keys):
        return jax.vmap(lambda key: estimated(parts_of(L1), START, key, X, SEEN).terms["contraction"])(keys)

    draws = np.float64(estimates(jax.random.split(KEY, 2000)))
    assert (np.abs(draws.mean(axis=0) - exact) < 5 * draws.std(axis=0) / np.sqrt(2000)).all()
    assert draws.std(axis=0).min() > 0


def test_beta_follows_its_schedule_while_it_trains_and_is_whole_in_evaluation():
    points = jnp.linspace(0, 1, 101)[:-1]

    def of(schedule):
        return np.asarray(jax.jit(jax.vmap(schedule))(points))

    np.testing.assert_allclose(of(warmup(warmup_fraction=0.4)), np.minimum(1, points / 0.4), atol=1e-6)
    np.testing.assert_array_equal(of(warmup(warmup_fraction=0.0)), np.ones(100))
    np.testing.assert_allclose(
        of(cyclical(num_cycles=4, rising_fraction=0.5)), np.minimum(1, 2 * (np.float64(points) * 4 % 1)), atol=1e-5
    )
    np.testing.assert_array_equal(of(cyclical(num_cycles=3, rising_fraction=0.0)), np.ones(100))
    code, parts = np.asarray(encode(PARAMS, SEEN)), parts_of(l1())
    for progress, factor in ((jnp.float32(0.1), 0.25), (jnp.float32(0.5), 1), (None, 1)):
        made = rate_distortion(
            parts._replace(progress=progress), START, KEY, X, SEEN, beta=0.8, schedule=warmup(warmup_fraction=0.4)
        )
        np.testing.assert_allclose(
            made.per_example, made.terms["distortion"] + 0.8 * factor * np.abs(code).sum(axis=1), rtol=1e-5
        )
