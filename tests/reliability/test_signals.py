"""SIGTERM and SIGINT: the epoch is finished and saved, the program ends with its code within 10 s; twice: at once."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
# Checkpoints are due so late that there is none but what a signal asks for. An epoch takes some tenths of a second.
LONG = (
    "experiment=smoke", "runtime.print_config=false", "runtime.checkpoint_seconds=1000", "trainer.num_epochs=400",
    "model.hidden_sizes=[512,512]",
)  # fmt: skip
RUN = (*LONG, "tracking.mode=offline", "hydra.run.dir=run")
SWEEP = ("-m", *LONG, "tracking.mode=offline", "seed=0,1")
MOST_SECONDS = 10


def _runs(folder: Path) -> list[Path]:
    return sorted(path.parent for path in folder.rglob("status.json"))


def _num_epochs(run: Path) -> int:
    path = run / "metrics.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def _wait_until(what, seconds: float = 60) -> None:
    start = time.monotonic()
    while not what():
        assert time.monotonic() - start < seconds
        time.sleep(0.01)


def _begun(forks, folder: Path, command: tuple[str, ...], **options):
    """The command, once all its runs train."""
    program = forks.start(folder, *command, **options)
    runs = 1 if command is RUN else 2
    _wait_until(lambda: len(_runs(folder)) == runs and all(_num_epochs(run) > 2 for run in _runs(folder)))
    return program


def _output(folder: Path) -> str:
    return folder.with_name(f"{folder.name}.txt").read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
@pytest.mark.parametrize("command", [RUN, SWEEP], ids=["run", "sweep"])
def test_a_signal_saves_the_last_epoch(command, number, forks, tmp_path):
    program = _begun(forks, tmp_path, command)
    start = time.monotonic()
    # To the whole group, as a terminal and a cluster do: processes that draw or upload must not fall before their time.
    os.killpg(program.number, number)
    code = program.wait()
    assert time.monotonic() - start < MOST_SECONDS
    assert code == 128 + number
    output = _output(tmp_path)
    assert "Traceback" not in output
    reached = {}
    for run in _runs(tmp_path):
        status = json.loads((run / "status.json").read_text())
        assert (status["state"], status["error"]) == ("interrupted", None)
        assert list(run.glob("wandb/offline-run-*/*.wandb"))
        reached[run] = _num_epochs(run)
    assert all(2 < epoch < 400 for epoch in reached.values())
    program = forks.start(tmp_path, *command)
    _wait_until(lambda: all("continuing after" in (run / "run.log").read_text() for run in reached))
    program.send(signal.SIGTERM)
    assert program.wait() == 128 + signal.SIGTERM
    for run, epoch in reached.items():
        assert f"continuing after epoch {epoch}\n" in (run / "run.log").read_text()
        epochs = [json.loads(line)["epoch"] for line in (run / "metrics.jsonl").read_text().splitlines()]
        assert epochs == list(range(1, len(epochs) + 1))


# An epoch takes seconds, and a checkpoint follows each.
SLOW = (
    "experiment=smoke", "runtime.print_config=false", "runtime.checkpoint_seconds=0", "tracking.mode=disabled",
    "model.hidden_sizes=[3000,3000]", "trainer.num_epochs=50", "optimizer=sgd", "optimizer.learning_rate=1e-4",
    "hydra.run.dir=run",
)  # fmt: skip


@pytest.mark.parametrize("ask", ["a second signal", "no time left"])
def test_what_takes_too_long_is_given_up(ask, forks, tmp_path):
    grace = 0.3 if ask == "no time left" else 60
    program = forks.start(tmp_path, *SLOW, settings={"ae_jax.jobs.guard:GRACE_SECONDS": grace})
    run = tmp_path / "run"
    _wait_until(lambda: any(path.name.isdigit() for path in run.glob("checkpoint/*")), seconds=100)
    program.send(signal.SIGTERM)
    if ask == "a second signal":  # two at once would be one
        _wait_until(lambda: "finishing the epoch" in _output(tmp_path))
        program.send(signal.SIGTERM)
    start, epochs = time.monotonic(), _num_epochs(run)
    assert program.wait() == 128 + signal.SIGTERM
    assert time.monotonic() - start < 3
    assert _num_epochs(run) - epochs <= 1
    output = _output(tmp_path)
    assert "finishing the epoch, and saving; once more to stop at once\n" in output
    assert "stopped at once: the last checkpoint counts\n" in output
    assert "Traceback" not in output
    program = forks.start(tmp_path, *SLOW)
    _wait_until(lambda: "continuing after epoch" in (run / "run.log").read_text())
    program.send(signal.SIGKILL)
    program.wait()
