"""Error against latent size: what is drawn is what the runs say."""

import json
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.lines import Line2D
from matplotlib.text import Annotation, Text

from ae_jax.errors import UserError
from ae_jax.figures.latent_vs_pca import draw
from ae_jax.figures.parts.common import MOST_LINES, look
from ae_jax.figures.parts.means import PCA_LOOK
from ae_jax.figures.style import LOOKS, PCA, paper_style
from ae_jax.results import load
from ae_jax.results.configurations import configurations
from tests.figures.appearance import assert_readable, legend_words

# Slow together; that every figure draws and can be read is in the fast tests.
pytestmark = [pytest.mark.filterwarnings("error"), pytest.mark.slow]

# PCA's test sse in runs that are written by hand, for 0, 1, … 9 components.
CURVE = np.array([8 / 2**size for size in range(9)] + [0.0])


@pytest.fixture
def runs(write_run, tmp_path):
    """Write runs of latent sizes, each given by its errors over seeds; returns what is read back."""

    def write(errors, *, where=None, **options):
        for number, (size, over_seeds) in enumerate(errors):
            for seed, sse in enumerate(over_seeds):
                settings = {"model.latent_size": size, "seed": seed, **options.get("settings", {})}
                given = {key: value for key, value in options.items() if key != "settings"}
                name = f"{len(list(tmp_path.iterdir()))}-{number}-{seed}"
                write_run(tmp_path / name, settings=settings, sse=sse, **given)
        return load(tmp_path).where(where)

    return write


@pytest.mark.slow
@pytest.mark.parametrize(
    ("num", "venue", "width"),
    [
        (3, "icml", "column"),
        (24, "icml", "column"),
        (24, "neurips", "text"),
    ],
)
def test_every_word_and_marker_can_be_read(num, venue, width, write_run, tmp_path):
    for index in range(num):
        model = f"elsewhere.models_with_a_long_name.VeryDeepConvolutionalAutoencoder{index}"
        for size in (1, 2, 4):
            settings = {"model._target_": model, "model.latent_size": size}
            sse = (0.5 + 0.1 * index) * CURVE[size]
            write_run(tmp_path / f"{index}-{size}", settings=settings, sse=sse, dataset="a_data_set_of_a_long_name")
    with paper_style(venue, width=width, font=None):
        options = {"measure": "sse", "split": "test", "scale": None, "lines": ["model"], "ratio": True}
        assert_readable(draw(load(tmp_path), **options))


def figure_of(results, **options):
    chosen = {"measure": "sse", "split": "test", "scale": None, "lines": ["model"], "ratio": False} | options
    with paper_style("icml", width="column", font=None):
        figure = draw(results, **chosen)
        figure.draw_without_rendering()
    return figure


def lines_of(figure):
    return {line.get_label(): line for line in figure.axes[0].lines if not line.get_label().startswith("_")}


def words_of(figure):
    return " ".join(text.get_text().replace("\n", " ") for text in figure.legends[0].findobj(Text))


def test_means_over_seeds_and_pcas_exact_curve(runs):
    figure = figure_of(runs([(1, [5.0, 6.0, 7.0]), (2, [3.0, 3.5, 4.0]), (4, [1.0, 1.5, 2.0])]))
    lines = lines_of(figure)
    assert list(lines) == ["dense autoencoder", "PCA"]
    ours, theirs = lines.values()
    np.testing.assert_array_equal(ours.get_xdata(), [1, 2, 4])
    np.testing.assert_allclose(ours.get_ydata(), [6.0, 3.5, 1.5])
    np.testing.assert_array_equal(theirs.get_xdata(), [1, 2, 3, 4])
    np.testing.assert_allclose(theirs.get_ydata(), [4, 2, 1, 0.5])
    assert (theirs.get_color(), theirs.get_linestyle()) == (PCA, ":")
    # Marked where the autoencoders are.
    assert [theirs.get_xdata()[place] for place in theirs.get_markevery()] == [1, 2, 4]
    (axes,) = figure.axes
    assert axes.get_xlabel() == "latent size (number of components)"
    assert axes.get_ylabel().replace("\n", " ") == "squared error per example (sse)"
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "2", "4"]
    for said in (
        "digits, test split",
        "mean and 95 % t interval, symmetric in logarithms, over 3 seeds",
        "too few seeds",
    ):
        assert said in words_of(figure)


def test_an_autoencoder_that_equals_pca_is_nowhere_drawn_below_it(runs):
    """PCA's curve bends between measured sizes, where nothing is drawn of the autoencoder."""
    lines = lines_of(figure_of(runs([(1, [CURVE[1]]), (8, [CURVE[8]])])))
    assert (lines["dense autoencoder"].get_linestyle(), lines["PCA"].get_linestyle()) == ("None", ":")
    assert len(lines["PCA"].get_xdata()) == 8


def test_intervals_are_on_the_scale_of_the_measure_and_name_it(runs):
    results = runs([(1, [5.0, 6.0, 7.0, 5.5, 6.5]), (2, [3.0, 3.5, 4.0, 3.2, 3.8])])
    assert "mean and 95 % t interval, symmetric in logarithms, over 5 seeds" in words_of(figure_of(results))
    words = words_of(figure_of(results, measure="psnr"))
    assert "mean and 95 % t interval over 5 seeds" in words
    assert "too few" not in words


def test_corrupted_inputs_that_differ_do_not_compare(runs):
    """What is chosen by validation at one latent size is of other noise than at the next."""
    for scale, errors in ((0.1, [(1, [5.0])]), (0.5, [(2, [3.0])])):
        settings = {"corruption": {"_target_": "ae_jax.corruptions.gaussian.gaussian", "scale": scale}}
        results = runs(errors, settings=settings, corrupted_sse=4.0)
    with pytest.raises(UserError, match=r"split: corrupted inputs differ in corruption.scale \(0.1, 0.5\).*where="):
        figure_of(results, split="corrupted")


def test_what_did_not_complete_is_said(runs, write_run, tmp_path):
    write_run(tmp_path / "lost", settings={"model.latent_size": 2, "seed": 9}, state="failed", error="out of memory")
    figure = figure_of(runs([(1, [5.0, 6.0, 7.0]), (2, [3.0, 4.0])]))
    assert "1 of 2 points has fewer seeds than the others" in words_of(figure)
    assert "1 run of these did not complete" in words_of(figure)


def test_the_interval_is_that_of_the_configuration(runs):
    results = runs([(1, [5.0, 6.0, 7.0]), (2, [3.0, 3.5, 4.0])])
    bars = [bar.get_segments()[0] for bar in figure_of(results).axes[0].collections]
    drawn = [(x, low, high) for (x, low), (_, high) in bars]
    estimates = [(one.latent_size, one.estimate("sse")) for one in configurations(results)]
    np.testing.assert_allclose(drawn, [(size, found.low, found.high) for size, found in estimates])


@pytest.mark.parametrize(
    ("measure", "expected"),
    [("mse", CURVE[1:5] / 9), ("explained_variance", 1 - CURVE[1:5] / 8)],
)
def test_other_exact_measures_follow_from_squared_errors(measure, expected, runs):
    results = runs([(1, [5.0]), (4, [1.0])])
    theirs = lines_of(figure_of(results, measure=measure))["PCA"]
    np.testing.assert_allclose(theirs.get_ydata(), expected)
    # At the runs' own sizes, these are what summary.json says.
    for run in results.runs:
        at = list(theirs.get_xdata()).index(run.latent_size)
        assert theirs.get_ydata()[at] == pytest.approx(run.pca(measure))


@pytest.mark.parametrize(("measure", "split"), [("psnr", "test"), ("sse", "validation"), ("bce", "train")])
def test_elsewhere_pca_has_the_latent_sizes_of_the_runs(measure, split, runs):
    results = runs([(1, [5.0]), (2, [3.0]), (4, [1.0])])
    theirs = lines_of(figure_of(results, measure=measure, split=split))["PCA"]
    assert list(theirs.get_xdata()) == [1, 2, 4]
    assert theirs.get_linestyle() == "None"
    expected = {run.latent_size: run.pca(measure, split) for run in results.runs}
    np.testing.assert_allclose(theirs.get_ydata(), [expected[size] for size in (1, 2, 4)])


def test_corrupted_inputs_are_named(runs):
    settings = {"corruption": {"_target_": "ae_jax.corruptions.gaussian.gaussian", "scale": 0.3}}
    figure = figure_of(runs([(1, [5.0]), (2, [3.0])], corrupted_sse=4.0, settings=settings), split="corrupted")
    np.testing.assert_allclose(lines_of(figure)["dense autoencoder"].get_ydata(), [4.0, 4.0])
    np.testing.assert_allclose(lines_of(figure)["PCA"].get_ydata(), [5.0, 5.0])
    assert "corrupted inputs: noise (gaussian), scale 0.3 PCA fitted to clean ones" in words_of(figure)


def test_the_best_by_validation_is_shown_and_said_to_be(runs):
    """The second has the lower test error, and is not chosen."""
    for rate, sse, validation in ((0.1, 3.0, 1.0), (0.2, 2.0, 2.0)):
        settings = {"optimizer.learning_rate": rate}
        results = runs([(1, [sse]), (2, [sse / 2])], settings=settings, validation_sse=validation)
    figure = figure_of(results)
    np.testing.assert_allclose(lines_of(figure)["dense autoencoder"].get_ydata(), [3.0, 1.5])
    assert "each point the best of 2 configurations by validation sse" in words_of(figure)
    every = lines_of(figure_of(results, lines=["optimizer.learning_rate"]))
    assert list(every) == ["learning rate 0.1", "learning rate 0.2", "PCA"]
    np.testing.assert_allclose(every["learning rate 0.2"].get_ydata(), [2.0, 1.0])


def test_kinds_differ_in_colour_and_marker(runs):
    runs([(1, [5.0]), (2, [3.0])])
    results = runs([(1, [6.0]), (2, [4.0])], settings={"model._target_": "ae_jax.models.linear.LinearAutoencoder"})
    lines = lines_of(figure_of(results))
    assert list(lines) == ["dense autoencoder", "linear autoencoder", "PCA"]
    for attribute in ("get_color", "get_marker"):
        assert len({getattr(line, attribute)() for line in lines.values()}) == 3


def test_one_seed_has_points_and_no_interval(runs):
    figure = figure_of(runs([(1, [5.0]), (2, [3.0])]))
    assert not figure.axes[0].collections
    assert lines_of(figure)["dense autoencoder"].get_marker() == LOOKS[0].marker
    assert "digits, test split; 1 seed, no interval too few seeds to tell what is better" in words_of(figure)


def test_numbers_of_seeds_that_differ_are_a_range(runs):
    words = words_of(figure_of(runs([(1, [5.0, 6.0]), (2, [3.0, 4.0, 5.0])])))
    assert "over 2 to 3 seeds, from 3 on" in words
    assert "1 of 2 points has fewer seeds than the others" in words
    assert "mean over 1 to 2 seeds, too few for an interval" in words_of(
        figure_of(runs([(4, [1.0])]).where("seed < 2"))
    )


def test_means_without_diverged_seeds_are_marked(runs, write_run, tmp_path):
    settings = {"model.latent_size": 2, "seed": 9}
    write_run(tmp_path / "lost", settings=settings, state="diverged", error="loss is not finite")
    figure = figure_of(runs([(1, [5.0, 6.0]), (2, [3.0, 4.0])]))
    cross = lines_of(figure)["other seeds diverged"]
    assert (list(cross.get_xdata()), list(cross.get_ydata()), cross.get_marker()) == ([2], [3.5], "x")
    assert "1 of 5 runs diverged, not shown" in words_of(figure)


def test_24_autoencoders_can_be_told_apart_and_no_more(write_run, tmp_path):
    for index in range(25):
        for size in (1, 2):
            settings = {"model.latent_size": size, "optimizer.learning_rate": 0.1 + index}
            write_run(tmp_path / f"{index}-{size}", settings=settings, sse=4.0 / size)
    results = load(tmp_path)
    with pytest.raises(UserError, match="lines: there are more than 24"):
        figure_of(results, lines=["optimizer.learning_rate"])
    kept = results.where("optimizer.learning_rate < 24")
    lines = list(lines_of(figure_of(kept, lines=["optimizer.learning_rate"])).values())
    assert len(lines) == 25
    assert len({(line.get_color(), line.get_markerfacecolor(), line.get_marker()) for line in lines}) == 25


def test_no_two_looks_are_alike_in_colour_or_in_grey():
    looks = [look(index) for index in range(MOST_LINES)]
    assert all(one["marker"] in Line2D.filled_markers for one in looks)
    hollow = [one["markerfacecolor"] == "white" for one in looks]
    kept = list(zip(looks, hollow, strict=True))
    assert len({(one["color"], one["marker"], empty) for one, empty in kept}) == len(looks)
    assert len({(one["marker"], empty, one["linestyle"]) for one, empty in kept}) == len(looks)
    assert not {PCA, PCA_LOOK["marker"], ":"} & {part for one in looks for part in one.values()}


def test_ticks_have_room_and_the_ends_are_there(runs):
    figure = figure_of(runs([(size, [9.0 / size]) for size in range(1, 10)]))
    axes = figure.axes[0]
    boxes = [label.get_window_extent() for label in axes.get_xticklabels()]
    assert all(one.x1 < other.x0 for one, other in pairwise(boxes))
    assert {1, 9} <= set(axes.get_xticks())


def test_all_components_leave_no_error_and_the_axis_is_cut(runs):
    """With nine features, PCA with nine components is exact: a logarithmic axis has no place for that."""
    axes = figure_of(runs([(2, [3.0]), (9, [0.5])])).axes[0]
    assert axes.get_ylim()[0] > 0.5 / 200


def test_pca_of_several_splits_has_a_mean(runs, tmp_path):
    results = runs([(1, [5.0, 5.0]), (2, [3.0, 3.0])])
    for run in results.runs:
        if run.seed == 1:
            path = run.folder.path / "summary.json"
            summary = json.loads(path.read_text())
            summary["pca"]["test_sse_by_components"] = [3 * sse for sse in CURVE]
            path.write_text(json.dumps(summary))
    theirs = lines_of(figure_of(load(tmp_path)))["PCA"]
    np.testing.assert_allclose(theirs.get_ydata(), [8, 4])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lines": ["modle"]}, "lines: there is no key 'modle'; did you mean 'model'"),
        ({"lines": ["seed"]}, "lines: seed is no kind"),
        ({"lines": ["model.latent_size"]}, "lines: model.latent_size is the axis"),
        ({"split": "corrupted"}, "split: corrupted was not measured.*corruption=gaussian"),
        ({"measure": "explained_variance", "scale": "log"}, "scale: a logarithmic axis.*scale=linear"),
    ],
)
def test_what_cannot_be_drawn_is_refused(options, message, runs):
    with pytest.raises(UserError, match=message):
        figure_of(runs([(1, [9.0]), (2, [3.0])]), **options)


def test_measures_that_were_not_taken_are_refused(runs):
    with pytest.raises(UserError, match=r"measure: psnr was not taken.*choose sse, mse"):
        figure_of(runs([(1, [9.0]), (2, [3.0])], unit_interval=False), measure="psnr")


def test_one_latent_size_makes_no_line(runs):
    with pytest.raises(UserError, match=r"all have the latent size 2.*\+sweep=latent_vs_pca"):
        figure_of(runs([(2, [3.0, 4.0])]))


def arrow_of(figure):
    """Start and end of the arrow, and the text beside it; None without."""
    arrows = [text for text in figure.axes[0].texts if isinstance(text, Annotation) and text.arrow_patch]
    texts = [text.get_text() for text in figure.axes[0].texts if text.get_text()]
    return (*((arrow.xyann, arrow.xy) for arrow in arrows), *texts) or None


def test_the_verdict_comes_first_and_an_arrow_shows_it(runs):
    """PCA has 8 / 2**k: an error of 1.2 is between two components and three."""
    figure = figure_of(runs([(1, [3.9] * 5), (2, [1.2] * 5), (4, [0.6] * 5)]))
    assert (
        figure.legends[0]
        .get_title()
        .get_text()
        .startswith("2 numbers of the dense autoencoder do what PCA does with 3\ndigits, test split")
    )
    (start, end), text = arrow_of(figure)
    assert text == "PCA needs 3"
    assert (start, end[1]) == (pytest.approx((2, 1.2)), pytest.approx(1.2))
    # On the curve as it is drawn: straight in logarithms of both.
    assert end[0] == pytest.approx(2 * 1.5 ** (np.log(2 / 1.2) / np.log(2)))


def test_pcas_curve_reaches_as_far_as_it_needs(runs):
    figure = figure_of(runs([(1, [3.9] * 5), (2, [0.3] * 5)]))
    assert lines_of(figure)["PCA"].get_xdata()[-1] == 5
    assert figure.axes[0].get_xlim()[1] > 5
    assert arrow_of(figure)[1] == "PCA needs 5"


def test_an_arrow_to_all_components_which_leave_no_error(runs):
    """On a logarithmic axis PCA's curve ends before them."""
    figure = figure_of(runs([(1, [3.9] * 5), (4, [0.02] * 5)]))
    (start, end), text = arrow_of(figure)
    assert text == "PCA needs 9"
    assert (start, end) == (pytest.approx((4, 0.02)), pytest.approx((9, 0.02)))


def test_what_pca_cannot_do_is_said_without_an_arrow(runs, tmp_path):
    for run in runs([(1, [3.9] * 5), (4, [1e-9] * 5)]).runs:
        path = run.folder.path / "summary.json"
        summary = json.loads(path.read_text())
        summary["pca"]["test_sse_by_components"][-1] = 1e-6
        path.write_text(json.dumps(summary))
    figure = figure_of(load(tmp_path))
    assert "4 numbers of the dense autoencoder do what PCA cannot do with all its 9" in words_of(figure)
    assert arrow_of(figure) is None


@pytest.mark.parametrize(
    ("errors", "options"),
    [
        ([(1, [4.0]), (2, [2.0])], {}),  # PCA itself
        ([(1, [5.0]), (2, [3.0])], {}),  # PCA needs fewer
        ([(1, [3.0]), (2, [1.0])], {"split": "validation"}),
        ([(1, [3.0]), (2, [1.0])], {"measure": "psnr"}),
    ],
    ids=["equal", "worse", "validation", "psnr"],
)
def test_no_arrow_where_pca_needs_no_more_or_its_curve_is_not_known(errors, options, runs):
    figure = figure_of(runs(errors), **options)
    assert arrow_of(figure) is None
    assert ("what PCA does" in words_of(figure)) is not bool(options)


def test_a_panel_below_has_ratios_to_pca_run_by_run(runs):
    results = runs([(1, [3.0, 3.2, 3.4]), (2, [1.0, 1.1, 1.2])])
    above, below = figure_of(results, ratio=True).axes
    found = [one.against_pca("sse").ratio for one in configurations(results)]
    line, points = below.lines
    assert (list(line.get_ydata()), line.get_color(), line.get_linestyle()) == ([1, 1], PCA, ":")
    np.testing.assert_allclose(points.get_xydata(), [(1, found[0].mean), (2, found[1].mean)])
    bars = [bar.get_segments()[0][:, 1] for bar in below.collections]
    np.testing.assert_allclose(bars, [(one.low, one.high) for one in found])
    assert (below.get_yscale(), below.get_ylabel().replace("\n", " ")) == ("log", "error / PCA's")
    assert above.get_xlim() == below.get_xlim()
    assert not above.get_xlabel()
    assert "below: error divided by PCA's, run by run" in words_of(figure_of(results, ratio=True))
    assert "below" not in words_of(figure_of(results))


@pytest.mark.parametrize("measure", ["explained_variance", "psnr", "bce"])
def test_measures_without_a_ratio_have_one_panel(measure, runs):
    assert len(figure_of(runs([(1, [3.0]), (2, [1.0])]), measure=measure, ratio=True).axes) == 1


def test_there_is_no_ratio_to_rounding(runs, tmp_path):
    for run in runs([(1, [3.0]), (4, [0.4])]).runs:
        path = run.folder.path / "summary.json"
        summary = json.loads(path.read_text())
        if run.latent_size == 4:
            summary["pca"]["test"]["sse"] = 1e-14
        path.write_text(json.dumps(summary))
    figure = figure_of(load(tmp_path), ratio=True)
    assert list(figure.axes[1].lines[1].get_xdata()) == [1]
    assert "but not at 4, where PCA's is rounding" in words_of(figure)


def test_points_that_went_astray_are_counted_not_drawn(runs):
    figure = figure_of(runs([(1, [3.0]), (2, [5e6]), (4, [0.4])]), ratio=True)
    np.testing.assert_allclose(lines_of(figure)["dense autoencoder"].get_xdata(), [1, 4])
    assert "1 of 3 points are worse than the axis shows" in words_of(figure)
    assert figure.axes[0].get_ylim()[1] < 10
    assert figure.axes[1].get_ylim()[1] < 2


def test_what_is_constant_stands_in_the_title_and_not_at_every_marker(runs):
    for rate in (0.1, 0.2, 0.3):
        results = runs([(1, [5.0]), (2, [3.0])], settings={"optimizer.learning_rate": rate})
    figure = figure_of(results, lines=["model", "optimizer.learning_rate"])
    assert legend_words(figure) == ["0.1", "0.2", "0.3", "PCA"]
    assert "dense autoencoder; colour and marker: learning rate" in words_of(figure)


def test_of_two_keys_one_is_the_colour_and_the_other_the_marker(runs):
    for model in ("dense.DenseAutoencoder", "linear.LinearAutoencoder"):
        for rate in (0.1, 0.2, 0.3):
            settings = {"model._target_": f"ae_jax.models.{model}", "optimizer.learning_rate": rate}
            results = runs([(1, [5.0]), (2, [3.0])], settings=settings)
    figure = figure_of(results, lines=["model", "optimizer.learning_rate"])
    assert legend_words(figure) == ["dense", "linear", "0.1", "0.2", "0.3", "PCA"]
    assert "colour: model; marker: learning rate" in words_of(figure)
    lines = lines_of(figure)
    found = {label: (line.get_color(), line.get_marker()) for label, line in lines.items() if label != "PCA"}
    assert found == {
        f"{model}, learning rate {rate}": (LOOKS[colour].colour, LOOKS[marker].marker)
        for colour, model in enumerate(("dense", "linear"))
        for marker, rate in enumerate((0.1, 0.2, 0.3))
    }


def test_keys_that_do_not_cross_have_a_look_for_each_kind(runs):
    for model, rate in (("dense.DenseAutoencoder", 0.1), ("linear.LinearAutoencoder", 0.2)):
        settings = {"model._target_": f"ae_jax.models.{model}", "optimizer.learning_rate": rate}
        results = runs([(1, [5.0]), (2, [3.0])], settings=settings)
    figure = figure_of(results, lines=["model", "optimizer.learning_rate"])
    assert legend_words(figure) == ["dense, learning rate 0.1", "linear, learning rate 0.2", "PCA"]
