"""What is carried from step to step is in every state that is kept, and continues with the same bits."""

import functools
import os
import subprocess
import sys
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from ae_jax.experiment.build import training_data
from ae_jax.training import Status
from ae_jax.training.checkpoint import Checkpoints, restore_best, restore_group, restore_state
from ae_jax.training.epoch import _random_order, init_state, scaled
from ae_jax.training.fit import on_host, run_state
from ae_jax.training.objective import abstract_best, latent_of, reconstruct
from ae_jax.training.streams import Draw, epoch_keys
from tests.training.layers import (
    FEATURES,
    LAYERS,
    Layered,
    assert_close,
    assert_same,
    compiled,
    experiment_with,
    run_of,
    train,
)

BOUND = 4e-4  # see test_group.py


class Case(NamedTuple):
    """A layer of the model, or none, and overrides: of all runs, and of one beside it that has another value."""

    layer: str | None
    shared: tuple[str, ...] = ()
    other: tuple[str, ...] = ("optimizer.learning_rate=0.003",)


VQ = ("bottleneck=vq", "bottleneck.num_tokens=2", "bottleneck.num_codes=8", "objective.beta=0.25")
DEAD = ("objective=dead_latents", "objective.steps_until_dead=3", "objective.num_auxiliary=2")
GAUSSIAN = ("bottleneck=gaussian", "loss=half_sse")
# Of what is carried: bottlenecks that carry nothing end in a group as alone too, see test_group_equality.py.
CASES = {
    "both-gaussian": Case(
        "both",
        (*GAUSSIAN, "bottleneck.kl=sampled", "corruption=masking"),
        ("objective.beta=0.5", "corruption.rate=0.1"),
    ),
    "batch_norm": Case("batch_norm"),
    "batch_norm-vq": Case("batch_norm", VQ, ("bottleneck.decay=0.9",)),
    "iwae": Case("dropout", (*GAUSSIAN, "objective=iwae", "objective.num_samples=3")),
    "contractive-vq": Case("spectral_norm", (*VQ, "objective=contractive"), ("objective.contraction_weight=0.5",)),
    "conv": Case(
        None,
        (*GAUSSIAN, "model=conv", "model.channels=[4]", "model.normalization=batch", "model.num_residual_blocks=1"),
        ("objective.beta=0.5",),
    ),
    "dense": Case(None, ("model.hidden_sizes=[8]", "model.normalization=batch", "model.dropout_rate=0.2")),
    "bfloat16-resnet_mlp": Case(
        None, ("model=resnet_mlp", "model.hidden_size=8", "model.dropout_rate=0.2", "trainer.precision=bfloat16")
    ),
    "gradient-vq": Case(None, (*VQ, "bottleneck.codebook_update=gradient", "bottleneck.expiry=1.0")),
    "residual_vq": Case(
        None,
        ("bottleneck=residual_vq", "bottleneck.expiry=1.0", "objective/schedule=cyclical"),
        ("bottleneck.expiry=0.5",),
    ),
    "dead_latents": Case(
        None,
        ("model=dictionary", "bottleneck=batch_top_k", "bottleneck.num_active=1", *DEAD),
        ("objective.dead_weight=0.0",),
    ),
    "jump_relu": Case(
        None,
        ("bottleneck=jump_relu", "objective=matryoshka", "objective.prefix_sizes=[2]"),
        ("bottleneck.bandwidth=0.5", "objective.prefix_weight=0.0"),
    ),
    "stochastic-mmd": Case(
        None, ("bottleneck=mmd", "objective=contractive", "objective.estimate=stochastic"), ("objective.beta=9.0",)
    ),
    "relaxed-bernoulli": Case(
        None,
        ("bottleneck=bernoulli", "bottleneck.temperature=0.5", "objective/schedule=warmup"),
        ("bottleneck.temperature=0.1", "objective.schedule.warmup_fraction=0.9"),
    ),
}
# Layers by themselves, beside what Flax and Optax make of them.
LAYERS_ALONE = {name: Case(name) for name in ("batch_norm", "no_dropout", "spectral_norm")}
FAST = "batch_norm"
# The tests of a case follow each other (scope="module"), as they share what it trains.
every_case = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name == FAST else pytest.mark.slow) for name in CASES], scope="module"
)


@functools.cache
def experiment_of(name):
    case = {**LAYERS_ALONE, **CASES}[name]
    return experiment_with(case.layer, *case.shared)


@functools.cache
def alone(name):
    """The group of one run, and its states after each of six epochs."""
    experiment = experiment_of(name)
    group = compiled(experiment, [experiment.run])
    return group, [states[0] for states in train(group, num_epochs=6)]


@functools.cache
def beside(name, runs_axis="map"):
    """The states of the same run, beside one that diverges at once and one with another value."""
    case, experiment = CASES[name], experiment_of(name)
    wild = run_of(experiment, *case.shared, "seed=5", "optimizer.learning_rate=1e30")
    other = run_of(experiment, *case.shared, *case.other, "seed=6")
    return train(compiled(experiment, [wild, experiment.run, other], runs_axis=runs_axis), num_epochs=6)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES, scope="module")
def test_a_run_beside_others_has_the_bits_that_it_has_alone(name):
    ours, (_, theirs) = beside(name), alone(name)
    assert_same(ours[-1][1], theirs[-1])
    assert ours[-1][0].status == Status.DIVERGED
    assert ours[-1][0].epoch == 0
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((ours[-1][0].params, ours[-1][0].carried)))
    assert ours[-1][2].epoch == 6


@pytest.mark.slow
@pytest.mark.parametrize("name", ["both-gaussian", "conv"])
def test_a_vectorised_run_is_like_the_run_alone(name):
    ours, (_, theirs) = beside(name, runs_axis="vmap"), alone(name)
    # Of the first epoch: a code that lies between two vectors may be given to either.
    assert_close(ours[0][1], theirs[0], BOUND)
    assert ours[-1][0].status == Status.DIVERGED
    np.testing.assert_allclose(ours[-1][1].best.validation_loss, theirs[-1].best.validation_loss, rtol=0.05)


@every_case
def test_what_is_carried_is_kept_with_the_best_epoch_and_in_checkpoints_and_training_goes_on_exactly(name, tmp_path):
    experiment, (group, states) = experiment_of(name), alone(name)
    last = states[-1]
    chosen = states[int(last.best.epoch) - 1]
    assert_same((last.best.params, last.best.carried), (chosen.params, chosen.carried))
    assert last.best.monitored == min(state.best.monitored for state in states)
    if CASES[name].layer in ("batch_norm", "both", "spectral_norm") or "vq" in name or name in ("conv", "dense"):
        changed = [
            np.any(a != b) for a, b in zip(*map(jax.tree.leaves, (states[0].carried, last.carried)), strict=True)
        ]
        assert any(changed)
        assert jax.tree.leaves(last.carried)
    for kept in (states[2], last):
        with Checkpoints(tmp_path / "own", about={"config": {}}, least_seconds=0) as own:
            own.save(kept)
    abstract = jax.eval_shape(lambda run: init_state(experiment.structure, run, num_train=250), experiment.run)
    restored = jax.tree.map(np.asarray, restore_state(tmp_path / "own", abstract, at_most=3))
    assert_same(restored, states[2])
    assert_same(train(group, [restored], num_epochs=6)[-1][0], last)
    best = restore_best(tmp_path / "own", abstract_best(experiment.structure, experiment.run))
    assert_same(jax.tree.map(np.asarray, best), last.best)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES, scope="module")
def test_a_group_goes_on_exactly(name, tmp_path):
    experiment, states = experiment_of(name), beside(name)
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *states[2])
    with Checkpoints(tmp_path / "group", about={"runs": ["a", "b", "c"]}, least_seconds=0) as checkpoints:
        checkpoints.save_group(stacked)
    abstract = jax.eval_shape(lambda run: init_state(experiment.structure, run, num_train=250), experiment.run)
    restored = restore_group(tmp_path / "group", abstract)
    for state, kept in zip(restored.values(), states[2], strict=True):
        assert_same(state, kept)
    assert_same(train(alone(name)[0], [restored["b"]], num_epochs=6)[-1][0], states[-1][1])


@every_case
def test_a_trained_model_makes_the_same_of_an_example_each_time_and_beside_any_other(name):
    experiment, (_, states) = experiment_of(name), alone(name)
    structure, values = experiment.structure, experiment.run.values
    best = jax.tree.map(jnp.asarray, states[-1].best)
    x = scaled(training_data(experiment.dataset), jnp.asarray(experiment.dataset.test[:6]))

    @jax.jit
    def measured(x):
        given = (structure, values, best.params, best.carried, x)
        return latent_of(*given), reconstruct(*given)

    together = measured(x)
    assert_same(together, measured(x))
    bound = 0.05 if "bfloat16" in name else 1e-5
    assert_close(measured(x[2:3]), jax.tree.map(lambda leaf: leaf[2:3], together), bound)


def by_hand(layer, start, x, order_of, *, num_epochs, batch_size, learning_rate=1e-3):
    """Parameters and the other variables after training with Flax and Optax alone; the last batch is smaller."""
    model = Layered(LAYERS[layer], rngs=nnx.Rngs(0))
    nnx.update(model, nnx.merge_state(start.params.model, start.carried.model))
    model.train()
    graph, params, rest = nnx.split(model, nnx.Param, ...)
    optimizer = optax.adam(learning_rate)
    opt_state = optimizer.init(params)

    @jax.jit
    def step(params, rest, opt_state, batch):
        def loss(params):
            model = nnx.merge(graph, params, rest, copy=True)
            error = jnp.mean((model.decode(model.encode(batch)) - batch) ** 2)
            return error, nnx.split(model, nnx.Param, ...)[2]

        (_, rest), gradient = jax.value_and_grad(loss, has_aux=True)(params)
        updates, opt_state = optimizer.update(gradient, opt_state, params)
        return optax.apply_updates(params, updates), rest, opt_state

    for epoch in range(num_epochs):
        order = order_of(epoch)
        for first in range(0, len(order), batch_size):
            params, rest, opt_state = step(params, rest, opt_state, x[order[first : first + batch_size]])
    return params, nnx.split_state(rest, nnx.RngState, ...)[1]


@pytest.mark.slow
@pytest.mark.parametrize("layer", LAYERS_ALONE)
def test_training_is_what_flax_and_optax_make_of_it_also_where_the_last_batch_is_smaller(layer):
    experiment, (group, states) = experiment_of(layer), alone(layer)
    run, data = experiment.run, training_data(experiment.dataset)
    assert experiment.structure.couples == (layer == "batch_norm")
    start, state = run_state(on_host(group.init_state()), 0), states[1]

    def order_of(epoch):
        return np.asarray(_random_order(epoch_keys(run.seed, jnp.int32(epoch))[Draw.ORDER], 250))

    params, carried = by_hand(layer, start, scaled(data, data.train), order_of, num_epochs=2, batch_size=100)
    # Adam divides by the root of averaged squares, which magnifies rounding of gradients near 0.
    assert_close(nnx.to_pure_dict(state.params.model), nnx.to_pure_dict(params), 2e-5)
    if layer != "no_dropout":
        assert jax.tree.leaves(carried)
    assert_close(nnx.to_pure_dict(state.carried.model), nnx.to_pure_dict(carried), 2e-5)


ON_DEVICES = """
import sys
import jax, numpy as np
from tests.training.layers import compiled, experiment_with, run_of, train

layer, path, data_parallel, *overrides = sys.argv[1:]
experiment = experiment_with(None if layer == "None" else layer, *overrides)
runs = [run_of(experiment, *overrides, f"seed={seed}") for seed in range(5)]
states = train(compiled(experiment, runs, runs_axis="map", data_parallel=int(data_parallel)), num_epochs=3)[-1]
leaves = [np.stack(leaves) for leaves in zip(*(jax.tree.leaves((s.params, s.carried, s.best)) for s in states))]
np.savez(path, *leaves)
print(jax.device_count())
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["batch_norm-vq"])
def test_four_devices_make_what_one_makes(name, tmp_path):
    case, made = CASES[name], {}
    for devices, data_parallel in ((1, 1), (4, 1), (4, 4)):
        environment = {
            **os.environ,
            "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
            "JAX_PLATFORMS": "cpu",
        }
        path = tmp_path / f"{devices}-{data_parallel}.npz"
        arguments = [str(case.layer), str(path), str(data_parallel), *case.shared]
        done = subprocess.run(
            [sys.executable, "-c", ON_DEVICES, *arguments], env=environment, capture_output=True, text=True
        )
        assert done.stdout.split() == [str(devices)], done.stderr
        with np.load(path) as arrays:
            made[devices, data_parallel] = [arrays[name] for name in arrays.files]
    assert len(made[1, 1]) > 10
    for one, four, shared in zip(*made.values(), strict=True):
        if case.layer in ("batch_norm", "both"):  # the last bit of an average is the compiler's, of another program
            np.testing.assert_allclose(one, four, rtol=1e-4, atol=1e-5)
        else:
            np.testing.assert_array_equal(one, four)
        np.testing.assert_allclose(one, shared, rtol=5e-3, atol=5e-3)


def test_features_are_those_of_the_data():
    assert experiment_of(FAST).inputs.num_features == FEATURES
