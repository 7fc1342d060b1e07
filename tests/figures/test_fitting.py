"""Figures that fit some runs: samples of a prior, codes in use, columns of a decoder."""

import numpy as np
import pytest

from ae_jax.figures.run import codes, columns, samples
from ae_jax.figures.run.draw import draw_run_figures, run_figures
from ae_jax.runs.folder import RunFolder
from ae_jax.runs.recorder import write_npz

USUAL = {"learning_curve", "pca_curve", "reconstructions"}


@pytest.fixture
def run(write_run, tmp_path):
    run = RunFolder(write_run(tmp_path / "run", feature_shape=(4, 4)))
    run.evaluation("generation").rename(tmp_path / "generation.npz")
    return run


def test_a_run_without_them_has_the_usual_ones(run):
    assert set(run_figures(run)) == USUAL
    assert set(run_figures()) == USUAL | {"samples", "codes", "columns", "mixture_samples", "traversals"}


def test_a_run_that_was_asked_to_generate_shows_it(run, tmp_path):
    (tmp_path / "generation.npz").rename(run.evaluation("generation"))
    assert set(run_figures(run)) == USUAL | {"mixture_samples", "traversals"}
    figures = {name: run_figures(run)[name](run) for name in ("mixture_samples", "traversals")}
    labels = {name: [text.get_text() for text in figure.axes[0].texts] for name, figure in figures.items()}
    assert labels["mixture_samples"] == ["input", "autoencoder\nsamples", "PCA\nsamples"]  # of ten are no more
    of_two = ["dimension 1", "dimension 2", "PCA component 1", "PCA component 2"]
    assert labels["traversals"] == ["input", *of_two]
    assert draw_run_figures(run.path).problems == {}


def test_a_table_has_samples_and_no_traversals(write_run, tmp_path):
    table = RunFolder(write_run(tmp_path / "run", feature_shape=(6,)))
    assert set(run_figures(table)) == USUAL | {"mixture_samples"}
    assert draw_run_figures(table.path).problems == {}


@pytest.mark.parametrize("with_pca", [True, False])
def test_samples_stand_below_inputs_and_beside_those_of_probabilistic_pca(with_pca, run):
    methods = ("autoencoder", *(["pca"] if with_pca else []))
    write_npz(run.path / "samples.npz", {name: np.random.default_rng(0).uniform(size=(3, 4, 4)) for name in methods})
    assert set(run_figures(run)) == USUAL | {"samples"}
    figure = samples.draw(run)
    labels = [text.get_text() for text in figure.axes[0].texts]
    assert labels == ["input", "autoencoder\nsamples", *(["PCA\nsamples"] if with_pca else [])]
    assert draw_run_figures(run.path).problems == {}


def test_codes_are_counted_part_by_part(run):
    indices = np.stack([np.repeat([0, 1], 10), np.repeat(7, 20), np.tile([3, 3, 3, 8], 5)], axis=1)
    write_npz(run.path / "codes.npz", {}, indices=indices)
    (axes,) = codes.draw(run).axes
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    # Perplexities by hand: of two halves 2, of one code 1, of 3/4 and 1/4 4 / 3^(3/4).
    assert labels == [
        "part 1: 2 in use, perplexity 2.0",
        "part 2: 1 in use, perplexity 1.0",
        f"part 3: 2 in use, perplexity {4 / 3**0.75:.1f}",
    ]
    np.testing.assert_allclose(axes.get_lines()[2].get_ydata(), [0.75, 0.25])


def test_many_parts_have_one_name(run):
    write_npz(run.path / "codes.npz", {}, indices=np.random.default_rng(0).integers(5, size=(50, 12)))
    (axes,) = codes.draw(run).axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["12 parts, 5 to 5 codes in use"]


@pytest.mark.parametrize("number", [1, 16, 17, 64])
def test_columns_fill_a_grid_each_by_its_own_largest(number, run):
    shown = np.random.default_rng(0).normal(size=(number, 4, 4)) * np.arange(number)[:, None, None]  # the first is 0
    numbers = {"columns": shown, "used": np.ones(number)}
    write_npz(run.path / "columns.npz", numbers, places=np.arange(number))
    (axes,) = columns.draw(run).axes
    (picture,) = axes.get_images()
    values = picture.get_array().filled(np.nan)
    assert values.shape == (5 * -(-number // 16), 5 * min(number, 16))
    assert np.nanmax(np.abs(values)) <= 1
    if number > 1:
        np.testing.assert_allclose(values[:4, 5:9], shown[1] / np.abs(shown[1]).max(), rtol=1e-5)
    assert draw_run_figures(run.path).problems == {}


def test_columns_of_what_is_no_image_are_not_drawn(write_run, tmp_path):
    run = RunFolder(write_run(tmp_path / "run", feature_shape=(6,)))
    write_npz(run.path / "columns.npz", {"columns": np.ones((3, 6)), "used": np.ones(3)}, places=np.arange(3))
    assert set(run_figures(run)) == USUAL | {"mixture_samples"}
