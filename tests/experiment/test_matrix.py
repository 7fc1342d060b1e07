"""Every file in conf/ composes and builds, and every two options of different groups train together.

A new option is found by its file: nothing here has to be edited.
"""

import re
from collections.abc import Iterator
from itertools import combinations, product
from pathlib import Path
from unittest.mock import Mock

import jax
import numpy as np
import pytest
from orbax.checkpoint import v1 as ocp

from ae_jax.config import compose as composition
from ae_jax.errors import UserError
from ae_jax.experiment.build import build, training_data
from ae_jax.jobs.train import train_group
from ae_jax.jobs.work import GroupTask, Request
from ae_jax.results import RunFolder
from ae_jax.training import Status
from ae_jax.training.checkpoint import restore_best
from ae_jax.training.fit import fit, run_state
from ae_jax.training.group import compile_group
from ae_jax.training.objective import abstract_best, reconstruct
from tests.running import NEEDS

CONF = Path(__file__).parents[2] / "conf"
COMPONENTS = (
    *("model", "corruption", "bottleneck", "objective", "objective/schedule", "loss", "optimizer"),
    "optimizer/schedule",
)
WITH_DENSITY = ("gaussian", "bernoulli")  # of the bottlenecks: objective=iwae makes no sense with another
# Sizes that compile in less time.
SMALLER = {"conv": ("model.channels=[4,8]",), "dense": ("model.hidden_sizes=[16]",)}
COUNTING = ("batch_top_k", "jump_relu")  # for how long each dimension was 0, as objective=dead_latents needs
MAY_BE_NULL = ("objective/schedule",)
DOWNLOADED = ("mnist", "fashion_mnist")
# What compiles in no time: rows that meet nothing new have them.
QUICK = ("linear", "none", "rate_distortion", "mse", "sgd", "constant")
TINY = ("trainer.num_epochs=1", "trainer.batch_size=32", "trainer.max_train_examples=64")


def options(group: str) -> list[str]:
    """The options of a group, by its files, quick ones first."""
    none = ["null"] if group in MAY_BE_NULL else []
    return none + sorted(
        (path.stem for path in (CONF / group).glob("*.yaml")), key=lambda name: (name not in QUICK, name)
    )


# What objectives need of other groups.
NEEDED = {
    "iwae": {"bottleneck": WITH_DENSITY, "objective/schedule": ("null",)},
    "dead_latents": {"bottleneck": COUNTING},
}


def makes_sense(*chosen: tuple[str, str]) -> bool:
    """Whether these options, each with its group, may be in one run."""
    of = dict(chosen)
    needed = NEEDED.get(of.get("objective", ""), {})
    return all(of.get(group, names[0]) in names for group, names in needed.items())


def cover(groups: dict[str, list[str]], size: int) -> list[dict[str, str]]:
    """Few combinations that make sense, in which all do that so many options can (greedy, deterministic)."""
    items = {group: [(group, name) for name in names] for group, names in groups.items()}
    missing = [
        frozenset(met) for chosen in combinations(items.values(), size) for met in product(*chosen) if makes_sense(*met)
    ]
    left, rows = set(missing), []
    while left:
        row = sorted(next(met for met in missing if met in left))
        for group in sorted((one for one in groups if one not in dict(row)), key=lambda group: -len(groups[group])):
            fitting = [item for item in items[group] if makes_sense(*row, item)]
            row.append(max(fitting, key=lambda item: sum(_new(item, row, size, left))))
        left -= set(map(frozenset, combinations(row, size)))
        rows.append({group: dict(row)[group] for group in groups})
    return rows


def _new(item: tuple[str, str], row: list[tuple[str, str]], size: int, left: set[frozenset]) -> Iterator[bool]:
    """For all that this item meets in the row: whether it has not met it before."""
    return (frozenset((item, *met)) in left for met in combinations(row, size - 1))


GROUPS = {group: options(group) for group in COMPONENTS}
EACH, PAIRWISE = cover(GROUPS, 1), cover(GROUPS, 2)
SENSELESS = [
    (("objective", objective), (group, name))
    for objective, needed in NEEDED.items()
    for group, names in needed.items()
    for name in GROUPS[group]
    if name not in names
]
WITHOUT_DENSITY = [f"bottleneck={name}" for name in GROUPS["bottleneck"] if name not in WITH_DENSITY]
# A model of the user's own, in which the examples of a batch depend on each other.
COUPLED = """
from flax import nnx
from ae_jax.models.linear import LinearAutoencoder

class Normalised(LinearAutoencoder):
    def __init__(self, *, feature_shape, latent_size: int, code_width: int, rngs: nnx.Rngs):
        super().__init__(feature_shape=feature_shape, latent_size=latent_size, code_width=code_width, rngs=rngs)
        self.norm = nnx.BatchNorm(code_width * latent_size, rngs=rngs)

    def encode(self, x):
        return self.norm(super().encode(x))
"""


def chosen(row: dict[str, str]) -> list[str]:
    """The overrides of a combination."""
    return [
        # An objective without a weight has no schedule of it to choose.
        *(f"{group}={name}" for group, name in row.items() if (group, name) != ("objective/schedule", "null")),
        *(NEEDS[name] for name in row.values() if name in NEEDS),
        # A latent of two numbers each has no decoder to begin as.
        *(["model.tied_init=false"] if (row["model"], row["bottleneck"]) == ("dictionary", "gaussian") else []),
    ]


def _id(row: dict[str, str]) -> str:
    return "-".join(row.values())


@pytest.fixture(autouse=True)
def quick(no_figures):
    """Less optimised programs, which compile faster; and no figures."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture
def available(table, request, monkeypatch):
    """Overrides that make a data set available here."""

    def overrides(dataset: str) -> list[str]:
        if dataset in DOWNLOADED:
            monkeypatch.setenv("AE_JAX_DATA_DIR", str(request.getfixturevalue("data_dir")))
        return [f"dataset={dataset}"] + ([f"dataset.path={table}"] if dataset == "array" else [])

    return overrides


def _train(folder: Path, config: dict) -> RunFolder:
    """Train, and check that what the checkpoint holds are the trained parameters of this config."""
    (outcome,) = train_group(GroupTask((Request(config, folder),), folder.parent / ".groups"))
    run, experiment = RunFolder(folder), build(config)
    abstract = abstract_best(experiment.structure, experiment.run)
    assert outcome.state == run.state == "completed"
    assert np.isfinite(run.summary["test"]["sse"])
    best = restore_best(run.checkpoint, abstract)
    step = max(run.checkpoint.iterdir(), key=lambda path: int(path.name) if path.name.isdigit() else -1)
    assert jax.tree.map(np.shape, best) == jax.tree.map(np.shape, abstract)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(best))
    assert float(best.validation_loss) == run.summary["training"]["best_validation_loss"]
    assert ocp.checkpointables_metadata(step.resolve()).custom_metadata["config"] == config
    return run


@pytest.mark.parametrize("row", [EACH[0], *(pytest.param(row, marks=pytest.mark.slow) for row in EACH[1:])], ids=_id)
def test_every_option_trains(row, compose, tmp_path):
    config = compose(*TINY, *chosen(row))
    # Values are traced, and all of them are floats.
    assert all(leaf.dtype == np.float32 for leaf in jax.tree.leaves(build(config).run.values))
    run = _train(tmp_path / "run", config)
    assert [record["step"] for record in run.metrics] == [2]  # 64 examples in batches of 32


def test_every_option_is_in_one_of_few_combinations():
    assert {item for row in EACH for item in row.items()} == {(group, a) for group in GROUPS for a in GROUPS[group]}
    assert len(EACH) <= 1 + max(map(len, GROUPS.values()))


def test_cover_is_pairwise():
    met = {frozenset(pair) for row in PAIRWISE for pair in combinations(row.items(), 2)}
    senseless = set(map(frozenset, SENSELESS))
    for (first, names), (second, others) in combinations(GROUPS.items(), 2):
        assert met >= {frozenset({(first, a), (second, b)}) for a in names for b in others} - senseless
    assert not met & senseless


@pytest.fixture
def nothing_compiles(monkeypatch):
    """Whatever is compiled ahead of time, as programs of training are, fails."""
    monkeypatch.setattr(jax.stages.Lowered, "compile", lambda *_, **__: pytest.fail("a program was compiled"))


def _refused(config: dict, folder: Path) -> str:
    """The line that a run is refused with."""
    (outcome,) = train_group(GroupTask((Request(config, folder / "run"),), folder / ".groups"))
    assert (outcome.state, type(outcome.error)) == ("failed", UserError)
    return str(outcome.error)


@pytest.mark.parametrize(
    "bottleneck", [WITHOUT_DENSITY[0], *(pytest.param(one, marks=pytest.mark.slow) for one in WITHOUT_DENSITY[1:])]
)
def test_the_importance_weighted_bound_of_what_has_no_density_is_refused(
    bottleneck, compose, tmp_path, nothing_compiles
):
    config = compose(*TINY, "objective=iwae", bottleneck)
    assert re.fullmatch(
        "objective=iwae: .* density, .* has none; choose bottleneck=gaussian, .*", _refused(config, tmp_path)
    )


def test_the_contraction_of_coupled_examples_is_refused(monkeypatch, tmp_path, nothing_compiles):
    (tmp_path / "own_normalised.py").write_text(COUPLED)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("AE_JAX_ALLOWED_TARGETS", "own_normalised")
    own = ("model=linear", "model._target_=own_normalised.Normalised", "tracking.mode=disabled")
    config = composition.checked(composition.compose([*TINY, *own, "objective=contractive"]))
    said = (
        "objective=contractive: needs an encoder that computes each example by itself, .*; use a model without them, .*"
    )
    assert re.fullmatch(said, _refused(config, tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("row", [row for number, row in enumerate(PAIRWISE) if number % 3], ids=_id)
def test_every_two_options_make_a_program_together(row, compose, monkeypatch):
    """All but what the compiler makes of it, which takes most of the time: of a third of the rows that follows."""
    program = Mock(spec=jax.stages.Compiled)
    program.memory_analysis.return_value = None
    monkeypatch.setattr(jax.stages.Lowered, "compile", lambda *_, **__: program)
    experiment = build(compose(*TINY, *chosen(row), *SMALLER.get(row["model"], ())))
    structure, values, dataset = experiment.structure, experiment.run.values, experiment.dataset
    group = compile_group(structure, training_data(dataset), [experiment.run])
    assert group.num_runs == 1
    best = abstract_best(structure, experiment.run)
    made = jax.eval_shape(
        lambda best, x: reconstruct(structure, values, best.params, best.carried, x), best, dataset.scaled("test")
    )
    assert made.shape == (len(dataset.test), dataset.num_features)


@pytest.mark.slow
@pytest.mark.parametrize("row", PAIRWISE[::3], ids=_id)
def test_two_options_train_together(row, compose):
    """An epoch, without what a run leaves: that follows for every option above."""
    experiment = build(compose(*TINY, *chosen(row), *SMALLER.get(row["model"], ())))
    structure, values, dataset = experiment.structure, experiment.run.values, experiment.dataset
    group = compile_group(structure, training_data(dataset), [experiment.run])
    (report,) = fit(group, group.init_state(), num_epochs=1)
    best = run_state(report.state, 0).best
    assert report.metrics.status.tolist() == [Status.RUNNING]
    assert best.epoch == 1
    measured = jax.jit(lambda best, x: reconstruct(structure, values, best.params, best.carried, x))
    made = measured(best, dataset.scaled("test"))
    assert np.isfinite(made).all()
    assert made.shape == (len(dataset.test), dataset.num_features)


@pytest.mark.parametrize("dataset", options("dataset"))
def test_every_dataset_builds(dataset, available, compose):
    if dataset in DOWNLOADED:
        pytest.skip("takes seconds to verify; trained on by the slow tests")
    dataset = build(compose(*available(dataset), "model.latent_size=2")).dataset
    assert len(dataset.train) > len(dataset.test) > 0 < len(dataset.validation)


@pytest.mark.slow
@pytest.mark.parametrize("dataset", options("dataset"))
def test_every_dataset_trains(dataset, available, compose, tmp_path):
    overrides = [*available(dataset), "model.latent_size=2", "model.hidden_sizes=[4]", "trainer.num_epochs=1"]
    run = _train(tmp_path / "run", compose(*overrides, "trainer.batch_size=16", "trainer.max_train_examples=32"))
    assert run.summary["dataset"]["counts"]["train"] == 32


@pytest.mark.parametrize("preset", options("debug"))
def test_every_debug_preset_composes(preset, compose):
    assert compose(f"debug={preset}")["name"] == "default"


@pytest.mark.parametrize("name", options("experiment"))
def test_every_experiment_says_what_it_claims_and_how_to_run_it(name):
    """With its own command, which tests/docs composes."""
    text = (CONF / "experiment" / f"{name}.yaml").read_text()
    assert re.search(rf"^name: {name}$", text, re.MULTILINE)
    assert text.startswith("# @package _global_\n# Claim: ")
    assert f"# Command: python scripts/train.py experiment={name}" in text


@pytest.mark.slow
@pytest.mark.parametrize("preset", [f"debug={name}" for name in options("debug")])
def test_every_preset_for_debugging_trains(preset, available, tmp_path):
    """Those of experiments have a command in their heads, which tests/docs/test_reader.py types."""
    overrides = [preset, "tracking.mode=disabled", "trainer.num_epochs=1"]
    composed = composition.compose(overrides)
    dataset = composed.dataset._target_.rpartition(".")[2]
    limit = [] if preset == "debug=overfit" else ["trainer.max_train_examples=300"]
    config = composition.checked(composition.compose([*overrides, *limit, *available(dataset)[1:]]))
    run = _train(tmp_path / "run", config)
    assert run.summary["training"]["epochs"] == 1
    assert (run.path / "profile").exists() == (preset == "debug=profile")


@pytest.mark.slow
def test_debug_overfit_reaches_almost_zero_error(compose, tmp_path):
    run = _train(tmp_path / "run", compose("debug=overfit", "model.hidden_sizes=[64]", "trainer.num_epochs=600"))
    first, last = run.metrics[0]["train_loss"], run.metrics[-1]["train_loss"]
    assert run.summary["dataset"]["counts"]["train"] == 8
    assert last < 1e-3 * first


@pytest.mark.slow
def test_debug_one_step_makes_one_update(compose, tmp_path):
    run = _train(tmp_path / "run", compose("debug=one_step", "trainer.batch_size=16"))
    assert [(record["epoch"], record["step"]) for record in run.metrics] == [(1, 1)]
    assert run.summary["dataset"]["counts"]["train"] == 16
