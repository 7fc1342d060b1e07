"""Nothing is lost: interrupted anywhere and called again, a run ends as if nothing had happened, bit for bit."""

import shutil
from pathlib import Path

import jax
import numpy as np
import pytest

from ae_jax.errors import UserError
from ae_jax.results import RunFolder
from ae_jax.runs.recorder import end_of
from ae_jax.training import Best
from tests.running import SIX_EPOCHS, interrupt_after

pytestmark = pytest.mark.usefixtures("whole_checkpoints")


def _without_seconds(folder: Path) -> list[dict]:
    return [{key: record[key] for key in record if key != "seconds"} for record in RunFolder(folder).metrics]


@pytest.fixture
def assert_same(last_state):
    """Two runs ended alike, to the bit."""

    def same(folder: Path, other: Path) -> None:
        assert _without_seconds(folder) == _without_seconds(other)
        mine, theirs = last_state(folder), last_state(other)
        assert isinstance(mine.best, Best)
        assert int(mine.epoch) == int(theirs.epoch) == 6
        jax.tree.map(np.testing.assert_array_equal, mine, theirs)
        for part in ("train", "validation", "test", "corrupted", "pca", "training"):
            assert RunFolder(folder).summary[part] == RunFolder(other).summary[part]

    return same


@pytest.mark.parametrize("epoch", [pytest.param(1, marks=pytest.mark.slow), 3, pytest.param(6, marks=pytest.mark.slow)])
@pytest.mark.slow
def test_interrupted_and_called_again_is_bit_identical(epoch, tiny, train, monkeypatch, assert_same, tmp_path):
    folder = tmp_path / "run"
    with monkeypatch.context() as patch:
        interrupt_after(patch, epoch)
        with pytest.raises(KeyboardInterrupt):
            train(folder, *SIX_EPOCHS)
    run = RunFolder(folder)
    assert run.state == "interrupted"
    assert len(run.metrics) == epoch
    assert not (folder / "summary.json").exists()
    assert end_of(run.config, folder) is None
    outcome = train(folder, *SIX_EPOCHS)
    assert outcome.state == "completed"
    if epoch > 1:
        assert f"continuing after epoch {epoch - 1}" in (folder / "run.log").read_text()
    assert_same(folder, tiny)


@pytest.mark.slow
def test_interrupted_while_measuring(tiny, train, monkeypatch, assert_same, tmp_path):
    folder = tmp_path / "run"

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("ae_jax.jobs.open_run.write_results", interrupt)
        with pytest.raises(KeyboardInterrupt):
            train(folder, *SIX_EPOCHS)
    assert RunFolder(folder).state == "interrupted"
    train(folder, *SIX_EPOCHS)
    assert_same(folder, tiny)


@pytest.mark.slow
@pytest.mark.parametrize("what", ["content", pytest.param("metadata", marks=pytest.mark.slow)])
def test_damaged_newest_checkpoint_falls_back_to_the_one_before(what, tiny, train, assert_same, tmp_path):
    folder = shutil.copytree(tiny, tmp_path / "run")
    (folder / "summary.json").unlink()
    assert sorted(path.name for path in (folder / "checkpoint").iterdir() if path.name.isdigit()) == ["5", "6"]
    for path in (folder / "checkpoint" / "6").rglob("*"):
        if path.is_file() and (what == "content" or "METADATA" in path.name):
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    train(folder, *SIX_EPOCHS)
    assert "continuing after epoch 5" in (folder / "run.log").read_text()
    assert_same(folder, tiny)


def test_all_checkpoints_damaged_is_the_users_decision(tiny, train, tmp_path):
    folder = shutil.copytree(tiny, tmp_path / "run")
    for path in (folder / "checkpoint").rglob("*"):
        if path.is_file() and "METADATA" not in path.name:
            path.write_bytes(b"")
    with pytest.raises(UserError, match="checkpoint: no checkpoint can be read"):
        train(folder, *SIX_EPOCHS)
    assert RunFolder(folder).state == "failed"


@pytest.mark.slow
def test_group_whose_runs_stopped_at_different_epochs_ends_whole(tiny, train, train_together, monkeypatch, tmp_path):
    # Both runs of a group were interrupted, but the second had a checkpoint of a later epoch.
    with monkeypatch.context() as patch:
        interrupt_after(patch, 2)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "first", *SIX_EPOCHS)
    with monkeypatch.context() as patch:
        interrupt_after(patch, 5)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "second", *SIX_EPOCHS, "seed=1")
    train_together(*((RunFolder(tmp_path / name).config, tmp_path / name) for name in ("first", "second")))
    for name in ("first", "second"):
        run = RunFolder(tmp_path / name)
        assert run.summary["training"]["epochs"] == 6
        assert [record["epoch"] for record in run.metrics] == [1, 2, 3, 4, 5, 6]
    for mine, other in zip(_without_seconds(tmp_path / "first"), _without_seconds(tiny), strict=True):
        assert mine == pytest.approx(other, rel=1e-5)


def test_run_of_another_config_is_refused(tiny, compose):
    config = RunFolder(tiny).config
    assert end_of(config, tiny) == "completed"
    other = {**config, "seed": config["seed"] + 1}
    with pytest.raises(UserError, match=r"holds a run of another config \(differs in seed\)"):
        end_of(other, tiny)
    untracked = {**config, "notes": "new", "tracking": {**config["tracking"], "project": "other"}}
    assert end_of(untracked, tiny) == "completed"


def test_no_folder_is_a_run_to_begin(compose, tmp_path):
    assert end_of(compose(), tmp_path / "none") is None
    (tmp_path / "empty").mkdir()
    assert end_of(compose(), tmp_path / "empty") is None
