"""What the tests of runs share: a sealed environment, one trained run, and the command line in this process."""

import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from ae_jax.commands.train import main
from ae_jax.config import compose as composition
from ae_jax.figures.run import Drawn
from ae_jax.jobs.drawing import Drawing
from ae_jax.jobs.train import train_group
from ae_jax.jobs.work import GroupTask, Outcome, Request
from ae_jax.runs.recorder import Recorder

# A run that takes as little as possible: two updates of a small model.
TINY = ("trainer.num_epochs=1", "trainer.batch_size=32", "trainer.max_train_examples=64", "model.latent_size=4")
SIX_EPOCHS = ("corruption=masking", "trainer.num_epochs=6", "runtime.checkpoint_seconds=0")
# What an option needs of another group, to fit the data.
NEEDS = {
    "bernoulli_nll": "dataset.binarisation=fixed",
    "beta_binomial": "loss.num_levels=17",
    "discretised_logistic": "loss.num_levels=17",
}
TAGS, NOTES = ["first", "second"], "what this run is for"

Compose = Callable[..., dict[str, Any]]
Train = Callable[..., Outcome]


def train_one(config: dict[str, Any], folder: Path) -> Outcome:
    """Train a run alone, as the command does; raises what made it fail."""
    (outcome,) = train_group(GroupTask((Request(config, folder),), folder.parent / ".groups"))
    if outcome.error is not None:
        raise outcome.error
    return outcome


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def sealed_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty home, without the user's caches, W&B account and settings."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
            patch.setenv(name, str(home))
        patch.setenv("NETRC", str(home / "no-netrc"))
        for name in ("API_KEY", "MODE", "PROJECT", "ENTITY", "RUN_GROUP", "DIR", "NAME", "RUN_ID", "TAGS", "NOTES"):
            patch.delenv(f"WANDB_{name}", raising=False)
        for name in ("AE_JAX_DATA_DIR", "AE_JAX_ALLOWED_TARGETS", "NO_COLOR", "FORCE_COLOR"):
            patch.delenv(name, raising=False)
        # As Hydra's configuration has it; without it, run.log holds warnings only.
        logging.getLogger("ae_jax").setLevel(logging.INFO)
        yield home


@pytest.fixture
def sealed(sealed_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hydra_put_back: None) -> None:
    """An empty working folder; Hydra's globals, logging and what commands put into the environment are put back."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for name in ("HYDRA_FULL_ERROR", "WANDB_SILENT", "WANDB_API_KEY"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def compose() -> Compose:
    """The checked config of overrides; not tracked."""

    def composed(*overrides: str) -> dict[str, Any]:
        return composition.checked(composition.compose(["tracking.mode=disabled", *overrides]))

    return composed


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw nothing: figures take longer than a tiny run, and have tests of their own."""
    monkeypatch.setattr("ae_jax.jobs.train_fitting.Drawing", NothingDrawn)


@pytest.fixture
def whole_checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs that have completed keep all that they could go on from, so that it can be looked at."""
    monkeypatch.setattr("ae_jax.jobs.open_run.keep_best", _nothing_deleted)


def _nothing_deleted(*_: object) -> None:
    """In place of `keep_best`."""


class NothingDrawn(Drawing):
    """Draws nothing, at once, and without a process."""

    def __init__(self, num_workers: int):
        pass

    def draw(self, folder: Path) -> Future[Drawn]:
        """See `Drawing`."""
        drawn: Future[Drawn] = Future()
        drawn.set_result(Drawn({}, {}))
        return drawn

    def close(self) -> None:
        """See `Drawing`."""


@pytest.fixture
def train_together() -> Callable[..., list[Outcome]]:
    """Train configs, each in the folder given with it, as one group."""

    def trained(*runs: tuple[dict[str, Any], Path], **options: Any) -> list[Outcome]:
        requests = tuple(Request(*run) for run in runs)
        return train_group(GroupTask(requests, requests[0].folder.parent / ".groups"), **options)

    return trained


@pytest.fixture
def train(compose: Compose, no_figures: None) -> Train:
    """Train overrides in a folder, without figures."""

    def trained(folder: Path, *overrides: str) -> Outcome:
        return train_one(compose(*TINY, *overrides), folder)

    return trained


@pytest.fixture(scope="session")
def smoke(sealed_home: Path, compose: Compose, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one complete run with everything: corruption, figures, an offline W&B run, whole checkpoints."""
    config = compose(
        "experiment=smoke",
        "corruption=masking",
        "loss=bce",
        "trainer.num_epochs=4",
        "tracking.mode=offline",
        "tracking.project=the-project",
        "tracking.group=the-group",
        f"tags=[{','.join(TAGS)}]",
        f"notes={NOTES!r}",
        "runtime.checkpoint_seconds=0",
    )
    folder = tmp_path_factory.mktemp("runs") / "smoke-run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ae_jax.jobs.open_run.keep_best", _nothing_deleted)
        patch.setattr(
            "ae_jax.jobs.train_fitting.Drawing", Drawing
        )  # also where the test that asks for it first draws nothing
        outcome = train_one(config, folder)
    assert outcome.state == "completed"
    return folder


@pytest.fixture(scope="session")
def tiny(sealed_home: Path, compose: Compose, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of six epochs of a tiny run with corruption; a checkpoint after each, two kept whole; no figures."""
    return _finished(tmp_path_factory.mktemp("tiny") / "run", compose(*TINY, *SIX_EPOCHS), "completed")


@pytest.fixture(scope="session")
def diverged(sealed_home: Path, compose: Compose, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny run whose first update overflows."""
    overrides = ("optimizer=sgd", "optimizer.learning_rate=1e30", "trainer.num_epochs=5")
    return _finished(tmp_path_factory.mktemp("diverged") / "run", compose(*TINY, *overrides), "diverged")


def _finished(folder: Path, config: dict[str, Any], state: str) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ae_jax.jobs.train_fitting.Drawing", NothingDrawn)
        patch.setattr("ae_jax.jobs.open_run.keep_best", _nothing_deleted)
        outcome = train_one(config, folder)
    assert outcome.state == state
    return folder


@pytest.fixture
def command_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Run an entry point in this process, which is far cheaper than in one of its own."""

    def run(*arguments: str, entry: Callable[[], None] = main) -> Ended:
        monkeypatch.setattr(sys, "argv", ["ae-train", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            entry()
        captured = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Ended(ended.value.code, captured.out, captured.err)

    return run


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A .npy of 60 examples with 6 features, not in [0, 1]."""
    path = tmp_path / "table.npy"
    np.save(path, np.random.default_rng(0).normal(size=(60, 6)).astype(np.float32))
    return path


@pytest.fixture(scope="session")
def tree() -> Callable[[Path], dict[str, bytes | None]]:
    """Every path below a folder with its content, None for folders."""

    def content(folder: Path) -> dict[str, bytes | None]:
        paths: Sequence[Path] = sorted(folder.rglob("*"))
        return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in paths}

    return content


def interrupt_after(monkeypatch: pytest.MonkeyPatch, epoch: int) -> None:
    """As Ctrl-C when the first run that trains has written an epoch's metrics, before a checkpoint follows."""
    write = Recorder.metrics

    def metrics(self: Recorder, record: dict[str, Any]) -> None:
        write(self, record)
        if record["epoch"] == epoch:
            raise KeyboardInterrupt

    monkeypatch.setattr(Recorder, "metrics", metrics)
