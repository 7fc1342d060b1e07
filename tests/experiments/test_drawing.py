"""Figures drawn in other processes are the same figures."""

import shutil
import subprocess
import sys

import pytest

from ae_jax.errors import UserError
from ae_jax.experiments.drawing import Drawing


def test_workers_draw_the_same_figures(smoke, tmp_path):
    here, there = (shutil.copytree(smoke, tmp_path / name) for name in ("mine", "theirs"))
    with Drawing() as drawing:
        mine = drawing.draw(here).result()
    with Drawing(2) as drawing:
        theirs = [drawing.draw(there).result(timeout=60) for _ in range(2)][1]
    assert [path.name for path in mine] == [path.name for path in theirs]
    assert len(mine) == 3
    assert [path.read_bytes() for path in mine] == [path.read_bytes() for path in theirs]


def test_a_folder_that_cannot_be_drawn_is_named_and_the_worker_goes_on(smoke, tmp_path):
    good = shutil.copytree(smoke, tmp_path / "good")
    with Drawing(1) as drawing:
        with pytest.raises(UserError, match=r"nowhere/figures: cannot be drawn"):
            drawing.draw(tmp_path / "nowhere").result(timeout=60)
        assert drawing.draw(good).result(timeout=60)


def test_a_worker_ends_with_its_input():
    done = subprocess.run(
        [sys.executable, "-m", "ae_jax.figures.run.worker"], input="", capture_output=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, b"")
