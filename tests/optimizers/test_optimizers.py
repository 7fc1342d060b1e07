"""One suite that every optimizer passes, on a quadratic in two arrays of parameters."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import optax.contrib
import pytest

from ae_jax.optimizers.adam import adam
from ae_jax.optimizers.adamw import adamw
from ae_jax.optimizers.increasing_momentum import increasing_momentum
from ae_jax.optimizers.lion import lion
from ae_jax.optimizers.momentum import momentum
from ae_jax.optimizers.muon import muon
from ae_jax.optimizers.prodigy import prodigy
from ae_jax.optimizers.schedule_free_adamw import schedule_free_adamw
from ae_jax.optimizers.schedules import constant, warmup_cosine
from ae_jax.optimizers.sgd import sgd

NUM_STEPS = 30
NESTEROV, CLASSICAL = partial(momentum, nesterov=True), partial(momentum, nesterov=False)
GROWING = partial(increasing_momentum, num_steps=NUM_STEPS, num_final_steps=0, nesterov=True)
MOMENTS = {"b1": 0.9, "b2": 0.999, "eps": 1e-8}
# name: (factory, its values, the same in Optax with Python's numbers, copies of the parameters in its state)
OPTIMIZERS = {
    "sgd": (sgd, {"learning_rate": 0.1}, optax.sgd(0.1), 0),
    "momentum": (CLASSICAL, {"learning_rate": 0.02, "decay": 0.9}, optax.sgd(0.02, 0.9), 1),
    "nesterov": (NESTEROV, {"learning_rate": 0.02, "decay": 0.9}, optax.sgd(0.02, 0.9, nesterov=True), 1),
    "adam": (adam, {"learning_rate": 0.05, **MOMENTS}, optax.adam(0.05), 2),
    # What it keeps beside two moments: a sum of gradients, and where it began. Its first steps are as long as d0.
    "prodigy": (
        prodigy,
        {"d0": 0.01, "d_coef": 1.0, "weight_decay": 0.01, **MOMENTS},
        optax.contrib.prodigy(estim_lr0=0.01, weight_decay=0.01),
        4,
    ),
    "lion": (
        lion,
        {"learning_rate": 0.02, "b1": 0.9, "b2": 0.99, "weight_decay": 0.01},
        optax.lion(0.02, weight_decay=0.01),
        1,
    ),
    # An average of the matrix, Adam's two of the bias, and three coefficients: 21 numbers for 15.
    "muon": (
        partial(muon, nesterov=True),
        {"learning_rate": 0.1, "decay": 0.95, "update_scale": 0.2, "weight_decay": 0.01, **MOMENTS},
        optax.contrib.muon(0.1, consistent_rms=0.2, weight_decay=0.01, adam_weight_decay=0.01),
        21 / 15,
    ),
    "schedule_free_adamw": (
        schedule_free_adamw,
        {"learning_rate": 0.05, "weight_decay": 0.01, **MOMENTS},
        optax.contrib.schedule_free_adamw(0.05, weight_decay=0.01),
        2,
    ),
    # At its largest from the second update on.
    "increasing_momentum": (
        GROWING,
        {"learning_rate": 0.02, "max_decay": 0.9, "final_decay": 0.5, "interval": 1e-3},
        optax.sgd(0.02, 0.9, nesterov=True),
        1,
    ),
    "adamw": (adamw, {"learning_rate": 0.05, "weight_decay": 0.01, **MOMENTS}, optax.adamw(0.05, weight_decay=0.01), 2),
}
each_optimizer = pytest.mark.parametrize("name", OPTIMIZERS)

# A traced b2 = 0.999 is rounded before it is subtracted from 1, Python's after: 2^-25 of 1e-3 is 3e-5 of the second
# moment and 1.5e-5 of each step. All steps together go at most NUM_STEPS * 0.05 = 1.5.
TRACED_ATOL = 1.5 * 1.5e-5


@pytest.fixture
def params():
    return {"kernel": jnp.linspace(-1.0, 2.0, 12).reshape(3, 4), "bias": jnp.asarray([0.5, -1.5, 1.0])}


def objective(params):
    """½ Σ a θ² with curvatures a from 1/2 to 2: gradient descent is stable at rates below 1."""
    curvatures = jax.tree.map(lambda p: jnp.linspace(0.5, 2.0, p.size).reshape(p.shape), params)
    return 0.5 * optax.tree.sum(jax.tree.map(lambda a, p: a * p**2, curvatures, params))


def minimise(make, params, *, num_steps=NUM_STEPS):
    """The parameters after some steps of an optimizer that is made inside of the compiled program."""

    def step(carry, _):
        params, state = carry
        updates, state = make().update(jax.grad(objective)(params), state, params)
        return (optax.apply_updates(params, updates), state), None

    return jax.lax.scan(step, (params, make().init(params)), length=num_steps)[0][0]


def made(name, *, clip_norm=None, schedule=None, **values):
    factory, defaults, _, _ = OPTIMIZERS[name]
    schedule = constant(num_steps=NUM_STEPS) if schedule is None else schedule
    return factory(**{**defaults, **values}, schedule=schedule, clip_norm=clip_norm)


def assert_close(tree, expected, **tolerance):
    jax.tree.map(partial(np.testing.assert_allclose, **tolerance), tree, expected)


@each_optimizer
def test_descends_a_quadratic(name, params):
    after = jax.jit(partial(minimise, partial(made, name)))(params)
    assert objective(after) < objective(params)


@each_optimizer
def test_equals_optax(name, params):
    plain = OPTIMIZERS[name][2]
    got = jax.jit(partial(minimise, partial(made, name)))(params)
    expected = jax.jit(partial(minimise, lambda: plain))(params)
    # The same operations in the same order: a rounding or two a step, of numbers up to 2.
    assert_close(got, expected, rtol=0, atol=NUM_STEPS * 2 * 2**-23)


@each_optimizer
def test_traced_values_give_the_numbers_of_concrete_ones(name, params):
    values = OPTIMIZERS[name][1]
    traced = jax.jit(lambda params, values: minimise(lambda: made(name, **values), params))(params, values)
    # Prodigy's steps are as long as an estimate that is rounded alike.
    atol = TRACED_ATOL * (2 if name == "prodigy" else 1)
    assert_close(traced, jax.jit(partial(minimise, partial(made, name)))(params), rtol=0, atol=atol)


@pytest.mark.parametrize(
    "name", [name if name == "adam" else pytest.param(name, marks=pytest.mark.slow) for name in OPTIMIZERS]
)
def test_runs_in_a_group_keep_their_own_values(name, params):
    """A group of two, one with every value halved: of the method, of the schedule and of clipping."""

    def train(values):
        schedule = warmup_cosine(num_steps=NUM_STEPS, warmup_fraction=values["warmup"], final_fraction=values["final"])
        return minimise(lambda: made(name, schedule=schedule, clip_norm=values["clip"], **values["optimizer"]), params)

    values = {"optimizer": OPTIMIZERS[name][1], "warmup": 0.2, "final": 0.5, "clip": 2.0}
    halved = jax.tree.map(lambda value: value / 2, values)
    grouped = jax.jit(jax.vmap(train))(jax.tree.map(lambda *pair: jnp.asarray(pair), values, halved))
    for index, alone in enumerate((values, halved)):
        expected = jax.jit(train)(alone)
        # Rounding only, as in test_equals_optax.
        assert_close(jax.tree.map(lambda p, i=index: p[i], grouped), expected, rtol=0, atol=NUM_STEPS * 2 * 2**-23)


@each_optimizer
def test_state_holds_what_the_method_needs_and_counters(name, params):
    state = made(name, clip_norm=1.0).init(params)
    arrays = [leaf for leaf in jax.tree.leaves(state) if leaf.ndim]
    assert sum(leaf.size for leaf in arrays) == OPTIMIZERS[name][3] * sum(p.size for p in jax.tree.leaves(params))


@pytest.mark.parametrize("clip_norm", [0.1, 1.0])
def test_clipping_bounds_the_norm_and_keeps_the_direction(clip_norm, params):
    optimizer = made("sgd", learning_rate=1.0, clip_norm=clip_norm)
    gradient = jax.tree.map(lambda p: 10 * p, params)
    update, _ = optimizer.update(gradient, optimizer.init(params))
    norm = optax.tree.norm(gradient)
    assert norm > clip_norm
    # 15 squares and a quotient: some twenty roundings, relative.
    np.testing.assert_allclose(optax.tree.norm(update), clip_norm, rtol=20 * 2**-23)
    assert_close(update, jax.tree.map(lambda g: -g * clip_norm / norm, gradient), rtol=20 * 2**-23)


def test_a_gradient_within_the_bound_is_not_clipped(params):
    optimizer = made("sgd", learning_rate=1.0, clip_norm=1e3)
    update, _ = optimizer.update(params, optimizer.init(params))
    jax.tree.map(np.testing.assert_array_equal, update, jax.tree.map(jnp.negative, params))


@pytest.mark.parametrize(
    ("general", "zero", "special"),
    [("momentum", "decay", "sgd"), ("nesterov", "decay", "sgd"), ("adamw", "weight_decay", "adam")],
)
def test_an_optimizer_without_its_addition_is_the_simpler_one(general, zero, special, params):
    got = minimise(lambda: made(general, learning_rate=0.05, **{zero: 0.0}), params)
    assert_close(got, minimise(lambda: made(special, learning_rate=0.05), params), rtol=0, atol=NUM_STEPS * 2 * 2**-23)


@pytest.mark.parametrize("nesterov", [True, False])
def test_increasing_momentum_is_a_loop_over_its_decays(nesterov, params):
    """By hand: of 12 updates the decay grows every 3, to at most 0.7, and is 0.6 in the last 4 and what follows."""
    decays = [0.5, 0.5, 0.5, 0.7, 0.7, 0.7, 0.7, 0.7, *[0.6] * 5]
    optimizer = increasing_momentum(
        num_steps=12, learning_rate=1.0, max_decay=0.7, final_decay=0.6, interval=3.0, num_final_steps=4,
        nesterov=nesterov, schedule=constant(num_steps=12), clip_norm=None,
    )  # fmt: skip
    gradients, state, trace = np.random.default_rng(0).normal(size=12), optimizer.init(jnp.zeros(1)), 0.0
    update = jax.jit(optimizer.update)
    for step, gradient in enumerate(gradients):
        trace = decays[step] * trace + gradient
        expected = gradient + decays[step + 1] * trace if nesterov else trace
        got, state = update(jnp.full(1, gradient, jnp.float32), state)
        np.testing.assert_allclose(got, [-expected], rtol=1e-5, atol=1e-6)


def test_schedule_multiplies_the_learning_rate(params):
    """With gradient 1 the t-th update of SGD is minus the learning rate times the factor."""
    schedule = warmup_cosine(num_steps=10, warmup_fraction=0.3, final_fraction=0.1)
    optimizer = made("sgd", learning_rate=0.5, schedule=schedule)
    ones = jax.tree.map(jnp.ones_like, params)
    state = optimizer.init(params)
    for step in range(10):
        update, state = optimizer.update(ones, state)
        np.testing.assert_array_equal(update["bias"], jnp.full(3, -0.5 * schedule(jnp.int32(step))))
