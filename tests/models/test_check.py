"""A model is parameters and a function of each example: what is more would be trained and measured wrongly."""

from pathlib import Path

import jax
import jax.numpy as jnp
import pytest
from flax import nnx

from ae_jax.config import compose as composition
from ae_jax.errors import UserError
from ae_jax.experiment import build
from ae_jax.models import AbstractAutoencoder, functional
from ae_jax.models.check import check_examples, check_state

CONF = Path(__file__).parents[2] / "conf"


class Model(AbstractAutoencoder):
    """Linear, with a part that is called on the code, and a variable."""

    def __init__(self, part=lambda rngs: lambda z: z, variable=None, *, rngs, feature_shape=(4,)):
        self.first, self.second = nnx.Linear(4, 2, rngs=rngs), nnx.Linear(2, 4, rngs=rngs)
        self.part, self.variable = part(rngs), variable() if variable else None

    def encode(self, x):
        return self.part(self.first(x))

    def decode(self, latent):
        return self.second(latent)


class Own(nnx.Variable):
    """A kind of the user's own."""


STATE = {
    "part.mean, a BatchStat": {"part": lambda rngs: nnx.BatchNorm(2, rngs=rngs)},
    "part.rngs.count, a RngCount": {"part": lambda rngs: nnx.Dropout(0.5, rngs=nnx.Rngs(dropout=0))},
    "variable, a Variable": {"variable": lambda: nnx.Variable(jnp.ones(2))},
    "variable, a Own": {"variable": lambda: Own(jnp.ones(2))},
    "variable, a Cache": {"variable": lambda: nnx.Cache(jnp.ones(2))},
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
    return functional(lambda rngs: Model(rngs=rngs, **options))


@pytest.mark.parametrize(("says", "options"), STATE.items())
def test_state_that_is_no_parameter_is_named(says, options):
    with pytest.raises(UserError, match=rf"^model: has {says}.*: state that is no parameter is not supported yet; use"):
        check_state(made(**options).abstract_params)


def test_an_array_that_is_no_variable_is_refused():
    def part(_):
        scale = jnp.ones((1, 2))
        return lambda z: z * scale

    with pytest.raises(UserError, match=r"^model: keeps an array that is no nnx\.Param"):
        check_examples(made(part=part), 4)


@pytest.mark.parametrize("part", COUPLED.values(), ids=COUPLED)
def test_examples_that_depend_on_each_other_are_refused(part):
    with pytest.raises(UserError, match=r"^model: encode gives an example another result when it is with other"):
        check_examples(made(part=lambda rngs: part), 4)


@pytest.mark.parametrize("part", ALONE.values(), ids=ALONE)
def test_a_function_of_each_example_is_a_model(part):
    model = made(part=lambda rngs: part)
    check_state(model.abstract_params)
    check_examples(model, 4)


@pytest.mark.parametrize(
    ("part", "problem"),
    [
        (lambda z: z.sum(axis=1), r"encode makes \(5,\) of \(5, 4\), expected \(examples, latent\)"),
        (lambda z: z[:, None, :], r"encode makes \(5, 1, 2\) of \(5, 4\)"),
    ],
)
def test_other_shapes_are_said(part, problem, monkeypatch):
    monkeypatch.setattr(Model, "decode", lambda self, latent: jnp.zeros((len(latent), 4)))
    with pytest.raises(UserError, match=f"^model: {problem}"):
        check_examples(made(part=lambda rngs: part), 4)


@pytest.mark.parametrize("name", sorted(path.stem for path in (CONF / "model").glob("*.yaml")))
def test_every_model_here_is_one(name):
    experiment = build.build(composition.checked(composition.compose([f"model={name}", "tracking.mode=disabled"])))
    check_examples(experiment.model, experiment.dataset.num_features)


def test_random_numbers_after_the_initialisation_are_refused(monkeypatch):
    experiment = build.build(composition.checked(composition.compose(["tracking.mode=disabled"])))
    dropout = lambda **given: Model(lambda rngs: nnx.Dropout(0.5, rngs=rngs), **given)  # noqa: E731 - as a target
    monkeypatch.setattr(build, "bind", lambda _: dropout)
    with pytest.raises(UserError, match=r"^model: draws random numbers after its initialisation \(No RngStream"):
        build._model({"_target_": "own.Model"}, experiment.inputs, experiment.options)
