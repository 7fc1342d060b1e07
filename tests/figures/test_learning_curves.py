"""Error or loss over epochs: means and ranges of the lines of metrics.jsonl, and PCA where units agree."""

import json
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.text import Text

from ae_jax.errors import UserError
from ae_jax.figures.learning_curves import draw
from ae_jax.figures.parts.ends import spaced
from ae_jax.figures.style import PCA, paper_style
from ae_jax.results import load

# Slow together; that every figure draws and can be read is in the fast tests.
pytestmark = [pytest.mark.filterwarnings("error"), pytest.mark.slow]

# Of runs that are written by hand: validation sse is 1.1 of the test sse times these, in epochs 1, 2, 3.
FALL = np.array([2, 3 / 2, 4 / 3])


@pytest.fixture
def runs(write_run, tmp_path):
    """Write one configuration, given by its errors over seeds; returns all that were written so far."""

    def write(errors, *, num_epochs=(3, 3, 3, 3, 3), settings=None, **options):
        for seed, (sse, epochs) in enumerate(zip(errors, num_epochs, strict=False)):
            folder = tmp_path / f"{len(list(tmp_path.iterdir()))}"
            write_run(folder, settings={"seed": seed, **(settings or {})}, sse=sse, num_epochs=epochs, **options)
        return load(tmp_path)

    return write


def figure_of(results, **options):
    chosen = {"measure": "validation_sse", "lines": None, "most_lines": 6} | options
    with paper_style("icml", width="column", font=None):
        figure = draw(results, **chosen)
        figure.draw_without_rendering()
    return figure


def lines_of(figure):
    return {line.get_label(): line for line in figure.axes[0].lines if not line.get_label().startswith("_")}


def pca_of(figure):
    """PCA's lines from the lowest error to the highest: they alone are dotted."""
    dotted = [line for line in figure.axes[0].lines if line.get_linestyle() == ":"]
    return sorted(dotted, key=lambda line: line.get_ydata()[0])


def words_of(figure):
    return " ".join(text.get_text().replace("\n", " ") for text in figure.legends[0].findobj(Text))


def test_mean_and_range_over_seeds_beside_pca(runs):
    figure = figure_of(runs([1.0, 2.0, 6.0]))
    lines = lines_of(figure)
    assert list(lines) == ["dense autoencoder"]
    assert "PCA, 2 components" in words_of(figure)
    np.testing.assert_array_equal(lines["dense autoencoder"].get_xdata(), [1, 2, 3])
    np.testing.assert_allclose(lines["dense autoencoder"].get_ydata(), 1.1 * 3.0 * FALL)
    (pca,) = pca_of(figure)
    assert list(pca.get_ydata()) == pytest.approx([1.1 * 2, 1.1 * 2])
    assert pca.get_color() == PCA
    (axes,) = figure.axes
    (band,) = axes.collections
    for epoch, factor in enumerate(FALL, start=1):
        heights = [y for x, y in band.get_paths()[0].vertices if x == epoch]
        assert (min(heights), max(heights)) == pytest.approx((1.1 * factor, 1.1 * 6 * factor))
    assert (axes.get_xlabel(), axes.get_xscale(), axes.get_yscale()) == ("epoch", "log", "log")
    assert list(axes.get_xticks()) == [1, 2, 3]
    assert axes.get_ylabel() == "validation error (sse)"
    assert "digits; mean and range over 3 seeds" in words_of(figure)


def test_runs_that_stopped_early_are_not_averaged_away(runs):
    """Of epochs 1 and 2 there is a mean; the longer seed goes on alone, as a thin line from its own last value."""
    figure = figure_of(runs([1.0, 2.0], num_epochs=(2, 3)))
    thin, mean, _ = figure.axes[0].lines
    np.testing.assert_allclose(mean.get_ydata(), 1.1 * 1.5 * FALL[:2])
    np.testing.assert_array_equal(thin.get_xdata(), [2, 3])
    np.testing.assert_allclose(thin.get_ydata(), 1.1 * 2.0 * FALL[1:])
    assert thin.get_linewidth() < mean.get_linewidth()
    assert thin.get_color() == mean.get_color()
    assert "thin: seeds that trained longer" in words_of(figure)


@pytest.mark.parametrize(
    ("measure", "factor", "what"), [("train_loss", 1.0, "training"), ("validation_loss", 1.1, "validation")]
)
def test_losses_are_in_units_of_their_own_without_pca(measure, factor, what, runs):
    figure = figure_of(runs([1.0, 2.0]), measure=measure)
    (line,) = lines_of(figure).values()
    np.testing.assert_allclose(line.get_ydata(), [factor, factor / 2, factor / 3])
    assert figure.axes[0].get_ylabel() == f"{what} loss (mse)"


def test_losses_in_different_units_are_refused(runs):
    runs([1.0])
    results = runs([1.0], settings={"loss._target_": "ae_jax.losses.bce.bce"})
    with pytest.raises(UserError, match=r"train_loss is in different units \(bce, mse\).*measure=validation_sse"):
        figure_of(results, measure="train_loss")
    assert len(lines_of(figure_of(results))) == 2


def test_the_best_by_validation_of_many_are_shown_and_counted(runs):
    for rate in range(12):
        results = runs([1.0 + (rate * 5) % 12], settings={"optimizer.learning_rate": 0.5 + rate})
    figure = figure_of(results)
    best = sorted(sorted(range(12), key=lambda rate: (rate * 5) % 12)[:6])
    assert list(lines_of(figure)) == [f"learning rate {0.5 + rate}" for rate in best]
    assert "the best 6 of 12 lines by validation sse" in words_of(figure)
    assert len(lines_of(figure_of(results, most_lines=12))) == 12


@pytest.mark.parametrize(
    ("most_lines", "shown", "note"),
    [
        (3, [(1, 0.1), (2, 0.1), (4, 0.1)], "3 of 6 lines: the best of each latent size by validation sse"),
        (4, [(1, 0.1), (1, 0.2), (2, 0.1), (4, 0.1)], "4 of 6 lines: the best of each latent size"),
        (2, [(1, 0.1), (4, 0.1)], "2 of 6 lines: the best of 2 of 3 latent sizes by validation sse"),
    ],
)
def test_the_best_are_not_simply_the_largest_latents(most_lines, shown, note, runs):
    for size in (1, 2, 4):
        for rate in (0.1, 0.2):
            settings = {"model.latent_size": size, "optimizer.learning_rate": rate}
            results = runs([6.0 / size + rate], settings=settings)
    figure = figure_of(results, most_lines=most_lines)
    drawn = [line.get_ydata()[0] / 2.2 for line in lines_of(figure).values()]
    assert drawn == pytest.approx([6.0 / size + rate for size, rate in shown])
    assert note in words_of(figure)


@pytest.mark.parametrize(
    ("sizes", "rates"), [(24, 1), *(pytest.param(*both, marks=pytest.mark.slow) for both in ((1, 24), (3, 8)))]
)
def test_no_two_of_24_lines_look_alike_and_no_name_of_pca_is_lost(sizes, rates, runs):
    for size in range(1, sizes + 1):
        for rate in range(rates):
            settings = {"model.latent_size": size, "optimizer.learning_rate": 0.5 + rate}
            results = runs([9.0 / size + rate / 10], settings=settings, feature_shape=(5, 5))
    figure = figure_of(results, most_lines=24)
    (axes,) = figure.axes
    looks = [
        (line.get_color(), line.get_marker(), line.get_markerfacecolor(), str(line._dash_pattern))
        for line in lines_of(figure).values()
    ]
    assert len(looks) == len(set(looks)) == 24
    named = [text.get_text() for text in axes.texts]
    low, _ = axes.get_ylim()
    below = [size for size in range(1, sizes + 1) if 1.1 * 8 / 2**size < low]
    assert sorted(named) == sorted(f"PCA {size}" for size in range(1, sizes + 1) if sizes > 1 and size not in below)
    assert not below or f"PCA {below[0]} to {below[-1]} below the axis" in words_of(figure)


def test_pcas_lines_have_the_colours_of_their_autoencoders(runs):
    for size in (1, 2):
        for rate in (0.1, 0.2):
            settings = {"model.latent_size": size, "optimizer.learning_rate": rate}
            results = runs([6.0 / size + rate], settings=settings)
    figure = figure_of(results)
    ours = [line.get_color() for line in lines_of(figure).values()]
    assert [line.get_color() for line in pca_of(figure)] == [ours[2], ours[0]]
    assert ours == [ours[0]] * 2 + [ours[2]] * 2
    assert ours[0] != ours[2]
    assert {line.get_color() for line in pca_of(figure_of(results.where("model.latent_size = 1")))} == {PCA}


def test_what_all_lines_share_stands_in_the_title_once(runs):
    for size in (1, 2):
        for rate in (0.1, 0.2):
            settings = {"model.latent_size": size, "optimizer.learning_rate": rate}
            results = runs([6.0 / size + rate], settings=settings)
    figure = figure_of(results, most_lines=2)
    assert words_of(figure).startswith("digits; learning rate 0.1; dense autoencoder")
    assert words_of(figure).count("learning rate") == 1


def test_what_goes_astray_does_not_press_the_others_into_one_place(runs):
    """Ten times the error of the mean alone, which is 8."""
    runs([1.0])
    results = runs([1e9], settings={"optimizer.learning_rate": 0.5})
    figure = figure_of(results)
    assert figure.axes[0].get_ylim()[1] < 100
    assert "1 of 2 lines goes above the axis, 1 ends there" in words_of(figure)


def test_lines_have_the_best_configuration_of_their_key(runs):
    """Selected by validation: the lower test error of the second is no reason."""
    for rate, validation in ((0.1, 1.0), (0.2, 5.0)):
        results = runs([9.0 - validation], settings={"optimizer.learning_rate": rate}, validation_sse=validation)
    figure = figure_of(results, lines=["model"])
    np.testing.assert_allclose(lines_of(figure)["dense autoencoder"].get_ydata(), 1.1 * 8.0 * FALL)
    assert "each line the best of 2 configurations by validation sse" in words_of(figure)


def test_each_latent_size_has_its_pca(runs):
    for size in (1, 2, 4):
        results = runs([6.0 / size], settings={"model.latent_size": size})
    (axes,) = figure_of(results).axes
    drawn = [line.get_ydata()[0] for line in axes.lines if line.get_linestyle() == ":"]
    np.testing.assert_allclose(drawn, [1.1 * 4, 1.1 * 2, 1.1 * 0.5])
    assert {text.get_text(): text.xy[1] for text in axes.texts} == pytest.approx(
        {"PCA 1": 4.4, "PCA 2": 2.2, "PCA 4": 0.55}
    )


def test_numbers_of_components_do_not_overlap(runs):
    for size in range(1, 9):
        results = runs([6.0 / size], settings={"model.latent_size": size})
    figure = figure_of(results, most_lines=8)
    texts = sorted(figure.axes[0].texts, key=lambda text: text.get_window_extent().y0)
    assert [text.get_text() for text in texts] == [f"PCA {size}" for size in range(8, 0, -1)]
    boxes = [Text.get_window_extent(text) for text in texts]
    assert all(below.y1 <= above.y0 + 1 for below, above in pairwise(boxes))
    box = figure.axes[0].get_window_extent()
    assert box.y0 - 1 <= boxes[0].y0
    assert boxes[-1].y1 <= box.y1 + 1


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ([10, 50, 90], [10, 50, 90]),
        ([50, 50], [45, 55]),
        ([50, 52, 54, 90], [42, 52, 62, 90]),
        ([0, 1, 99, 100], [5, 15, 85, 95]),
        ([], []),
    ],
)
def test_names_move_as_little_as_they_must(places, expected):
    np.testing.assert_allclose(spaced(np.array(places, float), 10.0, 5.0, 95.0), expected)


def test_one_seed_has_no_range(runs):
    figure = figure_of(runs([1.0]))
    assert not figure.axes[0].collections
    assert "digits; 1 seed" in words_of(figure)


def test_diverged_seeds_are_named(runs, write_run, tmp_path):
    write_run(tmp_path / "lost", settings={"seed": 7}, state="diverged", error="loss is not finite")
    figure = figure_of(runs([1.0, 2.0]))
    (cross,) = [line for line in figure.axes[0].lines if line.get_marker() == "x"]
    assert (list(cross.get_xdata()), list(cross.get_ydata())) == ([3], pytest.approx([1.1 * 1.5 * FALL[2]]))
    assert "other seeds diverged" in words_of(figure)
    assert "1 of 3 runs diverged, not shown" in words_of(figure)


def test_epochs_without_a_finite_value_are_gaps(runs):
    results = runs([1.0, 2.0])
    results.runs[0].folder.metrics[1]["validation_sse"] = None
    mean = lines_of(figure_of(results))["dense autoencoder"]
    np.testing.assert_array_equal(np.isnan(mean.get_ydata()), [False, True, False])


def test_one_epoch_is_a_point(runs):
    line = lines_of(figure_of(runs([1.0], num_epochs=(1,))))["dense autoencoder"]
    assert list(line.get_xdata()) == [1]
    assert line.get_marker() not in ("", "None")


def test_missing_epochs_and_unknown_keys_are_refused(runs):
    results = runs([1.0])
    with pytest.raises(UserError, match="lines: there is no key 'optimiser'; did you mean 'optimizer'"):
        figure_of(results, lines=["optimiser"])
    (results.runs[0].folder.path / "metrics.jsonl").write_text(json.dumps({"epoch": 1}) + "\n")
    with pytest.raises(UserError, match=r"metrics.jsonl: has no epoch with a validation_sse; train"):
        figure_of(load(results.runs[0].folder.path))


def test_pca_that_leaves_rounding_only_does_not_stretch_the_axis(runs):
    """With all nine components PCA is exact."""
    figure = figure_of(runs([1.0], settings={"model.latent_size": 9}))
    assert figure.axes[0].get_ylim()[0] > 1.1 / 2
    assert "PCA, 9 components, below the axis" in words_of(figure)
