"""How a run stands that has not completed is told by its lock where its status cannot know."""

import fcntl
import json
from contextlib import nullcontext

import pytest

from ae_jax.errors import UserError
from ae_jax.locks import is_held
from ae_jax.results import RunFolder
from ae_jax.results.runs import read_run
from ae_jax.runs.progress import progress_of


def locked(folder):
    """Hold the lock of a run, as a process does that trains it."""
    file = (folder / ".lock").open("a+")
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


def begun(folder, write_run):
    write_run(folder, state="running")


def about_to_begin(folder, write_run):
    (folder / ".hydra").mkdir(parents=True)


CASES = {
    "in training": (begun, True, "running", "has not ended (running)"),
    "killed": (begun, False, "interrupted", "has not ended: no process trains in it any more"),
    "no lock that would tell": (begun, None, "running", "has not ended (running)"),
    "its sweep just began": (about_to_begin, None, "waiting", "has not begun: its sweep has not come to it"),
    "about to begin": (about_to_begin, True, "running", "has not ended (it is about to begin)"),
    "killed before it began": (about_to_begin, False, "waiting", "has not begun: its sweep has not come to it, or was"),
}


@pytest.mark.parametrize("name", CASES)
def test_the_lock_tells_how_a_run_stands(name, write_run, tmp_path):
    make, held, state, words = CASES[name]
    make(tmp_path / "run", write_run)
    if held is False:
        (tmp_path / "run" / ".lock").write_text("1 on a host")
    with locked(tmp_path / "run") if held else nullcontext():
        assert is_held(tmp_path / "run" / ".lock") is held
        progress, excluded = progress_of(RunFolder(tmp_path / "run")), read_run(tmp_path / "run")
    assert progress.state == excluded.state == state
    assert excluded.reason.startswith(progress.words)
    assert progress.words.startswith(words)
    assert "delete" not in str(progress)


def test_to_ask_does_not_take_the_lock(write_run, tmp_path):
    folder = write_run(tmp_path / "run", state="running")
    locked(folder).close()
    assert is_held(folder / ".lock") is False
    with locked(folder):  # free again
        assert is_held(folder / ".lock") is True
    assert (folder / ".lock").read_text() == ""


def test_a_folder_that_lost_its_status_is_damaged_not_waiting(write_run, tmp_path):
    folder = write_run(tmp_path / "run")
    (folder / ".hydra").mkdir()
    (folder / "status.json").unlink()
    with pytest.raises(UserError, match=r"status.json: is missing"):
        progress_of(RunFolder(folder))
    assert read_run(folder).state == "damaged"


@pytest.mark.parametrize("state", ["completed", "failed", "diverged", "interrupted"])
def test_other_states_are_as_the_status_says(state, write_run, tmp_path):
    folder = write_run(tmp_path / "run", state=state)
    (folder / "status.json").write_text(json.dumps({**json.loads((folder / "status.json").read_text())}))
    progress = progress_of(RunFolder(folder))
    assert (progress and progress.state) == (None if state == "completed" else state)
