"""The same command again, in company of others, on other devices, in other groups, after the clock was put back."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow
SMALL = (
    "experiment=smoke", "runtime.print_config=false", "runtime.checkpoint_seconds=0", "trainer.num_epochs=12",
    "trainer.max_train_examples=64", "trainer.batch_size=32", "model.hidden_sizes=[16]", "corruption=masking",
)  # fmt: skip
RUN = (*SMALL, "tracking.mode=disabled", "hydra.run.dir=run")
SWEEP = ("-m", *SMALL, "tracking.mode=disabled", "seed=0,1,2", "optimizer.learning_rate=0.001,0.01")
KILLED = {"at": "ae_jax.jobs.train_fitting:_record", "call": 6, "when": "after"}
# How far groups and devices may change a loss: docs/reliability.md.
BOUND = 4e-4
# Puts the wall clock, and no other, back by the seconds that a file says.
CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static long behind(void) {
  long seconds = 0;
  FILE *file = fopen(getenv("CLOCK_BEHIND"), "r");
  if (file && fscanf(file, "%ld", &seconds) != 1) seconds = 0;
  if (file) fclose(file);
  return seconds;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
  int result = real(clock, now);
  if (clock == CLOCK_REALTIME) now->tv_sec -= behind();
  return result;
}

int gettimeofday(struct timeval *now, void *zone) {
  struct timespec precise;
  clock_gettime(CLOCK_REALTIME, &precise);
  now->tv_sec = precise.tv_sec;
  now->tv_usec = precise.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *now) {
  struct timespec precise;
  clock_gettime(CLOCK_REALTIME, &precise);
  if (now) *now = precise.tv_sec;
  return precise.tv_sec;
}
"""


def _devices(number: int) -> dict[str, str]:
    return {"XLA_FLAGS": f"--xla_force_host_platform_device_count={number}"}


def _output(folder: Path) -> str:
    return folder.with_name(f"{folder.name}.txt").read_text()


def _runs(folder: Path) -> dict[str, Path]:
    return {str(path.parent.relative_to(folder)): path.parent for path in sorted(folder.rglob("status.json"))}


def _assert_close(folder: Path, other: Path) -> None:
    """Runs of one config that were trained in other pieces."""
    for name, run in _runs(folder).items():
        losses = [
            [
                (record["epoch"], record["train_loss"], record["validation_loss"])
                for record in map(json.loads, (one / "metrics.jsonl").read_text().splitlines())
            ]
            for one in (run, other / name)
        ]
        np.testing.assert_allclose(*losses, rtol=BOUND)
        sses = [json.loads((one / "summary.json").read_text())["test"]["sse"] for one in (run, other / name)]
        np.testing.assert_allclose(*sses, rtol=BOUND)


@pytest.fixture(scope="module")
def undisturbed(forks, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    for command in (RUN, SWEEP):
        assert forks.run(folder, *command, **_devices(1)) == 0, _output(folder)
    return folder


@pytest.mark.parametrize("command", [RUN, SWEEP], ids=["run", "sweep"])
def test_the_same_command_twice_gives_the_same_bits(command, forks, undisturbed, assert_same, tmp_path):
    folder = tmp_path / "again"
    folder.mkdir()
    assert forks.run(folder, *command, **_devices(1)) == 0, _output(folder)
    assert len(_runs(folder)) in (1, 6)
    for name, run in _runs(folder).items():
        assert_same(run, undisturbed / name)
        for figure in (run / "figures").iterdir():
            assert figure.read_bytes() == (undisturbed / name / "figures" / figure.name).read_bytes()


@pytest.mark.parametrize(
    "places",
    [(1, 4), (4, 1)],
    ids=["from 1 device to 4", "from 4 devices to 1"],
)
@pytest.mark.parametrize("command", [RUN, SWEEP], ids=["run", "sweep"])
def test_a_checkpoint_goes_on_with_other_devices(command, places, forks, undisturbed, tmp_path):
    folder = tmp_path / "moved"
    folder.mkdir()
    first, second = places
    # The batches of a run alone are shared by its devices; the runs of a sweep are spread over them.
    shared = [f"trainer.data_parallel={number if command is RUN else 1}" for number in places]
    assert forks.run(folder, *command, shared[0], fault=KILLED, **_devices(first)) == -signal.SIGKILL
    assert forks.run(folder, *command, shared[1], **_devices(second)) == 0, _output(folder)
    assert len(_runs(folder)) in (1, 6)
    for run in _runs(folder).values():
        assert re.search(r"continuing after epoch [45]", (run / "run.log").read_text())
        assert len(json.loads((run / "environment.json").read_text())["devices"]) == second
    _assert_close(folder, undisturbed)


@pytest.mark.parametrize("options", [("hydra.launcher.max_runs=4",), ("hydra/launcher=basic",)], ids=str)
def test_a_group_is_formed_anew(options, forks, undisturbed, tmp_path):
    folder = tmp_path / "formed"
    folder.mkdir()
    assert forks.run(folder, *SWEEP, fault=KILLED, **_devices(2)) == -signal.SIGKILL
    fewer = ("-m", *SMALL, "tracking.mode=disabled", "seed=1", "optimizer.learning_rate=0.001,0.01")
    assert forks.run(folder, *fewer, *options, **_devices(2)) == 0, _output(folder)
    assert forks.run(folder, *SWEEP, *options, **_devices(2)) == 0, _output(folder)
    assert len(_runs(folder)) == 6
    for run in _runs(folder).values():
        assert (run / "run.log").read_text().count("continuing after epoch") == 1
    _assert_close(folder, undisturbed)
    assert not (folder / "outputs/smoke/.groups").exists()


# So many epochs that it is trained in however late the second process comes.
LONG = ("trainer.num_epochs=10000000", "runtime.checkpoint_seconds=1000")


@pytest.mark.parametrize("command", [RUN, SWEEP], ids=["run", "sweep"])
def test_a_second_process_is_told_who_has_the_folder(command, forks, tmp_path):
    folder = tmp_path / "shared"
    folder.mkdir()
    first = forks.start(folder, *command, *LONG)
    start = time.monotonic()
    while not (found := list(folder.rglob("metrics.jsonl"))) or not all(path.stat().st_size for path in found):
        assert time.monotonic() - start < 60, _output(folder)
        time.sleep(0.01)
    before = {path: path.read_text() for path in folder.rglob("config.json")}
    (mark := tmp_path / "second").mkdir()
    (mark / "outputs").symlink_to(folder / "outputs")
    (mark / "run").symlink_to(folder / "run")
    assert forks.run(mark, *command, *LONG) == 2
    output = _output(mark)
    assert f"is being trained in by process {first.number} on {os.uname().nodename}; wait for it" in output
    assert "Traceback" not in output
    assert {path: path.read_text() for path in folder.rglob("config.json")} == before
    first.send(signal.SIGTERM)
    assert first.wait() == 128 + signal.SIGTERM
    for run in _runs(folder).values():
        epochs = [json.loads(line)["epoch"] for line in (run / "metrics.jsonl").read_text().splitlines()]
        assert epochs == list(range(1, len(epochs) + 1))
        assert json.loads((run / "status.json").read_text())["state"] == "interrupted"


def test_a_clock_that_is_put_back(environment, undisturbed, assert_same, tmp_path):
    """By two hours while a run trains, and by a day before it is continued."""
    library, clock = tmp_path / "clock.so", tmp_path / "behind"
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("a clock that can be put back takes a C compiler")
    line = [compiler, "-shared", "-fPIC", "-x", "c", "-", "-o", str(library), "-ldl"]
    subprocess.run(line, input=CLOCK, text=True, check=True)
    clock.write_text("0")
    script = Path(__file__).parents[2] / "scripts" / "train.py"
    faked = {**environment, "LD_PRELOAD": str(library), "CLOCK_BEHIND": str(clock), **_devices(1)}
    folder, line = tmp_path / "here", [sys.executable, str(script), *RUN, "tracking.mode=offline"]
    folder.mkdir()
    with subprocess.Popen(line, cwd=folder, env=faked, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as first:
        path, start = folder / "run" / "metrics.jsonl", time.monotonic()
        while not path.exists() or path.read_bytes().count(b"\n") < 3:
            assert time.monotonic() - start < 100
            time.sleep(0.005)
        clock.write_text("7200")
        while path.read_bytes().count(b"\n") < 7:
            time.sleep(0.005)
        first.kill()
    clock.write_text("86400")
    done = subprocess.run(line, cwd=folder, env=faked, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert re.search(r"continuing after epoch [5-9]", (folder / "run" / "run.log").read_text())
    assert len(list((folder / "run" / "wandb").glob("offline-run-*"))) == 2
    shutil.rmtree(folder / "run" / "wandb")
    assert_same(folder / "run", undisturbed / "run")
    status = json.loads((folder / "run" / "status.json").read_text())
    now = time.strftime("%Y-%m-%d", time.gmtime())
    assert status["ended"][:10] < now
