"""What a model may be: any layers of Flax, as long as it can be trained, saved, and used for each example by itself."""

import math
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from ae_jax.config import compose as composition
from ae_jax.errors import UserError
from ae_jax.experiment import build
from ae_jax.models import AbstractAutoencoder, functional
from ae_jax.models.check import check_variables, checked_examples

CONF = Path(__file__).parents[2] / "conf"
CODE = jax.ShapeDtypeStruct((1, 2), jnp.float32)


class Model(AbstractAutoencoder):
    """Linear, with a part that is called on the code, and a variable."""

    def __init__(self, part=lambda rngs: lambda z: z, variable=None, *, rngs, feature_shape=(4,)):
        num_features = math.prod(feature_shape)
        self.first, self.second = nnx.Linear(num_features, 2, rngs=rngs), nnx.Linear(2, num_features, rngs=rngs)
        self.part, self.variable = part(rngs), variable(rngs) if variable else None

    def encode(self, x):
        return self.part(self.first(x))

    def decode(self, latent):
        return self.second(latent)


class Own(nnx.Variable):
    """A kind of the user's own."""


class Counter(nnx.Module):
    """Counts its calls, and adds as much."""

    def __init__(self, _):
        self.calls = Own(jnp.zeros((), jnp.int32))

    def __call__(self, z):
        self.calls[...] += 1
        return z + self.calls[...]


class Scaled(nnx.Module):
    """Keeps an array that is no variable."""

    def __init__(self, _):
        self.scale = nnx.data(jnp.full((1, 2), 3.0))

    def __call__(self, z):
        return z * self.scale


class Noisy(nnx.Module):
    """Draws, whether in training or not."""

    def __init__(self, rngs):
        self.rngs = rngs

    def __call__(self, z):
        return z + jax.random.normal(self.rngs.noise(), z.shape)


class Growing(nnx.Module):
    """Makes a variable where it is called."""

    def __init__(self, _):
        pass

    def __call__(self, z):
        self.seen = Own(z.sum())
        return z


# Layers with state or chance, whether examples depend on each other in them, and whether training changes the state.
STATEFUL = {
    "statistics": (lambda rngs: nnx.BatchNorm(2, rngs=rngs), True, True),
    "dropout": (lambda rngs: nnx.Dropout(0.5, rngs=rngs), False, False),
    "spectral norm": (lambda rngs: nnx.SpectralNorm(nnx.Linear(2, 2, rngs=rngs), rngs=rngs), False, True),
    "a counter": (Counter, False, True),
    "a plain array": (Scaled, False, False),
}
VARIABLES = {
    "a variable": lambda rngs: nnx.Variable(jnp.ones(2)),
    "a kind of one's own": lambda rngs: Own(jnp.ones(2)),
    "a cache": lambda rngs: nnx.Cache(jnp.ones(2)),
}
COUPLED = {
    "mean": lambda z: z - z.mean(axis=0, keepdims=True),
    "attention": lambda z: jax.nn.softmax(z @ z.T, axis=-1) @ z,
    "largest": lambda z: z / jnp.abs(z).max(),
    "order": lambda z: jnp.cumsum(z, axis=0),
    "neighbour": lambda z: z + jnp.roll(z, 1, axis=0),
    "number": lambda z: z * z.shape[0],
}
ALONE = {
    "nothing": lambda z: z,
    "norm": lambda z: (z - z.mean(axis=1, keepdims=True)) / (1 + z.std(axis=1, keepdims=True)),
    "not a number": lambda z: jnp.log(z),
}


def made(**options):
    return functional(lambda rngs: Model(rngs=rngs, **options), 4)


def checked(model):
    check_variables(model)
    return checked_examples(model, 4, CODE)


@pytest.mark.parametrize(
    ("part", "couples", "changes"),
    [
        pytest.param(*case, id=name, marks=[] if name == "dropout" else pytest.mark.slow)
        for name, case in STATEFUL.items()
    ],
)
def test_layers_with_state_or_chance_are_models(part, couples, changes):
    """What they carry goes on from step to step in training, stays as it is after, and no result draws then."""
    model = checked(made(part=part))
    assert model.couples == couples
    params, state = model.init(jax.random.key(0))
    assert {type(leaf) for leaf in jax.tree.leaves(nnx.to_pure_dict(params))} <= {type(jnp.ones(1))}
    x = jax.random.normal(jax.random.key(1), (6, 4))
    _, after = model.train_encode(params, state, jax.random.key(2), x)
    same = jax.tree.map(np.array_equal, state, after)
    assert all(jax.tree.leaves(same)) != changes
    np.testing.assert_array_equal(model.encode(params, after, x), model.encode(params, after, x))
    np.testing.assert_allclose(model.encode(params, after, x)[2:3], model.encode(params, after, x[2:3]), rtol=1e-5)


def test_dropout_draws_from_the_key_of_the_step_in_training_alone():
    model = made(part=lambda rngs: nnx.Dropout(0.5, rngs=rngs))
    params, state = model.init(jax.random.key(0))
    x = jnp.ones((200, 4))
    one, again, other = (model.train_encode(params, state, jax.random.key(seed), x)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    plain = np.asarray(model.encode(params, state, x))
    kept = np.asarray(one) != 0
    assert not np.array_equal(one, other)
    # 400 coins: mean 200, standard deviation 10; five of those either way.
    assert abs(kept.sum() - 200) < 50
    np.testing.assert_allclose(np.asarray(one)[kept], 2 * plain[kept], rtol=1e-6)


def test_batch_statistics_are_those_of_their_definition():
    """In training each batch is normalised by its own; after it, by what was averaged."""
    model = made(part=lambda rngs: nnx.BatchNorm(2, momentum=0.9, rngs=rngs))
    params, state = model.init(jax.random.key(0))
    x = jax.random.normal(jax.random.key(1), (50, 4))
    kernel, bias = (np.asarray(params["first"][name][...], np.float64) for name in ("kernel", "bias"))
    z = np.asarray(x, np.float64) @ kernel + bias
    trained, after = model.train_encode(params, state, jax.random.key(0), x)
    np.testing.assert_allclose(trained, (z - z.mean(0)) / np.sqrt(z.var(0) + 1e-5), rtol=1e-4, atol=1e-5)
    mean, variance = 0.1 * z.mean(0), 0.9 + 0.1 * z.var(0)
    np.testing.assert_allclose(after["part"]["mean"][...], mean, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(after["part"]["var"][...], variance, rtol=1e-4)
    evaluated = model.encode(params, after, x)
    np.testing.assert_allclose(evaluated, (z - mean) / np.sqrt(variance + 1e-5), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("variable", VARIABLES.values(), ids=VARIABLES)
def test_a_variable_that_is_no_parameter_is_carried_and_not_descended(variable):
    model = checked(made(variable=variable))
    assert "variable" not in model.abstract_params
    assert model.abstract_state["variable"].shape == (2,)
    assert not model.couples


def test_an_array_that_a_function_closes_over_is_refused():
    def part(_):
        scale = jnp.ones((1, 2))
        return lambda z: z * scale

    with pytest.raises(UserError, match=r"^model: keeps an array that is no nnx\.Param"):
        checked(made(part=part))


REFUSED = {
    "a parameter without gradient": (
        {"variable": lambda rngs: nnx.Param(jnp.ones(2, jnp.int32))},
        r"has variable, a parameter of int32, which has no gradient; make it an nnx\.Variable",
    ),
    "a random key": (
        {"variable": lambda rngs: Own(jax.random.key(0))},
        "keeps a random key in variable, which is neither a parameter nor a stream; keep `rngs`",
    ),
    "draws in evaluation": ({"part": Noisy}, "encode draws random numbers in evaluation too; draw in training only"),
    "makes variables": ({"part": Growing}, "encode makes variables, or takes some away; make all in the constructor"),
}


@pytest.mark.parametrize(("options", "says"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_trained_or_saved_is_refused_in_one_line(options, says):
    with pytest.raises(UserError, match=rf"^model: {says}") as refused:
        checked(made(**options))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("part", COUPLED.values(), ids=COUPLED)
def test_examples_that_depend_on_each_other_in_evaluation_are_refused(part):
    with pytest.raises(UserError, match=r"^model: encode gives an example another result when it is with other"):
        checked(made(part=lambda rngs: part))


@pytest.mark.parametrize("part", ALONE.values(), ids=ALONE)
def test_a_function_of_each_example_is_a_model(part):
    assert not checked(made(part=lambda rngs: part)).couples


@pytest.mark.parametrize(
    ("part", "problem"),
    [
        (lambda z: z.sum(axis=1), r"encode makes \(5,\) of \(5, 4\), expected \(examples, code\)"),
        (lambda z: z[:1], r"encode makes \(1, 2\) of \(5, 4\)"),
    ],
)
def test_other_shapes_of_a_code_are_said(part, problem):
    with pytest.raises(UserError, match=f"^model: {problem}"):
        checked(made(part=lambda rngs: part))


def test_other_shapes_of_the_outputs_are_said(monkeypatch):
    monkeypatch.setattr(Model, "decode", lambda self, latent: latent)
    with pytest.raises(UserError, match=r"^model: decode\(encode\(x\)\) makes \(5, 2\) of \(5, 4\), expected the same"):
        checked(made())


@pytest.mark.parametrize("name", sorted(path.stem for path in (CONF / "model").glob("*.yaml")))
def test_every_model_here_is_one(name):
    experiment = build.build(composition.checked(composition.compose([f"model={name}", "tracking.mode=disabled"])))
    model = experiment.model
    check_variables(model)
    assert not checked_examples(model, experiment.dataset.num_features, model.abstract_code).couples


@pytest.mark.slow
@pytest.mark.parametrize("part", [part for part, _, _ in STATEFUL.values()], ids=STATEFUL)
def test_layers_with_state_or_chance_are_built(part, monkeypatch):
    experiment = build.build(composition.checked(composition.compose(["tracking.mode=disabled"])))
    monkeypatch.setattr(build, "bind", lambda _: lambda code_width, **given: Model(part, **given))
    config = {"model": {"_target_": "own.Model"}, "bottleneck": {"_target_": "ae_jax.bottlenecks.none.none"}}
    model = build._model(config, experiment.inputs, experiment.options, experiment.bottleneck, experiment.loss)
    params, state = model.init(jax.random.key(0))
    assert model.decode(params, state, model.encode(params, state, jnp.ones((3, 64)))).shape == (3, 64)
