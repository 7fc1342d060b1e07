"""The launcher keeps Hydra's books: for any task function, and for one that trains jobs together."""

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from textwrap import dedent

import pytest
from hydra import version
from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
from hydra.test_utils.launcher_common_tests import IntegrationTestSuite, LauncherTestSuite

from hydra_plugins.ae_jax_launcher.launcher import VmapLauncher


@pytest.fixture(autouse=True)
def fresh(tmp_path, monkeypatch):
    """An empty folder, and Hydra as if no program of this process had asked for a version of its behaviour."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(version.VersionBase.instance(), "version_base", version._UNSPECIFIED_)


@pytest.mark.slow
@pytest.mark.parametrize(("launcher_name", "overrides"), [("vmap", [])])
class TestLauncher(LauncherTestSuite):
    """Hydra's own suite for launchers."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task_launcher_cfg", "extra_flags"), [({}, ["-m", "hydra/launcher=vmap", "hydra.job.chdir=True"])]
)
class TestIntegration(IntegrationTestSuite):
    """Hydra's own suite for launchers, as programs."""


def test_it_is_found():
    assert VmapLauncher.__name__ in [found.__name__ for found in Plugins.instance().discover(Launcher)]
    (entry,) = [entry for entry in entry_points(group="hydra.plugins") if entry.name == "ae_jax_vmap"]
    assert entry.load().__name__ == VmapLauncher.__name__


PROGRAM = """
import sys
from pathlib import Path
import hydra
from hydra.experimental.callback import Callback


class Sweep:
    def plan(self, jobs, folder, **options):
        print("plan", len(jobs), options)
        self.jobs = jobs
        return {0: 0.5}, [list(range(1, len(jobs)))]

    def train(self, indices):
        hydras = [(self.jobs[index].folder / ".hydra" / "overrides.yaml").read_text() for index in indices]
        print("train", len(indices), len(set(hydras)))
        if "crash" in sys.argv[0]:
            raise ZeroDivisionError("in the training")
        return {index: ValueError("of its own") if index == 2 else float(index) for index in indices}

    def failed(self, index, error):
        print("failed", index)

    def end(self):
        print("end")


def task(config):
    raise AssertionError("not called: the jobs are trained together")


class Books(Callback):
    def on_job_end(self, config, job_return, **_):
        print("job", config.hydra.job.num, job_return.status.name)

    def on_multirun_end(self, config, **_):
        print("multirun ended")


sweep = Sweep()
task.sweep = lambda: sweep
hydra.main(version_base="1.3", config_path=".", config_name="config")(task)()
"""
CONFIG = """
x: 0
hydra:
  callbacks:
    books:
      _target_: __main__.Books
"""


def run_program(folder: Path, *arguments: str, name: str = "program.py") -> subprocess.CompletedProcess[str]:
    (folder / name).write_text(dedent(PROGRAM))
    (folder / "config.yaml").write_text(dedent(CONFIG))
    command = [sys.executable, str(folder / name), "-m", "hydra/launcher=vmap", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_jobs_are_trained_together_and_end_with_their_own_results(tmp_path):
    done = run_program(tmp_path, "x=1,2,3,4")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    # `.hydra/` of all three is there before they train; the first job needed no training.
    assert lines[0].startswith("plan 4 {'max_runs': 256, 'max_gib': None, 'dry_run': False, 'retry_failed': False}")
    assert lines[1] == "train 3 3"
    assert sorted(lines[2:5]) == ["job 1 COMPLETED", "job 2 FAILED", "job 3 COMPLETED"]
    assert lines[5:] == ["end", "multirun ended"]  # one that failed does not end the sweep


def test_a_crash_of_the_training_comes_out(tmp_path):
    done = run_program(tmp_path, "x=1,2,3", name="crash.py")
    assert done.returncode == 1
    assert "in the training" in done.stderr
    assert done.stdout.count("train ") == 1


@pytest.mark.parametrize("option", ["max_runs=0", "max_gib=0", "max_gib=-1"])
def test_limits_that_leave_no_room_are_refused(option):
    name, _, value = option.partition("=")
    with pytest.raises(ValueError, match=f"{name} must be"):
        VmapLauncher(**{name: float(value)})


def test_a_dry_run_trains_nothing(tmp_path):
    done = run_program(tmp_path, "x=1,2", "hydra.launcher.dry_run=true")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("plan 2")
    assert "train" not in done.stdout
    assert not list(tmp_path.rglob(".hydra"))


@pytest.mark.slow
def test_hundreds_of_jobs_fit_into_one_group(tmp_path):
    done = run_program(tmp_path, "x=range(0,200)")
    assert done.returncode == 0, done.stderr
    assert "train 199 199" in done.stdout


def test_a_folder_that_cannot_be_made_fails_alone(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "3").write_text("a file in the way")
    done = run_program(tmp_path, "x=1,2,3,4", "hydra.sweep.dir=out", "hydra.sweep.subdir=${x}")
    assert "failed 2" in done.stdout
    assert "train 2 2" in done.stdout
