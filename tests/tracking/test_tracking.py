"""What W&B is given, read back from the file that an offline run writes."""

import json
import math
import struct
import subprocess
import sys
import time
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
import wandb
from wandb.proto import wandb_internal_pb2

from ae_jax.config import naming
from ae_jax.errors import UserError
from ae_jax.results import RunFolder
from ae_jax.runs.recorder import Recorder
from ae_jax.tracking import uploads
from ae_jax.tracking.sync_log import SyncLog
from ae_jax.tracking.wandb_run import Tracker, TrackingOptions

BLOCK, HEADER, FILE_HEADER = 1 << 15, 7, 7
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4


class Piece(NamedTuple):
    """A piece of a record in a .wandb file, and where it ends."""

    kind: int
    data: bytes
    end: int


def pieces(content: bytes) -> Iterator[Piece]:
    """The pieces that are whole, of a file that may be being written, and so may end anywhere.

    LevelDB's log format, after a header of 7 bytes: blocks of 32 KiB hold pieces of (CRC 4, length 2, type 1, data). A
    block's end that is too short for a header is padding.
    """
    assert content[:4] == b":W&B"[: len(content)]
    position = FILE_HEADER
    while True:
        left = BLOCK - position % BLOCK
        if left < HEADER:
            position += left
        if position + HEADER > len(content):
            return
        _, length, kind = struct.unpack_from("<IHB", content, position)
        start, position = position + HEADER, position + HEADER + length
        if kind not in (FULL, FIRST, MIDDLE, LAST) or position > len(content):
            return
        yield Piece(kind, content[start:position], position)


def records_of(content: bytes) -> Iterator[Any]:
    """The records that are whole: one full piece, or first, middle …, last."""
    parts: list[bytes] = []
    for piece in pieces(content):
        parts = [piece.data] if piece.kind in (FULL, FIRST) else [*parts, piece.data]
        if piece.kind in (FULL, LAST):
            record = wandb_internal_pb2.Record()
            record.ParseFromString(b"".join(parts))
            yield record


def read_records(path: Path) -> list[Any]:
    """The records of a run that has ended. wandb's own process writes them, also after it has said that the run ended:
    they are all there when that process has ended, as it has at the end of a program.
    """
    wandb.teardown()
    found = list(records_of(path.read_bytes()))
    assert sum(record.HasField("exit") for record in found) == 1, f"{path} has no end"
    return found


def _items(items: Any) -> dict[str, Any]:
    """Keys and values; a nested key makes nested dictionaries."""
    content: dict[str, Any] = {}
    for item in items:
        *parents, last = item.nested_key or [item.key]
        node = content
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = json.loads(item.value_json)
    return content


def _flat(content: dict[str, Any]) -> dict[str, Any]:
    return dict(naming.flatten(content))


@pytest.fixture(scope="module")
def records(smoke: Path) -> list[Any]:
    (path,) = smoke.glob("wandb/offline-run-*/*.wandb")
    found = read_records(path)
    assert len(found) > 5
    return found


@pytest.fixture(scope="module")
def logged(records: list[Any]) -> list[dict[str, Any]]:
    """The history, a dictionary for each step."""
    return [_items(record.history.item) for record in records if record.HasField("history")]


def _close(value: Any) -> Any:
    return pytest.approx(value, rel=1e-12) if isinstance(value, float) else value


def test_half_written_records_are_not_there_yet(tmp_path):
    with _tracker(tmp_path, notes="x" * 70_000) as tracker:
        for epoch in range(1, 4):
            tracker.log({"epoch": epoch})
    (segment,) = _segments(tmp_path)
    whole = _finished(segment)
    (path,) = segment.glob("*.wandb")
    content = path.read_bytes()
    ends = [piece.end for piece in pieces(content) if piece.kind in (FULL, LAST)]
    assert {piece.kind for piece in pieces(content)} == {FULL, FIRST, MIDDLE, LAST}
    assert (len(ends), ends[-1]) == (len(whole), len(content))
    for cut in range(len(content)):
        if cut % BLOCK in (*range(20), *range(BLOCK - 20, BLOCK)) or cut > 2 * BLOCK:  # all of them takes long
            assert list(records_of(content[:cut])) == whole[: bisect_right(ends, cut)], cut


def test_run_has_its_name_project_tags_and_notes(smoke, records):
    (run,) = (record.run for record in records if record.HasField("run"))
    assert run.display_name == "smoke-run"
    assert run.run_id == "smoke-smoke-run"
    assert run.project == "the-project"
    assert run.run_group == "the-group"
    assert list(run.tags) == ["first", "second"]
    assert run.notes == "what this run is for"


def test_config_is_complete(smoke, records):
    sent: dict[str, Any] = {}
    for record in records:
        for updates in (record.run.config.update, record.config.update):
            for key, value in _items(updates).items():
                sent.update(_flat({key: value}))
    expected = _flat(RunFolder(smoke).config)
    assert len(expected) > 30
    assert {key: sent.get(key, "nothing") for key in expected} == expected


def test_every_metric_has_its_step(smoke, logged):
    metrics = RunFolder(smoke).metrics
    assert len(metrics) == 4
    by_step = {}
    for row in logged:
        by_step.setdefault(row["_step"], {}).update(row)
    for record in metrics:
        sent = by_step[record["epoch"]]
        assert {key: sent.get(key) for key in record} == {key: _close(value) for key, value in record.items()}


def test_every_figure_is_there(smoke, logged):
    names = {path.stem for path in (smoke / "figures").glob("*.png")}
    assert names == {"learning_curve", "pca_curve", "reconstructions"}
    sent = {key.removeprefix("figures/"): value for row in logged for key, value in row.items() if "figures/" in key}
    assert set(sent) == names
    (folder,) = smoke.glob("wandb/offline-run-*/files")
    for name, value in sent.items():
        assert value["_type"] == "image-file"
        assert (folder / value["path"]).read_bytes() == (smoke / "figures" / f"{name}.png").read_bytes()


def test_every_key_of_the_summary_is_there(smoke, records):
    sent: dict[str, Any] = {}
    for record in records:
        for key, value in _items(record.summary.update).items():
            sent.update(_flat({key: value}))
    expected = _flat(RunFolder(smoke).summary)
    assert len(expected) > 50
    assert {key: sent.get(key, "nothing") for key in expected} == {key: _close(item) for key, item in expected.items()}
    assert sent["state"] == "completed"


def test_exit_code_says_completed(records):
    assert [record.exit.exit_code for record in records if record.HasField("exit")] == [0]


def test_disabled_leaves_no_trace(tiny):
    assert RunFolder(tiny).config["tracking"]["mode"] == "disabled"
    assert not (tiny / "wandb").exists()


def test_the_environment_is_honoured(monkeypatch):
    from ae_jax.config import compose as composition

    values = {"MODE": "disabled", "PROJECT": "from-environment", "ENTITY": "someone", "RUN_GROUP": "together"}
    for name, value in values.items():
        monkeypatch.setenv(f"WANDB_{name}", value)
    tracking = composition.checked(composition.compose([]))["tracking"]
    assert list(tracking.values())[1:] == list(values.values())
    assert composition.checked(composition.compose(["tracking.mode=offline"]))["tracking"]["mode"] == "offline"


def test_offline_is_the_default():
    from ae_jax.config import compose as composition

    assert composition.checked(composition.compose([]))["tracking"]["mode"] == "offline"


@pytest.mark.slow
def test_a_failed_run_is_closed_as_failed(train, monkeypatch, tmp_path):
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("ae_jax.jobs.open_run.write_results", broken)
    with pytest.raises(ZeroDivisionError):
        train(tmp_path / "run", "tracking.mode=offline")
    (path,) = (tmp_path / "run").glob("wandb/offline-run-*/*.wandb")
    found = read_records(path)
    assert [record.exit.exit_code for record in found if record.HasField("exit")] == [1]
    states = [_items(record.summary.update).get("state") for record in found if record.HasField("summary")]
    assert [state for state in states if state is not None] == ["failed"]
    assert RunFolder(tmp_path / "run").read("status.json")["error"] == "ZeroDivisionError('a bug')"


@pytest.mark.slow
def test_a_run_that_was_continued_has_every_metric_in_its_last_file(train, monkeypatch, tmp_path):
    folder, overrides = (
        tmp_path / "run",
        ("tracking.mode=offline", "trainer.num_epochs=4", "runtime.checkpoint_seconds=0"),
    )
    write = Recorder.metrics

    def interrupted(self: Recorder, record: dict[str, Any]) -> None:
        write(self, record)
        if record["epoch"] == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Recorder, "metrics", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(folder, *overrides)
    train(folder, *overrides)
    (last,) = [segment for segment in _segments(folder) if not _is_skipped(segment)]
    rows = [_items(record.history.item) for record in _finished(last) if record.HasField("history")]
    sent = [(row["_step"], row["train_loss"]) for row in rows if "train_loss" in row]
    assert sent == [(record["epoch"], _close(record["train_loss"])) for record in RunFolder(folder).metrics]
    assert [step for step, _ in sent] == [1, 2, 3, 4]


OFFLINE = TrackingOptions(mode="offline", project="p", entity=None, group=None)


def _tracker(folder: Path, options: TrackingOptions = OFFLINE, **config: Any) -> Tracker:
    # W&B may still have the run of a test before in this process: each has a name of its own.
    return Tracker(options, folder, {"name": "n", "tags": [], "notes": "", **config}, run_name=folder.name)


def _segments(folder: Path) -> set[Path]:
    """The folders of W&B runs. Neither their names nor their times tell which was begun first."""
    return set(folder.glob("wandb/offline-run-*"))


def _finished(segment: Path) -> list[Any]:
    (path,) = segment.glob("*.wandb")
    return read_records(path)


def _steps(segment: Path) -> list[int]:
    return [_items(record.history.item)["_step"] for record in _finished(segment) if record.HasField("history")]


def _is_skipped(segment: Path) -> bool:
    """Whether `wandb sync` would skip it."""
    return any(segment.glob("*.wandb.synced"))


@pytest.mark.parametrize("clock", [(1e9, 1e9, 1e9), (1e9 + 3600, 1e9, 1e9)], ids=["same_second", "stepped_back"])
def test_segments_of_a_continued_run_never_share_a_folder_and_the_newest_is_sent(clock, tmp_path, monkeypatch):
    for segment, seconds in enumerate(clock, start=1):
        monkeypatch.setattr("wandb.sdk.wandb_init.time", SimpleNamespace(time=lambda seconds=seconds: seconds))
        with _tracker(tmp_path) as tracker:
            for epoch in range(1, segment + 1):
                tracker.log({"epoch": epoch})
            tracker.finish(state="completed" if segment == len(clock) else "interrupted")
        wandb.teardown()  # a run is continued by another process
    found = {tuple(_steps(segment)): _is_skipped(segment) for segment in _segments(tmp_path)}
    assert found == {(1,): True, (1, 2): True, (1, 2, 3): False}


def test_a_segment_without_an_epoch_does_not_replace_one_with_them(tmp_path):
    for epochs in ([1, 2], []):
        with _tracker(tmp_path) as tracker:
            for epoch in epochs:
                tracker.log({"epoch": epoch})
        wandb.teardown()
    assert {tuple(_steps(segment)): _is_skipped(segment) for segment in _segments(tmp_path)} == {
        (1, 2): False,
        (): True,
    }


def test_texts_reach_wandb_as_texts(tmp_path):
    tags = ["<b>**x**</b>\x1b[31m\n", "", "t" * 70, "t" * 64, "\udcff"]
    config = {"name": "<n>/" * 50, "tags": tags, "notes": "<script>\x00\udcff" + "x" * 100_000}
    _tracker(tmp_path, OFFLINE._replace(group="g" * 300), **config).finish(state="completed")
    (segment,) = _segments(tmp_path)
    run = next(record.run for record in _finished(segment) if record.HasField("run"))
    assert list(run.tags) == [tags[0], "t" * 64, "?"]
    assert run.notes == config["notes"].replace("\udcff", "?")
    assert run.run_group == "g" * 128
    assert len(run.run_id) == 128
    assert run.run_id.endswith(f"-n---{tmp_path.name}")
    assert _items(run.config.update)["tags"] == tags


def test_numbers_that_are_not_finite_stay_what_they_are(tmp_path):
    with _tracker(tmp_path) as tracker:
        tracker.log({"epoch": 1, "a": math.nan, "b": math.inf, "c": -math.inf, "d": None})
        tracker.finish(state="completed", summary={"e": math.nan, "f": {"g": math.inf, "h": None}})
    (segment,) = _segments(tmp_path)
    found = _finished(segment)
    (row,) = [_items(record.history.item) for record in found if record.HasField("history")]
    assert math.isnan(row["a"])
    assert (row["b"], row["c"], row["d"]) == (math.inf, -math.inf, None)
    summary: dict[str, Any] = {}
    for record in found:
        summary |= _items(record.summary.update)
    assert summary["e"] is None  # as in summary.json
    assert summary["f"] == {"g": math.inf, "h": None}


@pytest.mark.parametrize("project", ["a/b", "a?"])
def test_a_project_that_wandb_refuses_is_one_line(project, tmp_path):
    with pytest.raises(UserError, match=r"^tracking\.project: Invalid project name"):
        _tracker(tmp_path, OFFLINE._replace(project=project))


@pytest.mark.parametrize("project", ["", "p" * 129])
def test_the_length_of_the_project_is_checked_with_the_config(project, compose):
    with pytest.raises(UserError, match=r"^tracking\.project: "):
        compose(f"tracking.project='{project}'")


@pytest.mark.parametrize("key", ["short", " " * 40, ""])
def test_a_key_that_cannot_be_one_is_one_line(key, tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", key)
    with pytest.raises(UserError, match=r"^tracking\.mode: W&B cannot start online \(.*WANDB_API_KEY into \.env$"):
        _tracker(tmp_path, OFFLINE._replace(mode="online"))
    assert not (tmp_path / "wandb").exists()


def test_what_fails_within_wandb_ends_the_tracking_only(tmp_path, monkeypatch, caplog):
    with _tracker(tmp_path) as tracker:
        tracker.log({"epoch": 1})

        def broken(*_: object, **__: object) -> None:
            raise ConnectionResetError("its process is gone")

        monkeypatch.setattr(tracker._run, "log", broken)
        tracker.log({"epoch": 2})
        tracker.log({"epoch": 3})
        tracker.finish(state="completed")
    (warning,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert "its process is gone" in warning


def test_the_command_that_sends_later_names_folders_as_one_would_type_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runs = [tmp_path / "out puts" / name / "wandb" / "offline-run-1-x" for name in ("a", "b")]
    assert uploads._sync(runs[:1]) == "wandb sync 'out puts/a/wandb/offline-run-1-x'"
    assert uploads._sync(runs) == "wandb sync 'out puts'/*/wandb"


def test_no_line_of_the_log_of_sending_is_lost_however_it_is_written(tmp_path):
    """In pieces of any length, read after each: a line is taken once it is whole, and what was read takes no disk."""
    lines = [
        json.dumps({"level": level, "msg": reason, "sync_path": str(tmp_path / f"{number}.wandb")}) + "\n"
        for number, (level, reason) in enumerate([("INFO", "x" * 9000), ("ERROR", "a"), ("ERROR", "api: b")] * 2)
    ]
    log, (path, content) = SyncLog(tmp_path), (tmp_path / "debug-sync.1.log", "".join(lines).encode())
    with path.open("wb", buffering=0) as file:
        for start in range(0, len(content), 7):
            file.write(content[start : start + 7])
            log.read()
    assert log.failed == {tmp_path / "1.wandb": "a", tmp_path / "4.wandb": "a"}
    assert path.stat().st_size == len(content)
    if sys.platform == "linux":
        assert path.stat().st_blocks * 512 < len(content) / 2
    (tmp_path / "4.wandb.synced").touch()
    (tmp_path / "0.wandb.synced").touch()
    log.settle()
    assert [mark.name for mark in tmp_path.glob("*.synced")] == ["0.wandb.synced"]


@pytest.mark.parametrize(("code", "seconds", "is_believed"), [("while True: pass", 0.1, False), ("input()", 60, True)])
def test_marks_are_not_believed_of_a_sender_that_was_killed(code, seconds, is_believed, tmp_path, monkeypatch, caplog):
    """It had no time to take them from what was not sent whole; one that ends in order has."""

    def start(*_: object) -> Any:
        pipes = dict.fromkeys(("stdin", "stdout"), subprocess.PIPE)
        return subprocess.Popen([sys.executable, "-c", code], text=True, **pipes, stderr=subprocess.DEVNULL)

    for name, value in {
        "_start": start,
        "GATHERING_SECONDS": 0,
        "FINISH_SECONDS": 0,
        "_ENDING_SECONDS": seconds,
    }.items():
        monkeypatch.setattr(uploads, name, value)
    (tmp_path / "run.wandb.synced").touch()
    sending = uploads.Uploads()
    sending.add(tmp_path)
    while not sending._processes:
        time.sleep(0.01)
    sending.close()
    assert (tmp_path / "run.wandb.synced").exists() == is_believed
    assert ("did not take all" in caplog.text) != is_believed


@pytest.mark.slow
def test_each_run_of_a_sweep_is_a_wandb_run_in_the_sweeps_group(command_line, no_figures):
    tiny = ("trainer.num_epochs=2", "trainer.batch_size=32", "trainer.max_train_examples=64", "model.latent_size=4")
    done = command_line("-m", *tiny, "name=of-three", "seed=0,1,2", "tracking.mode=offline")
    assert done.code == 0, done.err
    files = sorted(Path("outputs/of-three").glob("*/wandb/offline-run-*/*.wandb"))
    assert len(files) == 3
    for path in files:
        found = read_records(path)
        (run,) = [record.run for record in found if record.HasField("run")][:1]
        assert run.run_group == "of-three"
        assert run.display_name == path.parents[2].name
        steps = [_items(record.history.item)["epoch"] for record in found if record.HasField("history")]
        assert steps == [1, 2]
        assert [record.exit.exit_code for record in found if record.HasField("exit")] == [0]
