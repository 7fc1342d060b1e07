"""The schedules against Optax, and at the ends of their ranges."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from ae_jax.optimizers.schedules import constant, warmup_cosine

NUM_STEPS = 200
STEPS = jnp.arange(NUM_STEPS + 1)
# Factors are at most 1; the cosine's argument, below pi, has an error of a few units.
ATOL = 8 * 2**-24


def factors(warmup_fraction, final_fraction, num_steps=NUM_STEPS):
    schedule = warmup_cosine(num_steps=num_steps, warmup_fraction=warmup_fraction, final_fraction=final_fraction)
    return jax.vmap(schedule)(jnp.arange(num_steps + 1))


@pytest.mark.parametrize("warmup_fraction", [0.0, 0.05, 0.5])
@pytest.mark.parametrize("final_fraction", [0.0, 0.1, 1.0])
def test_warmup_cosine_equals_optax(warmup_fraction, final_fraction):
    warmup_steps = round(warmup_fraction * NUM_STEPS)
    expected = optax.warmup_cosine_decay_schedule(0.0, 1.0, warmup_steps, NUM_STEPS, final_fraction)
    np.testing.assert_allclose(factors(warmup_fraction, final_fraction), jax.vmap(expected)(STEPS), rtol=0, atol=ATOL)


def test_warmup_cosine_takes_values_for_each_run():
    warmups, finals = jnp.asarray([0.0, 0.1, 1.0]), jnp.asarray([0.5, 0.0, 0.2])
    grouped = jax.jit(jax.vmap(factors))(warmups, finals)
    for index, values in enumerate([(0.0, 0.5), (0.1, 0.0), (1.0, 0.2)]):
        np.testing.assert_allclose(grouped[index], factors(*values), rtol=0, atol=ATOL)


@pytest.mark.parametrize("num_steps", [1, 2, 7])
@pytest.mark.parametrize("warmup_fraction", [0.0, 0.05, 0.5, 1.0])
def test_warmup_cosine_stays_between_zero_and_one(num_steps, warmup_fraction):
    values = factors(warmup_fraction, 0.0, num_steps)
    assert np.isfinite(values).all()
    assert values.min() >= 0
    assert values.max() <= 1


def test_no_warmup_starts_at_the_peak():
    assert factors(0.0, 0.1)[0] == 1


def test_warmup_only_is_a_ramp():
    np.testing.assert_allclose(factors(1.0, 0.1)[:-1], np.arange(NUM_STEPS) / NUM_STEPS, rtol=0, atol=ATOL)


def test_constant_is_one():
    np.testing.assert_array_equal(jax.vmap(constant(num_steps=NUM_STEPS))(STEPS), jnp.ones(NUM_STEPS + 1))
