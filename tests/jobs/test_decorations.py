"""What decorates a run that has trained cannot fail it: its place stays empty, and a line says so."""

import functools
import importlib
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from ae_jax.commands import evaluate
from ae_jax.figures.run import Drawn, draw
from ae_jax.jobs.train import train_group
from ae_jax.jobs.work import GroupTask, Request, Watch
from ae_jax.results import RunFolder, load
from ae_jax.runs import recorder
from tests.running import NothingDrawn

# For each: the function that fails, what it is called with where it is to fail, and what the line says is missing.
CASES = {
    "PCA's cost": ("ae_jax.evaluation.method:inference_cost", "components", "the cost of PCA"),  # the first measures it
    "pca.npz": ("ae_jax.baselines.pca:PCA.save", "", "pca.npz"),
    "reconstructions.npz": ("ae_jax.evaluation.summary:write_npz", "reconstructions", "reconstructions.npz"),
    "latents.npz": ("ae_jax.evaluation.summary:write_npz", "latents", "latents.npz"),
    "errors.npz": ("ae_jax.evaluation.summary:write_npz", "errors", "errors.npz"),
    "terms": ("ae_jax.evaluation.measure:measure_terms", "", "the terms of the objective"),
    "angles": ("ae_jax.evaluation.measure:angles_to_pca", "", "the angles to PCA"),
    "cost": ("ae_jax.evaluation.method:ModelFunctions.cost", "", "the cost of the model"),
    "corrupted": ("ae_jax.evaluation.measure:measure", "corrupt", "the measures from corrupted inputs"),
    "memory": ("ae_jax.evaluation.summary:peak_memory", "", "the peak memory"),
    "a figure": ("ae_jax.figures.run.pca_curve:draw", "", "figures/pca_curve.png"),
    "a figure's file": ("ae_jax.jobs.open_run:write_run_figure", "learning_curve", "figures/learning_curve.png"),
    "all figures": ("ae_jax.figures.run.draw:draw_run_figures", "", "figures"),
    "wandb": ("ae_jax.tracking.wandb_run:_supersede", "", ""),
    "group": ("ae_jax.jobs.open_run:leave_groups", "", ""),
    "trimming": ("ae_jax.jobs.open_run:keep_best", "", ""),
}


class _Notes(Watch):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, line: str) -> None:
        self.lines.append(line)


class _DrawingHere(NothingDrawn):
    """Draws in this process, where what fails can be put in."""

    def draw(self, folder: Path) -> Future[Drawn]:
        drawn: Future[Drawn] = Future()
        try:
            drawn.set_result(draw.draw_run_figures(folder))
        except OSError as error:
            drawn.set_exception(error)
        return drawn


def _fails_in(run: str, given: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, which fails for the run of a name where an argument has what is given in it."""

    @functools.wraps(function)
    def failing(*arguments: Any, **options: Any) -> Any:
        folder = recorder._current.get()
        is_now = not given or any(given in _text(one) for one in arguments)
        if is_now and folder is not None and folder.name == run:
            raise OSError(5, "Input/output error")
        return function(*arguments, **options)

    return failing


def _text(argument: Any) -> str:
    """What an argument is, of a function its name."""
    return str(argument) if isinstance(argument, str | Path | dict) else getattr(argument, "__qualname__", "")


TINY = ("trainer.num_epochs=1", "trainer.batch_size=32", "trainer.max_train_examples=64", "model.latent_size=4")


@pytest.fixture
def trained(compose, tmp_path, monkeypatch) -> tuple[dict[str, RunFolder], list[str]]:
    """For each case the run that it failed in, trained as one group; and the lines that were shown."""
    monkeypatch.setattr("ae_jax.jobs.train_fitting.Drawing", _DrawingHere)
    requests = {}
    for number, (name, (place, given, _)) in enumerate(CASES.items()):
        module, _, path = place.partition(":")
        *owners, attribute = path.split(".")
        owner = functools.reduce(getattr, owners, importlib.import_module(module))
        monkeypatch.setattr(owner, attribute, _fails_in(f"run{number}", given, getattr(owner, attribute)))
        mode = "offline" if name == "wandb" else "disabled"
        config = compose(*TINY, "corruption=masking", f"seed={number}", f"tracking.mode={mode}")
        requests[name] = Request(config, tmp_path / f"run{number}")
    notes = _Notes()
    outcomes = train_group(GroupTask(tuple(requests.values()), tmp_path / ".groups"), watch=notes)
    assert [outcome.error for outcome in outcomes] == [None] * len(CASES)
    return {name: RunFolder(request.folder) for name, request in requests.items()}, notes.lines


@pytest.mark.slow
def test_what_decorates_a_run_leaves_its_place_empty_until_it_is_made_again(
    trained, command_line, tmp_path, monkeypatch
):
    runs, lines = trained
    for name, (_, _, missing) in CASES.items():
        run, log = runs[name], (runs[name].path / "run.log").read_text()
        assert run.state == "completed"
        line = next((line for line in lines if f"{run.path.name}: {missing} could not be made" in line), "")
        assert bool(line) == bool(missing)
        assert "(OSError: [Errno 5] Input/output error); try again with " in line or not missing
        assert line.endswith(f"{run.path.name} --fill") or not missing
        assert (line or "Input/output error") in log
        if missing.endswith((".npz", ".png")):
            assert not (run.path / missing).exists()
    drawn = {name: {path.stem for path in run.figures.glob("*.png")} for name, run in runs.items()}
    assert drawn["latents.npz"] == {"learning_curve", "pca_curve", "reconstructions"}
    assert drawn["a figure"] == {"learning_curve", "reconstructions"}
    assert drawn["all figures"] == set()
    assert runs["corrupted"].summary["corrupted"] is None
    assert runs["cost"].summary["model"]["flops_per_example"] is None
    assert runs["cost"].summary["time"]["latency_per_batch_seconds"] is None
    assert len(load(tmp_path).runs) == len(CASES)
    monkeypatch.undo()
    # By the command that the line names; a folder that is whole stays as it is.
    for name, made in {
        "latents.npz": "made: latents.npz\n",
        "errors.npz": "made: errors.npz\n",
        "cost": "made: summary.json: model.num_parameters",
        "a figure": "made: figures/pca_curve.png\n",
        "corrupted": "made: summary.json: corrupted, errors.npz\n",
        "wandb": "nothing is missing\n",
    }.items():
        run = runs[name]
        ended = command_line(str(run.path), "--fill", entry=evaluate.main)
        assert (ended.code, ended.err) == (0, "")
        assert ended.out.startswith(made)
        assert ended.out.endswith("equal to summary.json\n")
        assert RunFolder(run.path).latents["autoencoder"].shape[1] == 4
        assert len(RunFolder(run.path).errors) == 4
        assert RunFolder(run.path).summary["time"]["latency_per_batch_seconds_high"] > 0
        assert RunFolder(run.path).summary["corrupted"]["autoencoder"]["sse"] > 0
        assert (run.figures / "pca_curve.png").exists()
