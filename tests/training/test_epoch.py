"""One epoch against its definition, written out in NumPy."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ae_jax.experiment.build import training_data
from ae_jax.training import Status
from ae_jax.training.epoch import _batches, _random_order, init_state, num_steps_per_epoch, scaled, train_epoch


@pytest.mark.parametrize(("num_examples", "batch_size"), [(10, 5), (10, 4), (3, 8), (1, 1)])
def test_batches_hold_every_example_once(num_examples, batch_size):
    batches = _batches(jnp.arange(num_examples)[::-1], batch_size)
    assert batches.rows.shape == (num_steps_per_epoch(num_examples, batch_size), batch_size)
    seen = np.asarray(batches.rows)[np.asarray(batches.weights) == 1]
    np.testing.assert_array_equal(seen, np.arange(num_examples)[::-1])


def test_the_random_order_is_a_permutation_and_every_row_comes_first_equally_often():
    orders = np.asarray(jax.vmap(lambda key: _random_order(key, 5))(jax.random.split(jax.random.key(0), 5000)))
    np.testing.assert_array_equal(np.sort(orders, axis=1), np.broadcast_to(np.arange(5), orders.shape))
    counts = np.bincount(orders[:, 0], minlength=5)
    # Binomial with n = 5000 and p = 1/5: mean 1000, standard deviation 28.3; five of those either way.
    assert np.abs(counts - 1000).max() < 5 * 28.3


def sgd_experiment(make_experiment, *overrides):
    kind = ("model=linear", "loss=half_sse", "optimizer=sgd", "optimizer.learning_rate=0.005")
    return make_experiment(*kind, *overrides)


def test_an_epoch_of_sgd_is_what_the_textbook_says(make_experiment):
    """W becomes W - η/n Σ (ŷ - y) ∂ŷ/∂W over batches in the run's order; the last batch has fewer examples."""
    experiment = sgd_experiment(make_experiment)
    data = training_data(experiment.dataset)
    structure, run = experiment.structure, experiment.run
    start = init_state(structure, run, num_train=250)
    after, metrics = jax.jit(lambda state: train_epoch(structure, data, run, state))(start)

    key = jax.random.fold_in(jax.random.fold_in(jax.random.key(run.seed), 1), 0)
    order = np.asarray(_random_order(jax.random.fold_in(key, 0), 250))
    x = np.asarray(scaled(data, data.train), np.float64)
    layers = {name: jax.tree.map(np.float64, dict(start.params.model[name])) for name in ("encoder", "decoder")}
    weights = {name: [np.asarray(layer["kernel"]), np.asarray(layer["bias"])] for name, layer in layers.items()}
    total = 0.0
    for rows in (order[:100], order[100:200], order[200:]):
        batch = x[rows]
        (a, a0), (b, b0) = weights["encoder"], weights["decoder"]
        latent = batch @ a + a0
        error = latent @ b + b0 - batch
        total += 0.5 * (error**2).sum()
        slope = error / len(rows)
        weights["decoder"] = [b - 0.005 * latent.T @ slope, b0 - 0.005 * slope.sum(0)]
        weights["encoder"] = [a - 0.005 * batch.T @ (slope @ b.T), a0 - 0.005 * (slope @ b.T).sum(0)]
    for name, (kernel, bias) in weights.items():
        np.testing.assert_allclose(after.params.model[name]["kernel"][...], kernel, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(after.params.model[name]["bias"][...], bias, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(metrics.train_loss, total / 250, rtol=1e-5)
    validation = np.asarray(scaled(data, data.validation), np.float64)
    (a, a0), (b, b0) = weights["encoder"], weights["decoder"]
    sse = (((validation @ a + a0) @ b + b0 - validation) ** 2).sum() / len(validation)
    np.testing.assert_allclose(metrics.validation_sse, sse, rtol=1e-4)
    np.testing.assert_allclose(metrics.validation_loss, sse / 2, rtol=1e-4)


@pytest.mark.slow
def test_order_and_noise_change_from_epoch_to_epoch_and_validation_noise_does_not(make_experiment):
    experiment = make_experiment("corruption=gaussian", "optimizer=sgd", "optimizer.learning_rate=1e-12")
    data, structure, run = training_data(experiment.dataset), experiment.structure, experiment.run
    epoch = jax.jit(lambda state: train_epoch(structure, data, run, state))
    first, one = epoch(init_state(structure, run, num_train=250))
    _, two = epoch(first)
    assert one.train_loss != two.train_loss
    assert one.validation_loss == two.validation_loss
    assert one.validation_sse == two.validation_sse


def test_validation_sse_is_of_clean_inputs(make_experiment):
    plain, noisy = (make_experiment("seed=4", name) for name in ("corruption=none", "corruption=masking"))
    results = []
    for experiment in (plain, noisy):
        data, structure, run = training_data(experiment.dataset), experiment.structure, experiment.run
        frozen = run._replace(values={**run.values, "optimizer": {**run.values["optimizer"], "learning_rate": 1e-30}})
        start = init_state(structure, frozen, num_train=250)
        _, metrics = jax.jit(functools.partial(train_epoch, structure))(data, frozen, start)
        results.append(metrics)
    np.testing.assert_allclose(results[0].validation_sse, results[1].validation_sse, rtol=1e-6)
    assert abs(results[0].validation_loss - results[1].validation_loss) > 1e-4


def test_the_best_parameters_are_those_of_the_lowest_validation_loss(train_runs):
    trained = train_runs(("optimizer=sgd", "optimizer.learning_rate=0.02", "loss=half_sse", "trainer.num_epochs=6"))
    losses = [float(report.metrics.validation_loss[0]) for report in trained.reports]
    best = trained.states[0].best
    assert best.validation_loss == np.float32(min(losses))
    assert best.epoch == 1 + int(np.argmin(losses))
    assert best.monitored == best.validation_loss
    expected = trained.reports[int(best.epoch) - 1].state.params
    for ours, theirs in zip(jax.tree.leaves(best.params), jax.tree.leaves(expected), strict=True):
        np.testing.assert_array_equal(ours, theirs[0])


@pytest.mark.slow
def test_min_delta_decides_what_counts_as_improvement(train_runs):
    kind = ("trainer.patience=1", "trainer.num_epochs=4")
    lenient, strict = train_runs((*kind, "trainer.min_delta=0.0"), (*kind, "trainer.min_delta=100.0")).states
    assert lenient.status == Status.RUNNING
    assert lenient.epoch == 4
    assert strict.status == Status.CONVERGED
    assert strict.epoch == 2


@pytest.mark.slow
def test_bfloat16_computes_in_bfloat16_and_keeps_parameters_in_float32(train_runs, make_experiment):
    half = train_runs(("trainer.precision=bfloat16",)).states[0]
    full = train_runs(("trainer.precision=float32",)).states[0]
    assert {leaf.dtype for leaf in jax.tree.leaves(half.params)} == {np.dtype(np.float32)}
    difference = abs(half.best.validation_loss - full.best.validation_loss) / full.best.validation_loss
    assert 0 < difference < 0.05  # bfloat16 keeps 8 bits: 2^-8 = 0.4 % per operation
    experiment = make_experiment("trainer.precision=bfloat16")
    model = experiment.model
    text = jax.jit(model.encode).lower(model.abstract_params, model.abstract_state, jnp.zeros((2, 64))).as_text()
    assert "dot_general" in text
    assert all("bf16" in line for line in text.splitlines() if "dot_general" in line)


@pytest.mark.slow
def test_tracing_a_value_does_not_change_the_numbers(make_experiment):
    experiment = make_experiment("corruption=masking", "loss=huber", "optimizer=adamw", "optimizer.clip_norm=1.0")
    data, structure, run = training_data(experiment.dataset), experiment.structure, experiment.run
    start = init_state(structure, run, num_train=250)
    traced, _ = jax.jit(lambda values, state: train_epoch(structure, data, run._replace(values=values), state))(
        run.values, start
    )
    constant, _ = jax.jit(lambda state: train_epoch(structure, data, run, state))(start)
    # As constants, 1 - b2 and the like are folded before rounding to float32.
    for ours, theirs in zip(jax.tree.leaves(traced.params), jax.tree.leaves(constant.params), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
