"""A multirun through the command line: folders as of runs alone, mistakes that stay with the run that made them."""

import json
from pathlib import Path

import jax
import numpy as np
import pytest

from ae_jax.evaluation import measure
from ae_jax.jobs import open_run, train
from ae_jax.results import RunFolder
from ae_jax.runs.recorder import Recorder
from tests.running import interrupt_after

TINY = (
    "model=dense",
    "model.hidden_sizes=[8]",
    "model.latent_size=4",
    "trainer.num_epochs=3",
    "trainer.batch_size=32",
    "trainer.max_train_examples=64",
    "tracking.mode=disabled",
)
SGD = ("optimizer=sgd", "loss=half_sse")


@pytest.fixture
def sweep(command_line, no_figures):
    """Run a multirun of tiny runs."""

    def run(*overrides: str):
        return command_line("-m", *TINY, *overrides)

    return run


def runs(name: str = "default") -> dict[str, RunFolder]:
    """The runs of a sweep by their names without the hash, in the order of the names."""
    folders = sorted(Path("outputs", name).glob("*/status.json"))
    return {path.parent.name: RunFolder(path.parent) for path in folders}


def of_seed(seed: int) -> RunFolder:
    return next(run for name, run in runs().items() if f"-seed{seed}-" in name)


def results(run: RunFolder) -> tuple:
    """What must not depend on company: metrics without times, and the measures."""
    metrics = [{key: record[key] for key in record if key != "seconds"} for record in run.metrics]
    return metrics, run.summary["training"], run.summary.get("test"), run.summary.get("validation")


@pytest.mark.slow
def test_every_run_has_a_whole_folder_and_the_sweep_an_overview(sweep):
    done = sweep("model.latent_size=2,4", "seed=0,1")
    assert done.code == 0, done.err
    assert "sweep of 4 runs in 2 programs" in done.out
    assert "4 runs: 4 completed" in done.out
    assert len(runs()) == 4
    asked = set()
    for run in runs().values():
        assert run.state == "completed"
        assert {"config.json", "run.log", "environment.json", "pca.npz", "checkpoint"} <= {
            path.name for path in run.path.iterdir()
        }
        assert len(run.metrics) == 3
        asked.add((run.path / ".hydra" / "overrides.yaml").read_text())
        assert (run.path / "run.log").read_text().count("compiled in") == 1
    assert len(asked) == 4
    folder = Path("outputs/default")
    assert (folder / "multirun.yaml").exists()
    assert not (folder / ".groups").exists()
    overview = json.loads((folder / "sweep.json").read_text())
    assert overview["counts"] == {"completed": 4}
    assert {entry["run"] for entry in overview["runs"]} == set(runs())
    for entry in overview["runs"]:
        assert entry["test_sse"] == runs()[entry["run"]].summary["test"]["sse"]


@pytest.mark.slow
def test_the_same_sweep_again_trains_nothing(sweep, tree):
    assert sweep("seed=0,1").code == 0
    before = {name: tree(run.path) for name, run in runs().items()}
    again = sweep("seed=0,1,1")
    assert again.code == 0
    assert "3 runs trained before" in again.out
    assert {name: tree(run.path) for name, run in runs().items()} == before


@pytest.mark.slow
def test_a_run_of_a_sweep_is_the_run_alone(sweep, command_line):
    sweep("seed=0,1", "corruption=masking", "corruption.rate=0.1")
    together = results(of_seed(1))
    Path("outputs").rename("together")
    assert command_line(*TINY, "seed=1", "corruption=masking", "corruption.rate=0.1").code == 0
    assert results(of_seed(1)) == together


def test_a_dry_run_shows_the_plan_and_trains_nothing(sweep):
    done = sweep("seed=0,1", "model.latent_size=2,3", "hydra.launcher.dry_run=true")
    assert done.code == 0
    assert "in 2 programs" in done.out
    assert "dry run" in done.out
    assert runs() == {}
    bad = sweep("seed=0,1", "model.latent_size=2,65", "hydra.launcher.dry_run=true")
    assert bad.code == 2
    assert "model.latent_size: 65 is larger" in bad.out


@pytest.mark.slow
def test_what_is_asked_for_twice_is_trained_once(sweep):
    done = sweep("seed=0,0,1")
    assert done.code == 0, done.err
    assert "1 run asked for twice" in done.out
    assert len(runs()) == 2


@pytest.mark.slow
def test_a_value_out_of_bounds_ends_its_run_alone(sweep):
    done = sweep("corruption=masking", "corruption.rate=0.1,2")
    assert done.code == 2
    assert [run.state for run in runs().values()] == ["completed"]
    last = done.out.splitlines()[-3:]
    assert last[0].startswith("failed: corruption.rate: input should be less than or equal to 1, got 2")
    assert last[1] == "  corruption.rate=2"


def test_an_unknown_key_is_refused_before_anything(sweep):
    done = sweep("seed=0,1", "optimizer.learning_rat=1")
    assert done.code == 2
    assert "learning_rate" in done.err
    assert runs() == {}


@pytest.mark.slow
def test_a_run_that_diverges_leaves_its_neighbours_their_bits(sweep):
    done = sweep(*SGD, "seed=0,1", "optimizer.learning_rate=0.01,1e9,0.02")
    assert done.code == 3
    assert "6 runs: 4 completed, 2 diverged" in done.out
    wild = {name: results(run) for name, run in runs().items() if run.state == "completed"}
    Path("outputs").rename("wild")
    assert sweep(*SGD, "seed=0,1", "optimizer.learning_rate=0.01,0.015,0.02").code == 0
    tame = {name: results(run) for name, run in runs().items()}
    assert len(wild) == 4
    assert wild.items() <= tame.items()


@pytest.mark.slow
@pytest.mark.parametrize("trouble", ["locked", "another config", "damaged checkpoint"])
def test_trouble_in_one_folder_stays_there(trouble, sweep, compose):
    assert sweep("seed=1").code == 0
    folder = of_seed(1).path
    status = json.loads((folder / "status.json").read_text())
    holder = None
    if trouble == "locked":
        (folder / "status.json").write_text(json.dumps({**status, "state": "running"}))
        holder = Recorder(folder, RunFolder(folder).config)
    elif trouble == "another config":
        (folder / "status.json").write_text(json.dumps({**status, "config_hash": "00000000"}))
    else:
        (folder / "status.json").write_text(json.dumps({**status, "state": "running"}))
        for path in (folder / "checkpoint").rglob("*"):
            if path.is_file() and "METADATA" not in path.name:
                path.write_bytes(b"")
    done = sweep("seed=0,1,2")
    assert done.code == 2, done.out
    assert "3 runs: 2 completed, 1 failed" in done.out
    assert str(folder.name) in done.out
    assert {of_seed(seed).state for seed in (0, 2)} == {"completed"}
    if holder is not None:
        holder.close()


@pytest.mark.slow
def test_a_bug_in_one_run_stays_there(sweep, monkeypatch):
    write = open_run.write_results

    def broken(experiment, config, *rest, **options):
        if config["seed"] == 1:
            raise ZeroDivisionError("a bug")
        return write(experiment, config, *rest, **options)

    with monkeypatch.context() as patch:
        patch.setattr(open_run, "write_results", broken)
        done = sweep("seed=0,1,2")
    assert done.code == 1
    assert [of_seed(seed).state for seed in (0, 1, 2)] == ["completed", "failed", "completed"]
    assert "ZeroDivisionError: a bug" in (of_seed(1).path / "run.log").read_text()
    assert "ZeroDivisionError" not in (of_seed(0).path / "run.log").read_text()
    # It is tried again when that is asked for.
    again = sweep("seed=0,1,2")
    assert again.code == 2
    line = f"{of_seed(1).path.name}: failed before (ZeroDivisionError('a bug')); try it again with hydra.launcher.retry"
    assert line in again.out
    assert of_seed(1).state == "failed"
    retried = sweep("seed=0,1,2", "hydra.launcher.retry_failed=true")
    assert retried.code == 0
    assert "continuing after epoch 3" in (of_seed(1).path / "run.log").read_text()
    assert [of_seed(seed).state for seed in (0, 1, 2)] == ["completed"] * 3


@pytest.mark.slow
def test_a_group_that_does_not_fit_is_split(sweep):
    assert sweep("seed=0,1,2").code == 0
    whole = {name: results(run) for name, run in runs().items()}
    Path("outputs").rename("whole")
    done = sweep("seed=0,1,2", "hydra.launcher.max_gib=0.0001")
    assert done.code == 0, done.err
    assert "3 runs need" in done.out
    assert "split into" in done.out  # into how many depends on the number of devices
    assert {name: results(run) for name, run in runs().items()} == whole


@pytest.mark.slow
def test_a_group_that_runs_out_of_memory_is_halved(sweep, monkeypatch):
    whole = train.train_fitting

    def small_only(members, *rest):
        if len(members) > 2:
            raise MemoryError
        whole(members, *rest)

    monkeypatch.setattr(train, "train_fitting", small_only)
    done = sweep("seed=0,1,2")
    assert done.code == 0, done.err
    assert "3 runs do not fit into memory together: split into 2 groups" in done.out
    assert {run.state for run in runs().values()} == {"completed"}


@pytest.mark.slow
def test_groups_of_one_structure_share_a_program(sweep):
    done = sweep("seed=0,1,2,3,4", "hydra.launcher.max_runs=2")
    assert done.code == 0, done.err
    assert {run.state for run in runs().values()} == {"completed"}
    seconds = {run.summary["time"]["compile_seconds"] for run in runs().values()}
    assert len(seconds) == 1


@pytest.fixture
def interrupted(sweep, monkeypatch):
    """A sweep that was interrupted in its third epoch; and what its runs would have become."""
    overrides = ("seed=0,1", "corruption=masking", "runtime.checkpoint_seconds=0")
    assert sweep(*overrides).code == 0
    whole = {name: results(run) for name, run in runs().items()}
    Path("outputs").rename("whole")
    with monkeypatch.context() as patch:
        interrupt_after(patch, 3)
        assert sweep(*overrides).code == 130
    assert [run.state for run in runs().values()] == ["interrupted"] * 2
    assert len(list(Path("outputs/default/.groups").iterdir())) == 1
    return overrides, whole


@pytest.mark.slow
def test_an_interrupted_sweep_goes_on_from_the_groups_checkpoint(interrupted, sweep):
    overrides, whole = interrupted
    assert sweep(*overrides).code == 0
    assert {name: results(run) for name, run in runs().items()} == whole
    for run in runs().values():
        assert "continuing after epoch 2" in (run.path / "run.log").read_text()
        assert not (run.path / "group.json").exists()
    assert not Path("outputs/default/.groups").exists()


@pytest.mark.slow
def test_a_run_of_an_interrupted_sweep_goes_on_alone(interrupted, sweep, command_line):
    overrides, whole = interrupted
    assert command_line(*TINY, "seed=1", *overrides[1:]).code == 0
    run = of_seed(1)
    assert "continuing after epoch 2" in (run.path / "run.log").read_text()
    assert results(run) == whole[run.path.name]
    assert Path("outputs/default/.groups").exists()  # the other run needs it
    assert sweep(*overrides).code == 0
    assert {name: results(run) for name, run in runs().items()} == whole
    assert not Path("outputs/default/.groups").exists()


@pytest.mark.slow
def test_early_stopping_is_per_run(sweep):
    rates = "optimizer.learning_rate=1e-12,0.1"
    assert sweep("optimizer=sgd", "trainer.patience=1", "trainer.num_epochs=4", rates).code == 0
    epochs = {run.config["optimizer"]["learning_rate"]: run.summary["training"] for run in runs().values()}
    assert epochs[1e-12]["stopped"] == "converged"
    assert epochs[1e-12]["epochs"] == 2
    assert epochs[0.1]["epochs"] == 4


@pytest.mark.slow
def test_runs_are_spread_over_every_device(sweep):
    assert sweep("seed=0,1").code == 0
    assert jax.local_device_count() == len(RunFolder(of_seed(0).path).read("environment.json")["devices"])
    assert np.isfinite(of_seed(0).summary["test"]["sse"])


@pytest.mark.slow
def test_pca_is_fitted_once_for_all_runs_of_a_dataset(sweep, monkeypatch):
    fits = []
    fit = measure.fit_pca

    def counted(*arguments, **options):
        fits.append(1)
        return fit(*arguments, **options)

    monkeypatch.setattr(measure, "fit_pca", counted)
    measure.timed_pca.cache_clear()
    assert sweep("seed=0,1", "model.latent_size=2,3").code == 0
    assert len(fits) == 1
