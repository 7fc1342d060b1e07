"""Where a sweep puts its runs: each in the folder that its own config names, with all that belongs to it, also when the
folders are not the usual ones, one cannot be made, or the sweep grows between two commands."""

import json
from pathlib import Path

import pytest
import yaml

from ae_jax.jobs import train, train_fitting
from ae_jax.jobs.guard import EXIT_COMPLETED, EXIT_DIVERGED
from ae_jax.results import RunFolder

TINY = (
    "model.hidden_sizes=[8]",
    "model.latent_size=4",
    "trainer.num_epochs=3",
    "trainer.batch_size=32",
    "trainer.max_train_examples=64",
    "tracking.mode=disabled",
)
NESTED = "hydra.sweep.subdir=seed${seed}/run"


@pytest.fixture
def sweep(command_line, no_figures):
    """Run a multirun of tiny runs."""

    def run(*overrides: str):
        return command_line("-m", *TINY, *overrides)

    return run


def runs() -> list[RunFolder]:
    """All runs below the outputs, in the order of their seeds."""
    found = [RunFolder(path.parent) for path in Path("outputs").rglob("status.json")]
    return sorted(found, key=lambda run: run.config["seed"])


def results(run: RunFolder) -> tuple:
    """What must not depend on company, or on an interruption."""
    metrics = [{key: record[key] for key in record if key != "seconds"} for record in run.metrics]
    return metrics, run.summary["training"], run.summary["test"]


def interrupt(patch: pytest.MonkeyPatch, *, after: int) -> None:
    """As Ctrl-C when the group has trained so many epochs of this command, the last without its checkpoint."""
    fit = train_fitting.fit

    def interrupted(*arguments, **options):
        for number, report in enumerate(fit(*arguments, **options)):
            if number == after - 1:
                raise KeyboardInterrupt
            yield report
        raise KeyboardInterrupt

    def at_once(*_, **__):
        raise KeyboardInterrupt

    patch.setattr(train_fitting, "fit", interrupted if after else at_once)


def continued(run: RunFolder) -> list[str]:
    """What each command that went on with a run says of where it did."""
    return [line.partition("INFO ")[2] for line in (run.path / "run.log").read_text().splitlines() if "contin" in line]


@pytest.mark.slow
def test_each_folder_has_its_own_overrides_and_a_log_that_names_no_other_run(sweep):
    done = sweep("seed=0,1", "optimizer.learning_rate=0.01,0.02")
    assert done.code == 0, done.err
    assert len(runs()) == 4
    names = {run.path.name for run in runs()}
    for run in runs():
        own = [f"seed={run.config['seed']}", f"optimizer.learning_rate={run.config['optimizer']['learning_rate']}"]
        assert yaml.safe_load((run.path / ".hydra" / "overrides.yaml").read_text()) == [*TINY, *own]
        composed = yaml.safe_load((run.path / ".hydra" / "config.yaml").read_text())
        assert composed["seed"] == run.config["seed"]
        assert composed["optimizer"]["learning_rate"] == run.config["optimizer"]["learning_rate"]
        log = (run.path / "run.log").read_text()
        assert not any(name in log for name in names - {run.path.name})
        assert [path.name for path in (run.path / "checkpoint").iterdir() if path.name.isdigit()] == ["3"]


def test_a_dry_run_writes_nothing_but_the_command(sweep):
    assert sweep("seed=0,1", "hydra.launcher.dry_run=true").code == 0
    assert [str(path) for path in Path().rglob("*") if path.is_file()] == ["outputs/default/multirun.yaml"]


@pytest.mark.slow
def test_two_configs_in_one_folder_are_not_the_same_run(sweep):
    done = sweep("seed=0,1", "hydra.sweep.subdir=here")
    assert done.code == 2
    assert [run.config["seed"] for run in runs()] == [0]
    assert "asked for twice" not in done.out
    assert "seed=1" in done.out.splitlines()[-2]


@pytest.mark.slow
def test_a_subdir_of_several_parts_is_the_run_folder_for_hydra_too(sweep):
    assert sweep("seed=0,1", NESTED).code == 0
    assert {path.parent.as_posix() for path in Path("outputs").rglob(".hydra")} == {
        f"outputs/default/seed{seed}/run" for seed in (0, 1)
    }


@pytest.mark.slow
def test_runs_in_folders_of_one_name_go_on_from_their_own_states(sweep, monkeypatch):
    overrides = ("seed=0,1", NESTED, "runtime.checkpoint_seconds=0")
    assert sweep(*overrides).code == 0
    whole = [results(run) for run in runs()]
    Path("outputs").rename("whole")
    with monkeypatch.context() as patch:
        interrupt(patch, after=3)
        assert sweep(*overrides).code == 130
    assert sweep(*overrides).code == 0
    assert [continued(run) for run in runs()] == [["continuing after epoch 2"]] * 2
    assert [results(run) for run in runs()] == whole


@pytest.mark.slow
def test_jobs_that_change_their_folder_have_hydras_files_in_it(sweep):
    assert sweep("seed=0,1", "hydra.job.chdir=true").code == 0
    for run in runs():
        assert (run.path / ".hydra" / "overrides.yaml").exists()
    assert len(list(Path("outputs").rglob(".hydra"))) == 2


@pytest.mark.slow
def test_a_program_none_of_whose_folders_can_be_made_does_not_end_the_others(sweep):
    Path("outputs/default").mkdir(parents=True)
    Path("outputs/default/size2").write_text("a file in the way")
    done = sweep("model.latent_size=2,4", "hydra.sweep.subdir=size${model.latent_size}")
    assert done.code == 2
    assert [(run.path.name, run.state) for run in runs()] == [("size4", "completed")]


@pytest.mark.slow
def test_a_sweep_that_grew_goes_on_with_what_it_had(sweep, monkeypatch):
    assert sweep("seed=0,1,2").code == 0
    whole = [results(run) for run in runs()]
    Path("outputs").rename("whole")
    with monkeypatch.context() as patch:
        interrupt(patch, after=3)
        assert sweep("seed=0,1", "runtime.checkpoint_seconds=0").code == 130
    assert sweep("seed=0,1,2", "runtime.checkpoint_seconds=0").code == 0
    assert [continued(run) for run in runs()] == [["continuing after epoch 2"]] * 2 + [[]]
    assert [results(run) for run in runs()] == whole


@pytest.mark.slow
def test_a_sweep_that_grew_leaves_no_checkpoints_of_groups(sweep, monkeypatch):
    with monkeypatch.context() as patch:
        interrupt(patch, after=3)
        assert sweep("seed=0,1", "runtime.checkpoint_seconds=0").code == 130
    assert sweep("seed=0,1,2", "runtime.checkpoint_seconds=0").code == 0
    assert not Path("outputs/default/.groups").exists()


@pytest.mark.slow
def test_a_sweep_that_grew_and_is_interrupted_at_once_loses_nothing(sweep, monkeypatch):
    with monkeypatch.context() as patch:
        interrupt(patch, after=3)
        assert sweep("seed=0,1", "runtime.checkpoint_seconds=0").code == 130
    with monkeypatch.context() as patch:
        interrupt(patch, after=0)
        assert sweep("seed=0,1,2", "runtime.checkpoint_seconds=0").code == 130
    assert sweep("seed=0,1,2", "runtime.checkpoint_seconds=0").code == 0
    assert [continued(run) for run in runs()] == [["continuing after epoch 2"] * 2] * 2 + [[]]


@pytest.mark.slow
def test_a_group_that_is_too_large_to_compile_is_halved(sweep, monkeypatch):
    compiled = train._compile

    def small_only(experiments, runtime):
        if len(experiments) > 2:
            raise MemoryError
        return compiled(experiments, runtime)

    monkeypatch.setattr(train, "_compile", small_only)
    done = sweep("seed=0,1,2")
    assert done.code == 0, done.out
    assert "split into 2 groups" in done.out
    assert [run.state for run in runs()] == ["completed"] * 3


@pytest.mark.slow
def test_a_group_that_ran_out_of_memory_goes_on_from_its_checkpoints(sweep, monkeypatch):
    overrides = ("seed=0,1,2", "runtime.checkpoint_seconds=0")
    assert sweep(*overrides).code == 0
    whole = [results(run) for run in runs()]
    Path("outputs").rename("whole")
    fit = train_fitting.fit

    def short_of_memory(group, state, **options):
        for report in fit(group, state, **options):
            if group.num_runs > 2 and (report.metrics.epoch == 3).any():
                raise MemoryError
            yield report

    monkeypatch.setattr(train_fitting, "fit", short_of_memory)
    done = sweep(*overrides)
    assert done.code == 0, done.out
    assert "3 runs do not fit into memory together: split into 2 groups" in done.out
    assert [continued(run) for run in runs()] == [["continuing after epoch 2"]] * 3
    assert [results(run) for run in runs()] == whole
    assert not Path("outputs/default/.groups").exists()


@pytest.mark.slow
def test_batches_of_jobs_are_trained_one_after_the_other_and_reported_once(sweep):
    done = sweep("seed=0,1,2", "hydra.sweeper.max_batch_size=2")
    assert done.code == 0, done.err
    assert [line for line in done.out.splitlines() if line.startswith("sweep of")] == [
        "sweep of 2 runs in 1 program",
        "sweep of 1 run in 1 program",
    ]
    assert done.out.count("3 runs: 3 completed") == 1
    assert json.loads(Path("outputs/default/sweep.json").read_text())["counts"] == {"completed": 3}


@pytest.mark.slow
def test_hydras_own_launcher_leaves_the_same_runs(sweep):
    assert sweep("seed=0,1").code == 0
    together = [(run.path.as_posix(), results(run)) for run in runs()]
    Path("outputs").rename("together")
    done = sweep("seed=0,1", "hydra/launcher=basic", "runtime.print_config=false")
    assert done.code == EXIT_COMPLETED, done.err
    assert [(run.path.as_posix(), results(run)) for run in runs()] == together


@pytest.mark.slow
def test_a_dry_run_says_that_there_are_too_few_devices(sweep):
    done = sweep("seed=0,1", "trainer.data_parallel=64", "trainer.batch_size=64", "hydra.launcher.dry_run=true")
    assert done.code == 2
    assert "trainer.data_parallel" in done.out


@pytest.mark.slow
def test_too_few_devices_end_every_run_of_the_program(sweep):
    done = sweep("seed=0,1", "trainer.data_parallel=64", "trainer.batch_size=64")
    assert done.code == 2
    assert done.out.count("failed: trainer.data_parallel: is 64, devices here: ") == 1
    for run in runs():
        assert run.state == "failed"
        assert run.read("status.json")["error"].startswith("trainer.data_parallel: is 64")


@pytest.mark.slow
def test_a_sweep_of_runs_that_have_all_ended_says_how(sweep):
    rates = ("optimizer=sgd", "optimizer.learning_rate=0.01,1e9")
    assert sweep(*rates).code == EXIT_DIVERGED
    again = sweep(*rates)
    assert again.code == EXIT_DIVERGED
    assert "2 runs trained before" in again.out
    assert "diverged: the loss was not finite in epoch 1" in again.out
