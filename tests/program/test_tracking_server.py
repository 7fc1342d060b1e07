"""Whole programs against a W&B server that fails in every way: training does not notice, and nothing is lost."""

import importlib.util
import json
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

_spec = importlib.util.spec_from_file_location("wandb_server", Path(__file__).with_name("wandb_server.py"))
assert _spec is not None
assert _spec.loader is not None
wandb_server = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(wandb_server)

RUN = "smoke-run"  # the id of the run in the folder `run`
SMALL = ("experiment=smoke", "runtime.print_config=false", "hydra.run.dir=run", "tracking.mode=online")
LONG = (*SMALL, "trainer.num_epochs=40")
# After the epochs in HOLDS it says so by a file, and waits for another; at the end it waits for the server as long as
# the test needs.
PROGRAM = """
import os, sys, time
from ae_jax.commands.train import main
from ae_jax.runs import recorder
from ae_jax.tracking import uploads

def metrics(self, record, write=recorder.Recorder.metrics):
    write(self, record)
    epoch = record["epoch"]
    if str(epoch) in os.environ["HOLDS"].split():
        open(f"held_{epoch}", "w").close()
        while not os.path.exists(f"go_{epoch}"):
            time.sleep(0.01)

recorder.Recorder.metrics = metrics
uploads.GATHERING_SECONDS = 1.0
uploads.FINISH_SECONDS = float(os.environ["WAIT"])
main()
"""
WARNING = re.compile(r"WARNING [\w.]+: W&B could not be reached, .* send it later with (wandb sync .*)\n")

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="module")
def start(environment) -> Iterator[Start]:
    """Start the program in a folder, with a server. None outlives the tests."""
    programs: list[subprocess.Popen[str]] = []

    def started(folder: Path, server: Any, *given: str, wait: int = 2, holds: str = "") -> "subprocess.Popen[str]":
        program = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *given],
            cwd=folder,
            env={**environment, **server.environment, "WAIT": str(wait), "HOLDS": holds},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        programs.append(program)
        return program

    yield started
    for program in programs:
        program.kill()
        program.communicate()


@pytest.fixture
def server() -> Iterator[Any]:
    with wandb_server.serving() as serving:
        yield serving


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def _wait(condition: Callable[[], object], process: "subprocess.Popen[str] | None" = None) -> None:
    start = time.monotonic()
    while not condition():
        assert process is None or process.poll() is None, "it ended too soon"
        assert time.monotonic() - start < 240
        time.sleep(0.01)


def _senders(folder: Path) -> list[str]:
    """Processes that send from this folder; wandb's own has it only in its environment."""
    listed = subprocess.run(["ps", "axewwo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if str(folder) in line]


def _assert_all_is_there(server: Any, folder: Path, run: str) -> None:
    """The server has what the run folder has: every epoch once and in order, the summary, the figures."""
    history = server.history(run)
    metrics = _lines(folder / "metrics.jsonl")
    assert [row["_step"] for row in history] == [record["epoch"] for record in metrics]
    assert [{key: row[key] for key in record} for row, record in zip(history, metrics, strict=True)] == metrics
    summary = json.loads((folder / "summary.json").read_text())
    sent = server.summary(run)
    assert sent["state"] == "completed"
    assert {key: sent.get(key) for key in summary} == summary
    figures = {re.sub(r"_\d+_\w+\.png", "", Path(name).name) for name in server.files if name.endswith(".png")}
    assert figures == {"learning_curve", "pca_curve", "reconstructions"}
    assert server.exit_codes[run] == 0


@pytest.mark.slow
def test_a_server_that_works_has_everything_from_one_process(start, server, tmp_path):
    texts = ("tags=['<b>','**x**']", "notes='<i>a</i>'")
    process = start(tmp_path, server, "-m", *SMALL, "name=three", "seed=0,1,2", *texts, wait=60)
    _, err = process.communicate(timeout=240)
    assert (process.returncode, err) == (0, "")
    folders = [path.parent for path in sorted((tmp_path / "outputs" / "three").glob("*/metrics.jsonl"))]
    assert len(folders) == 3
    assert set(server.runs) == {f"three-{folder.name}" for folder in folders}
    for folder in folders:
        run = f"three-{folder.name}"
        _assert_all_is_there(server, folder, run)
        sent = server.runs[run]
        assert (sent["displayName"], sent["groupName"]) == (folder.name, "three")
        assert (sent["tags"], sent["notes"]) == (["<b>", "**x**"], "<i>a</i>")
        assert json.loads(sent["config"])["model"]["value"]["latent_size"] == 8
    assert server.requests["Viewer"] <= 2  # by one process; wandb asks twice


FAILURES = {
    "out_of_reach": None,
    "hangs": "hang",
    "fails": 500,
    "slow": 3.0,
    "fails_later": "ok",
}


@pytest.fixture(scope="module")
def ended(start, tmp_path_factory) -> Iterator[dict[str, SimpleNamespace]]:
    """Programs that have ended while their servers still failed."""
    cases = {name: SimpleNamespace(server=wandb_server.WandbServer(), folder=None) for name in FAILURES}
    for name, case in cases.items():
        case.folder = tmp_path_factory.mktemp(name)
        case.server.mode = FAILURES[name] or "ok"
        if name == "out_of_reach":
            case.server.close()
        if name == "fails_later":
            case.server.fail_after = {"history": 500}
        given = LONG if name == "fails_later" else SMALL
        case.process = start(case.folder, case.server, *given, holds="5" if name == "fails_later" else "")
    later = cases["fails_later"]
    _wait(lambda: later.server.history(RUN), later.process)
    (later.folder / "go_5").touch()
    for case in cases.values():
        case.out, case.err = case.process.communicate(timeout=240)
    yield cases
    for case in cases.values():
        case.server.released.set()


@pytest.mark.slow
@pytest.mark.parametrize("name", FAILURES)
def test_a_run_completes_while_the_server_fails_and_all_of_it_can_be_sent_later(name, ended, server, environment):
    case = ended[name]
    assert case.process.returncode == 0, case.err
    warning = WARNING.fullmatch(case.err)
    assert warning, case.err
    assert json.loads((case.folder / "run" / "status.json").read_text())["state"] == "completed"
    if name == "fails_later":
        assert 0 < len(case.server.history(RUN)) <= 5
    if name == "hangs":
        assert not case.server.released.is_set()
        assert case.server.requests["Viewer"]
    _wait(lambda: not _senders(case.folder))
    command = [sys.executable, "-m", *shlex.split(warning[1])]
    subprocess.run(command, cwd=case.folder, env={**environment, **server.environment}, check=True, timeout=60)
    _assert_all_is_there(server, case.folder / "run", RUN)


# A run of the tracker alone, which takes a second where training takes six.
TRACKED = """
import sys
from pathlib import Path
from ae_jax.tracking.wandb_run import Tracker, TrackingOptions
options, config = TrackingOptions(sys.argv[2], "p", None, None), {"name": "n", "tags": [], "notes": ""}
tracker = Tracker(options, Path("run"), config, run_name="r")
for epoch in range(1, 6):
    tracker.log({"epoch": epoch})
tracker.finish(state="completed", figures=[Path(sys.argv[1])])
"""


@pytest.fixture
def tracked(environment, tmp_path) -> Callable[[str, Any], str]:
    """Do so, and return what it says."""

    def done(mode: str, server: Any) -> str:
        (tmp_path / "run").mkdir()
        figure = Path(__file__).parents[2] / "docs" / "figures" / "reconstructions_by_size.png"
        line, env = [sys.executable, "-c", TRACKED, str(figure), mode], {**environment, **server.environment}
        return subprocess.run(
            line, cwd=tmp_path, env=env, stderr=subprocess.PIPE, text=True, check=True, timeout=240
        ).stderr

    return done


@pytest.mark.slow
def test_offline_asks_the_server_for_nothing(tracked, server):
    server.mode = "hang"
    assert (tracked("offline", server), server.requests) == ("", {})


@pytest.mark.slow
def test_a_key_that_is_refused_is_one_line(tracked, server):
    server.mode = 401
    err = tracked("online", server)
    assert re.fullmatch(r"W&B refuses the key \(.*401.*\): mend WANDB_API_KEY, then send with wandb sync run/.*\n", err)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("request_name", "code"), [("history", 404), ("upload", 403), ("CreateRunFiles", 400), ("", 0)]
)
def test_what_the_server_refuses_in_part_is_not_taken_for_sent(request_name, code, tracked, server, tmp_path):
    server.refused = {request_name: code}
    err = tracked("online", server)
    complete = not request_name
    assert bool(server.history("n-r")) == (request_name != "history")
    assert any(name.endswith(".png") for name in server.files) == (complete or request_name == "history")
    assert ("W&B could not be reached, or did not take all" in err) != complete, err
    assert bool(list(tmp_path.glob("run/wandb/offline-run-*/*.synced"))) == complete


@pytest.mark.slow
def test_an_interruption_does_not_wait_for_the_server_and_the_run_is_continued(start, server, tmp_path):
    server.mode = "hang"
    process = start(tmp_path, server, *LONG, holds="5")
    _wait(lambda: server.requests["Viewer"], process)
    process.send_signal(signal.SIGTERM)
    (tmp_path / "go_5").touch()
    _, err = process.communicate(timeout=10)
    assert process.returncode == 143
    assert WARNING.search(err), err
    assert json.loads((tmp_path / "run" / "status.json").read_text())["state"] == "interrupted"
    _wait(lambda: not _senders(tmp_path))

    server.mode = "ok"
    process = start(tmp_path, server, *LONG, wait=60)
    _, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    assert "W&B" not in err
    _assert_all_is_there(server, tmp_path / "run", RUN)


@pytest.mark.slow
@pytest.mark.parametrize("server_has", ["more", "less"])
def test_a_killed_run_is_continued_where_the_server_has_more_or_less_than_the_checkpoint(
    server_has, start, server, tmp_path
):
    seconds = "1000000" if server_has == "more" else "0"
    given = (*LONG, f"runtime.checkpoint_seconds={seconds}")
    if server_has == "less":
        server.fail_after = {"history": 500}
    process = start(tmp_path, server, *given, holds="5 30")
    _wait(lambda: server.history(RUN), process)
    if server_has == "less":
        (tmp_path / "go_5").touch()
        _wait((tmp_path / "held_30").exists, process)
    process.kill()
    process.communicate()
    _wait(lambda: not _senders(tmp_path))
    first = len(server.streamed)

    server.mode = "ok"
    process = start(tmp_path, server, *given, wait=60)
    _, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    assert "W&B" not in err
    continued = "continuing after epoch" in (tmp_path / "run" / "run.log").read_text()
    assert continued == (server_has == "less")
    again = [sent for sent in server.streamed[first:] if sent.file == "wandb-history.jsonl"]
    assert [(row["_step"]) for sent in again for row in sent.lines] == list(range(1, 41))
    assert set(server.runs) == {RUN}
    _assert_all_is_there(server, tmp_path / "run", RUN)
