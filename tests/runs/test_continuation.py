"""What a run that is there already means for the same command, and what is said when something has changed."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ae_jax.errors import UserError
from ae_jax.results import RunFolder
from ae_jax.runs import environment
from ae_jax.runs.recorder import end_of
from tests.running import SIX_EPOCHS

pytestmark = pytest.mark.usefixtures("whole_checkpoints")


# Of the run in schema1/, which the first version of checkpoints trained and was interrupted in.
OLD = (
    *SIX_EPOCHS, "tracking.mode=disabled",
    "trainer.batch_size=32", "trainer.max_train_examples=64", "model.latent_size=2", "model.hidden_sizes=[4]",
)  # fmt: skip


@pytest.fixture
def unfinished(tiny: Path, tmp_path: Path) -> Path:
    """The run `tiny`, as it was while its results were measured: checkpoints of epochs 5 and 6, and no summary."""
    folder = shutil.copytree(tiny, tmp_path / "run")
    (folder / "summary.json").unlink()
    _set_status(folder, state="interrupted")
    return folder


def _set_status(folder: Path, **fields: object) -> None:
    path = folder / "status.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def _log(folder: Path) -> str:
    return (folder / "run.log").read_text()


def _results(folder: Path) -> tuple:
    run = RunFolder(folder)
    metrics = [{name: record[name] for name in record if name != "seconds"} for record in run.metrics]
    return metrics, {name: run.summary[name] for name in ("training", "train", "validation", "test", "corrupted")}


# Damage, by what it does to the files of a checkpoint.
def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


DAMAGE: dict[str, Callable[[Path], None]] = {"cut": _cut, "flipped": _flip, "missing": Path.unlink}


def _content(step: Path, part: str) -> list[Path]:
    """Files of a checkpoint: the largest has the arrays."""
    paths = sorted((path for path in step.rglob("*") if path.is_file()), key=lambda path: -path.stat().st_size)
    chosen = {
        "arrays": [path for path in paths if path.parent.name == "d" and path.parent.parent.name == "latest"],
        "best": [path for path in paths if path.parent.name == "d" and path.parent.parent.name == "best"],
        "manifest": [path for path in paths if path.name == "manifest.ocdbt" and path.parent.name == "latest"],
        "metadata": [path for path in paths if path.name == "_CHECKPOINT_METADATA"],
        "tree": [path for path in paths if path.name == "_METADATA" and path.parent.name == "latest"],
    }[part]
    assert chosen
    return chosen


@pytest.mark.slow
@pytest.mark.parametrize("part", ["arrays", "best", "manifest", "metadata", "tree"])
@pytest.mark.parametrize("damage", DAMAGE)
def test_the_checkpoint_before_a_damaged_one_is_used(damage, part, unfinished, tiny, train, capfd, caplog):
    for path in _content(unfinished / "checkpoint" / "6", part):
        DAMAGE[damage](path)
    assert train(unfinished, *SIX_EPOCHS).state == "completed"
    assert _results(unfinished) == _results(tiny)
    if "continuing after epoch 6" in _log(unfinished):  # a bit that means nothing, as a time
        assert (damage, part) in {("flipped", "tree"), ("flipped", "metadata")}
    else:
        assert "continuing after epoch 5" in _log(unfinished)
        said = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
        assert any("checkpoint/5, as those after it cannot be read (6: " in line for line in said)


@pytest.mark.slow
def test_an_array_that_was_changed_on_disk_is_not_taken_for_good(unfinished, tiny, train):
    # Bits that no format checks: the digest of what was saved is what tells.
    metadata = unfinished / "checkpoint" / "6" / "_CHECKPOINT_METADATA"
    content = json.loads(metadata.read_text())
    digests = content["custom_metadata"]["digests"]
    digests["latest"] = digests["best"]
    metadata.write_text(json.dumps(content))
    train(unfinished, *SIX_EPOCHS)
    assert "(6: latest is not what was saved)" in _log(unfinished)
    assert "continuing after epoch 5" in _log(unfinished)
    assert _results(unfinished) == _results(tiny)


@pytest.mark.slow
def test_a_checkpoint_without_its_metrics_is_not_used(unfinished, tiny, train):
    """As when the machine lost its power: what was written last is gone."""
    path = unfinished / "metrics.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:5]) + '{"epoch": 6, "tr')
    train(unfinished, *SIX_EPOCHS)
    assert "continuing after epoch 5" in _log(unfinished)
    assert _results(unfinished) == _results(tiny)


@pytest.mark.slow
def test_without_metrics_it_begins_again(unfinished, tiny, train):
    (unfinished / "metrics.jsonl").unlink()
    train(unfinished, *SIX_EPOCHS)
    assert "continuing" not in _log(unfinished).splitlines()[-1]
    assert _results(unfinished) == _results(tiny)


@pytest.mark.slow
def test_a_diverged_run_killed_while_it_was_measured_keeps_its_last_epoch(diverged, train, tmp_path):
    folder = shutil.copytree(diverged, tmp_path / "run")
    (folder / "summary.json").unlink()
    _set_status(folder, state="running")
    outcome = train(folder, "optimizer=sgd", "optimizer.learning_rate=1e30", "trainer.num_epochs=5")
    assert outcome.state == "diverged"
    assert [record["epoch"] for record in RunFolder(folder).metrics] == [1]
    kept, lost = (json.loads((path / "status.json").read_text()) for path in (folder, diverged))
    assert (kept["error"], kept["diverged_epoch"]) == (lost["error"], lost["diverged_epoch"])


@pytest.mark.parametrize("state", ["completed", "interrupted", "failed", "running"])
def test_resume_never_refuses_what_is_there(state, unfinished, command_line, tree, train):
    _set_status(unfinished, state=state)
    before = tree(unfinished)
    with pytest.raises(UserError, match=rf"resume=never: .*run holds a run already \({state}\); delete it, or choose"):
        train(unfinished, *SIX_EPOCHS, "resume=never")
    assert {name: content for name, content in tree(unfinished).items() if name != ".lock"} == {
        name: content for name, content in before.items() if name != ".lock"
    }


@pytest.mark.slow
def test_resume_must_refuses_to_begin(train, unfinished, tmp_path):
    with pytest.raises(UserError, match=r"resume=must: there is no run in .*none; leave it out to begin one"):
        train(tmp_path / "none", *SIX_EPOCHS, "resume=must")
    shutil.rmtree(unfinished / "checkpoint")
    with pytest.raises(UserError, match=r"resume=must: .*run holds no checkpoint; leave it out to begin again"):
        train(unfinished, *SIX_EPOCHS, "resume=must")


@pytest.mark.slow
def test_resume_must_goes_on_and_never_begins(unfinished, train, tmp_path):
    assert train(unfinished, *SIX_EPOCHS, "resume=must").state == "completed"
    assert "continuing after epoch 6" in _log(unfinished)
    assert train(tmp_path / "new", *SIX_EPOCHS, "resume=never").state == "completed"


@pytest.mark.slow
def test_changed_versions_are_said_in_one_line_and_recorded(unfinished, train, caplog):
    content = json.loads((unfinished / "environment.json").read_text())
    content["packages"] |= {"jax": "0.0.1"}
    (unfinished / "environment.json").write_text(json.dumps(content))
    _set_status(unfinished, git_commit="a" * 40)
    train(unfinished, *SIX_EPOCHS)
    now = environment.versions()
    (line,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    commit = f"commit aaaaaaaaaa -> {now['commit'][:10]}, " if now["commit"] else ""
    assert line == f"run goes on with other versions than it began with: {commit}jax 0.0.1 -> {now['jax']}"
    (earlier,) = json.loads((unfinished / "status.json").read_text())["earlier_versions"]
    assert (earlier["jax"], earlier["commit"]) == ("0.0.1", "a" * 40)
    caplog.clear()
    _set_status(unfinished, state="interrupted")
    train(unfinished, *SIX_EPOCHS)
    assert not [record for record in caplog.records if record.levelname == "WARNING"]
    assert json.loads((unfinished / "status.json").read_text())["earlier_versions"] == [earlier]


def test_an_ended_run_says_that_versions_have_changed(tiny, tmp_path, command_line):
    folder = shutil.copytree(tiny, tmp_path / "run")
    content = json.loads((folder / "environment.json").read_text())
    content["packages"] |= {"optax": "0.0.1"}
    (folder / "environment.json").write_text(json.dumps(content))
    tiny_of = ("trainer.batch_size=32", "trainer.max_train_examples=64", "model.latent_size=4")
    ended = command_line(*SIX_EPOCHS, *tiny_of, "tracking.mode=disabled", f"hydra.run.dir={folder}")
    assert ended.code == 0
    assert "It was trained with other versions than there are now: optax 0.0.1 -> " in ended.out


ARRAY = ("dataset=array", "model.latent_size=2", "trainer.num_epochs=2")


@pytest.mark.slow
def test_changed_data_are_noticed(table, train, tmp_path):
    given = (*ARRAY, f"dataset.path={table}")
    train(tmp_path / "run", *given)
    values = np.load(table)
    np.save(table, values + 1)
    with pytest.raises(UserError, match=r"dataset.path: .*table.npy has changed since the run in .*run was trained"):
        train(tmp_path / "run", *given)
    _set_status(tmp_path / "run", state="interrupted")
    with pytest.raises(UserError, match=r"run: was begun with other data than there are now; put them back"):
        train(tmp_path / "run", *given)
    np.save(table, values)
    assert train(tmp_path / "run", *given).state == "completed"
    table.unlink()
    assert end_of(RunFolder(tmp_path / "run").config, tmp_path / "run") == "completed"


@pytest.mark.slow
def test_a_checkpoint_of_schema_1_is_read(train, tmp_path, compose):
    folder = shutil.copytree(Path(__file__).with_name("schema1"), tmp_path / "run")
    from ae_jax.jobs.train import train_group
    from ae_jax.jobs.work import GroupTask, Request

    for place, name in ((folder, "run"), (tmp_path / "new", "new")):
        (outcome,) = train_group(GroupTask((Request(compose(*OLD), place),), tmp_path / ".groups"))
        assert outcome.state == "completed", outcome.error
        assert ("continuing after epoch 3" in _log(place)) == (name == "run")
    for mine, new in zip(RunFolder(folder).metrics, RunFolder(tmp_path / "new").metrics, strict=True):
        assert mine["validation_loss"] == pytest.approx(new["validation_loss"], rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("schema", [4, "new"])
def test_a_checkpoint_of_a_later_schema_is_refused(schema, unfinished, train):
    for path in (unfinished / "checkpoint").glob("*/_CHECKPOINT_METADATA"):
        content = json.loads(path.read_text())
        content["custom_metadata"]["schema"] = schema
        path.write_text(json.dumps(content))
    with pytest.raises(UserError, match=rf"6: has checkpoint schema {schema}, expected 3; use the version that"):
        train(unfinished, *SIX_EPOCHS)
    assert RunFolder(unfinished).state == "failed"


@pytest.mark.parametrize(
    "place",
    [
        "../../elsewhere",
        *(
            pytest.param(place, marks=pytest.mark.slow)
            for place in ("../.groups/elsewhere", "../../.groups/0123456789ab", "/tmp", "checkpoint", "..")
        ),
    ],
)
@pytest.mark.slow
def test_a_pointer_to_no_group_is_not_followed(place, tmp_path, unfinished, train):
    """A run folder from elsewhere names what is read, and deleted in the end: only groups of a folder above it are."""
    target = (unfinished / place).resolve()
    existed = target.exists()
    if not existed:
        target.mkdir(parents=True)
        (target / "kept").write_text("")
    (unfinished / "group.json").write_text(json.dumps({"checkpoints": [place]}))
    train(unfinished, *SIX_EPOCHS)
    assert target.is_dir()
    assert existed or (target / "kept").exists()
    assert not (unfinished / "group.json").exists()


@pytest.mark.parametrize("name", ["checkpoint", "metrics.jsonl", "run.log", ".lock", "figures", "checkpoint/6"])
def test_a_link_out_of_the_folder_is_refused(name, unfinished, train, tmp_path):
    path, outside = unfinished / name, tmp_path / "outside"
    if path.is_dir() and name != "figures":
        path.rename(outside)
    else:
        outside.write_text("mine")
    path.unlink(missing_ok=True)
    path.symlink_to(outside)
    with pytest.raises(UserError, match=r"is a link that leads out of .*, to .*outside; delete the link"):
        train(unfinished, *SIX_EPOCHS)
    assert outside.is_dir() or outside.read_text() == "mine"
