"""Error over levels of corruption at test time: a line for each training, PCA beside."""

import numpy as np
import pytest
from matplotlib.text import Text

from ae_jax.errors import UserError
from ae_jax.figures.robustness import draw
from ae_jax.figures.style import PCA, paper_style
from ae_jax.reading import read_npz
from ae_jax.runs.recorder import write_npz
from tests.figures.appearance import legend_words

pytestmark = [pytest.mark.filterwarnings("error"), pytest.mark.slow]

CLEAN = {"_target_": "ae_jax.corruptions.none.none"}
LEVELS = np.linspace(0, 0.7, 8)


def masking(rate):
    return {"_target_": "ae_jax.corruptions.masking.masking", "rate": rate}


def given(*corruptions, seeds=(0, 1, 2), **settings):
    """Runs whose error is 1 and 0.1 more for each seed, and 1 more for each training, times 1 + 2 level²."""
    return [
        ({"corruption": corruption, "seed": seed, **settings}, {"sse": 1.0 + place + 0.1 * seed})
        for place, corruption in enumerate(corruptions)
        for seed in seeds
    ]


def figure_of(results, **options):
    with paper_style("icml", width="column", font=None):
        figure = draw(results, **({"corruption": None, "curve": "sse", "lines": ["model"]} | options))
        figure.draw_without_rendering()
    return figure


def words(figure):
    return " ".join(text.get_text().replace("\n", " ") for text in figure.legends[0].findobj(Text))


def test_a_line_for_each_training_and_pca(runs):
    figure = figure_of(runs(*given(masking(0.5), CLEAN, masking(0.1))))
    half, clean, tenth, pca = (figure.axes[0].lines[place] for place in (2, 0, 1, 3))
    for line, sse in ((half, 1.1), (clean, 2.1), (tenth, 3.1)):
        np.testing.assert_allclose(line.get_xdata(), LEVELS)
        np.testing.assert_allclose(line.get_ydata(), sse * (1 + 2 * LEVELS**2), rtol=1e-6)
    np.testing.assert_allclose(pca.get_ydata(), 2 * (1 + 4 * LEVELS), rtol=1e-6)
    assert pca.get_color() == PCA
    expected = ["trained clean", "trained with masking, rate 0.1", "trained with masking, rate 0.5", "PCA"]
    assert legend_words(figure) == expected
    assert "mean and 95 % t interval, symmetric in logarithms, over 3 seeds" in words(figure)
    assert figure.axes[0].get_xlabel() == "masking of test inputs (rate)"


def test_kinds_are_told_apart_beside_training(runs):
    linear = {"model._target_": "ae_jax.models.linear.LinearAutoencoder"}
    figure = figure_of(runs(*given(CLEAN, masking(0.5)), *given(CLEAN, **linear)))
    assert set(legend_words(figure)) == {
        "dense autoencoder, trained clean",
        "dense autoencoder, trained with masking, rate 0.5",
        "linear autoencoder, trained clean",
        "PCA",
    }


def test_runs_that_were_not_asked_are_counted(runs):
    results = runs(*given(CLEAN))
    results.runs[0].folder.evaluation("robustness").unlink()
    assert "1 of 3 runs were not asked evaluation=robustness" in words(figure_of(results))


def test_what_cannot_be_drawn_is_refused(runs):
    results = runs(*given(CLEAN))
    with pytest.raises(UserError, match=r"have no blur_levels.*evaluate.py .* evaluation=robustness"):
        figure_of(results, corruption="blur")
    path = results.runs[0].folder.evaluation("robustness")
    arrays = read_npz(path)
    write_npz(path, {**arrays, "masking_levels": LEVELS / 2})
    with pytest.raises(UserError, match="2 different lists of levels"):
        figure_of(results)
    write_npz(path, {**arrays, "blur_levels": LEVELS})
    with pytest.raises(UserError, match=r"2 corruptions \(blur, masking\); choose one with corruption=blur"):
        figure_of(results)
    for run in results.runs:
        run.folder.evaluation("robustness").unlink()
    with pytest.raises(UserError, match="were not asked about robustness"):
        figure_of(results)
    results = runs(*given(CLEAN), *given(CLEAN, **{"model.latent_size": 4}))
    with pytest.raises(UserError, match="latent sizes 2, 4"):
        figure_of(results)


def test_seeds_that_diverged_are_marked(runs):
    chosen = given(CLEAN)
    chosen[0][1]["state"] = "diverged"
    assert "other seeds diverged" in legend_words(figure_of(runs(*chosen)))
