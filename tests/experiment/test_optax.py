"""Every optimizer of Optax that can be called with plain values makes a step; of the others one line says why not."""

import inspect
import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import optax
import optax.contrib
import pytest

from ae_jax.config import check
from ae_jax.config.targets import bind, check_target
from ae_jax.errors import UserError
from ae_jax.experiment import build
from ae_jax.experiment.check import check_optimizer
from ae_jax.runs.folder import RunFolder
from ae_jax.training.objective import abstract_params

# Those that make no step of plain values, and why, as the line says it.
VALUE, EXAMPLES, OBJECT = (
    "missing .* required keyword-only arguments?: 'value'",
    "to have a batch dimension",
    "an object",
)
CANNOT = {
    # They need the value of the objective, or the objective itself, which an optimizer is not given.
    **dict.fromkeys(("lbfgs", "polyak_sgd", "momo", "momo_adam", "reduce_on_plateau"), VALUE),
    "sophia": "obj_fn must be provided",
    # The gradient of each example.
    **dict.fromkeys(("dpsgd", "differentially_private_aggregate"), EXAMPLES),
    # What no checkpoint holds.
    "noisy_sgd": "keeps random keys",
    "galore": "keeps arrays without a value",
    # Another optimizer, that the config has to name: see below for those that then make one.
    **dict.fromkeys(("lookahead", "mechanize", "sam", "schedule_free", "split_real_and_imaginary"), OBJECT),
}


def optimizers(module: ModuleType) -> dict[str, Any]:
    """What makes an optimizer or a part of one."""
    return {
        f"{module.__name__}.{name}": item
        for name, item in vars(module).items()
        if inspect.isfunction(item) and "GradientTransf" in str(inspect.signature(item).return_annotation)
    }


ALL = optimizers(optax) | optimizers(optax.contrib)


def required(item: Any) -> dict[str, Any]:
    """A plain value for each parameter that has to be given."""
    ints = ("seed", "key", "every_k_schedule")
    parameters = inspect.signature(item).parameters.values()
    named = (one.name for one in parameters if one.default is one.empty and one.kind not in (one.VAR_POSITIONAL,))
    return {
        name: 1 if name.startswith(("max_", "num_")) or name in ints else 0.01 for name in named if name != "kwargs"
    }


@pytest.fixture(scope="module")
def experiment(sealed_home, compose) -> build.Experiment:
    """What is trained has parameters of the model, and a bottleneck that has none."""
    return build.build(compose("model=linear", "model.latent_size=2"))


@pytest.fixture
def step_of(experiment) -> Callable[..., None]:
    """Check and build an optimizer as for a run, and trace a step of two runs."""

    def step_of(target: str, **options: Any) -> None:
        check_target("optimizer._target_", target)
        checked = check._check_component("optimizer", {"_target_": target, **options})
        fixed, values = check.split_values("optimizer", checked)
        structure = experiment.structure._replace(make_optimizer=bind(fixed), num_epochs=1)
        values = jax.tree.map(jnp.float32, values)
        run = experiment.run._replace(values={**experiment.run.values, "optimizer": values})
        check_optimizer(target, structure, run)

        def step(values: Any, params: Any) -> Any:
            optimizer = structure.make_optimizer(**values, num_steps=1)
            updates, _ = optimizer.update(params, optimizer.init(params), params)
            return optax.apply_updates(params, updates)

        one, _ = abstract_params(structure, run)
        params = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((2, *leaf.shape), leaf.dtype), one)
        stacked = jax.tree.map(lambda leaf: jnp.full(2, leaf), values)
        assert jax.eval_shape(jax.vmap(step, axis_size=2), stacked, params) == params

    return step_of


@pytest.mark.parametrize("module", [optax, optax.contrib], ids=["optax", "contrib"])
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
@pytest.mark.slow
def test_every_optimizer_makes_a_step_or_is_refused_in_one_line(module, step_of):
    refused = {}
    with jax.numpy_rank_promotion("allow"):
        for target, item in optimizers(module).items():
            try:
                step_of(target, **required(item))
            except UserError as error:
                refused[target.rpartition(".")[2]] = str(error)
    assert all(line.startswith("optimizer") for line in refused.values())
    alias = "optax._src.alias" if module is optax else "optax.contrib"
    made = {target.rpartition(".")[2] for target, item in ALL.items() if item.__module__.startswith(alias)}
    cannot = {name: line for name, line in refused.items() if name in made and "scale_by" not in name}
    assert cannot.keys() == CANNOT.keys() & made
    assert {name for name, line in cannot.items() if not re.search(CANNOT[name], line)} == set()


@pytest.mark.parametrize(
    ("target", "options", "problem"),
    [
        ("optax.lbfgs", {}, "optimizer=optax.lbfgs: cannot make a step .* 'value_fn'"),
        ("optax.noisy_sgd", {"learning_rate": 0.1, "key": 1}, "optimizer=optax.noisy_sgd: keeps random keys"),
        (
            "optax.contrib.schedule_free",
            {"learning_rate": 0.1, "base_optimizer": 1},
            "optimizer.base_optimizer: is for",
        ),
        ("optax.lion", {}, "optimizer.learning_rate: is missing"),
        ("optax.lion", {"learning_rate": "fast"}, "optimizer.learning_rate: input should be"),
    ],
)
def test_the_line_says_which_and_why(target, options, problem, step_of):
    with pytest.raises(UserError, match=f"^{problem}"):
        step_of(target, **options)


RATE = "ae_jax.optimizers.schedules.learning_rate"
SHAPE = "ae_jax.optimizers.schedules.warmup_cosine"
WARM_UP = {"_target_": SHAPE, "warmup_fraction": 0.1, "final_fraction": 0.0}


@pytest.mark.parametrize("target", ["optax.lion", "optax.contrib.prodigy", "optax.contrib.muon"])
def test_a_scheduled_learning_rate_in_an_optimizer_of_optax(target, step_of):
    with jax.numpy_rank_promotion("allow"):
        step_of(target, learning_rate={"_target_": RATE, "peak": 0.1, "schedule": WARM_UP})


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["own", "optax"])
def test_prodigy_trains_on_digits_with_a_warm_up(optimizer, train, tmp_path):
    """A twentieth of the updates; the variance of digits is 18.8 in sse."""
    rate = f"{{_target_:{RATE},peak:1.0,schedule:{{_target_:{SHAPE},warmup_fraction:0.1,final_fraction:0.0}}}}"
    foreign = f"+optimizer={{_target_:optax.contrib.prodigy,learning_rate:{rate}}}"
    chosen = (
        ("optimizer=prodigy", "optimizer/schedule=warmup_cosine") if optimizer == "own" else ("~optimizer", foreign)
    )
    whole = ("trainer.num_epochs=50", "trainer.max_train_examples=null", "model.latent_size=16")
    outcome = train(tmp_path / "run", *chosen, *whole)
    assert outcome.state == "completed"
    assert RunFolder(tmp_path / "run").summary["test"]["sse"] < 5


def test_a_shape_is_no_learning_rate(step_of):
    """Its peak is 1, and its first factor 0."""
    with pytest.raises(
        UserError, match=r"^optimizer\.learning_rate\._target_: .*warmup_cosine' is no .*LearningRate; "
    ):
        step_of("optax.lion", learning_rate=WARM_UP)


def test_a_schedule_of_optax_is_a_learning_rate_or_is_refused_in_one_line(step_of):
    cosine = {"_target_": "optax.cosine_decay_schedule", "init_value": 0.1, "decay_steps": 10}
    step_of("optax.lion", learning_rate=cosine)
    cosine |= {"_target_": "optax.warmup_cosine_decay_schedule", "peak_value": 0.1, "warmup_steps": 1}
    with pytest.raises(UserError, match=r"^optimizer=optax\.lion: branches on a number .*schedules\.learning_rate"):
        step_of("optax.lion", learning_rate=cosine)


def test_an_optimizer_within_another_and_null_for_one(step_of):
    sgd = {"_target_": "optax.sgd", "learning_rate": 0.1, "momentum": 0.9}
    with jax.numpy_rank_promotion("allow"):
        step_of("optax.contrib.schedule_free", learning_rate=0.1, base_optimizer=sgd)
        step_of("optax.lbfgs", linesearch=None, learning_rate=0.1)
        step_of("optax.contrib.mechanize", base_optimizer=sgd)
        step_of("optax.apply_if_finite", inner=sgd, max_consecutive_errors=3)
        with pytest.raises(UserError, match=r"^optimizer=optax\.lookahead: cannot make a step"):
            step_of("optax.lookahead", fast_optimizer=sgd, sync_period=2, slow_step_size=0.5)  # two sets of parameters
    with pytest.raises(UserError, match=r"^optimizer\.base_optimizer\._target_: 'optax.tree.sum' is not in an allowed"):
        check_target("optimizer.base_optimizer._target_", "optax.tree.sum")
