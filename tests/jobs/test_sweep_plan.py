"""Which runs share a program: floats of the value groups and the seed never split, everything else does."""

from copy import deepcopy
from pathlib import Path

import jax
import pytest

from ae_jax.config.check import validate
from ae_jax.config.naming import flatten
from ae_jax.experiment.build import build, build_alike, training_data
from ae_jax.jobs.sweep.plan import estimate_bytes, make_plan
from ae_jax.jobs.sweep.rows import Row
from ae_jax.jobs.train import split_evenly
from ae_jax.training.group import compile_group

CONF = Path(__file__).parents[2] / "conf"
VALUE_GROUPS = ("corruption", "loss", "optimizer", "optimizer/schedule", "trainer")
CHOICES = [f"{group}={path.stem}" for group in VALUE_GROUPS for path in sorted((CONF / group).glob("*.yaml"))]


def changed(config: dict, key: str, item: object) -> dict:
    """A checked copy with another item at a dotted key."""
    other = deepcopy(config)
    *parents, last = key.split(".")
    node = other
    for parent in parents:
        node = node[parent]
    node[last] = item
    return validate(other)


@pytest.fixture(scope="module")
def default(compose) -> dict:
    return compose()


def plan_of(*configs, max_runs=256):
    return make_plan(dict(enumerate(configs)), max_runs=max_runs)


@pytest.mark.parametrize("choice", CHOICES)
def test_every_float_of_every_option_is_a_value(choice, compose):
    config = compose(choice)
    floats = [
        key
        for key, item in flatten(config)
        if isinstance(item, float) and key.split(".")[0] in ("corruption", "loss", "optimizer", "trainer")
    ]
    others = [changed(config, key, 0.123) for key in floats]
    plan = plan_of(config, changed(config, "seed", 7), *others)
    assert [program.jobs for program in plan.programs] == [list(range(2 + len(floats)))]
    assert plan.split_by == []
    assert set(plan.swept) == {"seed", *floats}


@pytest.mark.parametrize(
    "change",
    [
        "model.latent_size=5",
        "model.hidden_sizes=[7]",
        "model.activation=tanh",
        "model.tied_weights=true",
        "trainer.batch_size=64",
        "trainer.num_epochs=3",
        "trainer.patience=3",
        "trainer.data_parallel=2",
        "optimizer.clip_norm=1.0",
        "optimizer=sgd",
        "optimizer/schedule=warmup_cosine",
        "loss=half_sse",
        "corruption=masking",
        "model=linear",
        "dataset.split_seed=3",
        "dataset.test_fraction=0.3",
        "runtime.runs_axis=vmap",
    ],
)
def test_everything_else_is_structure(change, compose, default):
    plan = plan_of(default, compose(change), changed(default, "seed", 3))
    assert [program.jobs for program in plan.programs] == [[0, 2], [1]]
    assert plan.split_by
    assert plan.swept == ["seed"]


def test_what_no_program_sees_does_not_split(compose):
    plan = plan_of(compose(), compose("name=other"), compose("tags=[one]"), compose("tracking.project=other"))
    assert len(plan.programs) == 1


def test_the_keys_that_split_are_named_with_their_values(compose):
    plan = plan_of(*(compose(f"model.latent_size={size}", f"seed={seed}") for size in (2, 4) for seed in (0, 1)))
    assert plan.split_by == ["model.latent_size"]
    assert [program.structure for program in plan.programs] == [{"model.latent_size": 2}, {"model.latent_size": 4}]
    assert plan.groups == [[0, 1], [2, 3]]


def test_large_groups_are_split_evenly(default):
    configs = [changed(default, "seed", seed) for seed in range(7)]
    plan = plan_of(*configs, max_runs=3)
    assert plan.programs[0].pieces == 3
    assert plan.groups == [[0, 1, 2], [3, 4], [5, 6]]
    assert split_evenly(list(range(8)), 4) == [[0, 1], [2, 3], [4, 5], [6, 7]]


@pytest.mark.parametrize("mode", ["debug_nans", "profile"])
def test_runs_that_are_debugged_train_alone(mode, compose):
    plan = plan_of(*(compose(f"seed={seed}", f"runtime.{mode}=true") for seed in range(3)))
    assert plan.groups == [[0], [1], [2]]


@pytest.mark.slow
@pytest.mark.skipif(jax.default_backend() != "cpu", reason="the estimate is tuned to what CPU programs say")
def test_the_estimated_memory_is_near_what_the_program_says(default):
    configs = [changed(default, "seed", seed) for seed in range(8)]
    first = build(configs[0])
    runs = [build_alike(first, config).run for config in configs]
    said = compile_group(first.structure, training_data(first.dataset), runs).program_bytes
    assert said / 2 < estimate_bytes(first, len(runs)) < 2 * said


def test_what_a_structure_lacks_is_neither_a_key_nor_a_value(compose):
    options = ("none", "gaussian", "vq", "vq bottleneck.num_codes=8")
    plan = plan_of(*(compose(*f"bottleneck={option}".split()) for option in options))
    assert plan.split_by == ["bottleneck._target_", "bottleneck.num_codes"]
    assert [program.structure.get("bottleneck.num_codes", "lacks it") for program in plan.programs] == [
        "lacks it", "lacks it", 32, 8
    ]  # fmt: skip
    rows = [Row(plan, at, None, 1).structure for at in range(4)]
    assert rows == [["none", ""], ["gaussian", ""], ["vq", "32"], ["vq", "8"]]
    assert plan_of(*(compose(f"bottleneck={one}") for one in options[:3])).split_by == ["bottleneck._target_"]
