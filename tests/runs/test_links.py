"""A folder from elsewhere may hold links: nothing is written, or read, through one that leads out of it."""

import os
import re
import shutil
import socket
from pathlib import Path

import pytest

from ae_jax.commands import paper
from ae_jax.errors import UserError
from ae_jax.evaluation.restore import load_run
from ae_jax.files import write_text
from ae_jax.links import check_links

RUN = ("hydra.run.dir=run", "runtime.print_config=false")
SWEEP = ("-m", "seed=0", "hydra.sweep.dir=sweep", "hydra.sweep.subdir=a")
# The place of a link, and the command that would have written there.
WRITTEN = {
    "hydra": ("run/.hydra/config.yaml", RUN),
    "checkpoint": ("run/checkpoint/3/latest/d", RUN),
    "sweep": ("sweep/multirun.yaml", SWEEP),
    "group": ("sweep/.groups/0123456789ab/1", SWEEP),
    "run-of-a-sweep": ("sweep/a/.hydra/config.yaml", SWEEP),
    "launcher": ("sweep/b/.hydra", (*SWEEP, "hydra/launcher=basic")),
    "mode": ("sweep/sweep.json", (*SWEEP[1:], "hydra.mode=MULTIRUN")),
}


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    """A folder of the user's."""
    folder = tmp_path / "precious"
    folder.mkdir()
    (folder / "file").write_text("precious")
    return folder


def content(folder: Path) -> dict[str, str | None]:
    return {str(path): path.read_text() if path.is_file() else None for path in sorted(folder.rglob("*"))}


def link(place: str | Path, target: Path) -> None:
    Path(place).parent.mkdir(parents=True, exist_ok=True)
    Path(place).symlink_to(target)


@pytest.mark.parametrize(("place", "arguments"), WRITTEN.values(), ids=WRITTEN)
def test_nothing_is_written_through_a_link(place, arguments, command_line, precious):
    link(place, precious / "file" if "." in Path(place).name else precious)
    before, run = content(precious), content(Path(place).parent)
    ended = command_line(*arguments)
    assert ended.code == 2
    (line,) = [line for line in ended.err.splitlines() if line.startswith("error: ")]
    assert line.removeprefix("error: ").removeprefix(f"{Path.cwd()}/").startswith(f"{place}: is a link that leads out")
    assert line.endswith("; delete the link")
    assert (content(precious), content(Path(place).parent)) == (before, run)


def test_a_paper_writes_through_no_link(precious):
    link("outputs/paper/p/figures", precious)
    asked = {"name": "p", "title": "P", "sweeps": {"a": ["seed=0"]}, "figures": {}, "tables": {}}
    look = {"venue": "neurips", "width": "text", "font": None, "formats": ["pdf"], "output": "outputs/paper"}
    with pytest.raises(UserError, match=r"^outputs/paper/p/figures: is a link that leads out"):
        paper.make({**look, "paper": asked}, None)


@pytest.mark.slow
def test_no_checkpoint_is_read_through_a_link(tiny, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(tiny, run)
    (run / "checkpoint").rename(tmp_path / "elsewhere")
    link(run / "checkpoint", tmp_path / "elsewhere")
    with pytest.raises(UserError, match=rf"^{run}/checkpoint: is a link that leads out of {run}, to"):
        load_run(run)


@pytest.mark.parametrize("target", ["file", "new", "."])
@pytest.mark.parametrize(
    "place",
    [
        *(".hydra", "run.log", ".lock", ".probe.1", ".status.json.1.part", "checkpoint"),
        *("wandb", "wandb/offline-run-20260101_000000-a", "wandb/logs/debug-core.log", "figures/x/y.png", "profile"),
    ],
)
def test_a_link_is_refused_wherever_it_is_and_whatever_is_behind_it(place, target, precious):
    link(Path("run") / place, precious / target)
    with pytest.raises(UserError, match=rf"^run/{re.escape(place)}: is a link that leads out of run, to"):
        check_links(Path("run"))


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: socket.socket(socket.AF_UNIX).bind(str(path))])
def test_what_a_writer_would_wait_for_is_refused(make):
    Path("run").mkdir()
    make("run/metrics.jsonl")
    with pytest.raises(UserError, match=r"^run/metrics\.jsonl: is neither a file nor a folder; delete it"):
        check_links(Path("run"))


def test_links_that_do_no_harm_are_left_alone(tmp_path, precious):
    """Where outputs go is the user's choice, and W&B links within the folder of a run, and to its own log."""
    link("outputs", tmp_path / "disk")
    (tmp_path / "disk" / "run" / "wandb" / "offline-run-1" / "logs").mkdir(parents=True)
    link("outputs/run/wandb/offline-run-1/logs/debug-core.log", precious / "file")
    link("outputs/run/wandb/latest-run", Path("offline-run-1"))
    link("outputs/run/wandb/loop", Path("loop"))
    os.link(precious / "file", "outputs/run/hard")
    check_links(Path("outputs"))
    check_links(Path("outputs/run"))
    check_links(Path("outputs/run/hard"))
    check_links(Path("none"))
    link("outputs/other", precious)
    check_links(Path("outputs"), ["run"])


def test_a_temporary_file_is_made_anew(precious):
    link(".a.txt.1.part", precious / "file")
    write_text(Path("a.txt"), "new")
    assert ((precious / "file").read_text(), Path("a.txt").read_text()) == ("precious", "new")
