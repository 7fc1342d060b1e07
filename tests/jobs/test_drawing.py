"""Figures drawn in other processes are the same figures."""

import shutil
import subprocess
import sys

import pytest

from ae_jax.errors import UserError
from ae_jax.figures.run.draw import draw_run_figures
from ae_jax.jobs.drawing import Drawing


@pytest.mark.slow
def test_workers_draw_the_same_figures(smoke, tmp_path):
    there = shutil.copytree(smoke, tmp_path / "there", ignore=shutil.ignore_patterns("figures"))
    mine = draw_run_figures(smoke)
    with Drawing(2) as drawing:
        theirs = [drawing.draw(there).result(timeout=60) for _ in range(2)][1]
    assert mine == theirs
    assert len(mine.pngs) == 3
    assert not mine.problems
    assert not (there / "figures").exists()  # they write nothing: the folder is another's


def test_what_cannot_be_drawn_is_named_and_the_worker_goes_on(smoke, tmp_path):
    broken = shutil.copytree(smoke, tmp_path / "broken")
    (broken / "reconstructions.npz").unlink()
    with Drawing(1) as drawing:
        drawn = drawing.draw(tmp_path / "nowhere").result(timeout=60)
        assert not drawn.pngs
        assert len(drawn.problems) == 3
        assert all("/nowhere" in problem for problem in drawn.problems.values())
        drawn = drawing.draw(broken).result(timeout=60)
        assert (set(drawn.pngs), set(drawn.problems)) == ({"learning_curve", "pca_curve"}, {"reconstructions"})


def test_a_worker_that_dies_fails_one_run_and_another_takes_its_place(smoke):
    with Drawing(1) as drawing:
        assert drawing.draw(smoke).result(timeout=60).pngs
        drawing._workers[0].kill()
        with pytest.raises(UserError, match="figures: cannot be drawn"):
            drawing.draw(smoke).result(timeout=60)
        assert drawing.draw(smoke).result(timeout=60).pngs


def test_a_worker_ends_with_its_input():
    done = subprocess.run(
        [sys.executable, "-m", "ae_jax.figures.run.worker"], input="", capture_output=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, b"")
