"""Small sweeps, in two processes that share a folder, with a delay before each operation on its files.

What more than one thread or process may touch has one owner at a time (docs/reliability.md). So whatever order the
delays make, each run completes, and nothing is left over.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROUNDS = int(os.environ.get("AE_JAX_RACE_ROUNDS", "40"))  # of two sweeps each; by hand 100
NAMES = [[f"{size}-{seed}" for size in (1, 2) for seed in seeds] for seeds in ((0, 1, 2), (3, 4, 5))]


@pytest.fixture(scope="module")
def sweepers(environment, tmp_path_factory) -> Iterator[list["subprocess.Popen[str]"]]:
    """Two processes that train sweeps, see `sweeping.py`; what they print goes to a file each."""
    script, folder = Path(__file__).with_name("sweeping.py"), tmp_path_factory.mktemp("printed")
    started = []
    for number in range(2):
        with (folder / f"{number}.txt").open("w") as printed:
            started.append(
                subprocess.Popen(
                    [sys.executable, str(script)],
                    env=environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=printed,
                    text=True,
                )
            )
    yield started
    for process in started:
        process.communicate()


def _left_by_one_that_was_killed(folder: Path) -> None:
    """All runs of both sweeps point to a group in which nothing was saved."""
    names = [name for sweep in NAMES for name in sweep]
    group = folder / ".groups" / ("0" * 12)
    group.mkdir(parents=True)
    (group / "runs.json").write_text(json.dumps({"runs": names}))
    for name in names:
        (folder / name).mkdir()
        (folder / name / "group.json").write_text(json.dumps({"checkpoints": [f"../.groups/{group.name}"]}))


def test_sweeps_with_delays(sweepers, tmp_path):
    runs = {name for sweep in NAMES for name in sweep}
    for number in range(ROUNDS):
        folder = tmp_path / str(number)
        folder.mkdir()
        if number % 3 == 2:
            _left_by_one_that_was_killed(folder)
        for process, names in zip(sweepers, NAMES, strict=True):
            process.stdin.write(json.dumps({"folder": str(folder), "names": names, "delays": number}) + "\n")
            process.stdin.flush()
        ended = [json.loads(process.stdout.readline()) for process in sweepers]
        assert ended == [["completed"] * 6] * 2, f"round {number}"
        assert {path.name for path in folder.iterdir()} == {*runs, "sweep.json", ".sweep.lock"}, f"round {number}"
        assert json.loads((folder / "sweep.json").read_text())["counts"] == {"completed": 12}, f"round {number}"
        assert not [path for path in folder.rglob("*") if path.suffix == ".part" or path.name == "group.json"]
