"""The one rule of values and structure, the run's name, types and bounds, and the allow-list."""

import json
import sys
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest

from ae_jax.config import check, naming, targets
from ae_jax.config import compose as composition
from ae_jax.config.naming import CAME_LATER, OPTIONS_CAME_LATER, options_came_later
from ae_jax.errors import UserError
from ae_jax.experiment.build import build
from ae_jax.results import RunFolder

# A module of the user's own, not part of this package.
OWN_MODULE = """
import jax.numpy as jnp
from ae_jax.losses import Loss
from ae_jax.typing import Batch, PerExample, Positive

def log_cosh(*, sharpness: Positive, margin: float, power: int = 2) -> Loss:
    def per_example(outputs: Batch, x: Batch) -> PerExample:
        return jnp.sum(jnp.log(jnp.cosh(sharpness * jnp.abs(outputs - x) ** (power / 2))), axis=-1) + margin
    return Loss(per_example, lambda outputs: outputs)
"""

OWN_LOADER = """
import numpy as np
from ae_jax.datasets import Dataset

def load(*, whole: bool) -> Dataset:
    train, validation, test = (np.random.default_rng(n).random((n, 4)).astype(np.float32) for n in (70, 10, 20))
    data = Dataset(
        name="mine", train=train, validation=validation, test=test, scale=1.0, offset=0.0, feature_shape=(4,),
        unit_interval=True, labels=None, feature_names=None, provenance={},
    )
    return data if whole else (train, test)
"""


@pytest.fixture
def own_module(tmp_path, monkeypatch):
    """Importable, but not allowed."""
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "my_losses.py").write_text(OWN_MODULE)
    monkeypatch.syspath_prepend(str(folder))
    yield "my_losses"
    sys.modules.pop("my_losses", None)


# Types


@pytest.mark.parametrize(
    ("key", "whole", "number"),
    [("optimizer.learning_rate", "1", "1.0"), ("trainer.min_delta", "0", "0.0"), ("optimizer.clip_norm", "5", "5.0")],
)
def test_int_where_a_float_is_meant_is_the_same_run(key, whole, number, compose):
    first, second = compose(f"{key}={whole}"), compose(f"{key}={number}")
    assert naming.run_name(first) == naming.run_name(second)
    assert json.dumps(first) == json.dumps(second)  # 1 == 1.0 in Python, but not in JSON


def test_checking_changes_nothing_else(compose):
    composed = composition.compose(["tracking.mode=disabled"])
    given = {name: composed[name] for name in composed if name != "hydra"}
    checked = compose()
    for key, value in naming.flatten(checked):
        node = given
        for part in key.split("."):
            node = node[part]
        assert node == value, key
    assert check.validate(checked) == checked


def test_validate_leaves_its_argument_alone(compose):
    given = compose("optimizer.learning_rate=1")
    given["optimizer"]["learning_rate"] = 1
    before = deepcopy(given)
    check.validate(given)
    assert given == before
    assert isinstance(given["optimizer"]["learning_rate"], int)


@pytest.mark.parametrize("key", ["seed", "runtime", "runtime.profile", "model", "model.latent_size", "tags"])
def test_missing_key_is_named(key, compose):
    given = compose()
    node = given
    *parents, last = key.split(".")
    for parent in parents:
        node = node[parent]
    del node[last]
    with pytest.raises(UserError, match=rf"^{key}(\.\w+)?: is missing"):
        check.validate(given)


@pytest.mark.parametrize("node", [None, 3, "dense", [], {}, {"latent_size": 3}])
def test_component_has_to_name_its_target(node, compose):
    with pytest.raises(UserError, match=r"^model"):
        check.validate({**compose(), "model": node})


# The run's name


def test_name_is_readable_and_ends_in_the_hash(compose):
    given = compose("corruption=masking", "loss=bce", "seed=7")
    assert naming.run_name(given) == f"digits-dense16-masking-bce-adam-seed7-{naming.config_hash(given)}"


def test_bottleneck_and_objective_are_named_where_they_are_not_the_default(compose):
    given = compose("bottleneck=gaussian", "objective=iwae", "loss=bce")
    assert naming.run_name(given) == f"digits-dense16-gaussian-iwae-bce-adam-seed0-{naming.config_hash(given)}"
    given = compose("objective.beta=4")
    assert naming.run_name(given) == f"digits-dense16-mse-adam-seed0-{naming.config_hash(given)}"


def test_the_longest_name_is_a_folder_and_keeps_the_hash(compose, tmp_path):
    given = compose("seed=4294967295")
    for group in (*check.VALUE_GROUPS, "dataset", "model"):
        given[group] = {"_target_": f"my_parts.{'ä' * 60}"}
    name = naming.run_name({**given, "seed": 1})
    (tmp_path / f"{name}.lock").mkdir()
    assert name.endswith(naming.config_hash({**given, "seed": 1}))
    assert name != naming.run_name({**given, "seed": 2})


@pytest.mark.parametrize(
    "override",
    [
        "tags=[a]",
        "notes=other",
        "name=other",
        "resume=must",
        "tracking.mode=offline",
        "tracking.project=other",
        "runtime.platform=cpu",
        "runtime.print_config=false",
        "runtime.checkpoint_seconds=0",
        "runtime.compile_cache=false",
    ],
)
def test_what_cannot_change_a_result_is_not_in_the_name(override, compose):
    assert naming.run_name(compose(override)) == naming.run_name(compose())


def test_options_and_groups_that_came_later_leave_the_names_of_before(compose, tmp_path):
    """The README's run has its name from before there were a bottleneck and an objective, and what it monitors."""
    given = compose()
    assert naming.run_name(given) == "digits-dense16-mse-adam-seed0-cd68b91a"
    before = deepcopy(given)
    for key in (*options_came_later(given), *CAME_LATER):
        group, _, name = key.partition(".")
        del (before[group] if name else before)[name or group]
    assert set(given) - set(before) == {"bottleneck", "objective", "evaluations"}
    assert set(given["model"]) - set(before["model"]) == {"normalization", "dropout_rate"}
    (tmp_path / "config.json").write_text(json.dumps(before))
    read = RunFolder(tmp_path).config
    assert read == given
    assert naming.config_hash(check.validate(read)) == naming.config_hash(before) == naming.config_hash(given)
    other = compose("trainer.matmul_precision=default")
    assert naming.config_hash(other) != naming.config_hash(given)
    assert naming.asked_differences(given, other) == ["trainer.matmul_precision"]
    assert naming.structure_of(given) != naming.structure_of(other)  # no program has two precisions


@pytest.mark.parametrize(
    "override",
    [
        "dataset=mnist",
        "bottleneck=gaussian",
        "bottleneck=l1",
        "bottleneck=top_k",
        "bottleneck=vq",
        "objective=contractive",
    ],
)
def test_options_of_a_component_that_came_later_leave_its_names_of_before(override, compose, tmp_path):
    given, group = compose(override), override.partition("=")[0]
    later = OPTIONS_CAME_LATER[given[group]["_target_"]]
    before = deepcopy(given) | {group: {key: item for key, item in given[group].items() if key not in later}}
    assert len(before[group]) == len(given[group]) - len(later)
    (tmp_path / "config.json").write_text(json.dumps(before))
    assert RunFolder(tmp_path).config == given
    assert naming.config_hash(before) == naming.config_hash(given)
    others = [given | {group: given[group] | {key: "another"}} for key in later]
    assert len({naming.config_hash(config) for config in (given, *others)}) == 1 + len(later)


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("bottleneck=gaussian", "digits-dense16-gaussian-mse-adam-seed0-"),
        ("objective=contractive", "digits-dense16-contractive-mse-adam-seed0-"),
        ("objective.beta=0.5", "digits-dense16-mse-adam-seed0-"),
        ("trainer.monitor=sse", "digits-dense16-mse-adam-seed0-"),
    ],
)
def test_another_bottleneck_objective_or_monitor_is_another_run(override, named, compose):
    given, other = naming.run_name(compose()), naming.run_name(compose(override))
    assert other.startswith(named)
    assert other.rpartition("-")[2] != given.rpartition("-")[2]


def _changed(key: str, value: object) -> object:
    """Another value of the same kind that the key allows."""
    others = {
        "optimizer.clip_norm": 1.0,
        "trainer.patience": 3,
        "trainer.max_train_examples": 100,
        "trainer.precision": "bfloat16",
        "trainer.matmul_precision": "tensorfloat32",
        "trainer.monitor": "sse",
        "loss.link": "sigmoid",
        "dataset.binarisation": "fixed",
        "model.hidden_sizes": [32],
        "model.activation": "tanh",
        "model.normalization": "batch",
        "model.latent_activation": "tanh",
    }
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    return others[key] if key in others else value * 0.5 + 0.01


def test_every_other_key_changes_the_name(compose):
    given = compose()
    names = {naming.run_name(given)}
    keys = [key for key, _ in naming.flatten(given) if not key.endswith("_target_")]
    keys = [key for key in keys if key.split(".")[0] not in ("name", "resume", "tags", "notes", "tracking", "runtime")]
    keys.remove("trainer.data_parallel")
    assert len(keys) > 20
    for key in keys:
        other = deepcopy(given)
        *parents, last = key.split(".")
        node = other
        for parent in parents:
            node = node[parent]
        node[last] = _changed(key, node[last])
        names.add(naming.run_name(check.validate(other)))
    assert len(names) == 1 + len(keys)
    debugging = {naming.run_name(compose(f"runtime.{key}=true")) for key in ("debug_nans", "profile")}
    assert len(names | debugging) == 3 + len(keys)


def test_options_of_equal_keys_differ_in_name(compose):
    rate = ("corruption.rate=0.1",)
    masking, pepper = (compose(f"corruption={name}", *rate) for name in ("masking", "salt_and_pepper"))
    assert naming.config_hash(masking) != naming.config_hash(pepper)


def test_order_of_keys_does_not_matter(compose):
    given = compose()
    assert naming.config_hash(dict(reversed(given.items()))) == naming.config_hash(given)


def test_differences_name_keys(compose):
    old, new = compose("corruption=masking"), compose("corruption=gaussian", "seed=3")
    assert set(naming.differences(old, new)) == {"seed", "corruption._target_", "corruption.rate", "corruption.scale"}


# Values and structure


def test_floats_are_values_and_everything_else_is_structure(compose):
    given = compose("optimizer/schedule=warmup_cosine", "trainer.patience=3", "optimizer=momentum")
    structure, values = check.split_values("optimizer", given["optimizer"])
    assert values == {
        "learning_rate": 0.01,
        "decay": 0.9,
        "schedule": {"warmup_fraction": 0.05, "final_fraction": 0.0},
    }
    assert structure == {
        "_target_": "ae_jax.optimizers.momentum.momentum",
        "nesterov": False,
        "clip_norm": None,
        "schedule": {"_target_": "ae_jax.optimizers.schedules.warmup_cosine"},
    }
    structure, values = check.split_values("trainer", given["trainer"])
    assert values == {"min_delta": 0.0}
    assert structure["patience"] == 3


@pytest.mark.parametrize(
    ("overrides", "digest"),
    [
        ((), "615e35b0"),
        (("dataset.columns=[a,b]", "dataset.scaling=none"), "79d44a66"),
        (("dataset.header=null", "dataset.exclude_columns=null", "dataset.split_column=null"), "615e35b0"),
    ],
)
def test_options_that_came_later_change_no_hash_until_they_are_used(compose, overrides, digest):
    """The digests are those of the version before there were a header, excluded columns and a split column."""
    given = compose("dataset=array", "dataset.path=my.csv", "tracking.mode=offline", *overrides)
    assert naming.config_hash(given) == digest
    used = compose("dataset=array", "dataset.path=my.csv", *overrides[:-1], "dataset.exclude_columns=[id]")
    assert naming.config_hash(used) != digest
    assert used["dataset"]["exclude_columns"] == ["id"]


def test_floats_of_other_groups_are_structure(compose):
    node = compose()["dataset"]
    assert check.split_values("dataset", node) == (node, {})


def test_runs_share_a_structure_exactly_when_only_values_differ(compose):
    def structures(*overrides: str) -> list:
        given = compose("corruption=masking", "loss=huber", *overrides)
        return [check.split_values(group, given[group])[0] for group in check.VALUE_GROUPS]

    base = structures()
    assert structures("seed=9", "optimizer.learning_rate=0.5", "corruption.rate=0", "loss.delta=2") == base
    assert structures("trainer.batch_size=64") != base
    assert structures("optimizer.clip_norm=1") != base  # null to a number: another program


# Targets


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "builtins.eval",
        "subprocess.run",
        "jaxy.numpy.sin",
        "ae_jax",
        "ae_jax_evil.run",
        "ae_jax.errors.get_close_matches",
        "ae_jax.runs.recorder.subprocess.run",
        "ae_jax.runs.recorder.os.system",
        "ae_jax.datasets.download.Path",
        "ae_jax.config.check.importlib",
        "",
        ".system",
        None,
        ["os.system"],
    ],
)
def test_target_outside_the_allow_list_is_refused(target):
    with pytest.raises(UserError, match=r"^model\._target_: "):
        targets.check_target("model._target_", target)


def test_a_refused_target_is_not_even_imported(own_module, compose):
    with pytest.raises(UserError, match=r"my_losses\.log_cosh"):
        compose(f"loss._target_={own_module}.log_cosh")
    assert own_module not in sys.modules


@pytest.mark.parametrize("added", ["my_losses", "other,my_losses", " other  my_losses "])
def test_the_environment_adds_modules(added, own_module, monkeypatch):
    monkeypatch.setenv("AE_JAX_ALLOWED_TARGETS", added)
    targets.check_target("loss._target_", f"{own_module}.log_cosh")
    with pytest.raises(UserError, match=r"\(ae_jax, optax, optax\.contrib, flax\.nnx, jax\.nn, .*my_losses"):
        targets.check_target("loss._target_", "os.system")


def test_own_component_is_checked_by_its_signature(own_module, monkeypatch, compose):
    monkeypatch.setenv("AE_JAX_ALLOWED_TARGETS", own_module)
    own = ("~loss.link", f"loss._target_={own_module}.log_cosh", "+loss.sharpness=1", "+loss.margin=100")
    structure, values = check.split_values("loss", compose(*own)["loss"])
    assert values == {"sharpness": 1.0}  # a plain float such as margin is structure
    assert structure == {"_target_": f"{own_module}.log_cosh", "margin": 100.0}
    with pytest.raises(UserError, match=r"^loss\.sharpness: input should be greater than 0"):
        compose(*own[:2], "+loss.sharpness=0", "+loss.margin=1")
    with pytest.raises(UserError, match=r"^loss\.margin: is missing"):
        compose(*own[:3])


@pytest.mark.slow
def test_own_loader_without_provenance_trains_and_a_broken_one_is_refused(monkeypatch, train, tmp_path):
    (tmp_path / "my_data.py").write_text(OWN_LOADER)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("AE_JAX_ALLOWED_TARGETS", "my_data")
    own, loader = ("~dataset", "model.latent_size=2"), "+dataset={_target_: my_data.load, whole: %s}"
    assert train(tmp_path / "run", *own, loader % "true").state == "completed"
    recorded = json.loads((tmp_path / "run" / "environment.json").read_text())["data_sha256"]
    assert recorded.keys() == {"train", "validation", "test"}
    with pytest.raises(UserError, match=r"^my_data\.load: returned a tuple, expected an ae_jax"):
        train(tmp_path / "other", *own, loader % "false")
    sys.modules.pop("my_data")


@pytest.mark.slow
def test_own_component_trains(own_module, monkeypatch, train, tmp_path):
    monkeypatch.setenv("AE_JAX_ALLOWED_TARGETS", own_module)
    own = ("~loss.link", f"loss._target_={own_module}.log_cosh", "+loss.sharpness=1", "+loss.margin=100")
    assert train(tmp_path / "run", *own).state == "completed"
    # log cosh is not negative: the margin is what it at least costs.
    assert RunFolder(tmp_path / "run").metrics[0]["train_loss"] > 100


def test_an_optimizer_of_optax_is_refused_by_the_key_it_does_not_have(compose):
    with pytest.raises(UserError, match=r"^optimizer\.schedule: is not a key of this config"):
        compose("optimizer._target_=optax.adabelief")


@pytest.mark.slow
def test_an_optimizer_of_optax_trains(train, tmp_path):
    override = "optimizer={_target_:optax.adabelief,learning_rate:0.01}"
    outcome = train(tmp_path / "run", "~optimizer", f"+{override}")
    run = RunFolder(tmp_path / "run")
    assert outcome.state == "completed"
    assert run.config["optimizer"] == {"_target_": "optax.adabelief", "learning_rate": 0.01}
    assert np.isfinite(run.metrics[0]["validation_loss"])


# Building


def test_batch_is_never_larger_than_the_training_split(compose):
    experiment = build(compose("trainer.batch_size=5000", "trainer.max_train_examples=40"))
    assert experiment.structure.batch_size == 40


def test_equal_datasets_are_loaded_once(compose):
    first, second = build(compose()), build(compose("seed=3", "model=linear"))
    assert first.dataset is second.dataset


def test_config_folder_is_beside_the_package_in_a_checkout():
    assert (composition.config_folder() / "config.yaml").is_file()
    assert composition.config_folder() == Path(check.__file__).parents[2] / "conf"
