"""Each objective against its definition, on a linear encoder and decoder."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ae_jax.bottlenecks.gaussian import gaussian
from ae_jax.bottlenecks.l1 import l1
from ae_jax.bottlenecks.none import none
from ae_jax.errors import UserError
from ae_jax.losses.half_sse import half_sse
from ae_jax.objectives import Carried, Parts
from ae_jax.objectives.base import joined
from ae_jax.objectives.contractive import contractive
from ae_jax.objectives.iwae import iwae
from ae_jax.objectives.rate_distortion import rate_distortion

RNG = np.random.default_rng(0)
X = jnp.asarray(RNG.normal(size=(4, 5)), jnp.float32)
SEEN = X + 0.1
# Of a code of 6 numbers, or latents of 3 or 6.
PARAMS = {
    "encoder": jnp.asarray(RNG.normal(size=(5, 6)) / 2, jnp.float32),
    "decoder": jnp.asarray(RNG.normal(size=(6, 5)) / 2, jnp.float32),
}
START = Carried({}, {})
KEY = jax.random.key(3)
LOSS = half_sse(link="identity").per_example


def encode(params, x):
    return jnp.tanh(x @ params["encoder"])


def parts_of(bottleneck, params=PARAMS, *, couples=False):
    return Parts(
        encode=lambda carried, x: (encode(params, x), carried),
        bottleneck=lambda carried, key, code: (bottleneck.apply({}, {}, key, code, jnp.ones(len(code))), carried),
        decode=lambda carried, latent: (latent @ params["decoder"][: latent.shape[-1]], carried),
        loss=LOSS,
        couples=couples,
    )


@functools.partial(jax.jit, static_argnums=(0, 1), static_argnames="num_samples")
def value(objective, bottleneck, key=KEY, params=PARAMS, **options):
    return objective(parts_of(bottleneck, params), START, key, X, SEEN, **options)


NONE, L1, SAMPLED, ANALYTIC = none(), l1(), gaussian(kl="sampled"), gaussian(kl="analytic")


def test_the_objective_is_the_distortion_and_beta_times_what_the_latent_costs():
    code = np.asarray(encode(PARAMS, SEEN))
    distortion = np.asarray(LOSS(jnp.asarray(code @ PARAMS["decoder"]), X))
    made = value(rate_distortion, L1, beta=0.3)
    np.testing.assert_allclose(made.per_example, distortion + 0.3 * np.abs(code).sum(axis=1), rtol=1e-5)
    assert made.terms.keys() == {"distortion", "l1"}
    np.testing.assert_allclose(made.terms["distortion"], distortion, rtol=1e-5)
    np.testing.assert_allclose(made.terms["l1"], np.abs(code).sum(axis=1), rtol=1e-5)


@pytest.mark.slow
def test_at_beta_0_nothing_but_the_distortion_counts():
    plain, free = value(rate_distortion, NONE, beta=7.0), value(rate_distortion, L1, beta=0.0)
    np.testing.assert_array_equal(plain.per_example, free.per_example)
    np.testing.assert_array_equal(plain.per_example, plain.terms["distortion"])

    def gradient(bottleneck, beta):
        return jax.grad(lambda params: value(rate_distortion, bottleneck, params=params, beta=beta).per_example.sum())

    for ours, theirs in zip(
        *(jax.tree.leaves(gradient(*one)(PARAMS)) for one in ((NONE, 7.0), (L1, 0.0))), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-7)


@pytest.mark.slow
def test_one_importance_sample_is_the_evidence_lower_bound():
    one = value(iwae, ANALYTIC, num_samples=1)
    bound = value(rate_distortion, SAMPLED, jax.random.split(KEY, 1)[0], beta=1.0)
    np.testing.assert_allclose(one.per_example, bound.per_example, rtol=1e-5)
    np.testing.assert_allclose(one.terms["distortion"], bound.terms["distortion"], rtol=1e-6)


def test_the_importance_weighted_bound_is_the_log_of_a_mean_of_weights():
    num_samples = 5
    draws = [value(rate_distortion, SAMPLED, key, beta=1.0) for key in jax.random.split(KEY, num_samples)]
    weights = np.exp(-np.float64([draw.per_example for draw in draws]))
    made = value(iwae, SAMPLED, num_samples=num_samples)
    np.testing.assert_allclose(made.per_example, -np.log(weights.mean(axis=0)), rtol=1e-5)
    for name in ("distortion", "kl"):
        np.testing.assert_allclose(
            made.terms[name], np.mean([draw.terms[name] for draw in draws], axis=0), rtol=1e-5, atol=1e-6
        )


@pytest.mark.slow
def test_the_bound_falls_with_the_number_of_samples_and_its_gradients_are_finite():
    keys = jax.random.split(KEY, 2000)
    bounds = [
        np.asarray(jax.vmap(lambda key, k=k: value(iwae, ANALYTIC, key, num_samples=k).per_example.mean())(keys))
        for k in (1, 2, 8, 32)
    ]
    for fewer, more in itertools.pairwise(bounds):
        error = np.hypot(fewer.std(), more.std()) / np.sqrt(len(keys))
        assert fewer.mean() - more.mean() > 3 * error
    # No sample has a weight that float32 can hold: log p(x|z) is -1e4.
    far = jax.tree.map(lambda leaf: 100 * leaf, PARAMS)
    gradient = jax.grad(lambda params: value(iwae, ANALYTIC, params=params, num_samples=8).per_example.sum())(far)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))


@pytest.mark.slow
def test_samples_carry_on_their_mean_and_counters_are_not_averaged():
    def decode(carried, latent):
        model = {"mean": carried.model["mean"] + latent.mean(), "count": carried.model["count"] + 1}
        return latent @ PARAMS["decoder"][:3], carried._replace(model=model)

    parts = parts_of(SAMPLED)._replace(decode=decode)
    start = Carried({"mean": jnp.float32(0), "count": jnp.int32(4)}, {})
    made = jax.jit(lambda: iwae(parts, start, KEY, X, SEEN, num_samples=3))()
    latents = [SAMPLED.apply({}, {}, key, encode(PARAMS, SEEN), jnp.ones(4)).latent for key in jax.random.split(KEY, 3)]
    np.testing.assert_allclose(made.carried.model["mean"], np.mean(latents), rtol=1e-5)
    assert made.carried.model["count"] == 5
    assert made.carried.model["count"].dtype == np.int32


def test_a_bottleneck_without_a_density_has_no_importance_weights():
    with pytest.raises(
        UserError, match=r"^objective=iwae: weighs latents by their density, and the bottleneck has none"
    ):
        value(iwae, L1, num_samples=2)


def test_the_contraction_is_the_squared_norm_of_the_jacobian_of_the_code():
    made = value(contractive, L1, beta=0.3, contraction_weight=0.7)
    plain = value(rate_distortion, L1, beta=0.3)
    jacobians = jax.vmap(jax.jacfwd(lambda x: encode(PARAMS, x[None])[0]))(SEEN)
    norms = np.asarray(jacobians**2).sum(axis=(1, 2))
    np.testing.assert_allclose(made.terms["contraction"], norms, rtol=1e-5)
    np.testing.assert_allclose(made.per_example, plain.per_example + 0.7 * norms, rtol=1e-5)
    assert made.terms.keys() == {"contraction", "distortion", "l1"}
    np.testing.assert_array_equal(
        value(contractive, L1, beta=0.3, contraction_weight=0.0).per_example, plain.per_example
    )


@pytest.mark.slow
def test_the_contraction_of_a_code_of_several_axes_or_arrays_is_that_of_all_its_numbers():
    def shaped(carried, x):
        code = encode(PARAMS, x)
        return {"map": code[:, :4].reshape(-1, 2, 2), "row": code[:, 4:]}, carried

    def decode(carried, latent):
        return jnp.concatenate([latent["map"].reshape(-1, 4), latent["row"]], axis=1) @ PARAMS["decoder"], carried

    options = {"beta": 1.0, "contraction_weight": 1.0}
    parts = parts_of(NONE)._replace(encode=shaped, decode=decode)
    parts = parts._replace(bottleneck=lambda carried, key, code: (NONE.apply({}, {}, key, code, jnp.ones(4)), carried))
    ours = contractive(parts, START, KEY, X, SEEN, **options)
    np.testing.assert_allclose(ours.per_example, value(contractive, NONE, **options).per_example, rtol=1e-5)


def test_examples_that_depend_on_each_other_have_no_jacobian():
    with pytest.raises(UserError, match=r"^objective=contractive: needs an encoder that computes each example by itse"):
        contractive(parts_of(NONE, couples=True), START, KEY, X, SEEN, beta=1.0, contraction_weight=1.0)


def test_a_term_that_would_hide_another_is_refused():
    assert joined({"distortion": jnp.ones(2)}, {"kl": jnp.ones(2)}).keys() == {"distortion", "kl"}
    with pytest.raises(UserError, match=r"^bottleneck: 'distortion' cannot be the name of a term: the objective has i"):
        joined({"distortion": jnp.ones(2)}, {"distortion": jnp.ones(2)})
