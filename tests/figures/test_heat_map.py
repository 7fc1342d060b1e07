"""Heat map: every cell shows the mean that the runs say, diverged runs are seen, and PCA is beside it."""

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from ae_jax.errors import UserError
from ae_jax.figures.heat_map import draw
from ae_jax.figures.parts.scales import ratio_scale
from ae_jax.figures.style import paper_style
from tests.figures.appearance import assert_readable

# Slow together; that every figure draws and can be read is in the fast tests.
pytestmark = [pytest.mark.filterwarnings("error"), pytest.mark.slow]

LATENT, RATE = "model.latent_size", "optimizer.learning_rate"


def grid(sizes=(1, 2), rates=(0.01, 0.1), seeds=(0, 1)):
    """Runs whose sse is 1, 2, … times a tenth of PCA's, 0.04 of it more for each seed."""
    cells = [(size, rate) for size in sizes for rate in rates]
    return [
        ({LATENT: size, RATE: rate, "seed": seed}, {"sse": (number + 1 + 0.4 * seed) * 0.8 / 2**size})
        for number, (size, rate) in enumerate(cells)
        for seed in seeds
    ]


def figure_of(results, **options):
    chosen = {"x": None, "y": None, "measure": "sse", "split": "test", "show": "ratio"} | options
    with paper_style("icml", width="column", font=None):
        figure = draw(results, **chosen)
        figure.draw_without_rendering()
    return figure


def numbers(figure):
    """Texts of the cells by their middle."""
    return {text.get_position(): text.get_text() for text in figure.axes[0].texts}


def colours(figure):
    cells = [
        patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle) and patch.get_facecolor()[3] == 1
    ]
    return {patch.get_xy(): patch.get_facecolor()[:3] for patch in cells}


def names(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def words(figure):
    return " ".join(text.get_text().replace("\n", " ") for text in figure.legends[0].findobj(Text))


def bar_text(figure):
    """What is written at the scale of the colours."""
    return figure.axes[1].get_xlabel().replace("\n", " ")


def crosses(figure):
    lines = [line for line in figure.axes[0].lines if line.get_marker() == "x"]
    return [(line.get_xdata()[0], line.get_ydata()[0]) for line in lines]


def frames(figure):
    framing = [patch for patch in figure.axes[0].patches if patch.get_zorder() == 4]
    return {(round(patch.get_x()), round(patch.get_y())): patch.get_linestyle() for patch in framing}


def test_a_cell_has_the_mean_ratio_to_pca(runs):
    figure = figure_of(runs(*grid()))
    axes = figure.axes[0]
    # The ratio of number k is (k + k + 0.4) / 20, as PCA's sse is 8 / 2**size.
    expected = {(0.5, 0.5): "0.12", (0.5, 1.5): "0.22", (1.5, 0.5): "0.32", (1.5, 1.5): "0.42"}
    assert numbers(figure) == expected
    assert (names(axes.xaxis), names(axes.yaxis)) == (["1", "2"], ["0.01", "0.1"])
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("latent size", "learning rate")
    assert bar_text(figure) == "sse divided by PCA's, geometric mean autoencoder ahead < 1 < PCA ahead"
    for said in ("digits, test split; mean over 2 seeds", "too few seeds to tell what is better"):
        assert said in words(figure)


def test_a_ratio_frames_the_best_of_each_latent_size(runs):
    """Errors fall with the latent size, so the lowest is at the largest, where PCA is ahead here."""
    errors = {(1, 0.01): 3.0, (1, 0.1): 2.0, (3, 0.01): 1.2, (3, 0.1): 1.4}  # PCA: 4 and 1
    figure = figure_of(runs(*(({LATENT: size, RATE: rate}, {"sse": sse}) for (size, rate), sse in errors.items())))
    assert numbers(figure)[1.5, 0.5] == "1.20"
    assert frames(figure) == {(0, 1): "-", (1, 0): "--"}
    assert "best of each latent size by validation sse" in words(figure)
    assert "the same, but PCA ahead" in words(figure)


def test_the_measure_frames_the_best_of_all_and_says_where_pca_is_ahead(runs):
    errors = {(1, 0.01): 3.0, (1, 0.1): 2.0, (3, 0.01): 1.2, (3, 0.1): 1.4}
    results = runs(*(({LATENT: size, RATE: rate}, {"sse": sse}) for (size, rate), sse in errors.items()))
    figure = figure_of(results, show="measure")
    assert frames(figure) == {(1, 0): "--"}
    assert "best by validation sse, but PCA ahead" in words(figure)
    assert "each latent size" not in words(figure)
    figure = figure_of(results, show="measure", measure="explained_variance")
    assert frames(figure) == {(1, 0): "--"}
    assert "best by validation explained variance, but PCA ahead" in words(figure)


def test_one_lucky_seed_is_not_framed_before_five(runs):
    """A cell with one seed, of the lowest error, and others with five."""
    cells = {(0.01, 16): 2.0, (0.01, 64): 1.9, (0.1, 16): 1.5}
    given = [
        ({RATE: rate, "trainer.batch_size": batch, "seed": seed}, {"sse": sse + 0.01 * seed})
        for (rate, batch), sse in cells.items()
        for seed in range(5)
    ]
    lucky = ({RATE: 0.1, "trainer.batch_size": 64, "seed": 0}, {"sse": 0.5})
    figure = figure_of(runs(*given, lucky))
    assert frames(figure) == {(1, 0): "-"}
    for said in ("mean over 1 to 5 seeds", "1 of 4 cells has fewer seeds than the others", "fewer than 5 are too few"):
        assert said in words(figure)


def test_equal_to_pca_is_not_behind_it(runs):
    given = [({LATENT: size, RATE: rate}, {"sse": 8 / 2**size * (1 + 1e-9)}) for size in (1, 2) for rate in (0.1, 1.0)]
    assert set(frames(figure_of(runs(*given))).values()) == {"-"}


def test_keys_are_chosen_and_turned(runs):
    figure = figure_of(runs(*grid()), x=RATE, y=LATENT)
    assert figure.axes[0].get_xlabel() == "learning rate"
    assert numbers(figure)[1.5, 0.5] == "0.22"


@pytest.mark.parametrize("measure", ["sse", "mse"])
def test_blue_is_better_orange_worse_and_grey_equal(measure, runs):
    cells = [(1, 4.0), (2, 1.0), (3, 2.0)]  # PCA: 4, 2, 1
    given = [({LATENT: size, RATE: rate}, {"sse": sse}) for size, sse in cells for rate in (0.01, 0.1)]
    found = colours(figure_of(runs(*given), measure=measure))
    equal, better, worse = (np.array(found[column, 0]) for column in range(3))
    assert np.ptp(equal) < 0.03
    assert better[2] > better[0]
    assert worse[0] > worse[2]


def test_no_two_ratios_are_the_same_grey():
    """Luminance, as a grey printer sees it, only grows from the best ratio to the worst."""
    scale = ratio_scale([0.25, 4.0])
    luminances = [np.dot(scale.colour(ratio)[:3], (0.299, 0.587, 0.114)) for ratio in np.geomspace(0.25, 4, 200)]
    assert (np.diff(luminances) > 0).all()


def test_cells_and_frame_are_selected_by_the_ratio_that_is_shown(runs):
    """Of two latent sizes that are no axis, the larger has the lower error, and the worse ratio."""
    given = [
        ({RATE: rate, "trainer.batch_size": batch, LATENT: size}, {"sse": ratio * 8 / 2**size})
        for rate in (0.01, 0.1)
        for batch in (16, 64)
        for size, ratio in ((1, 1.16 if batch == 64 else 1.3), (6, 12.3 if rate == 0.1 else 14))
    ]
    figure = figure_of(runs(*given), x=RATE, y="trainer.batch_size")
    assert numbers(figure) == {(0.5, 0.5): "1.30", (0.5, 1.5): "1.16", (1.5, 0.5): "1.30", (1.5, 1.5): "1.16"}
    assert frames(figure) == {(0, 1): "--"}
    assert "each cell the best of 2 configurations by validation sse ratio" in words(figure)
    assert "best by validation sse ratio, but PCA ahead" in words(figure)


@pytest.mark.parametrize("ends", [(0.9, 30.0), pytest.param((0.7, 1.4), marks=pytest.mark.slow)])
def test_ten_sizes_have_room_in_a_column(ends, runs):
    ratios = iter(np.geomspace(*ends, 40))
    given = [
        ({LATENT: size, RATE: rate}, {"sse": next(ratios) * 8 / 2**size, "feature_shape": (4, 4)})
        for size in range(1, 11)
        for rate in (0.0001, 0.001, 0.01, 0.1)
    ]
    with paper_style("icml", width="column", font=None):
        figure = draw(runs(*given), x=LATENT, y=RATE, measure="sse", split="test", show="ratio")
        assert_readable(figure)
    assert len(numbers(figure)) == 40


def test_runs_that_went_astray_leave_the_others_their_colours(runs):
    given = grid(rates=(0.01, 0.1, 1.0), seeds=(0,))
    given[2][1]["sse"] = 4e6
    figure = figure_of(runs(*given))
    assert numbers(figure)[0.5, 2.5] == ">999"
    np.testing.assert_allclose(colours(figure)[0, 2], to_rgb("#FFDFB0"), atol=1e-6)
    low, high = figure.axes[1].get_xlim()
    assert (low, high) == pytest.approx((0.25, 4))


def test_pca_has_a_row_where_the_measure_itself_is_shown(runs):
    figure = figure_of(runs(*grid()), show="measure")
    axes = figure.axes[0]
    assert names(axes.yaxis) == ["0.01", "0.1", "PCA"]
    found = numbers(figure)
    # Means 1.2, 2.2, … times 0.8 / 2**size.
    assert (found[0.5, 0.5], found[1.5, 1.5]) == ("0.480", "0.840")
    middle = axes.get_yticks()[-1]
    assert [text for (_, y), text in found.items() if y == pytest.approx(middle)] == ["4.00", "2.00"]
    assert bar_text(figure) == "squared error per example (sse)"


def test_pca_has_a_column_where_it_changes_along_y(runs):
    figure = figure_of(runs(*grid()), show="measure", x=RATE)
    assert names(figure.axes[0].xaxis) == ["0.01", "0.1", "PCA"]


def test_diverged_runs_are_seen_and_never_averaged(runs):
    given = grid()
    given[0][1]["state"] = "diverged"  # one of two seeds
    for index in (6, 7):  # both seeds of the last cell
        given[index][1]["state"] = "diverged"
    figure = figure_of(runs(*given))
    assert numbers(figure) == {(0.5, 0.5): "0.14", (0.5, 1.5): "0.22", (1.5, 0.5): "0.32"}
    small, large = sorted(crosses(figure))
    assert large == (1.5, 1.5)
    assert 0 < small[0] < 1
    assert 0 < small[1] < 1
    for text in ("3 of 8 runs diverged", "all runs diverged", "some runs diverged, mean of the others", "1 to 2 seeds"):
        assert text in words(figure)


def test_a_value_at_which_every_run_diverged_has_its_row(runs):
    given = grid(rates=(0.01, 0.1, 1.0))
    for settings, options in given:
        if settings[RATE] == 1.0:
            options["state"] = "diverged"
    figure = figure_of(runs(*given))
    assert names(figure.axes[0].yaxis) == ["0.01", "0.1", "1.0"]
    assert sorted(crosses(figure)) == [(0.5, 2.5), (1.5, 2.5)]


def test_what_else_varies_is_selected_by_validation_and_reported_on_test(runs):
    given = grid(seeds=(0,))
    other = [({**settings, "trainer.batch_size": 64}, dict(options)) for settings, options in given]
    for settings, _ in given:
        settings["trainer.batch_size"] = 32
    # Better on validation, worse on test: what was selected is shown, whatever it is on test.
    other[0][1].update(sse=2.0, validation_sse=0.1)
    figure = figure_of(runs(*given, *other), x=LATENT, y=RATE)
    assert numbers(figure)[0.5, 0.5] == "0.50"
    assert "each cell the best of 2 configurations by validation sse" in words(figure)
    assert frames(figure) == {(0, 0): "-", (1, 0): "-"}


def test_one_seed_and_cells_without_runs(runs):
    figure = figure_of(runs(*grid(seeds=(0,))[:-1]))
    assert "1 seed" in words(figure)
    assert "mean" not in words(figure)
    assert "no run" in words(figure)
    assert len(numbers(figure)) == 3


@pytest.mark.slow
def test_many_cells_are_hatched_rather_than_numbered(runs):
    sizes, rates = (1, 2, 3), [round(0.001 * (number + 1), 4) for number in range(34)]
    given = [({LATENT: size, RATE: rate}, {"sse": 1.5}) for size in sizes for rate in rates]
    figure = figure_of(runs(*given), x=RATE)
    assert not figure.axes[0].texts
    # PCA's sse is 4, 2 and 1, so that it is ahead in the row of three components.
    hatched = {patch.get_y() for patch in figure.axes[0].patches if patch.get_hatch()}
    assert hatched == {2}


def test_keys_that_vary_together_make_no_diagonal(runs):
    given = []
    for loss, link in (("mse", "identity"), ("bce", "sigmoid")):
        for settings, options in grid(sizes=(2,), seeds=(0,)):
            given.append(({**settings, "loss._target_": f"ae_jax.losses.{loss}", "loss.link": link}, options))
    axes = figure_of(runs(*given)).axes[0]
    assert {axes.get_xlabel(), axes.get_ylabel()} == {"loss", "learning rate"}


def test_values_have_their_order(runs):
    hidden = [[256], [8], [32, 16], [32]]
    given = [({"model.hidden_sizes": sizes, RATE: rate}, {}) for sizes in hidden for rate in (0.1, 1e-5, 0.01)]
    axes = figure_of(runs(*given)).axes[0]
    assert names(axes.xaxis) == ["[8]", "[32]", "[32,16]", "[256]"]
    assert names(axes.yaxis) == ["1e-05", "0.01", "0.1"]


def test_long_names_are_turned_and_have_room(runs):
    targets = [f"ae_jax.optimizers.{'a_very_' * 3}long_name_{number}" for number in range(4)]
    given = [({"optimizer._target_": target, LATENT: size}, {}) for target in targets for size in (1, 2)]
    figure = figure_of(runs(*given), x="optimizer", y=LATENT)
    boxes = [label.get_window_extent() for label in figure.axes[0].get_xticklabels()]
    assert not any(one.overlaps(other) for one, other in pairwise(boxes))
    assert min(box.y0 for box in boxes) >= 0
    assert figure.axes[0].bbox.height > 2 * 1.5 * 8 / 72 * figure.dpi  # two rows of numbers of 8 points


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"x": "optimizer.learning_rat"}, "x: there is no key 'optimizer.learning_rat'; did you mean"),
        ({"y": "trainer.batch_siz"}, "y: there is no key 'trainer.batch_siz'"),
        ({"x": "trainer.num_epochs"}, "trainer.num_epochs has one value only in these runs; choose of model.latent"),
        ({"x": "seed"}, "seed is no key to compare"),
        ({"x": LATENT, "y": LATENT}, "y: is model.latent_size, as x is"),
        ({"measure": "see"}, "measure: there is no"),
        ({"measure": "psnr"}, "there is no ratio of psnr"),
        (
            {"measure": "bce"},
            "show: there is no ratio of bce, whose zero does not mean none; choose figure.show=measure",
        ),
        ({"split": "corrupted"}, "corrupted was not measured"),
    ],
)
def test_what_cannot_be_drawn_is_refused(options, message, runs):
    with pytest.raises(UserError, match=message):
        figure_of(runs(*grid()), **options)


def test_one_key_makes_no_heat_map(runs):
    with pytest.raises(
        UserError, match=r"runs: vary in model\.latent_size, beside.* sweep another too, as in optimizer.learning_rate"
    ):
        figure_of(runs(*grid(rates=(0.01,))))


def test_no_ratio_to_nothing(runs):
    with pytest.raises(UserError, match="PCA's sse is 0 with 9 components"):
        figure_of(runs(*grid(sizes=(1, 9))))


def test_pca_that_changes_along_both_keys_has_no_row(runs):
    given = [({LATENT: size, "trainer.max_train_examples": seed}, {}) for size in (1, 2) for seed in (0, 1)]
    results = runs(*given)
    for run in results.runs:
        run.summary["pca"]["test"]["sse"] += 0.1 * run.settings["trainer.max_train_examples"]
    with pytest.raises(UserError, match="choose show=ratio"):
        figure_of(results, show="measure")
