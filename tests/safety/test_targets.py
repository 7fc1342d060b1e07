"""What a config of a stranger can name is the list of components, and nothing else of any allowed module."""

import importlib
import pkgutil
from pathlib import Path

import pytest

import ae_jax
from ae_jax.config import check, targets
from ae_jax.config import compose as composition
from ae_jax.errors import UserError

GROUPS = (*check.COMPONENTS, "figure", "table")
CONF = Path(__file__).resolve().parents[2] / "conf"


def can_be_named(group: str, target: str) -> bool:
    """Whether nothing but missing options is wrong with it."""
    try:
        targets.check_target(f"{group}._target_", target)
        check._check_component(group, {"_target_": target})
    except UserError as error:
        return error.problem == "is missing"
    return True


def configured() -> set[tuple[str, str]]:
    """Groups and targets of all options."""
    found = set()
    for group in GROUPS:
        for path in (CONF / group).glob("*.yaml"):
            line = next(line for line in path.read_text().splitlines() if line.startswith("_target_: "))
            found.add((group, line.removeprefix("_target_: ").partition(" #")[0]))
    return found


def members(module: str) -> list[str]:
    """What can be called of a module."""
    return [f"{module}.{name}" for name, item in vars(importlib.import_module(module)).items() if callable(item)]


@pytest.mark.slow
def test_of_this_package_only_the_components_can_be_named():
    modules = [one.name for one in pkgutil.walk_packages(ae_jax.__path__, "ae_jax.")]
    named = {(group, one) for module in modules for one in members(module) for group in GROUPS}
    aliases = {("trainer", "ae_jax.training.TrainerOptions")}
    of_optimizers = {module for module in modules if module.startswith("ae_jax.optimizers.")}
    steps = {("optimizer", f"{module}.{name}") for module in of_optimizers for name in ("clipped", "descend")} & named
    assert {one for one in named if can_be_named(*one)} == configured() | aliases | steps


@pytest.mark.parametrize("module", targets.ALLOWED_MODULES[1:])
def test_of_other_packages_only_optimizers_can_be_named(module):
    named = {(group, one) for one in members(module) for group in GROUPS if can_be_named(group, one)}
    assert {group for group, _ in named} == ({"optimizer"} if module.startswith("optax") else set())
    assert not [one for _, one in named if one.rpartition(".")[2].startswith("_")]


@pytest.mark.parametrize(
    "target",
    [
        "jax.numpy.load",
        "jax.numpy.save",
        "jax.profiler.start_trace",
        "jax.experimental.serialize_executable.deserialize_and_load",
        "jax._src.compilation_cache.set_cache_dir",
        "jax.nn._relu",
        "optax._src.alias.adam",
        "flax.nnx.display.sys",
        "flax.serialization.from_bytes",
        "ae_jax.datasets.download._download",
        "ae_jax.models.dense._linear",
        "ae_jax.models.dense.DenseAutoencoder.encode",
        "ae_jax.models.dense.\ud800",
        "ae_jax.models.dense.a\0b",
        "ae_jax..models",
    ],
)
def test_what_writes_loads_or_is_private_is_refused(target):
    with pytest.raises(UserError, match=r"^model\._target_: "):
        targets.check_target("model._target_", target)


@pytest.mark.parametrize(
    ("group", "target"),
    [
        # With a collection of its own, a config could choose what is downloaded, and the folder that it goes to.
        ("dataset", "ae_jax.datasets.idx_images.load_idx_images"),
        ("dataset", "ae_jax.datasets.base.Dataset"),
        ("dataset", "ae_jax.datasets.idx.read_idx"),
        ("dataset", "ae_jax.datasets.download.locate"),
        ("model", "ae_jax.models.base.AbstractAutoencoder"),
        ("model", "optax.adam"),
        ("loss", "ae_jax.losses.base.Loss"),
        ("loss", "jax.nn.relu"),
        ("corruption", "ae_jax.corruptions.base.coarse_uniform"),
        ("optimizer", "ae_jax.optimizers.schedules.constant"),
        ("optimizer", "optax.GradientTransformation"),
        ("tracking", "ae_jax.tracking.wandb_run.Tracker"),
        ("trainer", "ae_jax.training.checkpoint.Checkpoints"),
        ("figure", "ae_jax.figures.save.save_all"),
        ("table", "ae_jax.tables.formats.write_table"),
    ],
)
def test_a_member_that_makes_something_else_is_refused(group, target):
    assert not can_be_named(group, target)


def test_a_part_has_to_be_what_its_place_is_annotated_with():
    composed = composition.plain(composition.compose(["tracking.mode=disabled"]))
    composed["optimizer"]["schedule"] = {"_target_": "ae_jax.optimizers.adam.adam"}
    with pytest.raises(UserError, match=r"^optimizer\.schedule\._target_: .* is no optimizer/schedule"):
        check.validate(composed)
