"""Commands in this process, which is far cheaper than in one of their own; in an empty folder."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hydra_put_back: None) -> Path:
    """An empty working folder."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("NO_COLOR", raising=False)
    return folder


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Run the entry point of a script with arguments."""

    def run(entry: Callable[[], None], *arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["script", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            entry()
        captured = capsys.readouterr()
        return Ended(int(ended.value.code or 0), captured.out, captured.err)

    return run


@pytest.fixture
def sweep(write_run: Callable[..., Path], here: Path) -> Path:
    """Runs of three latent sizes, two learning rates and five seeds, and one that diverged."""
    for size in (1, 2, 4):
        for rate in (0.1, 0.2):
            for seed in range(5):
                settings = {"model.latent_size": size, "optimizer.learning_rate": rate, "seed": seed}
                folder = here / "outputs" / "sweep" / f"size{size}-rate{rate}-seed{seed}"
                write_run(folder, settings=settings, sse=3 / size + rate + seed / 100)
    settings = {"model.latent_size": 4, "optimizer.learning_rate": 0.2, "seed": 5}
    write_run(here / "outputs" / "sweep" / "lost", settings=settings, state="diverged", error="the loss was not finite")
    return here / "outputs" / "sweep"
