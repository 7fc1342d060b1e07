"""A full disk, a folder that cannot be written: one line, earlier checkpoints whole; with space it goes on."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ae_jax.commands import evaluate

pytestmark = pytest.mark.slow
SMALL = (
    "experiment=smoke", "runtime.print_config=false", "trainer.num_epochs=40", "trainer.max_train_examples=64",
    "trainer.batch_size=32", "model.hidden_sizes=[16]", "corruption=masking",
)  # fmt: skip
EAGER, LAZY = (f"runtime.checkpoint_seconds={seconds}" for seconds in (0, 1000))
RUN, SWEEP = ("hydra.run.dir=run",), ("-m", "seed=0,1")
OFFLINE, UNTRACKED = (f"tracking.mode={mode}" for mode in ("offline", "disabled"))


def _fill(at: str, call: int = 1) -> dict:
    return {"at": at, "call": call, "when": "before", "do": "fill"}


CASES = {
    "checkpoint": ((*RUN, EAGER, UNTRACKED), _fill("ae_jax.training.checkpoint:Checkpoints._save", 5)),
    "checkpoint of a group": ((*SWEEP, EAGER, UNTRACKED), _fill("ae_jax.training.checkpoint:Checkpoints._save", 5)),
    # A line goes into what is left of the file's last block, so that it takes some to fail.
    "metrics": ((*RUN, LAZY, UNTRACKED), _fill("ae_jax.runs.recorder:Recorder.metrics", 2)),
    "metrics of a group": ((*SWEEP, LAZY, UNTRACKED), _fill("ae_jax.runs.recorder:Recorder.metrics", 2)),
    "metrics and W&B": ((*RUN, LAZY, OFFLINE), _fill("ae_jax.runs.recorder:Recorder.metrics", 2)),
    "summary": ((*RUN, EAGER, UNTRACKED), _fill("ae_jax.evaluation.summary:write_json")),
    "figures": ((*RUN, EAGER, UNTRACKED), _fill("ae_jax.jobs.open_run:write_run_figure")),
    "figures of a group": ((*SWEEP, EAGER, UNTRACKED), _fill("ae_jax.jobs.drawing:Drawing.draw")),
    "W&B's finish": ((*RUN, EAGER, OFFLINE), _fill("ae_jax.tracking.wandb_run:Tracker.finish")),
    "the first file": ((*RUN, EAGER, UNTRACKED), _fill("ae_jax.runs.recorder:_make")),
}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of a few megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("a small disk cannot be mounted here: it takes the rights of root")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture(scope="module")
def undisturbed(forks, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed") / "disk"
    folder.mkdir()
    for command in ((*RUN, EAGER, UNTRACKED), (*SWEEP, EAGER, UNTRACKED)):
        assert forks.run(folder, *command[:1], *SMALL, *command[1:]) == 0, _output(folder)
    return folder


def _output(folder: Path) -> str:
    return folder.with_name(f"{folder.name}.txt").read_text()


@pytest.mark.parametrize("name", CASES)
def test_full_disk(name, forks, disk, undisturbed, assert_same, monkeypatch, hydra_put_back):
    given, fault = CASES[name]
    command = (*given[:1], *SMALL, *given[1:])
    code = forks.run(disk, *command, fault=fault)
    output = _output(disk)
    assert (disk / "ballast").exists()
    assert "Traceback" not in output
    assert "Logging error" not in output  # of a library whose log does not fit either
    if name != "W&B's finish":  # nothing of the run's own is left to write but its state
        assert code == 2, output
    assert any("cannot be written (No space left on device); free space" in line for line in output.splitlines()), (
        output
    )
    states = {path.parent: json.loads(path.read_text())["state"] for path in disk.rglob("status.json")}
    completed = [folder for folder, state in states.items() if state == "completed"]
    assert set(states.values()) <= {"running", "interrupted", *(["completed"] if "figures" in name else [])}
    (disk / "ballast").unlink()
    assert forks.run(disk, *command) == 0, _output(disk)
    for folder in completed:  # only its figures found no room
        assert f"{folder.name} --fill" in output
        monkeypatch.setattr(sys, "argv", ["evaluate.py", str(folder), "--fill"])
        with pytest.raises(SystemExit, match="0"):
            evaluate.main()
    if EAGER in given and name != "the first file":
        for path in disk.rglob("run.log"):
            assert path.parent in completed or "continuing after epoch" in path.read_text()
    for path in disk.rglob("status.json"):
        assert_same(path.parent, undisturbed / path.parent.relative_to(disk))


def test_read_only_folder(forks, undisturbed, tmp_path):
    """Mounted read-only, as rights do not stop root."""
    folder = tmp_path / "disk"
    shutil.copytree(undisturbed, folder)
    (folder / "run" / "summary.json").unlink()
    status = json.loads((folder / "run" / "status.json").read_text())
    (folder / "run" / "status.json").write_text(json.dumps({**status, "state": "interrupted"}))
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    mounts = [["mount", "--bind", str(folder), str(folder)], ["mount", "-o", "remount,ro,bind", str(folder)]]
    if any(subprocess.run(mount, capture_output=True).returncode != 0 for mount in mounts):
        pytest.skip("a folder cannot be mounted read-only here: it takes the rights of root")
    try:
        for command in (("hydra.run.dir=run", *SMALL), ("hydra.run.dir=other", *SMALL), ("-m", *SMALL, "seed=7,8")):
            assert forks.run(folder, *command, UNTRACKED) == 2
            output = _output(folder)
            os.truncate(folder.with_name("disk.txt"), 0)
            assert "Traceback" not in output
            assert "Read-only file system" in output
        assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
