"""Bottlenecks, terms and models of one's own: trained like those that are here, or refused in one line."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from ae_jax.bottlenecks import Bottled, Bottleneck
from ae_jax.errors import UserError
from ae_jax.models import AbstractAutoencoder, functional
from ae_jax.models.check import check_variables, checked_examples
from ae_jax.training import Status
from ae_jax.training.checkpoint import Checkpoints, restore_state
from ae_jax.training.epoch import init_state
from ae_jax.training.objective import term_names
from tests.training.layers import assert_same, compiled, experiment_with, train


def own(*, params=None, state=None, terms=None, next_state=None, scale=False):
    """A bottleneck that multiplies the code by a learned scale, with whatever else is asked for."""

    def init(key, code):
        made = {"scale": jnp.ones(code.shape[-1])} if scale else {}
        return {**made, **(params() if params else {})}, state() if state else {}

    def multiplied(params, code):
        return code * params["scale"][None, :] if scale else code

    def apply(params, state, key, code, weights):
        made = terms(code) if terms else {}
        return Bottled(multiplied(params, code), made, next_state(state) if next_state else state)

    return Bottleneck(apply, lambda params, state, code: multiplied(params, code), init)


def with_own(*overrides, **options):
    experiment = experiment_with(None, *overrides)
    structure = experiment.structure._replace(make_bottleneck=lambda **_: own(**options))
    return experiment._replace(structure=structure)


def terms_of(experiment):
    return term_names(experiment.structure, experiment.run, experiment.inputs.num_features)


REFUSED = {
    "taken: loss": ({"terms": lambda code: {"loss": code.sum(axis=1)}}, "objective: 'loss' cannot be the name of a te"),
    "taken: sse": ({"terms": lambda code: {"sse": code.sum(axis=1)}}, "objective: 'sse' cannot be the name of a term:"),
    "taken: objective": (
        {"terms": lambda code: {"objective": code.sum(axis=1)}},
        "objective: 'objective' cannot be the name of a term: it is taken; call it otherwise",
    ),
    "taken: distortion": (
        {"terms": lambda code: {"distortion": code.sum(axis=1)}},
        "bottleneck: 'distortion' cannot be the name of a term: the objective has it; call it otherwise",
    ),
    "no name": ({"terms": lambda code: {"k.l": code.sum(axis=1)}}, "objective: 'k.l' cannot be the name of a term: it"),
    "one number": ({"terms": lambda code: {"kl": code.sum()}}, r"bottleneck: kl has shape \(\) of 1009 examples, expe"),
    "other axis": ({"terms": lambda code: {"kl": code.sum(axis=0)}}, r"bottleneck: kl has shape \(4,\) of 1009"),
    "matrix": ({"terms": lambda code: {"kl": code[:, :1]}}, r"bottleneck: kl has shape \(1009, 1\) of 10"),
    "integers": (
        {"params": lambda: {"codes": jnp.arange(3)}},
        "bottleneck: has codes, a parameter of int32, which has no gradient; make it an nnx.Variable",
    ),
    "random key": ({"state": lambda: {"key": jax.random.key(0)}}, "bottleneck: keeps a random key in key, which is n"),
    "nothing": ({"state": lambda: {"codes": jnp.zeros((0, 3))}}, "bottleneck: has codes, an array without a value, w"),
    "another shape": (
        {"state": lambda: {"mean": jnp.zeros(2)}, "next_state": lambda state: {"mean": jnp.zeros(3)}},
        "objective: what it carries from step to step has other arrays after a step than before it; keep names",
    ),
    "another type": (
        {"state": lambda: {"count": jnp.int32(0)}, "next_state": lambda state: {"count": state["count"] + 0.5}},
        "objective: what it carries from step to step has other arrays after a step than before it; keep names",
    ),
}


FAST = ("taken: objective", "taken: distortion", "matrix", "random key", "another type")


@pytest.mark.parametrize(
    "name", [name if name in FAST else pytest.param(name, marks=pytest.mark.slow) for name in REFUSED]
)
def test_what_makes_no_sense_is_refused_before_anything_is_compiled(name):
    options, says = REFUSED[name]
    with pytest.raises(UserError, match=f"^{says}"):
        terms_of(with_own(**options))


@pytest.mark.slow
def test_parameters_of_a_bottleneck_are_descended_and_kept_like_those_of_the_model(tmp_path):
    experiment = with_own("optimizer=adamw", scale=True)
    assert terms_of(experiment) == ("distortion",)
    group = compiled(experiment, [experiment.run])
    states = [after[0] for after in train(group, num_epochs=4)]
    scale = [state.params.bottleneck["scale"] for state in states]
    assert all(np.abs(after - before).min() > 1e-5 for before, after in itertools.pairwise(scale))
    last = states[-1]
    np.testing.assert_array_equal(last.best.params.bottleneck["scale"], scale[int(last.best.epoch) - 1])
    averaged = [leaf for leaf in jax.tree.leaves(last.opt_state) if leaf.shape == (4,)]
    assert sum(np.abs(leaf).min() > 0 for leaf in averaged) >= 2
    with Checkpoints(tmp_path / "own", about={"config": {}}, least_seconds=0) as checkpoints:
        checkpoints.save(states[1])
    abstract = jax.eval_shape(lambda run: init_state(experiment.structure, run, num_train=250), experiment.run)
    restored = jax.tree.map(np.asarray, restore_state(tmp_path / "own", abstract, at_most=9))
    assert_same(restored, states[1])
    assert_same(train(group, [restored], num_epochs=4)[-1][0], last)


@pytest.mark.slow
def test_an_optimizer_may_leave_parameters_of_a_bottleneck_alone():
    def masked(**values):
        def mask(params):
            everything = jax.tree.map(lambda _: True, params)
            return everything._replace(bottleneck=jax.tree.map(lambda _: False, params.bottleneck))

        freeze = optax.masked(optax.set_to_zero(), lambda params: jax.tree.map(lambda leaf: not leaf, mask(params)))
        return optax.chain(optax.masked(optax.adam(1e-2), mask), freeze)

    experiment = with_own(scale=True)
    structure = experiment.structure._replace(make_optimizer=masked)
    states = train(compiled(experiment._replace(structure=structure), [experiment.run]), num_epochs=2)
    np.testing.assert_array_equal(states[-1][0].params.bottleneck["scale"], np.ones(4))
    assert states[-1][0].status == Status.RUNNING


@pytest.mark.slow
def test_a_cost_that_is_no_number_is_a_divergence_even_where_it_weighs_nothing():
    """0 times infinity is no number: the run says so, and keeps what it had."""
    experiment = with_own("objective.beta=0.0", terms=lambda code: {"cost": jnp.full(len(code), jnp.inf)})
    experiment = experiment._replace(structure=experiment.structure._replace(terms=terms_of(experiment)))
    (state,) = train(compiled(experiment, [experiment.run]), num_epochs=2)[-1]
    assert state.status == Status.DIVERGED
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(state.params))


class Odd(AbstractAutoencoder):
    """A model that keeps something in a variable, in a way of its own."""

    def __init__(self, first, follow, *, rngs):
        self.linear, self.back = nnx.Linear(6, 2, rngs=rngs), nnx.Linear(2, 6, rngs=rngs)
        self.kept, self.follow = nnx.Variable(first), follow

    def encode(self, x):
        self.kept.set_value(self.follow(self.kept.get_value(), x))
        return self.linear(x)

    def decode(self, latent):
        return self.back(latent)


def odd(first, follow):
    model = functional(lambda rngs: Odd(first(), follow, rngs=rngs), 6)
    check_variables(model)
    return checked_examples(model, 6, jax.ShapeDtypeStruct((1, 2), jnp.float32))


COUPLES = {
    "counts steps": (lambda: jnp.int32(0), lambda kept, x: kept + 1, False),
    "follows slowly": (lambda: jnp.ones(()), lambda kept, x: 0.9999 * kept + 0.0001 * x.mean(), True),
    "counts examples": (lambda: jnp.int32(0), lambda kept, x: kept + len(x), True),
}


@pytest.mark.parametrize(
    "name", ["follows slowly", *(pytest.param(name, marks=pytest.mark.slow) for name in COUPLES if name[0] == "c")]
)
def test_a_state_that_depends_on_the_examples_couples_them(name):
    first, follow, couples = COUPLES[name]
    assert odd(first, follow).couples == couples


@pytest.mark.parametrize(
    ("first", "follow", "says"),
    [
        (lambda: jnp.int32(0), lambda kept, x: kept + 0.5, r"int32 of shape \(\), float32 of shape \(\); keep shape"),
        (
            lambda: jnp.ones(2),
            lambda kept, x: jnp.ones(3),
            r"float32 of shape \(2,\), float32 of shape \(3,\); keep sh",
        ),
    ],
)
def test_a_variable_of_another_type_or_shape_after_a_step_is_refused(first, follow, says):
    with pytest.raises(UserError, match=rf"^model: encode makes kept, {says}"):
        odd(first, follow)


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (
            ("bottleneck=vq", "bottleneck.num_tokens=3"),
            r"bottleneck\.num_tokens: 3 parts do not divide the 4 latent dime",
        ),
        (
            ("bottleneck=top_k", "bottleneck.num_active=5"),
            r"bottleneck\.num_active: 5 is more than the 4 latent dimens",
        ),
        (("objective=iwae",), "objective=iwae: weighs latents by their density, and the bottleneck has none; choose"),
        (("trainer.monitor=kl",), "trainer.monitor: 'kl' is no term of this objective; "),
        (
            ("bottleneck=gaussian", "model.latent_activation=tanh"),
            "model.latent_activation: is for a code that is the l",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused_before_anything_is_compiled(overrides, says):
    with pytest.raises(UserError, match=f"^{says}"):
        experiment_with(None, *overrides)


@pytest.mark.slow
def test_batch_statistics_have_no_jacobian():
    with pytest.raises(UserError, match=r"^objective=contractive: needs an encoder that computes each example by itse"):
        experiment_with("batch_norm", "objective=contractive")
    with pytest.raises(UserError, match=r"^objective=iwae: weighs latents by their density"):
        experiment_with("batch_norm", "objective=iwae")


@pytest.mark.slow
@pytest.mark.parametrize(
    "overrides",
    [
        ("bottleneck=top_k", "bottleneck.num_active=4"),
        ("bottleneck=vq", "bottleneck.num_codes=1", "objective.beta=0.0"),
        ("bottleneck=vq", "trainer.precision=bfloat16"),
        ("bottleneck=gaussian", "model.tied_weights=true", "trainer.monitor=validation_kl"),
        ("bottleneck=gaussian", "trainer.precision=bfloat16", "objective=iwae", "trainer.monitor=sse"),
        ("objective=contractive", "trainer.precision=bfloat16", "bottleneck=l1"),
        ("bottleneck=top_k", "trainer.precision=bfloat16"),
    ],
    ids="+".join,
)
def test_what_one_may_ask_for_trains(overrides):
    experiment = experiment_with(None, *overrides)
    states = [after[0] for after in train(compiled(experiment, [experiment.run]), num_epochs=3)]
    assert states[-1].status == Status.RUNNING
    assert np.isfinite(states[-1].best.validation_loss)
    assert {leaf.dtype for leaf in jax.tree.leaves((states[-1].params, states[-1].carried))} == {np.dtype(np.float32)}
    changed = [
        np.any(a != b) for a, b in zip(*(map(jax.tree.leaves, (states[0].params, states[-1].params))), strict=True)
    ]
    assert all(changed)


@pytest.mark.slow
def test_top_k_of_all_is_no_bottleneck():
    everything, none = (
        train(compiled(one, [one.run]), num_epochs=2)[-1][0]
        for one in (experiment_with(None, "bottleneck=top_k", "bottleneck.num_active=4"), experiment_with(None))
    )
    for ours, theirs in zip(jax.tree.leaves(everything.params), jax.tree.leaves(none.params), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
