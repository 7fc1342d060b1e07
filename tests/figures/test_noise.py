"""Error against noise: from corrupted and clean inputs, of autoencoders and of PCA."""

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.text import Text

from ae_jax.errors import UserError
from ae_jax.figures.noise import draw
from ae_jax.figures.style import LOOKS, PCA, paper_style
from ae_jax.results.configurations import configurations
from tests.figures.appearance import legend_words

# Slow together; that every figure draws and can be read is in the fast tests.
pytestmark = [pytest.mark.filterwarnings("error"), pytest.mark.slow]

CLEAN = {"_target_": "ae_jax.corruptions.none.none"}


def gaussian(scale):
    return {"_target_": "ae_jax.corruptions.gaussian.gaussian", "scale": scale}


def masking(rate):
    return {"_target_": "ae_jax.corruptions.masking.masking", "rate": rate}


def sweep(levels=(0.1, 0.2, 0.4), seeds=(0, 1, 2), kind=gaussian, **settings):
    """Runs of sse 1 + level from clean inputs and 1 + 5 level from corrupted ones, 0.1 more for each seed.

    PCA's from corrupted ones is 1 more.
    """
    return [
        (
            {"corruption": kind(level), "seed": seed, **settings},
            {"sse": 1 + level + 0.1 * seed, "corrupted_sse": 1 + 5 * level + 0.1 * seed},
        )
        for level in levels
        for seed in seeds
    ]


def figure_of(results, **options):
    with paper_style("icml", width="column", font=None):
        figure = draw(results, **({"measure": "sse", "lines": ["model"]} | options))
        figure.draw_without_rendering()
    return figure


def curves(figure):
    """Lines of the figure in the order corrupted, clean: of each autoencoder, and of PCA."""
    return [line for line in figure.axes[0].lines if line.get_linestyle() != "None"]


def words(figure):
    return " ".join(text.get_text().replace("\n", " ") for text in figure.legends[0].findobj(Text))


def test_means_from_corrupted_and_clean_inputs(runs):
    figure = figure_of(runs(*sweep()))
    noise = np.array([0.1, 0.2, 0.4])
    ours, ours_clean, theirs, theirs_clean = curves(figure)
    for line in (ours, ours_clean, theirs, theirs_clean):
        np.testing.assert_allclose(line.get_xdata(), noise)
    np.testing.assert_allclose(ours.get_ydata(), 1.1 + 5 * noise)
    np.testing.assert_allclose(ours_clean.get_ydata(), 1.1 + noise)
    np.testing.assert_allclose(theirs.get_ydata(), 2.1 + 5 * noise)
    np.testing.assert_allclose(theirs_clean.get_ydata(), 2)  # of PCA with two components, whatever the noise
    assert (theirs.get_color(), theirs.get_linestyle(), theirs.get_label()) == (PCA, ":", "PCA")
    assert [line.get_markerfacecolor() == "white" for line in curves(figure)] == [False, True, False, True]
    assert legend_words(figure) == ["dense autoencoder", "PCA", "corrupted inputs", "clean inputs"]
    assert "digits, test split; latent size 2" in words(figure)
    assert "mean and 95 % t interval, symmetric in logarithms, over 3 seeds" in words(figure)
    assert "noise (gaussian), which PCA, fitted to clean inputs, never saw" in words(figure)
    axes = figure.axes[0]
    assert axes.get_xlabel().replace("\n", " ") == "noise (gaussian) scale, standard deviation"
    assert axes.get_ylabel().replace("\n", " ") == "squared error per example (sse)"
    assert axes.get_yscale() == "log"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0.1", "0.2", "0.4"]


def test_intervals_of_seeds_hold_their_mean(runs):
    results = runs(*sweep())
    bars = [c.get_segments()[0] for c in figure_of(results).axes[0].collections]
    # PCA from clean inputs is the same for all seeds.
    assert len(bars) == 9
    (low, high) = (bars[0][0][1], bars[0][1][1])
    # Student's of 1.5, 1.6, 1.7 in logarithms: 4.3027 standard errors, which are 0.1 / sqrt(3) of 1.6.
    half = 4.302653 * 0.1 / np.sqrt(3)
    assert (low, high) == pytest.approx((1.6 * np.exp(-half / 1.6), 1.6 * np.exp(half / 1.6)))


def test_pca_of_corrupted_inputs_is_that_of_each_runs_own_noise(runs):
    """Seeds draw other noise, so PCA's error has a spread over them, and each run is compared with its own."""
    (one,) = configurations(runs(*sweep(levels=(0.2,))))
    found = one.pca("sse", "corrupted")
    assert (found.num, found.mean) == (3, pytest.approx(3.1))
    against = one.against_pca("sse", "corrupted")
    assert (against.num, against.paired) == (3, True)
    ours = np.array([2.0, 2.1, 2.2])
    assert against.ratio.mean == pytest.approx(np.exp(np.log(ours / (ours + 1)).mean()))
    assert against.difference == pytest.approx((3, -1, -1, -1, -1, 1))
    assert one.pca("sse", "test").num == 1


def test_one_seed_has_no_interval(runs):
    figure = figure_of(runs(*sweep(seeds=(0,))))
    assert not figure.axes[0].collections
    assert "1 seed, no interval" in words(figure)


def test_runs_without_corruption_stand_at_noise_0(runs):
    clean = [({"corruption": CLEAN, "seed": seed}, {"sse": 0.9 + 0.1 * seed}) for seed in range(3)]
    for line in curves(figure_of(runs(*clean, *sweep()))):
        assert line.get_xdata()[0] == 0
    ours, ours_clean, theirs, theirs_clean = curves(figure_of(runs(*clean, *sweep())))
    assert ours.get_ydata()[0] == ours_clean.get_ydata()[0] == pytest.approx(1.0)
    assert theirs.get_ydata()[0] == theirs_clean.get_ydata()[0] == pytest.approx(2.0)


def test_other_corruptions_have_their_own_unit(runs):
    axes = figure_of(runs(*sweep(kind=masking))).axes[0]
    assert axes.get_xlabel().replace("\n", " ") == "noise (masking) rate, probability for each feature"


def test_each_model_has_its_line_and_pca_one(runs):
    linear = {"model._target_": "ae_jax.models.linear.LinearAutoencoder"}
    figure = figure_of(runs(*sweep(), *sweep(seeds=(0, 1), **linear)))
    assert legend_words(figure)[:3] == ["dense autoencoder", "linear autoencoder", "PCA"]
    assert len(curves(figure)) == 6
    assert {line.get_marker() for line in curves(figure)} == {LOOKS[0].marker, LOOKS[1].marker, "d"}
    # PCA's mean is over the three seeds of the dense one, 1 more than its errors.
    np.testing.assert_allclose(curves(figure)[4].get_ydata(), [2.6, 3.1, 4.1])
    assert "2 to 3 seeds" in words(figure)


def test_what_else_varies_is_selected_by_validation(runs):
    key = "optimizer.learning_rate"
    other = sweep(**{key: 0.1})
    for _, options in other:
        options.update(validation_sse=0.1, corrupted_sse=5.0)
    figure = figure_of(runs(*sweep(**{key: 0.01}), *other))
    np.testing.assert_allclose(curves(figure)[0].get_ydata(), 5)
    assert "each point the best of 2 configurations by validation sse" in words(figure)
    results = figure_of(runs(*sweep(**{key: 0.01}), *other), lines=[key])
    assert len(curves(results)) == 6


def test_diverged_runs_are_marked(runs):
    given = sweep()
    given[0][1]["state"] = "diverged"
    figure = figure_of(runs(*given))
    (crosses,) = (line for line in figure.axes[0].lines if line.get_marker() == "x")
    np.testing.assert_allclose(crosses.get_xdata(), 0.1)
    assert "1 of 9 runs diverged, not shown" in words(figure)
    assert "other seeds diverged" in legend_words(figure)
    # The mean of seeds 1 and 2.
    assert curves(figure)[0].get_ydata()[0] == pytest.approx(1.65)


def test_more_is_better_is_linear(runs):
    figure = figure_of(runs(*sweep()), measure="explained_variance")
    assert figure.axes[0].get_yscale() == "linear"
    np.testing.assert_allclose(curves(figure)[0].get_ydata(), 1 - np.array([1.6, 2.1, 3.1]) / 8)


def test_many_levels_have_ticks_that_do_not_touch(runs):
    figure = figure_of(runs(*sweep(levels=[0.0001 + 0.013 * number for number in range(16)], seeds=(0,))))
    labels = figure.axes[0].get_xticklabels()
    assert labels[-1].get_text() == "0.1951"
    boxes = [label.get_window_extent() for label in labels]
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))
    assert len(boxes) > 3


def _sizes():
    return [*sweep(), *sweep(**{"model.latent_size": 4})]


def _two_floats():
    return [({"corruption": gaussian(a) | {"mean": b}}, {"corrupted_sse": 2.0}) for a in (0.1, 0.2) for b in (0.0, 0.5)]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([({"seed": 0}, {})], r"no corruption.*\+sweep=noise"),
        (sweep(levels=(0.3,)), r"all have corruption.scale=0.3.*\+sweep=noise"),
        ([*sweep(), *sweep(kind=masking)], r"2 corruptions \(gaussian, masking\).*where="),
        (_sizes(), r"latent sizes 2, 4.*where=\"model.latent_size=4\""),
        (_two_floats(), "differ in corruption.scale and corruption.mean"),
    ],
    ids=["clean", "one-level", "two-corruptions", "two-sizes", "two-floats"],
)
def test_what_cannot_be_drawn_is_refused(given, message, runs):
    with pytest.raises(UserError, match=message):
        figure_of(runs(*given))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"measure": "error"}, "measure: there is no 'error'"),
        ({"lines": ["modle"]}, "lines: there is no key 'modle'; did you mean 'model'"),
    ],
)
def test_options_that_are_wrong_are_refused(options, message, runs):
    with pytest.raises(UserError, match=message):
        figure_of(runs(*sweep(seeds=(0,))), **options)


def test_no_more_autoencoders_than_can_be_told_apart(runs):
    given = [run for number in range(7) for run in sweep(seeds=(0,), **{"trainer.batch_size": number + 1})]
    results = runs(*given)
    with pytest.raises(UserError, match="there are 7 autoencoders, of which 6"):
        figure_of(results, lines=["trainer.batch_size"])
    assert len(curves(figure_of(runs(*given), lines=[]))) == 4


def test_two_keys_that_cross_are_colour_and_dash(runs):
    given = [
        run
        for number in range(1, 5)
        for decay in range(1, 7)
        for run in sweep(seeds=(0,), **{"trainer.batch_size": number, "optimizer.b1": decay / 10})
    ]
    figure = figure_of(runs(*given), lines=["trainer.batch_size", "optimizer.b1"])
    assert "colour: batch size dash and marker: optimizer b1" in words(figure)
    # Six values and four, PCA, corrupted and clean inputs.
    assert len(legend_words(figure)) == 13
    looks = {(line.get_color(), line.get_marker(), line.get_markerfacecolor()) for line in curves(figure)}
    assert len(looks) == 2 * (24 + 1)


def test_levels_far_apart_have_a_logarithmic_axis(runs):
    axes = figure_of(runs(*sweep(levels=(0.02, 0.06, 0.2), seeds=(0,)))).axes[0]
    assert axes.get_xscale() == "log"
    assert {label.get_text() for label in axes.get_xticklabels()} == {"0.02", "0.06", "0.2"}


def test_levels_without_room_have_ticks_as_any_axis(runs):
    clean = [({"corruption": CLEAN, "seed": 0}, {"sse": 0.9})]
    axes = figure_of(runs(*clean, *sweep(levels=(0.01, 0.2), seeds=(0,)))).axes[0]
    assert axes.get_xscale() == "linear"
    assert len(axes.get_xticks()) >= 3
