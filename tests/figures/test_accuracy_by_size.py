"""Accuracy by latent size: what is drawn is what the runs answered."""

import numpy as np
import pytest

from ae_jax.errors import UserError
from ae_jax.figures.accuracy_by_size import draw
from ae_jax.figures.style import NEUTRAL, PCA, paper_style
from ae_jax.results import load
from tests.answers import write_answers
from tests.figures.appearance import assert_readable, legend_words

pytestmark = [pytest.mark.filterwarnings("error"), pytest.mark.slow]
LINEAR = "ae_jax.models.linear.LinearAutoencoder"


@pytest.fixture
def results(write_run, tmp_path):
    """Dense and linear autoencoders of three sizes, in three seeds, the linear ones 0.2 behind."""
    for model in ("dense", "linear"):
        for size in (2, 4, 8):
            for seed in range(3):
                settings = {"model.latent_size": size, "seed": seed}
                settings |= {"model._target_": LINEAR} if model == "linear" else {}
                run = write_run(tmp_path / f"{model}{size}-{seed}", settings=settings)
                write_answers(run, accuracy=0.9 - 1 / size - 0.2 * (model == "linear") + 0.01 * seed, auroc=0.9)
    return load(tmp_path)


def figure_of(results, **options):
    with paper_style("icml", width="column", font=None):
        figure = draw(results, **({"measure": "knn_accuracy", "split": "test", "lines": ["model"]} | options))
        assert_readable(figure)
    return figure


def test_means_of_each_kind_beside_pca_and_the_inputs(results):
    figure = figure_of(results)
    dense, linear, pca, inputs = figure.axes[0].lines
    np.testing.assert_allclose(dense.get_ydata(), 0.91 - 1 / np.array([2, 4, 8]))
    np.testing.assert_allclose(linear.get_ydata(), 0.71 - 1 / np.array([2, 4, 8]))
    assert (dense.get_xdata() < [2, 4, 8]).all()
    assert (linear.get_xdata() > [2, 4, 8]).all()
    np.testing.assert_array_equal(pca.get_xdata(), [2, 4, 8])
    np.testing.assert_array_equal(pca.get_ydata(), [0.7] * 3)
    assert (pca.get_color(), inputs.get_color()) == (PCA, NEUTRAL)
    assert set(inputs.get_ydata()) == {0.95}
    words = ["dense autoencoder", "linear autoencoder", "PCA", "inputs (9 numbers)"]
    assert legend_words(figure) == words
    assert figure.axes[0].get_ylabel() == "5-NN accuracy"
    assert "95 % t interval over 3 seeds" in figure.get_label()


def test_the_linear_probe(results):
    dense = figure_of(results.where("model = 'dense'"), measure="linear_accuracy", split="validation").axes[0].lines[0]
    np.testing.assert_allclose(dense.get_ydata(), (0.91 - 1 / np.array([2, 4, 8])) / 2)
    np.testing.assert_array_equal(dense.get_xdata(), [2, 4, 8])


def test_what_cannot_be_drawn_is_refused(results, write_run, tmp_path):
    with pytest.raises(UserError, match="have the latent size 2, which makes no line"):
        figure_of(results.where("model.latent_size = 2"))
    with pytest.raises(UserError, match=r"^lines: model\.latent_size is the axis"):
        figure_of(results, lines=["model.latent_size"])
    write_run(tmp_path / "other" / "run")
    with pytest.raises(UserError, match=r"knn_accuracy was not taken in these runs; python scripts/evaluate\.py"):
        figure_of(load(tmp_path / "other"))
