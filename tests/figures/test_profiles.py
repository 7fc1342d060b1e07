"""Performance profiles: shares of runs, their bands by enumeration, PCA's line, and what diverged."""

import itertools

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Text

from ae_jax.errors import UserError
from ae_jax.figures.profiles import draw
from ae_jax.figures.style import LOOKS, PCA, paper_style

# Slow together; that every figure draws and can be read is in the fast tests.
pytestmark = [pytest.mark.filterwarnings("error"), pytest.mark.slow]

LINEAR = {"model._target_": "ae_jax.models.linear.LinearAutoencoder"}


def seeds(*errors, **settings):
    """A configuration at latent size 2, where PCA's sse is 2."""
    return [({**settings, "seed": seed}, {"sse": sse}) for seed, sse in enumerate(errors)]


def figure_of(results, **options):
    with paper_style("icml", width="column", font=None):
        figure = draw(results, **({"measure": "sse", "split": "test", "show": "ratio", "lines": ["model"]} | options))
        figure.draw_without_rendering()
    return figure


def profile(figure, index=0):
    """Where the share of a line changes, and to what."""
    (line,) = [one for one in figure.axes[0].lines if one.get_color() == LOOKS[index].colour]
    xs, shares = line.get_data()
    return list(xs[1:-1]), list(shares[1:-1]), shares[-1]


def band(figure, index, x):
    """The ends of a band at a place."""
    (found,) = [
        one for one in figure.axes[0].collections if to_hex(one.get_facecolor()[0]) == LOOKS[index].colour.lower()
    ]
    vertices = found.get_paths()[0].vertices
    before = vertices[vertices[:, 0] <= x + 1e-9]
    at = vertices[np.isclose(vertices[:, 0], before[:, 0].max())][:, 1]
    return at.min(), at.max()


def pca_line(figure):
    (line,) = [one for one in figure.axes[0].lines if one.get_color() == PCA]
    return line


def words(figure):
    return " ".join(text.get_text().replace("\n", " ") for text in figure.legends[0].findobj(Text))


def test_the_share_of_runs_at_each_ratio(runs):
    figure = figure_of(runs(*seeds(1.0, 3.0, 2.0), *seeds(4.0, 5.0, 2.0, **LINEAR)))
    assert profile(figure, 0) == ([0.5, 1.0, 1.5], pytest.approx([1 / 3, 2 / 3, 1.0]), 1.0)
    assert profile(figure, 1) == ([1.0, 2.0, 2.5], pytest.approx([1 / 3, 2 / 3, 1.0]), 1.0)
    assert list(pca_line(figure).get_xdata()) == [1.0, 1.0]
    assert "6 runs of 2 configurations, 3 seeds each" in words(figure)
    assert "pointwise 95 % of stratified bootstrap samples of seeds" in words(figure)


def test_configurations_count_alike(runs):
    few, many = seeds(1.0, **{"optimizer.learning_rate": 0.1}), seeds(4.0, 4.0, 4.0)
    assert profile(figure_of(runs(*few, *many)))[:2] == ([0.5, 2.0], [0.5, 1.0])


def test_a_band_is_of_all_resamples_of_seeds_within_configurations(runs):
    a, b = (1.0, 2.0, 4.0), (1.2, 1.6, 3.0)
    figure = figure_of(runs(*seeds(*a), *seeds(*b, **{"optimizer.learning_rate": 0.1})))
    for x in (0.5, 0.8, 1.0, 1.5):
        shares = [
            (np.mean(np.array(one) / 2 <= x) + np.mean(np.array(other) / 2 <= x)) / 2
            for one in itertools.product(a, repeat=3)
            for other in itertools.product(b, repeat=3)
        ]
        assert band(figure, 0, x) == pytest.approx(tuple(np.quantile(shares, (0.025, 0.975))), abs=1 / 6 + 1e-9)


def test_no_band_of_fewer_than_three_seeds(runs):
    figure = figure_of(runs(*seeds(1.0, 3.0)))
    assert not figure.axes[0].collections
    assert "no band below 3 seeds" in words(figure)


def test_what_diverged_is_at_no_ratio(runs):
    """One of four runs of a configuration, and all of another."""
    lost = [({"seed": 9}, {"state": "diverged"})]
    lost += [({"seed": seed, "optimizer.learning_rate": 1.0}, {"state": "diverged"}) for seed in (0, 1)]
    lost += [({"seed": 0, "dataset._target_": "ae_jax.datasets.mnist.mnist"}, {"state": "diverged"})]  # of other data
    figure = figure_of(runs(*seeds(1.0, 3.0, 2.0), *lost))
    assert profile(figure)[1:] == (pytest.approx([0.125, 0.25, 0.375]), pytest.approx(0.375))
    assert "3 of 6 runs diverged, at no x" in words(figure)
    lost.append(({"seed": 8}, {"state": "failed", "error": "out of memory"}))  # nobody knows what it would have been
    assert "1 of 7 runs failed, not shown" in words(figure_of(runs(*seeds(1.0, 3.0, 2.0), *lost)))
    assert "6 runs of 2 configurations" in words(figure)


def test_measures_of_which_more_is_better_are_differences_with_better_to_the_left(runs):
    figure = figure_of(runs(*seeds(1.0, 3.0, 2.0)), measure="explained_variance")
    xs, shares, _ = profile(figure)
    assert xs == pytest.approx([0.125, 0.0, -0.125])  # of sse / 8
    assert shares == pytest.approx([1 / 3, 2 / 3, 1.0])
    assert pca_line(figure).get_xdata()[0] == 0
    low, high = figure.axes[0].get_xlim()
    assert low > high
    assert "at least" in figure.axes[0].get_ylabel()


def test_the_measure_itself_with_pca_as_a_profile_of_sizes(runs):
    results = runs(*seeds(1.0, 3.0), *seeds(2.5, **{"model.latent_size": 1}))
    figure = figure_of(results, show="measure")
    xs, shares = pca_line(figure).get_data()
    assert list(zip(xs[1:-1], shares[1:-1], strict=True)) == [(2.0, 0.5), (4.0, 1.0)]
    figure = figure_of(results.where("model.latent_size = 2"), show="measure")
    assert list(pca_line(figure).get_xdata()) == [2.0, 2.0]


def test_runs_that_are_all_the_same(runs):
    figure = figure_of(runs(*seeds(2.0, 2.0, 2.0)))
    low, high = figure.axes[0].get_xlim()
    assert low < 1 < high


def test_no_ratio_to_an_error_of_nothing(runs):
    results = runs(*seeds(1.0, **{"model.latent_size": 9}))
    with pytest.raises(UserError, match="show: PCA's sse is 0 in 0, so there is no ratio; choose show=measure"):
        figure_of(results)
    figure_of(results, show="measure")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"measure": "sses"}, "measure: there is no 'sses'"),
        ({"lines": ["modle"]}, "lines: there is no key 'modle'; did you mean 'model'"),
        ({"lines": ["seed"]}, "lines: seed is no kind"),
        ({"split": "corrupted"}, "split: corrupted was not measured"),
    ],
)
def test_a_mistake_names_its_option(options, problem, runs):
    with pytest.raises(UserError, match=problem):
        figure_of(runs(*seeds(1.0)), **options)


def test_ratios_beyond_a_hundred_are_beyond_the_axis_and_counted(runs):
    figure = figure_of(runs(*seeds(1.0, 300.0, 2e20)))
    assert figure.axes[0].get_xlim()[1] < 150
    assert "2 runs beyond the axis" in words(figure)
    assert profile(figure)[1] == pytest.approx([1 / 3, 2 / 3, 1.0])


def test_markers_of_lines_that_lie_on_each_other_stand_apart(runs):
    given = seeds(1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7), seeds(1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, **LINEAR)
    lines = [one for one in figure_of(runs(*given[0], *given[1])).axes[0].lines if one.get_color() != PCA]
    starts = [line.get_markevery()[0] for line in lines]
    assert len(set(starts)) == 2
    assert min(starts) > 0
