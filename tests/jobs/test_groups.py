"""Joining and leaving a group: its folder is deleted once, by the last run to leave, whoever is killed meanwhile."""

import json
import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ae_jax.jobs.sweep.overview import Overview, Trial
from ae_jax.runs.continuation import GROUPS, SWEEP_LOCK, group_of, groups_of, leave_groups, point_to_group

NAMES = ["a", "b", "deeper/c", "d"]


def _join(sweep: Path, names: list[str]) -> Path:
    with group_of(names, sweep / GROUPS) as group:
        for name in names:
            (sweep / name).mkdir(parents=True, exist_ok=True)
            point_to_group(sweep / name, group)
    return group


def _left(sweep: Path) -> list[str]:
    """What is there of groups."""
    paths = [*sweep.glob(f"{GROUPS}*"), *sweep.rglob("group.json"), *sweep.rglob("*.part")]
    return sorted(path.name for path in paths)


def test_the_last_to_leave_deletes_the_folder(tmp_path):
    old, new = _join(tmp_path, NAMES), _join(tmp_path, NAMES[:2])
    assert groups_of(tmp_path / "a") == [new, old]
    assert groups_of(tmp_path / "d") == [old]
    for name in NAMES[:3]:
        assert old.is_dir()
        leave_groups(tmp_path / name)
    assert not new.exists()
    leave_groups(tmp_path / "d")
    assert _left(tmp_path) == []
    leave_groups(tmp_path / "d")  # which is in none


def test_a_group_without_a_checkpoint_is_kept_for_those_that_train(tmp_path):
    """In a short sweep nothing is saved before the end, so that no checkpoint tells whose the group is."""
    group = _join(tmp_path, NAMES)
    leave_groups(tmp_path / "b")
    assert group.is_dir()


def test_threads_that_leave_and_join_at_once(tmp_path):
    barrier = threading.Barrier(4)

    def work(number: int) -> None:
        for turn in range(20):
            barrier.wait()
            if turn % 2 == 0:
                leave_groups(tmp_path / NAMES[number])
            elif number == 0:
                _join(tmp_path, NAMES)
            else:
                _join(tmp_path, [f"other{number}", f"{number}"])
                leave_groups(tmp_path / f"other{number}")
                leave_groups(tmp_path / f"{number}")

    _join(tmp_path, NAMES)
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(work, number) for number in range(4)]:
            done.result()
    for name in NAMES:
        leave_groups(tmp_path / name)
    assert _left(tmp_path) == []


class _KilledError(BaseException):
    """As far as the code is concerned, the process ends here."""


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", ["rename", "rmtree", "rmdir", "unlink"])
def test_who_is_killed_while_it_leaves_leaves_again(at, when, tmp_path, monkeypatch):
    group = _join(tmp_path, NAMES[:1])
    (group / "3").mkdir()
    owner = shutil if at == "rmtree" else Path
    function = getattr(owner, at)

    def killed(*arguments, **options):
        if when == "after":
            function(*arguments, **options)
        raise _KilledError

    with monkeypatch.context() as patch:
        patch.setattr(owner, at, killed)
        with pytest.raises(_KilledError):
            leave_groups(tmp_path / "a")
    if at != "unlink":
        assert (tmp_path / "a" / "group.json").exists()
    leave_groups(tmp_path / "a")
    assert _left(tmp_path) == []


def test_two_writers_of_the_overview_lose_no_run(tmp_path):
    def write(number: int) -> None:
        overview = Overview(tmp_path)
        runs = [Trial([f"seed={number}{at}"], tmp_path / f"{number}-{at}", {}) for at in range(5)]
        for run in runs:
            overview.write(runs, now=True)
            run.state = "failed"
        overview.write(runs, now=True)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(8)))
    content = json.loads((tmp_path / "sweep.json").read_text())
    assert content["counts"] == {"failed": 40}
    assert {path.name for path in tmp_path.iterdir()} - {"here"} == {SWEEP_LOCK, "sweep.json"}


def test_what_another_command_says_later_is_not_undone(tmp_path):
    first, second = Overview(tmp_path), Overview(tmp_path)
    ours, theirs = (Trial(["seed=0"], tmp_path / "run", {}, state="running") for _ in range(2))
    second.write([theirs], now=True)
    first.write([ours], now=True)
    ours.state = "completed"
    first.write([ours], now=True)
    second.write([theirs], now=True)
    assert json.loads((tmp_path / "sweep.json").read_text())["counts"] == {"completed": 1}


def test_an_overview_that_cannot_be_written_ends_nothing(tmp_path, caplog):
    (tmp_path / "sweep.json").mkdir()
    overview = Overview(tmp_path)
    for state in ("waiting", "running"):
        overview.write([Trial(["seed=0"], tmp_path / "run", {}, state=state)], now=True)
    assert [record.getMessage().partition(" (")[0] for record in caplog.records] == [
        f"{tmp_path}{os.sep}sweep.json: cannot be written"
    ]
