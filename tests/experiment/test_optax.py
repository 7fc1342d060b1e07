"""Every optimizer of Optax that can be called with plain values makes a step; of the others one line says why not."""

import inspect
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import optax
import optax.contrib
import pytest

from ae_jax.bottlenecks.none import none
from ae_jax.config import check
from ae_jax.config.targets import bind, check_target
from ae_jax.errors import UserError
from ae_jax.experiment import build
from ae_jax.models import functional
from ae_jax.models.linear import LinearAutoencoder
from ae_jax.training import Run, Structure

# They need the value of the objective, each example's gradient, random keys or arrays without a value in their state;
# or another optimizer, or a function, that the config has to name.
NEED_MORE = {
    *("lbfgs", "polyak_sgd", "noisy_sgd", "momo", "momo_adam", "dpsgd", "galore", "sophia"),
    *("lookahead", "mechanize", "sam", "schedule_free", "reduce_on_plateau", "differentially_private_aggregate"),
}
MODEL = functional(lambda rngs: LinearAutoencoder(feature_shape=(4,), latent_size=2, code_width=1, rngs=rngs), 4)


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


def step_of(target: str, **options: Any) -> None:
    """Check and build an optimizer as for a run, and trace a step of two runs."""
    check_target("optimizer._target_", target)
    checked = check._check_component("optimizer", {"_target_": target, **options})
    structure, values = check.split_values("optimizer", checked)
    make = bind(structure)
    run = Run(seed=jnp.uint32(0), values={"bottleneck": {}, "optimizer": jax.tree.map(jnp.float32, values)})
    parts: Any = Structure(MODEL, None, none, None, None, make, 1, 1, None)  # type: ignore[arg-type] # what is not asked for
    build._check_optimizer(target, parts, run)

    def step(values: Any, params: Any) -> Any:
        optimizer = make(**values, num_steps=1)
        updates, _ = optimizer.update(params, optimizer.init(params), params)
        return optax.apply_updates(params, updates)

    params = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((2, *leaf.shape), leaf.dtype), MODEL.abstract_params)
    stacked = jax.tree.map(lambda leaf: jnp.full(2, leaf), run.values["optimizer"])
    assert jax.eval_shape(jax.vmap(step, axis_size=2), stacked, params) == params


@pytest.mark.parametrize("module", [optax, optax.contrib], ids=["optax", "contrib"])
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
@pytest.mark.slow
def test_every_optimizer_makes_a_step_or_is_refused_in_one_line(module):
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
    assert {name for name in refused if name in made and "scale_by" not in name} <= NEED_MORE | {
        "split_real_and_imaginary"
    }


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
def test_the_line_says_which_and_why(target, options, problem):
    with pytest.raises(UserError, match=f"^{problem}"):
        step_of(target, **options)


def test_an_optimizer_within_another_and_null_for_one():
    sgd = {"_target_": "optax.sgd", "learning_rate": 0.1, "momentum": 0.9}
    with jax.numpy_rank_promotion("allow"):
        step_of("optax.contrib.schedule_free", learning_rate=0.1, base_optimizer=sgd)
        step_of("optax.lbfgs", linesearch=None, learning_rate=0.1)
    with pytest.raises(UserError, match=r"^optimizer\.base_optimizer\._target_: 'optax.tree.sum' is not in an allowed"):
        check_target("optimizer.base_optimizer._target_", "optax.tree.sum")
