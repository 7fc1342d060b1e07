"""SIGKILL at any moment: the same command, called again, ends in the same bits as if nothing had happened."""

import random
import shutil
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
# Small enough that a run takes seconds, most of which are checkpoints: one after every epoch.
SMALL = (
    "experiment=smoke", "runtime.print_config=false", "runtime.checkpoint_seconds=0", "trainer.num_epochs=8",
    "trainer.max_train_examples=64", "trainer.batch_size=32", "model.hidden_sizes=[16]", "corruption=masking",
)  # fmt: skip
RUN = (*SMALL, "tracking.mode=offline", "hydra.run.dir=run")
SWEEP = ("-m", *SMALL, "tracking.mode=offline", "seed=0,1", "optimizer.learning_rate=0.001,0.01")
RANDOM_KILLS = 12


def _moment(at: str, call: int, when: str) -> dict:
    return {"at": at, "call": call, "when": when}


# Of a run alone, and of a sweep: during a rename, a write, a checkpoint, a figure, and W&B's finish.
MOMENTS = {
    "before the first rename": _moment("pathlib:Path.replace", 1, "before"),
    "after the first rename": _moment("pathlib:Path.replace", 1, "after"),
    "between two renames": _moment("pathlib:Path.replace", 4, "before"),
    "metrics written": _moment("ae_jax.runs.recorder:Recorder.metrics", 5, "after"),
    "metrics not on disk": _moment("os:fsync", 9, "before"),
    "checkpoint begun": _moment("ae_jax.training.checkpoint:Checkpoints._save", 4, "after"),
    "checkpoint renamed": _moment("os:rename", 3, "before"),
    "after a checkpoint's rename": _moment("os:rename", 3, "after"),
    "last checkpoint begun": _moment("ae_jax.jobs.open_run:write_results", 1, "before"),
    "summary": _moment("ae_jax.evaluation.summary:write_json", 1, "before"),
    "figure": _moment("ae_jax.jobs.open_run:write_run_figure", 2, "before"),
    "W&B finish": _moment("ae_jax.tracking.wandb_run:Tracker.finish", 1, "before"),
    "after W&B's finish": _moment("ae_jax.tracking.wandb_run:Tracker.finish", 1, "after"),
    "group left": _moment("ae_jax.jobs.open_run:leave_groups", 1, "before"),
}


def _output(folder: Path) -> str:
    return folder.with_name(f"{folder.name}.txt").read_text()


# What is the same for a sweep is not repeated there.
OF_A_SWEEP = ("metrics not on disk", "checkpoint renamed", "W&B finish", "group left")


@pytest.fixture(scope="module")
def undisturbed(forks, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the run alone in `run`, and the sweep in `outputs/smoke`."""
    folder = tmp_path_factory.mktemp("undisturbed")
    for command in (RUN, SWEEP):
        assert forks.run(folder, *command) == 0, _output(folder)
    return folder


def _assert_ended_alike(assert_same, folder: Path, undisturbed: Path, command: tuple[str, ...]) -> None:
    if command is RUN:
        assert_same(folder / "run", undisturbed / "run")
        return
    runs = sorted(path.parent.relative_to(undisturbed) for path in (undisturbed / "outputs").rglob("status.json"))
    assert len(runs) == 4
    for run in runs:
        assert_same(folder / run, undisturbed / run)
    assert not (folder / "outputs" / "smoke" / ".groups").exists()


def _go_on(forks, folder: Path, command: tuple[str, ...]) -> None:
    code = forks.run(folder, *command)
    assert code == 0, _output(folder)
    assert "Traceback" not in _output(folder)


@pytest.mark.parametrize("command", [RUN, SWEEP], ids=["run", "sweep"])
def test_killed_at_a_certain_moment(command, forks, undisturbed, assert_same, tmp_path):
    reached = []
    moments = MOMENTS if command is RUN else {name: MOMENTS[name] for name in OF_A_SWEEP}
    for name, moment in moments.items():
        folder = tmp_path / name.replace(" ", "-")
        folder.mkdir()
        code = forks.run(folder, *command, fault=moment)
        assert code in (-9, 0), _output(folder)
        if code == -9:
            reached.append(name)
            _go_on(forks, folder, command)
        _assert_ended_alike(assert_same, folder, undisturbed, command)
        shutil.rmtree(folder)
    assert set(reached) == set(moments)


@pytest.mark.parametrize("command", [RUN, SWEEP], ids=["run", "sweep"])
def test_killed_at_random_moments_again_and_again(command, forks, undisturbed, assert_same, tmp_path):
    draw, killed, number = random.Random(0), 0, 0
    start = time.perf_counter()
    longest = 4.0
    while killed < RANDOM_KILLS:
        number += 1
        folder = tmp_path / str(number)
        folder.mkdir()
        ended = None
        while ended != 0 and killed < RANDOM_KILLS:
            program, began = forks.start(folder, *command), time.perf_counter()
            time.sleep(draw.uniform(0.2, longest))
            program.send()
            ended = program.wait()
            assert ended in (-9, 0), _output(folder)
            killed += ended == -9
            if ended == 0:
                longest = time.perf_counter() - began
        _go_on(forks, folder, command)
        _assert_ended_alike(assert_same, folder, undisturbed, command)
        shutil.rmtree(folder)
    print(f"{killed} kills of {number} runs in {time.perf_counter() - start:.0f} s")
