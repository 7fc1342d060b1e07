"""Every figure draws from a run folder alone, says what its axes mean, and leaves the user's settings alone."""

import ast
import os
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

import ae_jax.figures.run
from ae_jax.errors import UserError
from ae_jax.figures.run import learning_curve, pca_curve, reconstructions
from ae_jax.figures.run.draw import draw_run_figures, run_figures
from ae_jax.figures.save import save
from ae_jax.figures.style import _SETTINGS, PCA, plain_log_ticks, style
from ae_jax.runs.recorder import write_run_figure

CASES = {
    "images": {"num_examples": 10},
    "corrupted-images": {"corrupted": True},
    "colour-images": {"feature_shape": (6, 6, 3)},
    "grey-images-with-channel": {"feature_shape": (6, 6, 1)},
    "table": {"feature_shape": (6,)},
    "volumes": {"feature_shape": (3, 4, 5)},
    "corrupted-table": {"feature_shape": (6,), "corrupted": True},
    "one-feature": {"feature_shape": (1,)},
    "one-epoch": {"num_epochs": 1},
    "no-epoch": {"num_epochs": 0},
    "one-example": {"num_examples": 1},
    "two-rows": {"feature_shape": (6,), "num_examples": 2},
    "no-match": {"match": None, "sse": 1e-8},
    "worse-than-mean": {"match": 0, "sse": 20.0},
    "perfect": {"match": 9, "sse": 0.0},
}
DEGENERATE = {
    "rank-one": {"curve": [8.0, *[0.0] * 9], "match": 1, "pca": 0.0},
    "rank-one-with-rounding": {"curve": [8.0, *[3e-17] * 9], "match": 1, "pca": 3e-17},
    "rank-zero": {"curve": [0.0] * 10, "match": 0, "pca": 0.0},
    "one-feature-alone": {"feature_shape": (1,), "curve": [8.0, 0.0], "match": 1, "pca": 0.0},
    "nothing-to-learn": {"curve": [0.0] * 10, "match": 0, "pca": 0.0, "sse": 0.0},
    "hundreds-of-features-of-rank-one": {"curve": [8.0, *[0.0] * 300], "match": 1, "pca": 0.0},
}


def _size(png: Path) -> tuple[int, int]:
    """Width and height, from the header of a PNG."""
    head = png.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")


def _legend(axes) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


@pytest.mark.parametrize("case", (CASES | DEGENERATE).values(), ids=CASES | DEGENERATE)
def test_every_figure_draws(case, make_run):
    run = make_run(**case)
    drawn = draw_run_figures(run.path)
    assert (set(drawn.pngs), drawn.problems) == (set(run_figures(run)), {})
    assert not run.figures.exists()
    for name, png in drawn.pngs.items():
        path = write_run_figure(run.path, name, png)
        assert path == run.figures / f"{name}.png"
        assert path.read_bytes() == png
        assert len(png) > 5000
        width, height = _size(path)
        assert 200 < width < 1600
        assert 200 < height < 1600


@pytest.mark.parametrize(
    "scale", [1e-2, pytest.param(1e-5, marks=pytest.mark.slow), pytest.param(5e4, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_nothing_is_cut_off(case, scale, make_run):
    """Margins are fixed, so they must have room for labels of all lengths, in whatever units the data are."""
    run = make_run(**case)
    for record in run.metrics:
        record.update({key: scale * value for key, value in record.items() if key != "epoch"})
    run.reconstructions.update({name: scale * values for name, values in run.reconstructions.items()})
    run.summary["test"]["sse"] *= scale
    pca = run.summary["pca"]
    pca["test_sse_by_components"] = [scale * sse for sse in pca["test_sse_by_components"]]
    pca["validation"]["sse"] *= scale
    for name, draw in run_figures(run).items():
        with style():
            figure = draw(run)
            box = figure.get_tightbbox()
        width, height = figure.get_size_inches()
        assert min(box.x0, box.y0, width - box.x1, height - box.y1) >= 0, name


def test_the_same_run_gives_the_same_bytes(make_run):
    run = make_run()
    assert draw_run_figures(run.path) == draw_run_figures(run.path)


def test_size_is_that_of_the_figure_at_160_dots_an_inch(make_run):
    run = make_run()
    with style():
        path = save(pca_curve.draw(run), run.path / "a" / "curve.png")
    width, height = _size(path)
    assert width == round(5.5 * 160)
    # A line of words above it.
    assert 0.2 * 160 < height - 3.4 * 160 < 0.4 * 160


def test_a_figure_is_found_by_its_file():
    files = {path.stem for path in Path(ae_jax.figures.run.__file__).parent.glob("*.py")}
    assert set(run_figures()) == files - {"__init__", "draw", "worker"}


def test_learning_curve_shows_every_epoch_in_named_units(make_run):
    loss, error = learning_curve.draw(make_run()).axes
    assert (loss.get_xlabel(), loss.get_ylabel()) == ("epoch", "loss (mse)")
    assert (error.get_xlabel(), error.get_ylabel()) == ("epoch", "squared error per example (sse)")
    assert _legend(loss) == ["training", "validation"]
    assert _legend(error) == ["autoencoder", "PCA, 2 components"]
    train, validation = loss.lines
    np.testing.assert_allclose(train.get_ydata(), [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5])
    np.testing.assert_allclose(validation.get_xdata(), [1, 2, 3, 4, 5])
    np.testing.assert_allclose(error.lines[0].get_ydata(), [2, 1, 2 / 3, 1 / 2, 2 / 5])
    assert set(error.lines[1].get_ydata()) == {2.5}


def test_one_epoch_is_a_visible_point(make_run):
    for axes in learning_curve.draw(make_run(num_epochs=1)).axes:
        assert axes.lines[0].get_marker() == "o"
        assert 1 in axes.get_xticks()


def test_loss_that_is_not_finite_leaves_a_gap(make_run):
    run = make_run()
    run.metrics[2].update(train_loss=None, validation_loss=None, validation_sse=None)
    with style():
        figure = learning_curve.draw(run)
        figure.canvas.draw()
    assert np.isnan(np.array(figure.axes[0].lines[0].get_ydata(), dtype=float)[2])


def test_pca_curve_has_the_autoencoder_as_a_point(make_run):
    (axes,) = pca_curve.draw(make_run()).axes
    curve, point, line = axes.lines
    # Without 0 components, which a logarithmic axis has no place for, and without the error of rounding at the end.
    np.testing.assert_array_equal(curve.get_xdata(), range(1, 9))
    np.testing.assert_allclose(curve.get_ydata(), [8 / 2**size for size in range(1, 9)])
    assert (list(point.get_xdata()), list(point.get_ydata())) == ([2], [1.5])
    assert (list(line.get_xdata()), list(line.get_ydata())) == ([2, 3], [1.5, 1.5])
    assert [text.get_text() for text in axes.texts] == ["PCA needs 3"]
    assert axes.get_xlabel() == "latent size (number of components)"
    assert axes.get_ylabel() == "squared error per example (sse)"
    assert _legend(axes) == ["PCA", "autoencoder"]
    low, high = axes.get_ylim()
    assert low < 1.5 < high


@pytest.mark.parametrize(("match", "side"), [(3, "left"), (8, "right")])
def test_what_pca_needs_is_written_where_there_is_room(match, side, make_run):
    (axes,) = pca_curve.draw(make_run(match=match)).axes
    assert axes.texts[0].get_horizontalalignment() == side


@pytest.mark.parametrize(
    ("limits", "labels"),
    [
        ((0.3, 6), ["0.5", "1", "2", "5"]),
        ((1, 10), ["1", "2", "5", "10"]),
        ((1e-9, 30), ["1e-09", "1e-07", "1e-05", "0.001", "0.1", "10"]),
        ((2.1, 2.6), ["2.2", "2.4", "2.6"]),
    ],
)
def test_a_logarithmic_axis_has_a_few_plain_numbers(limits, labels):
    axes = Figure().subplots()
    axes.set(yscale="log", ylim=limits)
    plain_log_ticks(axes.yaxis)
    low, high = limits
    ticks = zip(axes.get_yticks(), axes.get_yticklabels(), strict=True)
    assert [label.get_text() for tick, label in ticks if low <= tick <= high * (1 + 1e-9)] == labels
    assert len(axes.get_yticks(minor=True)) == 0


def test_of_one_direction_the_whole_curve_is_drawn_from_the_mean_alone_on(make_run):
    (axes,) = pca_curve.draw(make_run(curve=[8.0, 0.0, 0.0], match=1)).axes
    curve, point = axes.lines
    assert (list(curve.get_xdata()), list(curve.get_ydata())) == ([0, 1, 2], [8, 0, 0])
    assert (list(point.get_xdata()), list(point.get_ydata())) == ([2], [1.5])
    assert axes.get_yscale() == "linear"
    low, high = axes.get_ylim()
    assert low < 0 < 8 < high


def test_two_features_have_whole_numbers_of_components(make_run):
    (axes,) = pca_curve.draw(make_run(curve=[8.0, 4.0, 0.0], match=None)).axes
    assert [tick for tick in axes.get_xticks() if tick != round(tick)] == []


@pytest.mark.parametrize("sse", [1e-30, 1.0, 1e30])
def test_pca_without_error_is_said_beside_errors(sse, make_run):
    run = make_run(pca=0.0)
    for record in run.metrics:
        record["validation_sse"] = sse
    axes = learning_curve.draw(run).axes[1]
    assert _legend(axes) == ["autoencoder", "PCA, 2 components, below the axis"]
    low, high = axes.get_ylim()
    assert 0.01 * sse < low < sse < high < 100 * sse


@pytest.mark.parametrize("scale", [0.0, 1e-30, 1.0, 1e30])
def test_images_keep_their_grey_levels_at_any_scale(scale, make_run):
    run = make_run()
    (plain,) = reconstructions.draw(run).axes[0].images
    for name, values in run.reconstructions.items():
        run.reconstructions[name] = (scale * values).astype(np.float32)
    (image,) = reconstructions.draw(run).axes[0].images
    expected = plain.get_array()[:8, :8] * (scale > 0)
    np.testing.assert_allclose(image.get_array()[:8, :8], expected, atol=1e-5)


@pytest.mark.parametrize("match", [None, 0, 2])
def test_no_line_where_pca_needs_no_more(match, make_run):
    (axes,) = pca_curve.draw(make_run(match=match)).axes
    assert len(axes.lines) == 2
    assert not axes.texts


@pytest.mark.parametrize("sse", [1e-8, 1e-3, 20.0, 1e6])
def test_the_point_is_always_inside(sse, make_run):
    (axes,) = pca_curve.draw(make_run(sse=sse, match=None)).axes
    low, high = axes.get_ylim()
    assert low < sse < high


@pytest.mark.parametrize("corrupted", [False, True])
def test_reconstructions_have_a_row_for_each_method(corrupted, make_run):
    (axes,) = reconstructions.draw(make_run(corrupted=corrupted)).axes
    middle = ["corrupted"] if corrupted else []
    assert [text.get_text() for text in axes.texts] == ["input", *middle, "autoencoder\n2 latent", "PCA\n2 components"]
    # A label stands in the middle of its row: rows are 8 pixels high, with a gap of 1.
    assert [text.get_position()[1] for text in axes.texts] == [3.5 + 9 * row for row in range(3 + corrupted)]
    assert axes.images[0].get_array().shape == (9 * (3 + corrupted) - 1, 9 * 4 - 1)


def test_images_of_a_figure_share_their_grey_levels(make_run):
    run = make_run()
    run.reconstructions["autoencoder"] *= 5
    (image,) = reconstructions.draw(run).axes[0].images
    assert image.get_clim() == (0.0, 1.0)
    picture, x = image.get_array(), run.reconstructions["x"]
    for column in range(4):
        for row, name in enumerate(("x", "autoencoder", "pca")):
            shown = picture[9 * row : 9 * row + 8, 9 * column : 9 * column + 8]
            expected = (run.reconstructions[name][column] - x.min()) / (x.max() - x.min())
            np.testing.assert_allclose(shown, np.clip(expected, 0, 1), atol=1e-6)
    assert np.all(picture[8::9] == 1)
    assert np.all(picture[:, 8::9] == 1)


def test_colours_stay_in_their_channels(make_run):
    run = make_run(feature_shape=(6, 4, 3))
    (image,) = reconstructions.draw(run).axes[0].images
    x = run.reconstructions["x"]
    assert image.get_array().shape == (3 * 7 - 1, 4 * 5 - 1, 3)
    np.testing.assert_allclose(image.get_array()[:6, 5:9], (x[1] - x.min()) / (x.max() - x.min()), atol=1e-6)


@pytest.mark.parametrize(("feature_shape", "dots"), [((8, 8), 12), ((28, 28), 4), ((64, 64), 2), ((5, 7), 14)])
def test_every_pixel_is_a_square_of_dots(feature_shape, dots, make_run):
    run = make_run(feature_shape=feature_shape, num_examples=3)
    with style():
        figure = reconstructions.draw(run)
        path = save(figure, run.path / "reconstructions.png")
    picture = figure.axes[0].images[0].get_array()
    high, wide = (dots * size for size in picture.shape)
    seen = imread(path)[-10 - high : -10, 192 : 192 + wide, 0]
    np.testing.assert_allclose(seen, np.kron(picture, np.ones((dots, dots))), atol=1 / 128)


def test_examples_that_are_no_images_are_drawn_over_their_features(make_run):
    run = make_run(feature_shape=(6,))
    figure = reconstructions.draw(run)
    assert [axes.get_ylabel() for axes in figure.axes] == [f"example {number}" for number in (1, 2, 3, 4)]
    assert figure.axes[-1].get_xlabel() == "feature"
    assert _legend(figure.axes[0]) == ["input", "autoencoder, 2 latent", "PCA, 2 components"]
    np.testing.assert_array_equal(figure.axes[1].lines[0].get_ydata(), run.reconstructions["x"][1])


def test_one_feature_is_a_visible_point(make_run):
    for axes in reconstructions.draw(make_run(feature_shape=(1,))).axes:
        assert {line.get_marker() for line in axes.lines} == {"o"}


@pytest.mark.parametrize(
    ("draw", "splits"),
    [
        (learning_curve.draw, "training and validation split"),
        (pca_curve.draw, "test split, 20 examples"),
        (reconstructions.draw, "test split"),
    ],
    ids=["learning_curve", "pca_curve", "reconstructions"],
)
@pytest.mark.parametrize("name", ["made-up", "a_<long>_name of a {data} set, 50 % of $1 " * 3])
def test_data_split_and_loss_are_named_and_that_there_is_no_interval(name, draw, splits, make_run):
    run = make_run()
    run.summary["dataset"]["name"] = name
    with style():
        figure = draw(run)
        (line,) = figure.texts
        box, (width, height) = line.get_window_extent(), figure.get_size_inches() * figure.dpi
        tops = [axes.get_tightbbox().y1 for axes in figure.axes]
    words = line.get_text().replace("\n", " ").replace(r"\$", "$").replace(";", "")
    expected = f"{name}, {splits} trained with mse one run, seed 7, no interval"
    assert " ".join(words.split()) == " ".join(expected.split())
    assert 0 <= box.x0 < box.x1 <= width
    assert max(tops) <= box.y0 < box.y1 <= height


def test_pcas_curve_is_dotted_and_nothing_else_is(make_run):
    curve, _, line = pca_curve.draw(make_run()).axes[0].lines
    assert (curve.get_linestyle(), curve.get_color(), line.get_linestyle()) == (":", PCA, "-")


def test_epochs_are_logarithmic_and_whole(make_run):
    for num_epochs, ticks in ((1, [1]), (2, [1, 2]), (4, [1, 2, 3, 4]), (100, [1, 2, 5, 10, 20, 50, 100])):
        for axes in learning_curve.draw(make_run(num_epochs=num_epochs)).axes:
            assert axes.get_xscale() == "log"
            assert [tick for tick in axes.get_xticks() if 1 <= tick <= num_epochs] == ticks


def test_style_stays_inside(make_run):
    mpl.rcParams["lines.linewidth"] = 7.25
    before = dict(mpl.rcParams)
    try:
        with style():
            assert mpl.rcParams["lines.linewidth"] == _SETTINGS["lines.linewidth"]
        draw_run_figures(make_run().path)
        assert dict(mpl.rcParams) == before
    finally:
        mpl.rcParams["lines.linewidth"] = mpl.rcParamsDefault["lines.linewidth"]


def test_style_does_not_depend_on_the_users(make_run):
    run = make_run()
    with style():
        plain = save(pca_curve.draw(run), run.path / "plain.png").read_bytes()
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "black"}), style():
        assert save(pca_curve.draw(run), run.path / "other.png").read_bytes() == plain


def test_style_is_put_back_after_an_error():
    before = dict(mpl.rcParams)
    with pytest.raises(ZeroDivisionError), style():
        raise ZeroDivisionError
    assert dict(mpl.rcParams) == before


def test_a_figure_that_cannot_be_written_leaves_the_old_one(monkeypatch, tmp_path):
    path = tmp_path / "figure.png"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(UserError, match=r"figure\.png: cannot be written \(No space left"):
        save(Figure(), path)
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["figure.png"]


def test_figures_import_neither_jax_nor_what_trains():
    for path in Path(ae_jax.figures.run.__file__).parent.glob("*.py"):
        imported = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(node.module or "")
        allowed = (
            "matplotlib",
            "numpy",
            "base64",
            "collections",
            "contextlib",
            "gc",
            "importlib",
            "json",
            "math",
            "pathlib",
            "pkgutil",
            "sys",
            "typing",
        )
        own = (
            "ae_jax.figures",
            "ae_jax.results",
            "ae_jax.runs",
            "ae_jax.config.naming",
            "ae_jax.errors",
            "ae_jax.files",
        )
        assert {name for name in imported if not name.startswith((*allowed, *own))} == set(), path.name
