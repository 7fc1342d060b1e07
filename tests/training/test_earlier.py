"""Checkpoints of the schemas before: read as what they were, and gone on from with the same bits."""

import json
from pathlib import Path

import jax
import numpy as np
import pytest

from ae_jax.errors import UserError
from ae_jax.training import checkpoint
from ae_jax.training.checkpoint import Checkpoints, restore_best, restore_group, restore_state
from ae_jax.training.epoch import init_state
from ae_jax.training.objective import abstract_best
from ae_jax.training.state import Parameters
from tests.training.layers import assert_same, compiled, experiment_with, run_of, train

# What the program trained whose checkpoints had schema 2; it stopped after two of four epochs.
OLD = Path(__file__).with_name("schema2")
KINDS = {
    "linear": ("model=linear", "corruption=masking", "optimizer=momentum"),
    "adamw": ("optimizer=adamw", "optimizer.clip_norm=0.5", "loss=bce", "model.tied_weights=true"),
}


def as_it_was(state):
    """A state as schema 2 had it: parameters of the model alone, and nothing carried."""

    def model_alone(tree):
        is_pair = lambda leaf: isinstance(leaf, Parameters)  # noqa: E731
        return jax.tree.map(lambda leaf: leaf.model if is_pair(leaf) else leaf, tree, is_leaf=is_pair)

    best = {name: model_alone(getattr(state.best, name)) for name in ("params", "validation_loss", "epoch")}
    kept = ("params", "opt_state", "epoch", "reference_loss", "stale_epochs", "status")
    return {name: model_alone(getattr(state, name)) for name in kept}, best


def abstract_of(experiment):
    num_train = len(experiment.dataset.train)
    return jax.eval_shape(lambda run: init_state(experiment.structure, run, num_train=num_train), experiment.run)


def on_host(tree):
    return jax.tree.map(np.asarray, tree)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_state_of_an_earlier_schema_is_what_it_would_be_now(kind, tmp_path, monkeypatch):
    experiment = experiment_with(None, *KINDS[kind])
    group = compiled(experiment, [run_of(experiment, *KINDS[kind], f"seed={seed}") for seed in (1, 2)])
    states = train(group, num_epochs=6)
    third, abstract = states[2], abstract_of(experiment)
    latest, best = as_it_was(third[0])
    stacked = jax.tree.map(
        lambda *leaves: np.stack(leaves), *(dict(zip(("l", "b"), as_it_was(one), strict=True)) for one in third)
    )
    for schema in (1, 2):
        monkeypatch.setattr(checkpoint, "SCHEMA", schema)
        folders = tmp_path / f"own{schema}", tmp_path / f"group{schema}"
        with Checkpoints(folders[0], about={"config": {}}, least_seconds=0) as own:
            own._save(3, {"latest": latest, "best": best})
        with Checkpoints(folders[1], about={"runs": ["a", "b"]}, least_seconds=0) as of_group:
            of_group._save(1, {"states": {**stacked["l"], "best": stacked["b"]}})
        monkeypatch.undo()
        restored = on_host(restore_state(folders[0], abstract, at_most=9))
        assert_same(restored, third[0])
        assert_same(
            on_host(restore_best(folders[0], abstract_best(experiment.structure, experiment.run))), third[0].best
        )
        together = restore_group(folders[1], abstract)
        assert list(together) == ["a", "b"]
        for name, state in zip("ab", third, strict=True):
            assert_same(together[name], state)
    assert_same(train(group, [restored, together["b"]], num_epochs=6)[-1], states[-1])


@pytest.fixture(scope="module")
def old_runs():
    """The experiment of the old runs, its program for both, what they reported, and their unbroken states now."""
    about = json.loads((OLD / "losses.json").read_text())
    experiment = experiment_with(None, *about["overrides"])
    runs = [run_of(experiment, *about["overrides"], f"seed={seed}") for seed in (1, 2)]
    group = compiled(experiment, runs)
    return experiment, group, np.array(about["losses"], np.float32), train(group, num_epochs=4)


@pytest.mark.slow
def test_checkpoints_that_the_program_of_schema_2_wrote_are_read_and_gone_on_from(old_runs):
    experiment, group, losses, states = old_runs
    abstract = abstract_of(experiment)
    own = on_host(restore_state(OLD / "run", abstract, at_most=9))
    together = restore_group(OLD / "group", abstract)
    assert_same(own, together["a"])
    assert_same(on_host(restore_best(OLD / "run", abstract_best(experiment.structure, experiment.run))), own.best)
    assert own.epoch == 2
    for name, run in zip("ab", (0, 1), strict=True):
        best = together[name].best
        assert best.monitored == best.validation_loss == losses[:2, run].min()
    # Rounding is the processor's.
    now = np.array([[run.best.validation_loss for run in epoch] for epoch in states])
    np.testing.assert_allclose(now, np.minimum.accumulate(losses), rtol=1e-5)
    for ours, theirs in zip(train(group, list(together.values()), num_epochs=4)[-1], states[-1], strict=True):
        for one, other in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("overrides", [("bottleneck=vq",), pytest.param(("layer",), marks=pytest.mark.slow)])
def test_what_an_earlier_schema_could_not_hold_is_not_read_from_it(overrides):
    layer = "batch_norm" if overrides == ("layer",) else None
    experiment = experiment_with(layer, *(() if layer else overrides))
    with pytest.raises(
        UserError, match=r"run: no checkpoint can be read \(2: it has no state beside parameters\); move"
    ):
        restore_state(OLD / "run", abstract_of(experiment), at_most=9)
