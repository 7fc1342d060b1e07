"""A run whose optimizer averages its parameters is measured by that average, and goes on from where it was."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import optax.contrib
import pytest

from ae_jax.errors import UserError
from ae_jax.experiment.build import build, training_data
from ae_jax.optimizers.schedule_free_adamw import schedule_free_adamw
from ae_jax.optimizers.schedules import constant
from ae_jax.training.averages import averaged
from ae_jax.training.epoch import init_state, train_epoch
from ae_jax.training.objective import reconstruct

SMALL = ("trainer.max_train_examples=64", "trainer.batch_size=16")
VALUES = {"learning_rate": 0.1, "b1": 0.9, "b2": 0.999, "eps": 1e-8, "weight_decay": 0.0}


def test_the_average_is_found_within_what_wraps_it():
    """Of a line, by hand: x is the mean of the ends of all steps, which are equally long."""
    optimizer = schedule_free_adamw(**VALUES, schedule=constant(num_steps=9), clip_norm=1e9)
    params, ends = {"a": jnp.zeros(2)}, []
    state = optimizer.init(params)
    assert jax.tree.all(jax.tree.map(jnp.array_equal, averaged(state, params), params))
    update = jax.jit(optimizer.update)
    for _ in range(9):
        updates, state = update({"a": jnp.ones(2)}, state, params)
        params = optax.apply_updates(params, updates)
        ends.append(-0.1 * (len(ends) + 1))
    # Adam's second moment, corrected, is 1 throughout: nine steps of 0.1, each known to a few roundings.
    np.testing.assert_allclose(averaged(state, params)["a"], np.full(2, np.mean(ends)), rtol=1e-4)
    np.testing.assert_allclose(params["a"], 0.1 * ends[-1] + 0.9 * np.mean(ends), rtol=1e-4)


def test_other_optimizers_have_no_average():
    params = {"a": jnp.ones(2)}
    assert averaged(optax.adam(0.1).init(params), params) is params


def test_averages_of_parts_are_refused():
    free, labels = optax.contrib.schedule_free_sgd(0.1), {"a": "one", "b": "other"}
    params = {"a": jnp.ones(2), "b": jnp.ones(3)}
    for transforms in ({"one": free, "other": optax.sgd(0.1)}, {"one": free, "other": free}):
        with pytest.raises(UserError, match=r"^optimizer: averages parts of the parameters"):
            averaged(optax.partition(transforms, labels).init(params), params)


@pytest.mark.slow
def test_the_best_epoch_has_the_average_and_training_goes_on_from_its_own_parameters(compose):
    experiment = build(compose("optimizer=schedule_free_adamw", "model=linear", *SMALL))
    data, structure, run = training_data(experiment.dataset), experiment.structure, experiment.run
    state, metrics = jax.jit(lambda: train_epoch(structure, data, run, init_state(structure, run, num_train=64)))()
    average = averaged(state.opt_state, state.params)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), state.best.params, average)
    moved = jax.tree.map(lambda a, b: float(jnp.abs(a - b).max()), state.params, average)
    assert all(distance > 1e-5 for distance in jax.tree.leaves(moved))
    x = jnp.asarray(experiment.dataset.scaled("validation"))
    again = reconstruct(structure, run.values, state.best.params, state.best.carried, x)
    assert float(metrics.validation_sse) == pytest.approx(float(jnp.sum((x - again) ** 2, axis=1).mean()), rel=1e-5)
