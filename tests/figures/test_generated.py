"""Figures of samples, interpolations and traversals: their rows, and PCA's after those of its autoencoders."""

import importlib

import numpy as np
import pytest
from matplotlib.text import Text

from ae_jax.errors import UserError
from ae_jax.figures.style import PCA_INK, paper_style
from tests.figures.test_paper_figures import options_of

pytestmark = [pytest.mark.filterwarnings("error"), pytest.mark.slow]

LINEAR = {"model._target_": "ae_jax.models.linear.LinearAutoencoder"}


def figure_of(name, results, **changed):
    with paper_style("icml", width="column", font=None):
        figure = importlib.import_module(f"ae_jax.figures.{name}").draw(results, **(options_of(name) | changed))
        figure.draw_without_rendering()
    return figure


def words(figure):
    """Texts from above, each with its colour."""
    texts = [(text.get_position()[1], text.get_text(), text.get_color()) for text in figure.axes[0].findobj(Text)]
    return [(text, colour) for _, text, colour in sorted(texts) if text]


def pictures(figure):
    return [np.asarray(image.get_array()) for image in figure.axes[0].images]


@pytest.mark.parametrize(
    ("name", "num_pictures"),
    # Ten columns: one row of each of three methods, and the inputs; two pairs of four rows; two dimensions of each.
    [("sample_grid", 4), ("interpolations", 8), ("traversals", 7)],
)
def test_each_autoencoder_has_rows_and_pca_after_them(name, num_pictures, runs):
    figure = figure_of(name, runs(({"seed": 0}, {}), ({"seed": 1}, {"sse": 1.0}), ({"seed": 1, **LINEAR}, {})))
    assert len(pictures(figure)) == num_pictures
    named = [word for word in words(figure) if word[0] in ("dense autoencoder", "linear autoencoder", "PCA")]
    order = [("dense autoencoder", "black"), ("linear autoencoder", "black"), ("PCA", PCA_INK)]
    assert named == order * (len(named) // 3)
    assert "by validation sse" in figure.get_label()


def test_a_row_has_the_samples_of_the_best_seed(runs):
    results = runs(({"seed": 0}, {"sse": 2.0}), ({"seed": 1}, {"sse": 1.0}))
    arrays = np.load(results.runs[1].folder.evaluation("generation"))
    inputs, samples, _ = pictures(figure_of("sample_grid", results, num_examples=2, num_rows=1))
    low, high = arrays["samples_real"][:2].min(), arrays["samples_real"][:2].max()
    expected = (np.clip(arrays["samples_autoencoder"][:2], low, high) - low) / (high - low)
    np.testing.assert_allclose(samples[:, :3], expected[0], rtol=1e-6)
    assert (inputs.min(), inputs.max()) == (0, 1)


def test_the_nearest_training_examples_stand_below_samples(runs):
    results = runs(({"seed": 0}, {}))
    assert len(pictures(figure_of("sample_grid", results, nearest=True, num_examples=5, num_rows=2))) == 1 + 2 * 4
    assert "nearest training example" in figure_of("sample_grid", results, nearest=True).get_label()


@pytest.mark.parametrize("name", ["sample_grid", "interpolations", "traversals"])
def test_what_cannot_be_drawn_is_refused(name, runs):
    with pytest.raises(UserError, match="has no images"):
        figure_of(name, runs(({"seed": 0}, {"feature_shape": (6,)})))
    results = runs(({"seed": 0}, {}))
    results.runs[0].folder.evaluation("generation").unlink()
    with pytest.raises(UserError, match=r"evaluate.py .* evaluation=generation"):
        figure_of(name, results)


def test_a_prior_that_no_model_has_is_refused(runs):
    with pytest.raises(UserError, match="have no samples_prior_autoencoder"):
        figure_of("sample_grid", runs(({"seed": 0}, {})), density="prior")
