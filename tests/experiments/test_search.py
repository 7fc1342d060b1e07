"""Sweeps that something else draws: Optuna, the presets in conf/sweep, and the W&B server's sweep file."""

import json
import re
from pathlib import Path

import pytest
import yaml
from omegaconf import OmegaConf

from ae_jax.experiments.naming import flatten

ROOT = Path(__file__).parents[2]
TINY = (
    "model.latent_size=4",
    "trainer.num_epochs=2",
    "trainer.batch_size=32",
    "trainer.max_train_examples=64",
    "tracking.mode=disabled",
)
PRESETS = sorted(path.stem for path in (ROOT / "conf" / "sweep").glob("*.yaml"))


@pytest.fixture
def search(command_line, no_figures):
    pytest.importorskip("optuna")

    def run(*overrides: str):
        return command_line("-m", *TINY, "hydra/sweeper=optuna", *overrides)

    return run


def states() -> list[str]:
    return [json.loads(path.read_text())["state"] for path in Path("outputs/default").glob("*/status.json")]


@pytest.mark.slow
def test_trials_are_trained_in_batches(search):
    rate = "optimizer.learning_rate=tag(log, interval(1e-3, 1e-2))"
    done = search("hydra.sweeper.n_trials=4", "hydra.sweeper.n_jobs=2", rate)
    assert done.code == 0, done.err
    assert done.out.count("sweep of 2 runs in 1 program") == 2
    assert states() == ["completed"] * 4
    best = OmegaConf.load("outputs/default/optimization_results.yaml")
    losses = [
        entry["best_validation_loss"] for entry in json.loads(Path("outputs/default/sweep.json").read_text())["runs"]
    ]
    assert best.best_value == min(losses)
    assert Path("outputs/default/multirun.yaml").exists()


@pytest.mark.slow
def test_trials_that_diverge_are_failed_and_not_fatal(search):
    rates = "optimizer.learning_rate=choice(0.01, 1e9)"
    done = search(
        "optimizer=sgd", "hydra.sweeper.n_trials=6", "hydra.sweeper.n_jobs=3", rates, "seed=int(interval(0, 99))"
    )
    assert done.code == 3, done.err
    assert set(states()) == {"completed", "diverged"}
    assert "Error executing job" not in done.err


@pytest.mark.slow
def test_a_search_without_a_completed_trial_says_why(search):
    done = search(
        "optimizer=sgd", "hydra.sweeper.n_trials=2", "hydra.sweeper.n_jobs=2", "optimizer.learning_rate=choice(1e9)"
    )
    assert done.code == 3, done.err
    assert "diverged: the loss was not finite" in done.out


@pytest.mark.parametrize(
    "preset", [name if name == "seeds" else pytest.param(name, marks=pytest.mark.slow) for name in PRESETS]
)
def test_every_preset_says_what_it_asks_and_plans_as_many_runs(preset, command_line):
    text = (ROOT / "conf" / "sweep" / f"{preset}.yaml").read_text()
    assert text.startswith("# @package _global_\n# Question: ")
    assert f"# Command: python scripts/train.py +sweep={preset}" in text
    said = re.search(r"# Runs: (\d+) in (one|\d+) program", text)
    assert said is not None
    done = command_line(f"+sweep={preset}", "hydra.launcher.dry_run=true")
    assert done.code == 0, done.err
    programs = "1" if said[2] == "one" else said[2]
    assert f"sweep of {said[1]} runs in {programs} program" in done.out


def test_a_preset_without_plus_is_told_so(command_line):
    done = command_line("sweep=seeds")
    assert done.code == 2
    assert "write +sweep=…" in done.err


def test_the_sweep_file_of_the_wandb_server_fits_the_program(command_line, compose):
    content = yaml.safe_load((ROOT / "scripts" / "wandb_sweep.yaml").read_text())
    assert (ROOT / content["program"]).exists()
    keys = {key for key, _ in flatten(compose())}
    assert set(content["parameters"]) <= keys
    values = {key: spec.get("min", spec.get("values", [None])[0]) for key, spec in content["parameters"].items()}
    # What an agent makes of `command`: the words in ${…} are replaced, the rest stays.
    fixed = [word for word in content["command"] if not word.startswith("${")]
    assert fixed == ["python", "tracking.mode=online"]
    done = command_line(*(f"{key}={value}" for key, value in values.items()), *fixed[1:], "--cfg", "job")
    assert done.code == 0, done.err
    composed = yaml.safe_load(done.out)
    assert composed["optimizer"]["learning_rate"] == values["optimizer.learning_rate"]
    assert composed["tracking"]["mode"] == "online"
