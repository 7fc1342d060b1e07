"""Sweeps that something else draws: Optuna, the presets in conf/sweep, and the W&B server's sweep file."""

import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from hydra.utils import instantiate
from omegaconf import OmegaConf

from ae_jax.config.naming import flatten
from ae_jax.errors import UserError

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


SAMPLERS = {
    "batch_tpe": {"_target_": "optuna.samplers.TPESampler", "seed": 0, "constant_liar": True, "n_startup_trials": 4},
    "multivariate": {"_target_": "optuna.samplers.TPESampler", "seed": 1, "multivariate": True, "n_startup_trials": 4},
    "random": {"_target_": "optuna.samplers.RandomSampler", "seed": 2},
    "nsgaii": {"_target_": "optuna.samplers.NSGAIISampler", "seed": 3, "population_size": 4},
    "unseeded": {"_target_": "optuna.samplers.RandomSampler"},
    "grid": {"_target_": "optuna.samplers.GridSampler", "_partial_": True},
}
SPACE = ("optimizer.learning_rate=tag(log, interval(1e-3, 1e-2))", "model.latent_size=choice(2,4,8)")
GRID = ("model.latent_size=choice(1,2,3,4)", "seed=choice(0,1,2)")
SEARCHED = ("optimizer.learning_rate", "model.latent_size", "seed")


class Study:
    """A search without training: the objective is made up, and the process may end at any trial of a batch."""

    def __init__(self, sampler: str, storage: Any, **options: Any):
        self.options = {"n_trials": 12, "n_jobs": 4, "study_name": "s", "max_failure_rate": 1.0, **options}
        self.sampler, self.storage = sampler, storage

    def search(self, *arguments: str, ends: int | None = None, fails: tuple[int, ...] = ()) -> None:
        """Search; with `ends` the process ends before the training of the batch of that trial."""
        from hydra_plugins.ae_jax_search._search import Search

        node = SAMPLERS[self.sampler]
        options = dict.fromkeys(("search_space", "custom_search_space", "params")) | {"direction": "minimize"}
        search = Search(sampler=instantiate(node), storage=self.storage, **options, **self.options)
        sweep = {"sweep": {"dir": "outputs/s"}, "launcher": {}, "sweeper": {"sampler": node}}
        search.config, search.launcher = OmegaConf.create({"hydra": sweep}), self
        self.ends, self.fails = ends, fails
        try:
            search.sweep(list(arguments or (GRID if self.sampler == "grid" else SPACE)))
        except KeyboardInterrupt:
            assert ends is not None

    def launch(self, overrides: Any, initial_job_idx: int) -> list[SimpleNamespace]:
        numbers = range(len(self.trials) - len(overrides), len(self.trials))
        if self.ends in numbers:
            raise KeyboardInterrupt
        values = [
            sum(float(one.split("=")[1]) for one in given if one.split("=")[0] in SEARCHED) for given in overrides
        ]
        return [
            SimpleNamespace(return_value=None if number in self.fails else value)
            for number, value in zip(numbers, values, strict=True)
        ]

    @property
    def trials(self) -> list[Any]:
        import optuna

        return optuna.load_study(study_name="s", storage=self.storage).trials

    @property
    def found(self) -> list[tuple[Any, ...]]:
        return [(trial.state.name, trial.params, trial.value) for trial in self.trials]


@pytest.fixture
def study(monkeypatch):
    optuna = pytest.importorskip("optuna")
    ask, memory = optuna.Study.ask, {}

    def make(sampler: str = "batch_tpe", storage: str = "", *, dies_asking: int | None = None, **options: Any) -> Study:
        def dying(self: Any, *rest: Any) -> Any:
            trial = ask(self, *rest)
            if trial.number == dies_asking:
                raise KeyboardInterrupt
            return trial

        monkeypatch.setattr(optuna.Study, "ask", dying)
        kept = storage if "://" in storage else memory.setdefault(storage, optuna.storages.InMemoryStorage())
        return Study(sampler, kept, **options)

    return make


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_search_that_was_killed_goes_on_to_the_same_trials(sampler, study, capsys):
    undisturbed, killed = study(sampler, "undisturbed"), study(sampler)
    undisturbed.search(fails=(2,))
    study(sampler, dies_asking=6).search(fails=(2,), ends=6)
    assert [state for state, *_ in killed.found] == ["COMPLETE", "COMPLETE", "FAIL", "COMPLETE", *["RUNNING"] * 3]
    study(sampler).search(ends=9)
    assert [state for state, *_ in killed.found][4:] == [*["COMPLETE"] * 4, *["RUNNING"] * 4]
    killed.search()
    assert [state for state, *_ in killed.found] == [state for state, *_ in undisturbed.found]
    assert [state for state, *_ in killed.found] == ["COMPLETE", "COMPLETE", "FAIL", *["COMPLETE"] * 9]
    if sampler == "grid":  # it chooses among what is left
        assert len({str(params) for _, params, _ in killed.found}) == 12
    elif sampler != "unseeded":
        assert killed.found == undisturbed.found
    capsys.readouterr()
    killed.search()
    assert len(killed.trials) == 12
    assert "12 of 12 trials were done before" in capsys.readouterr().out


@pytest.mark.parametrize("sampler", ["batch_tpe", "random", "unseeded"])
def test_more_trials_do_not_repeat_those_before(sampler, study):
    study(sampler, n_trials=4).search()
    more, at_once = study(sampler, n_trials=8), study(sampler, "at_once", n_trials=8)
    more.search()
    assert len({trial.params["optimizer.learning_rate"] for trial in more.trials}) == 8
    at_once.search()
    assert (more.found == at_once.found) == (sampler != "unseeded")


@pytest.mark.slow
def test_trials_that_another_process_trains_are_left_to_it(study):
    shared = study(storage="sqlite:///study.db")
    shared.search(ends=0)
    code = (
        "import fcntl; f = open('study.db.lock', 'ab'); fcntl.lockf(f, fcntl.LOCK_EX, 2, 3); print(flush=True); input()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        shared.search()
        assert [trial.number for trial in shared.trials if trial.state.name == "RUNNING"] == [2, 3]
        other.communicate(b"\n")
    shared.search()
    assert [state for state, *_ in shared.found] == ["COMPLETE"] * 12


@pytest.mark.parametrize(
    ("storage", "line"),
    {
        "": "hydra.sweeper.study_name: 's' is another search, which differs in optimizer; give this",
        "sqlite:///none/study.db": "none/study.db.lock: cannot be written (No such file or directory); name another",
        "sqlite:///taken.db": "hydra.sweeper.storage: sqlite:///taken.db cannot be used (",
        "nope://nowhere": "hydra.sweeper.storage: nope://nowhere cannot be used (",
        "mysql://nobody@nowhere/study": "hydra.sweeper.storage: mysql://nobody@nowhere/study cannot be used (",
        "://": "hydra.sweeper.storage: :// cannot be used (Could not parse",
    }.items(),
)
def test_a_study_that_does_not_fit_is_one_line(storage, line, study):
    Path("taken.db").write_text("no database")
    if not storage:
        study().search(ends=0)
    with pytest.raises(UserError, match=f"^{re.escape(line)}"):
        study(storage=storage).search(*SPACE, "optimizer=sgd", "runtime.profile=false")
    assert not Path("none").exists()


def test_what_cannot_change_a_result_and_wider_ranges_are_the_same_search(study):
    study(n_trials=4).search(*SPACE, "tags=[a]")
    study(n_trials=8).search(SPACE[0].replace("1e-3", "1e-5"), SPACE[1], "tags=[b]", "runtime.platform=cpu")
    assert len(study().trials) == 8


def test_more_failures_than_allowed_end_the_search_with_a_line(study, caplog):
    study(max_failure_rate=0.2).search(fails=(4,))
    assert len(study().trials) == 8
    assert "the search ends here: 1 of 4 trials failed, over hydra.sweeper.max_failure_rate=0.2" in caplog.text


@pytest.mark.slow
def test_trials_are_trained_in_batches(search):
    rate = "optimizer.learning_rate=tag(log, interval(1e-3, 1e-2))"
    done = search("hydra.sweeper.n_trials=4", "hydra.sweeper.n_jobs=2", rate)
    assert done.code == 0, done.err
    assert done.out.count("sweep of 2 runs in 1 program") == 2
    assert (states(), done.err) == (["completed"] * 4, "")
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


@pytest.mark.slow
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
