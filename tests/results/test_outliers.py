"""Where few test examples make a mean, tables and the terminal say so."""

import numpy as np
import pytest

from ae_jax.report.terminal import print_report
from ae_jax.results import load
from ae_jax.results.configurations import configurations
from ae_jax.results.outliers import outlier_notes
from ae_jax.tables.comparison import build


@pytest.fixture
def of_errors(write_run, tmp_path):
    """A run for each list of its test examples' errors."""

    def made(*errors):
        for seed, of_examples in enumerate(errors):
            folder = write_run(tmp_path / f"run{seed}", settings={"seed": seed}, sse=float(np.mean(of_examples)))
            values = np.asarray(of_examples, np.float32)
            np.savez(folder / "errors.npz", autoencoder=values, pca=np.ones_like(values))
        return load(tmp_path)

    return made


def test_two_images_that_move_a_mean_are_said(of_errors, capsys):
    """4.48 for 357 images, and 150,000 for two: a mean of 840."""
    usual = [4.48] * 357
    results = of_errors([*usual, 4.48, 4.48], [*usual, 150e3, 150e3])
    (note,) = outlier_notes(configurations(results))
    assert note.startswith(
        "outliers in 1 of 2 runs, whose means tell of few examples: 2 of 359 test examples carry 99 %"
    )
    table = build(results, rows=None, measures=["sse"], split="test", interval="t", statistic="mean", external=None)
    assert f"O{note[1:]}." in [one.text for one in table.notes]
    print_report(results, measure="sse")
    assert note in capsys.readouterr().out.splitlines()


def test_spread_errors_and_runs_that_kept_none_are_not(of_errors):
    results = of_errors(np.random.default_rng(0).lognormal(size=359), np.ones(359))
    (results.runs[1].folder.path / "errors.npz").unlink()
    assert outlier_notes(configurations(results)) == []
