"""The environment of `make` is of the Python that was asked for and of this folder, or it is made anew."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PREPARED = {"requirements.lock", "pyproject.toml", "Makefile"}


@pytest.fixture
def checkout(tmp_path):
    """A folder with the Makefile and a .venv that is ready."""
    folder = tmp_path / "it's a copy"
    folder.mkdir()
    for name in PREPARED:
        shutil.copy(ROOT / name, folder)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / ".venv"], check=True)
    (folder / ".venv" / ".ready").write_text(f"{folder.resolve()}\n")
    return folder


def planned(folder: Path, *arguments: str) -> str:
    """What `make setup` would do; its own settings, where these tests run under make, are not inherited."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHON", "VENV", "MAKEFLAGS")}
    line = ["make", "-n", "setup", *arguments]
    return subprocess.run(line, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout


def another(folder: Path, version: str) -> str:
    """A Python that says it is of a version."""
    path = folder / f"python{version}"
    path.write_text(f'#!/bin/sh\ncase "$*" in *print*) echo {version};; esac\n')
    path.chmod(0o755)
    return f"PYTHON=./{path.name}"


def test_an_environment_that_fits_is_left_as_it_is(checkout):
    assert "-m venv" not in planned(checkout)
    assert "-m venv" not in planned(checkout, f"PYTHON={sys.executable}")
    os.utime(checkout / ".venv" / ".ready", (1, 1))
    assert "python -m venv  .venv" in planned(checkout)  # the lock is newer: brought up to date


def test_one_of_another_python_or_folder_is_made_anew(checkout):
    other = another(checkout, "3.10" if sys.version_info[:2] != (3, 10) else "3.11")
    assert "-m venv --clear .venv" in planned(checkout, other)
    assert "-m venv  elsewhere" in planned(checkout, "VENV=elsewhere")
    moved = checkout.rename(checkout.with_name("moved"))
    assert "-m venv --clear .venv" in planned(moved)
    (moved / ".venv" / ".ready").unlink()
    assert "-m venv --clear .venv" in planned(moved)
    (moved / ".venv" / "pyvenv.cfg").unlink()  # some other folder: nothing is deleted in it
    assert "--clear" not in planned(moved)


def test_one_that_does_not_start_any_more_is_made_anew(checkout):
    python = checkout / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/gone/python")
    assert "-m venv --clear .venv" in planned(checkout)
    python.unlink()
    python.write_text("#!/bin/sh\nexit 1\n")  # of a Python that is not supported
    python.chmod(0o755)
    assert "-m venv --clear .venv" in planned(checkout)
