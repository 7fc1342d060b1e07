"""The figure of how alike latents are: its means over pairs of runs."""

from statistics import fmean

import numpy as np
import pytest

from ae_jax.errors import UserError
from ae_jax.figures.style import paper_style
from ae_jax.results import load
from ae_jax.results.similarity import linear_cka
from tests.figures.test_paper_figures import drawn


@pytest.fixture(autouse=True)
def styled():
    with paper_style("neurips", width="text", font=None):
        yield


LINEAR = {"model._target_": "ae_jax.models.linear.LinearAutoencoder"}


def numbers_of(figure):
    """By column and row, from the lower left."""
    found = {}
    for text in figure.axes[0].texts:
        x, y = text.get_position()
        found[int(x), int(y)] = text.get_text()
    return found


def test_cells_are_means_over_pairs_of_runs(write_run, tmp_path):
    for name, settings in (("dense", {}), ("linear", LINEAR)):
        for seed in range(3):
            options = {"settings": {"seed": 3 * len(settings) + seed, **settings}, "num_examples": 40}
            write_run(tmp_path / f"{name}{seed}", **options)
    results = load(tmp_path)
    latents = {run.name: run.folder.latents for run in results.runs}

    def mean(ones, others):
        pairs = {
            frozenset((a, b))
            for a in latents
            for b in latents
            if a != b and a.startswith(ones) and b.startswith(others)
        }
        return fmean(linear_cka(*(latents[name]["autoencoder"] for name in pair)) for pair in pairs)

    figure = drawn("similarity", results)
    expected = {
        (0, 0): mean("dense", "dense"),
        (1, 1): mean("linear", "linear"),
        (0, 1): mean("dense", "linear"),
        (1, 0): mean("dense", "linear"),
        **{
            (2, row): fmean(
                linear_cka(one["autoencoder"], one["pca"]) for n, one in latents.items() if n.startswith(kind)
            )
            for row, kind in enumerate(("dense", "linear"))
        },
    }
    assert numbers_of(figure) == {place: f"{value:.2f}" for place, value in expected.items()}
    rows = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert rows == ["dense (1)", "linear (2)"]
    assert "40 examples of the test split" in str(figure.get_label())


def test_one_seed_has_no_pair_of_its_own(write_run, tmp_path):
    write_run(tmp_path / "run", num_examples=40)
    figure = drawn("similarity", load(tmp_path))
    assert set(numbers_of(figure)) == {(1, 0)}
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["one seed, and so no pair"]


def test_too_many_and_other_examples_are_refused(write_run, tmp_path):
    for number in range(25):
        write_run(tmp_path / str(number), settings={"optimizer.learning_rate": np.round(0.01 * (number + 1), 2).item()})
    with pytest.raises(UserError, match="25 autoencoders, and room for 24"):
        drawn("similarity", load(tmp_path), lines=["optimizer.learning_rate"])
    write_run(tmp_path / "other", num_examples=7, settings={"optimizer.learning_rate": 1.0})
    with pytest.raises(UserError, match="latents of other examples"):
        drawn("similarity", load(tmp_path / "0", tmp_path / "other"), lines=["optimizer.learning_rate"])
