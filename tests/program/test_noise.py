"""Standard error has what is meant for the user, and no line of a library: in Python's development mode, at that."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from ae_jax.commands import start

SMALL = ("experiment=smoke", "runtime.print_config=false", "trainer.num_epochs=2", "corruption=masking")
SEARCH = ("hydra/sweeper=optuna", "hydra.sweeper.n_trials=2", "hydra.sweeper.n_jobs=2", "seed=choice(0,1,2)")
STRICT = {"PYTHONDEVMODE": "1", "PYTHONWARNINGS": "default"}
# Nobody's home, an alphabet without the lines of tables, and a folder for temporary files that is not there.
POOR = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "TMPDIR": "/none"}
NO_HOME = {**POOR, "HOME": "/proc/none", "XDG_CACHE_HOME": "", "XDG_CONFIG_HOME": ""}


@pytest.mark.slow
def test_no_line_of_a_library_reaches_standard_error(run, tmp_path):
    search = (*SEARCH, "hydra.sweeper.storage=sqlite:///study.db", "tracking.mode=disabled")
    for number, (script, given, settings, code, err) in enumerate(
        [
            ("train", ("-m", *SMALL, "name=a", "seed=0,1", "tracking.mode=offline"), NO_HOME, 0, ""),
            ("train", ("-m", *SMALL, "name=b", *search), {}, 0, ""),
            ("train", ("-m", *SMALL, "name=c", *search, "hydra.launcher.dry_run=true"), {}, 0, ""),
            ("evaluate", ("outputs/a/RUN",), NO_HOME, 0, ""),
            ("figures", ("figure=learning_curves", "runs=outputs/a"), NO_HOME, 0, ""),
            ("tables", ("table=best", "runs=outputs/a"), {}, 0, ""),
            ("report", ("outputs",), NO_HOME, 0, ""),
            ("report", ("outputs", "--html"), NO_HOME, 0, ""),
            ("report", ("outputs", "--sql", "select nope from runs"), {}, 2, "error: sql: there is no column 'nope'"),
            ("figures", ("figure=nope", "runs=outputs"), NO_HOME, 2, "error: figure=nope: there is no such option"),
            ("paper", ("paper=nope",), {}, 2, "error: paper=nope: there is no such option of paper"),
            ("train", ("--cfg", "job"), NO_HOME, 0, ""),
            (
                "train",
                (*SMALL, "notes=na\udcefve"),
                {},
                2,
                "error: notes=na\\udcefve: has bytes that are no utf-8; type",
            ),
            (
                "train",
                (*SMALL, "notes=ü"),
                NO_HOME,
                2,
                "error: notes=\\udcc3\\udcbc: has bytes that are no ascii; type",
            ),
            ("figures", ("--help",), NO_HOME, 0, ""),
            ("train", ("--nope",), NO_HOME, 2, "error: --nope: is no option here"),
        ]
    ):
        folder = next(iter(tmp_path.glob("outputs/a/digits*")), Path())
        done = run(script, *(one.replace("RUN", folder.name) for one in given), **STRICT, **settings)
        assert done.returncode == code, (number, done.stderr)
        assert done.stderr.startswith(err), number
        assert len(done.stderr.splitlines()) == bool(err), (number, done.stderr)


@pytest.mark.parametrize("name", ["train", "evaluate", "report", "figures", "tables", "paper"])
def test_ctrl_c_before_a_command_can_answer_is_one_line(name):
    """Sent while the command is being imported."""
    code = (
        "import importlib, os, signal; from ae_jax.commands import start; "
        f"importlib.import_module = lambda *_: os.kill(os.getpid(), signal.SIGINT); start.{name}()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


VARIABLES = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "WANDB_CONFIG_DIR", "MPLCONFIGDIR")


@pytest.mark.parametrize("home", ["good", "/proc/none", "/dev/null", None])
def test_libraries_have_a_home(home, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(start.atexit, "register", lambda *_, **__: None)
    for name in VARIABLES:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "good") if home == "good" else home or "")
    if home is None:  # as where the user is in no list of users
        monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    start._keep_libraries_quiet()
    given = {name: os.environ.get(name) for name in VARIABLES}
    if home == "good":
        folders = [str(tmp_path / "good" / name) for name in (".cache", ".config")]
        assert given == dict(zip(VARIABLES, [*folders, None, None], strict=True))
    else:
        assert all(value and Path(value).is_dir() and Path(value).parent == tmp_path for value in given.values())
    assert not Path("~").exists()
