"""ROC curves: means over training classes and seeds of what the runs answered."""

import numpy as np
import pytest

from ae_jax.errors import UserError
from ae_jax.figures.roc import draw
from ae_jax.figures.style import PCA, paper_style
from ae_jax.results import load
from tests.answers import write_answers
from tests.figures.appearance import assert_readable, legend_words

pytestmark = [pytest.mark.filterwarnings("error"), pytest.mark.slow]
AREAS = {"0": (0.9, 0.92), "1": (0.7, 0.72)}


@pytest.fixture
def results(write_run, tmp_path):
    """Two seeds of two classes, at two learning rates, of which validation prefers the one that detects less."""
    for label, areas in AREAS.items():
        for rate in (0.001, 0.01):
            for seed, area in enumerate(areas):
                settings = {"dataset.keep_labels": [int(label)], "seed": seed, "optimizer.learning_rate": rate}
                run = write_run(tmp_path / f"{label}-{rate}-{seed}", settings=settings, sse=1 + 10 * rate)
                write_answers(run, accuracy=0.5, auroc=area + 5 * (rate - 0.001))
    return load(tmp_path)


def figure_of(results, **options):
    with paper_style("icml", width="column", font=None):
        figure = draw(results, **({"lines": ["model"], "most_false_alarms": 1.0} | options))
        assert_readable(figure)
    return figure


def test_the_mean_over_classes_and_seeds_beside_pca(results):
    figure = figure_of(results)
    _, ours, theirs = figure.axes[0].lines
    x = ours.get_xdata()
    every = [area for areas in AREAS.values() for area in areas]
    expected = np.mean([x ** ((1 - area) / area) for area in every], axis=0)
    inside = x > 0.05  # where lines between a hundred points are close to the curve
    np.testing.assert_allclose(ours.get_ydata()[inside], expected[inside], atol=2e-3)
    np.testing.assert_allclose(theirs.get_ydata()[inside], x[inside] ** 0.25, atol=2e-3)
    assert theirs.get_color() == PCA
    assert legend_words(figure) == ["dense autoencoder, AUROC 0.810", "PCA, AUROC 0.800", "chance"]
    notes = figure.get_label()
    assert "mean over 2 choices of training classes and 2 seeds" in notes
    assert "the best of 2 configurations by validation sse" in notes


def test_a_part_of_the_axis_and_one_class(results):
    figure = figure_of(results.where("dataset.keep_labels = '[1]'"), most_false_alarms=0.2)
    assert figure.axes[0].get_xlim() == (0, 0.2)
    assert figure.axes[0].lines[1].get_xdata()[-1] == pytest.approx(0.2)
    assert "trained on class [1]" in figure.get_label()


def test_what_cannot_be_drawn_is_refused(results, write_run, tmp_path):
    with pytest.raises(UserError, match=r"^most_false_alarms: "):
        figure_of(results, most_false_alarms=0.0)
    write_run(tmp_path / "0-other", settings={"dataset.keep_labels": [0], "dataset.split_seed": 1})
    with pytest.raises(UserError, match="on 3 different data"):
        figure_of(load(tmp_path))
    write_run(tmp_path / "more" / "run")
    with pytest.raises(
        UserError, match=r"have no autoencoder_roc, pca_roc of evaluation=anomaly; ask: .* evaluation=anomaly"
    ):
        figure_of(load(tmp_path / "more"))
    path = results.runs[0].folder.evaluation("anomaly")
    path.write_bytes(b"damage")
    with pytest.raises(UserError, match=r"cannot be read .*evaluation=anomaly makes it again"):
        figure_of(results)
