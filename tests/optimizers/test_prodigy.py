"""Prodigy on a quadratic: it finds its step, and a warm-up, whose first factor is 0, is no 0/0."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import optax.contrib

from ae_jax.optimizers.prodigy import prodigy
from ae_jax.optimizers.schedules import learning_rate, warmup_cosine

NUM_STEPS = 300
WARM_UP = warmup_cosine(num_steps=NUM_STEPS, warmup_fraction=0.1, final_fraction=0.0)
VALUES = {"d0": 1e-6, "d_coef": 1.0, "b1": 0.9, "b2": 0.999, "eps": 1e-8, "weight_decay": 0.0}


def distances(optimizer: optax.GradientTransformation) -> np.ndarray:
    """How far from the solution, 3 in each of four directions at the start, each step ends."""
    params = jnp.full(4, 3.0)

    def step(carry, _):
        params, state = carry
        updates, state = optimizer.update(params, state, params)
        params = optax.apply_updates(params, updates)
        return (params, state), jnp.abs(params).max()

    return np.asarray(jax.lax.scan(step, (params, optimizer.init(params)), length=NUM_STEPS)[1])


def test_it_trains_with_a_warm_up():
    ends = distances(prodigy(**VALUES, schedule=WARM_UP, clip_norm=None))
    assert np.isfinite(ends).all()
    assert ends[-1] < 0.3  # a tenth of where it began, from steps of a millionth


def test_optax_by_itself_divides_by_the_first_factor():
    """What `one_ahead` is for."""
    assert np.isnan(distances(optax.contrib.prodigy(WARM_UP))[0])


def test_a_learning_rate_for_other_packages_is_one_ahead():
    rate = learning_rate(peak=0.5, schedule=WARM_UP)
    steps = jnp.arange(NUM_STEPS)
    np.testing.assert_array_equal(jax.vmap(rate)(steps), 0.5 * jax.vmap(WARM_UP)(steps + 1))
    assert rate(jnp.int32(0)) > 0
    assert np.isfinite(distances(optax.contrib.prodigy(learning_rate(peak=1.0, schedule=WARM_UP)))).all()


def test_the_coefficient_multiplies_the_estimates():
    """Where the solution is far away, and the estimate grows, from the first to the last step of a warm-up."""
    less, plain, more = (
        distances(prodigy(**{**VALUES, "d_coef": coefficient}, schedule=WARM_UP, clip_norm=None))
        for coefficient in (0.5, 1.0, 2.0)
    )
    end = NUM_STEPS // 10
    assert less[end] > plain[end] > more[end]
