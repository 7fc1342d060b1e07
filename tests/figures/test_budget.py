"""Expected best against the number of configurations tried: against all draws, and what is said of it."""

import itertools

import numpy as np
import pytest
from matplotlib.text import Text

from ae_jax.errors import UserError
from ae_jax.figures.budget import draw
from ae_jax.figures.style import PCA, paper_style

# Slow together; that every figure draws and can be read is in the fast tests.
pytestmark = [pytest.mark.filterwarnings("error"), pytest.mark.slow]

RATE, LATENT = "optimizer.learning_rate", "model.latent_size"
VALIDATION, TEST = (3.0, 1.5, 2.0), (1.0, 2.5, 3.0)


def sweep(seeds=(0, 1), **settings):
    """Three learning rates; PCA's errors are 2 on test and 2.2 on validation."""
    return [
        (
            {RATE: 0.1 * (number + 1), "seed": seed, **settings},
            {"sse": test + seed, "validation_sse": validation + seed},
        )
        for number, (validation, test) in enumerate(zip(VALIDATION, TEST, strict=True))
        for seed in seeds
    ]


def figure_of(results, **options):
    with paper_style("icml", width="column", font=None):
        figure = draw(results, **{"measure": "sse", "lines": ["model"], **options})
        figure.draw_without_rendering()
    return figure


def curves(figure):
    """Lines of autoencoders, thin ones on test first."""
    drawn = [line for line in figure.axes[0].lines if line.get_color() != PCA]
    return [line.get_ydata() for line in sorted(drawn, key=lambda line: line.get_linewidth())]


def words(figure):
    return " ".join(text.get_text().replace("\n", " ") for text in figure.legends[0].findobj(Text))


def expected(validation, test, tried, lost=0):
    """Over all draws in which something did not diverge: both measures of the best by validation."""
    places = range(len(validation) + lost)
    draws = [[at for at in drawn if at < len(validation)] for drawn in itertools.product(places, repeat=tried)]
    best = [min(drawn, key=validation.__getitem__) for drawn in draws if drawn]
    return np.mean([validation[at] for at in best]), np.mean([test[at] for at in best])


def test_the_best_of_all_draws_on_validation_and_what_it_is_on_test(runs):
    figure = figure_of(runs(*sweep()))
    test, validation = curves(figure)
    means = [[value + 0.5 for value in values] for values in (VALIDATION, TEST)]
    for tried in (1, 2, 3):
        assert (validation[tried - 1], test[tried - 1]) == pytest.approx(expected(*means, tried))
    pca = [line.get_ydata()[0] for line in figure.axes[0].lines if line.get_color() == PCA]
    assert pca == pytest.approx([2.2, 2.0])
    said = words(figure)
    assert "digits, validation split, latent size 2" in said
    assert "expectation over draws, with replacement, of 3 configurations each the mean of 2 seeds" in said
    assert "thin: test, of what validation selects" in said


def test_what_diverged_was_tried_too(runs):
    lost = [({RATE: 9.0, "seed": seed}, {"state": "diverged"}) for seed in (0, 1)]
    figure = figure_of(runs(*sweep(), *lost))
    test, validation = curves(figure)
    means = [[value + 0.5 for value in values] for values in (VALIDATION, TEST)]
    assert len(validation) == 4
    for tried in (1, 2, 3, 4):
        assert (validation[tried - 1], test[tried - 1]) == pytest.approx(expected(*means, tried, lost=1))
    assert "1 of which all runs diverged counts as tried" in words(figure)


def test_what_diverged_for_some_seeds_is_tried_and_comes_last(runs):
    figure = figure_of(runs(*sweep(), ({RATE: 0.2, "seed": 2}, {"state": "diverged"})))  # which has the least error
    _, validation = curves(figure)
    assert validation[1] == pytest.approx((2.5 * 5 + 3.5 * 3 + 2.0 * 1) / 9)
    assert "1 of which some runs diverged comes last" in words(figure)


def test_each_kind_has_a_budget_of_its_own(runs):
    linear = {"model._target_": "ae_jax.models.linear.LinearAutoencoder"}
    figure = figure_of(runs(*sweep(), *sweep(**linear)[:4]))
    assert sorted(map(len, curves(figure))) == [2, 2, 3, 3]
    assert "of 2 to 3 configurations" in words(figure)


def test_more_is_better_rises(runs):
    _, validation = curves(figure_of(runs(*sweep()), measure="explained_variance"))
    assert (np.diff(validation) > 0).all()


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        (sweep()[:2], {}, "nothing to select from; sweep something"),
        ([*sweep(), *sweep(**{LATENT: 1})], {}, r"latent sizes 1, 2, each with a PCA .* where=\"model.latent_size=2\""),
        (sweep(), {"measure": "error"}, "measure: there is no 'error'"),
        (sweep(), {"lines": ["modle"]}, "lines: there is no key 'modle'"),
    ],
)
def test_what_cannot_be_drawn_is_refused(given, options, message, runs):
    with pytest.raises(UserError, match=message):
        figure_of(runs(*given), **options)


def test_rounding_of_pca_is_below_the_axis(runs):
    results = runs(*sweep())
    for run in results.runs:
        for split in ("validation", "test"):
            run.summary["pca"][split]["sse"] = 1e-27
    figure = figure_of(results)
    assert "PCA, below the axis" in words(figure)
    assert figure.axes[0].get_ylim()[0] > 0.5
