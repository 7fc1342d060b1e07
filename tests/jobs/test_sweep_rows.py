"""A program of a sweep as a row: its bar, the curve of its error, and the place where it falls below PCA's."""

import io
import re
from pathlib import Path

import pytest
from rich.text import Text

from ae_jax.experiment.build import build
from ae_jax.jobs.sweep.display import SweepDisplay
from ae_jax.jobs.sweep.plan import Plan, Program
from ae_jax.jobs.sweep.rows import Row
from ae_jax.jobs.work import Outcome
from ae_jax.terminal import Screen

STRUCTURE = {"model._target_": "ae_jax.models.dense.DenseAutoencoder", "model.latent_size": 4}


def plan(num_programs=1, num_runs=2):
    programs = [
        Program([num_runs * at + job for job in range(num_runs)], {**STRUCTURE, "model.latent_size": 2**at}, 1)
        for at in range(num_programs)
    ]
    return Plan(programs, list(STRUCTURE), ["seed"], [one.jobs for one in programs])


@pytest.fixture(scope="module")
def experiment(compose):
    return build(compose("trainer.num_epochs=24"))


def row_after(experiment, num_epochs, *, pca=2.0, errors=lambda epoch: 8 / epoch):
    row = Row(plan(), 0, experiment, 1 << 20)
    row._pca = pca
    for epoch in range(1, num_epochs + 1):
        for run in ("a", "b"):
            row.see({Path(run): {"epoch": epoch, "validation_sse": errors(epoch) + (run == "b")}})
    return row


def plain(markup):
    return Text.from_markup(markup).plain


def test_the_curve_has_a_line_where_the_error_falls_below_that_of_pca(experiment):
    # 12 cells of two epochs each; 8 / epoch is below 2 from the fifth epoch on, which is in the third cell.
    curve = plain(row_after(experiment, 24).curve(plain=False))
    assert len(curve) == 13
    assert curve[0] == "█"
    assert curve[2] == "│"
    assert curve[-1] == "▁"
    assert plain(row_after(experiment, 24).curve(plain=True)).isascii()


def test_what_is_ahead_and_what_diverged_has_no_height(experiment):
    assert plain(row_after(experiment, 6, pca=0.1).curve(plain=False))[3:] == "·" * 9
    nan = row_after(experiment, 24, errors=lambda epoch: float("nan"))
    assert nan.curve(plain=False) == "·" * 12
    assert nan.errors() == ("", "2.000", "")
    assert len(row_after(experiment, 1, errors=lambda epoch: 0.0).curve(plain=False)) > 0


def test_a_row_says_how_far_it_is_and_against_what(experiment):
    row = row_after(experiment, 12)
    assert row.epoch == "12/24"
    assert row.errors() == ("0.6667", "2.0000", "66.7% lower")
    assert plain(row.bar(plain=True)) == "##----"  # half of the epochs, which are two thirds of the work
    row.num_ended = 2
    assert plain(row.bar(plain=True)) == "######"
    assert row.text(["model", "latent_size"]) == (
        "program 1 (model=dense, latent_size=1): epoch 12/24, best validation sse 0.6667, PCA's 2.0000"
    )


@pytest.mark.parametrize(("width", "num_programs"), [(40, 1), (40, 3), (60, 3), (80, 3), (80, 24), (120, 3), (200, 1)])
def test_the_live_table_fits_the_terminal_and_the_last_one_has_all(width, num_programs, experiment, monkeypatch):
    output = Screen(file=io.StringIO(), force_terminal=True, width=width, height=24, highlight=False, no_color=True)
    monkeypatch.setattr("ae_jax.jobs.sweep.display.console", lambda: output)
    display = SweepDisplay(plan(num_programs), [experiment] * num_programs, [1 << 20] * num_programs)
    for number, row in enumerate(display._rows):
        row._pca = 2.0
        with display.program(number, lambda _: None):
            display.epoch({Path(f"{number}-{run}"): {"epoch": 3, "validation_sse": 1234.5} for run in "ab"}, 1.0)
            for run in "ab":
                display.ended(Outcome(Path(f"{number}-{run}"), "completed", 1.0))
        table = output.render_lines(display._table(), output.options)
        assert len(table) < 24
        assert max(sum(segment.cell_length for segment in line) for line in table) <= width
    output.file.seek(0)
    output.file.truncate()
    display.close()
    text = re.sub(r"\x1b\[[\d;]*m", "", output.file.getvalue())
    assert f"{2 * num_programs} of {2 * num_programs} runs ended in" in text
    assert text.count("1234.50") == num_programs
    assert "…" not in text


def test_lines_where_it_is_no_terminal(experiment, monkeypatch):
    output = Screen(file=io.StringIO(), width=120, highlight=False)
    output.breaks = False
    monkeypatch.setattr("ae_jax.jobs.sweep.display.console", lambda: output)
    display = SweepDisplay(plan(), [experiment], [None])
    display._rows[0]._pca, told = 2.0, []
    with display.program(0, told.append):
        display.epoch({Path(run): {"epoch": 24, "validation_sse": 1.0} for run in "ab"}, 1.0)
        for run in "ab":
            display.ended(Outcome(Path(run), "completed", 1.0))
    display.close()
    first, last = output.file.getvalue().splitlines()
    words = "program 1 (model=dense, latent_size=1): epoch 24/24, best validation sse 1.000, PCA's 2.000; "
    assert first.startswith(f"{words}0 of 2 runs ended")
    assert last.startswith(f"{words}2 of 2 runs ended in")
    assert len(told) == 2


def test_a_term_that_is_monitored_is_shown_in_place_of_sse_and_without_pca(compose):
    row = Row(plan(), 0, build(compose("bottleneck=gaussian", "trainer.monitor=kl", "trainer.num_epochs=24")), 1)
    for epoch in (1, 2):
        row.see({Path("a"): {"epoch": epoch, "validation_sse": 9.0, "validation_kl": 4.0 / epoch}})
    assert row.errors() == ("2.000", "", "")
    assert row.text(["model", "size"]).endswith("epoch 2/24, best validation kl 2.000")
    assert len(plain(row.curve(plain=False))) == 12
