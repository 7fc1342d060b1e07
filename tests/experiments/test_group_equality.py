"""A run in a mixed group ends as alone, for every option of every component, and in any process.

Mapped, to the bit. Vectorised, within float32 rounding: a sum of 64 products rounds by less than 64 * 2^-24 = 4e-6, and
three epochs of three updates do not amplify that beyond a hundred times on these losses.
"""

import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from ae_jax.experiments.build import build
from ae_jax.experiments.task import GroupTask, Request
from ae_jax.results import RunFolder
from ae_jax.training.checkpoint import restore_state
from ae_jax.training.epoch import init_state

BOUND = 4e-4
CONF = Path(__file__).parents[2] / "conf"
GROUPS = ("model", "corruption", "loss", "optimizer", "optimizer/schedule")
TINY = (
    "model.latent_size=4",
    "trainer.num_epochs=3",
    "trainer.batch_size=32",
    "trainer.max_train_examples=80",
    "trainer.min_delta=0.001",
)
# Values of the second and third run, where the option has the key.
OTHERS = {
    "optimizer.learning_rate": (0.002, 0.005),
    "corruption.rate": (0.1, 0.4),
    "corruption.scale": (0.1, 0.4),
    "loss.delta": (0.5, 2.0),
}
CHOICES = [f"{group}={path.stem}" for group in GROUPS for path in sorted((CONF / group).glob("*.yaml"))]


def state_of(folder: Path):
    """All leaves of the last state in a run's own checkpoint."""
    experiment = build(RunFolder(folder).config)
    shapes = jax.eval_shape(
        lambda run: init_state(experiment.structure, run, num_train=len(experiment.dataset.train)), experiment.run
    )
    return jax.tree.leaves(restore_state(folder / "checkpoint", shapes))


def metrics_of(folder: Path) -> np.ndarray:
    keys = ("epoch", "train_loss", "validation_loss", "validation_sse")
    return np.array([[record[key] for key in keys] for record in RunFolder(folder).metrics])


def members(compose, choice: str, runs_axis: str) -> list[dict]:
    """Three runs with seeds and values of their own."""
    base = (*TINY, choice, f"runtime.runs_axis={runs_axis}")
    config = compose(*base)
    keys = [key for key in OTHERS if key.split(".")[1] in config[key.split(".")[0]]]
    others = [[f"{key}={OTHERS[key][index]}" for key in keys] for index in (0, 1)]
    return [config, compose(*base, "seed=1", *others[0]), compose(*base, "seed=2", *others[1])]


@pytest.mark.slow
@pytest.mark.parametrize("runs_axis", ["map", "vmap"])
@pytest.mark.parametrize("choice", CHOICES)
def test_every_option_trains_in_a_group_as_alone(choice, runs_axis, compose, train_together, no_figures, tmp_path):
    configs = members(compose, choice, runs_axis)
    together = train_together(*((config, tmp_path / f"run{index}") for index, config in enumerate(configs)))
    assert [outcome.state for outcome in together] == ["completed"] * 3
    (alone,) = train_together((configs[1], tmp_path / "alone"))
    bound = 0 if runs_axis == "map" else BOUND
    np.testing.assert_allclose(metrics_of(together[1].folder), metrics_of(alone.folder), rtol=bound, atol=bound)
    for ours, theirs in zip(state_of(together[1].folder), state_of(alone.folder), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=bound, atol=bound)


@pytest.mark.slow
def test_a_task_can_be_handed_to_any_process(compose, train_together, no_figures, tmp_path):
    configs = members(compose, "corruption=gaussian", "map")[:2]
    task = GroupTask(
        tuple(Request(config, tmp_path / f"there{index}") for index, config in enumerate(configs)), tmp_path / ".groups"
    )
    assert GroupTask.from_json(task.to_json()) == task
    code = (
        "import sys; from ae_jax.experiments.task import GroupTask; from ae_jax.experiments.train import train_group\n"
        "print(*[outcome.state for outcome in train_group(GroupTask.from_json(sys.stdin.read()))])"
    )
    done = subprocess.run([sys.executable, "-c", code], input=task.to_json(), capture_output=True, text=True)
    assert done.stdout == "completed completed\n", done.stderr
    train_together(*((config, tmp_path / f"here{index}") for index, config in enumerate(configs)))
    for index in range(2):
        np.testing.assert_array_equal(metrics_of(tmp_path / f"there{index}"), metrics_of(tmp_path / f"here{index}"))
