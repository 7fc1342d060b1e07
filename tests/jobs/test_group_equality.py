"""Every run of a group in which every value differs from run to run ends as it would alone, early stopping included.

So does a group in another process.

Mapped, to the bit. Vectorised, within float32 rounding: a sum of 64 products rounds by less than 64 * 2^-24 = 4e-6
relative, and 12 updates do not amplify that beyond a hundred times on these losses.

A new option is found by its file, and a new value by its type: nothing here has to be edited.
"""

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import jax
import numpy as np
import pytest

from ae_jax.config.check import VALUE_GROUPS, validate
from ae_jax.config.naming import flatten, structure_of
from ae_jax.errors import UserError
from ae_jax.jobs.work import GroupTask, Request
from ae_jax.results import RunFolder
from tests.running import NEEDS

BOUND = 4e-4
CONF = Path(__file__).parents[2] / "conf"
TINY = (
    "model.latent_size=4",
    "trainer.num_epochs=4",
    "trainer.batch_size=32",
    "trainer.max_train_examples=80",
    "trainer.patience=2",
)
OPTIONS = {
    group: sorted(path.stem for path in (CONF / group).glob("*.yaml"))
    for group in ("model", "corruption", "loss", "optimizer", "optimizer/schedule")
}
# Every option at least once: as many combinations as the largest group has options.
EACH = [
    [f"{group}={names[index % len(names)]}" for group, names in OPTIONS.items()]
    for index in range(max(map(len, OPTIONS.values())))
]


def changed(config: dict, key: str, item: object) -> dict:
    """A checked copy with another item at a dotted key."""
    copy = json.loads(json.dumps(config))
    *groups, name = key.split(".")
    node = copy
    for group in groups:
        node = node[group]
    node[name] = item
    return validate(copy)


def with_numbers_for_null(config: dict) -> dict:
    """The config with a float wherever null is, of what may be both."""
    for key, item in flatten(config):
        if item is None and key.split(".")[0] in VALUE_GROUPS:
            try:
                config = changed(config, key, 0.5)
            except UserError:
                continue  # an integer or null
    return config


def members(config: dict) -> list[dict]:
    """Four runs that differ in their seeds, and three of them in every value."""
    values = {
        key: item for key, item in flatten(config) if isinstance(item, float) and key.split(".")[0] in VALUE_GROUPS
    }
    runs = [config]
    for seed, factor in ((1, 0.9), (2, 0.6)):
        other = changed(config, "seed", seed)
        for key, item in values.items():
            other = changed(other, key, factor * item if item else (1 - factor) / 100)
        runs.append(other)
    flat = [dict(flatten(run)) for run in runs]
    assert all(len({run[key] for run in flat}) == 3 for key in values)
    # What no epoch can undercut: this run stops after the epochs of its patience.
    runs.append(changed(changed(config, "seed", 3), "trainer.min_delta", 1e6))
    assert all(structure_of(run) == structure_of(config) for run in runs)
    return runs


def metrics_of(folder: Path) -> np.ndarray:
    keys = ("epoch", "step", "train_loss", "validation_loss", "validation_sse")
    return np.array([[record[key] for key in keys] for record in RunFolder(folder).metrics])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("row", "numbers"),
    [
        pytest.param(EACH[0], False, id="as-it-is"),
        *(pytest.param(row, True, id=f"{'-'.join(row)}-numbers-for-null") for row in EACH),
    ],
)
def test_every_run_of_a_mixed_group_ends_as_alone(
    row, numbers, compose, train_together, last_state, no_figures, whole_checkpoints, tmp_path
):
    # Plain descent diverges at its own learning rate on losses that are summed, and on those divided by a small scale.
    small = ["optimizer.learning_rate=1e-3"] if "optimizer=sgd" in row else []
    small = ["optimizer.learning_rate=1e-6"] if "loss=gaussian_nll" in row else small
    needed = [need for name, need in NEEDS.items() if f"loss={name}" in row]
    config = compose(*TINY, *row, *small, *needed, "runtime.runs_axis=map")
    if numbers:
        assert with_numbers_for_null(config) != config
        config = with_numbers_for_null(config)
    configs = members(config)
    alone = [train_together((one, tmp_path / f"alone{index}"))[0] for index, one in enumerate(configs)]
    # The last run stopped early, and the first did not: it is not that all epochs were the same.
    assert len(metrics_of(alone[-1].folder)) == 3 < len(metrics_of(alone[0].folder)) == 4
    trained = [RunFolder(outcome.folder).summary["training"]["stopped"] for outcome in alone]
    assert (trained[0], trained[-1]) == ("epoch limit", "converged")
    for runs_axis, bound in (("map", 0), ("vmap", BOUND)):
        asked = [changed(one, "runtime.runs_axis", runs_axis) for one in configs]
        together = train_together(*((one, tmp_path / runs_axis / str(index)) for index, one in enumerate(asked)))
        equal = partial(np.testing.assert_allclose, rtol=bound, atol=bound)
        for ours, theirs in zip(together, alone, strict=True):
            assert ours.state == "completed"
            equal(metrics_of(ours.folder), metrics_of(theirs.folder))
            jax.tree.map(equal, last_state(ours.folder), last_state(theirs.folder))
            equal(ours.best, theirs.best)


@pytest.mark.slow
def test_a_task_can_be_handed_to_any_process(compose, train_together, no_figures, tmp_path):
    configs = members(compose(*TINY, "corruption=gaussian", "runtime.runs_axis=map"))[:2]
    task = GroupTask(
        tuple(Request(config, tmp_path / f"there{index}") for index, config in enumerate(configs)), tmp_path / ".groups"
    )
    assert GroupTask.from_json(task.to_json()) == task
    code = (
        "import sys; from ae_jax.jobs.work import GroupTask; from ae_jax.jobs.train import train_group\n"
        "print(*[outcome.state for outcome in train_group(GroupTask.from_json(sys.stdin.read()))])"
    )
    done = subprocess.run([sys.executable, "-c", code], input=task.to_json(), capture_output=True, text=True)
    assert done.stdout == "completed completed\n", done.stderr
    train_together(*((config, tmp_path / f"here{index}") for index, config in enumerate(configs)))
    for index in range(2):
        np.testing.assert_array_equal(metrics_of(tmp_path / f"there{index}"), metrics_of(tmp_path / f"here{index}"))
