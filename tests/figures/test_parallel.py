"""Parallel coordinates: a line for each configuration, through its values, to its mean."""

import math
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Annotation, Text

from ae_jax.errors import UserError
from ae_jax.figures.parallel import draw
from ae_jax.figures.style import PCA, PCA_INK, paper_style
from ae_jax.results import load

# Slow together; that every figure draws and can be read is in the fast tests.
pytestmark = [pytest.mark.filterwarnings("error"), pytest.mark.slow]

LATENT, RATE, BATCH = "model.latent_size", "optimizer.learning_rate", "trainer.batch_size"


def sweep(seeds=(0, 1)):
    """Three batch sizes and two learning rates, whose sse is 1, 2, … 6, with 0.1 more for each seed. PCA's is 2."""
    return [
        ({BATCH: batch, RATE: rate, "seed": seed}, {"sse": 1.0 + number + 0.1 * seed})
        for number, (batch, rate) in enumerate((b, r) for b in (16, 64, 256) for r in (0.01, 0.1))
        for seed in seeds
    ]


def figure_of(results, **options):
    chosen = {"keys": None, "measure": "sse", "split": "test"} | options
    with paper_style("icml", width="column", font=None):
        figure = draw(results, **chosen)
        figure.draw_without_rendering()
    return figure


def lines_of(figure, num_keys):
    """Heights of lines that cross all axes, in the order in which they are drawn, without the best on top."""
    drawn = [line for line in figure.axes[0].lines if line.get_color() != PCA]
    lines = [line for line in drawn if list(line.get_xdata()) == list(range(num_keys + 1))]
    return [line for line in lines if line.get_linewidth() < 2], [line for line in lines if line.get_linewidth() == 2]


def texts(figure, place):
    """Heights of what is written at an axis."""
    found = [text for text in figure.axes[0].texts if isinstance(text, Annotation) and text.xy[0] == place]
    return {text.get_text(): text.xy[1] for text in found}


def pca_marks(figure):
    return [line.get_ydata()[0] for line in figure.axes[0].lines if line.get_color() == PCA]


def pca_names(figure):
    """Heights of the names of PCA."""
    return {text.get_text(): text.get_position()[1] for text in figure.axes[0].texts if text.get_color() == PCA_INK}


def words(figure):
    return " ".join(text.get_text().replace("\n", " ") for text in figure.legends[0].findobj(Text))


def names(figure):
    return [label.get_text().replace("\n", " ") for label in figure.axes[0].get_xticklabels()]


def test_lines_end_at_the_means(runs):
    figure = figure_of(runs(*sweep()))
    lines, _ = lines_of(figure, 2)
    means = np.array([6.05, 5.05, 4.05, 3.05, 2.05, 1.05])  # the worst is drawn first
    # A logarithmic axis from the best mean to the worst; PCA's 2 lies between them.
    expected = np.log(means / 1.05) / math.log(6.05 / 1.05)
    np.testing.assert_allclose([line.get_ydata()[-1] for line in lines], expected, atol=1e-12)
    assert pca_marks(figure) == pytest.approx([math.log(2 / 1.05) / math.log(6.05 / 1.05)])
    assert names(figure) == ["learning rate", "batch size", "test sse"]
    for said in ("digits, test split; mean over 2 seeds", "too few seeds to tell what is better"):
        assert said in words(figure)
    assert list(pca_names(figure)) == ["PCA 2"]


def test_lines_cross_the_axes_at_their_values(runs):
    """Exactly: a line that passes beside a value would be of a value that nobody gave."""
    figure = figure_of(runs(*sweep()), keys=[BATCH, RATE])
    ticks = [texts(figure, place) for place in (0, 1)]
    assert ticks[0] == pytest.approx({"16": 0, "64": 1 / 2, "256": 1})
    assert ticks[1] == pytest.approx({"0.01": 0, "0.1": 1})
    heights = [tuple(line.get_ydata()[:2]) for line in lines_of(figure, 2)[0]][::-1]  # the best first
    assert heights == [(ticks[0][f"{b}"], ticks[1][f"{r}"]) for b in (16, 64, 256) for r in (0.01, 0.1)]


def test_better_is_darker_and_the_best_by_validation_on_top(runs):
    given = sweep(seeds=(0,))
    given[3][1]["validation_sse"] = 0.1
    figure = figure_of(runs(*given))
    lines, (best,) = lines_of(figure, 2)
    brightness = [
        np.dot([int(to_hex(line.get_color())[i : i + 2], 16) for i in (1, 3, 5)], (0.3, 0.6, 0.1)) for line in lines
    ]
    assert brightness == sorted(brightness, reverse=True)
    # Reported on test, where it is the fourth of 1 to 6.
    assert best.get_ydata()[-1] == pytest.approx(math.log(4) / math.log(6))
    assert best.get_zorder() > max(line.get_zorder() for line in lines)


def test_interval_of_the_best_with_seeds_and_none_with_one(runs, tmp_path):
    def bars(figure):
        return [c for c in figure.axes[0].collections if c.get_linewidth()[0] == 4]

    three = figure_of(runs(*sweep(seeds=(0, 1, 2))))
    assert len(bars(three)) == 1
    assert "bar: 95 % t interval of the best" in words(three)
    one = load(tmp_path).where("seed = 0")
    figure = figure_of(one)
    assert not bars(figure)
    assert "interval" not in words(figure)
    assert "1 seed" in words(figure)
    assert "mean" not in words(figure)


def test_more_is_better_stands_higher(runs):
    figure = figure_of(runs(*sweep(seeds=(0,))), measure="explained_variance")
    lines, (best,) = lines_of(figure, 2)
    assert [line.get_ydata()[-1] for line in lines] == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert best.get_ydata()[-1] == pytest.approx(1)


def test_runs_that_went_astray_end_above_the_axis(runs):
    given = sweep(seeds=(0,))
    given[5][1]["sse"] = 4e6
    figure = figure_of(runs(*given))
    ends = [line.get_ydata()[-1] for line in lines_of(figure, 2)[0]]
    assert ends[0] == pytest.approx(1.1)
    # The axis ends at four times PCA's 2.
    assert texts(figure, 2)["> 8"] == pytest.approx(1.1)
    assert ends[1] == pytest.approx(math.log(5) / math.log(8))


def test_diverged_configurations_end_at_a_cross(runs):
    given = sweep()
    for index in (10, 11, 0):
        given[index][1]["state"] = "diverged"
    figure = figure_of(runs(*given))
    lost = [line for line in figure.axes[0].lines if line.get_linestyle() == "--"]
    assert [(*line.get_xdata(), *line.get_ydata()) for line in lost] == [(0, 1, 1, 1), (1, 2, 1, 1.2)]
    (cross,) = (line for line in figure.axes[0].lines if line.get_marker() == "x")
    assert (cross.get_xdata()[0], cross.get_ydata()[0]) == (2, 1.2)
    assert texts(figure, 2)["diverged"] == 1.2
    assert "all runs diverged" in words(figure)
    assert "3 of 12 runs diverged, dashed where all of a line did" in words(figure)
    assert "in 1 of 6 configurations some runs diverged, mean of the others" in words(figure)


def test_dashes_are_drawn_once(runs):
    """Twelve of twenty-four diverged: dashes over dashes would be a solid line."""
    given = [
        ({BATCH: batch, RATE: rate, "model.latent_size": size}, {"state": "diverged" if rate > 0.01 else "completed"})
        for batch in (16, 64)
        for rate in (0.001, 0.01, 0.1, 1.0)
        for size in (1, 2, 3)
    ]
    figure = figure_of(runs(*given))
    lost = [(*line.get_xdata(), *line.get_ydata()) for line in figure.axes[0].lines if line.get_linestyle() == "--"]
    assert len(lost) == len(set(lost)) > 0
    assert "12 of 24 runs diverged" in words(figure)


def test_pca_at_each_number_of_components(runs):
    given = [({LATENT: size, RATE: rate}, {"sse": 1.0}) for size in (1, 2, 3) for rate in (0.01, 0.1)]
    figure = figure_of(runs(*given))
    # PCA: 4, 2 and 1 on an axis from 1 to 4.
    assert sorted(pca_marks(figure)) == pytest.approx([0, 0.5, 1])
    assert pca_names(figure) == pytest.approx({"PCA 3": 0, "PCA 2": 0.5, "PCA 1": 1})


def test_names_of_pca_move_apart_and_what_rounding_leaves_is_below(runs):
    """Of 1 to 10 components, all are named, at their heights or beside them; of 16 pixels, 16 leave nothing."""
    given = [
        ({LATENT: size, RATE: rate}, {"sse": 1.0 + size, "feature_shape": (4, 4)})
        for size in range(1, 11)
        for rate in (0.01, 0.1)
    ]
    results = runs(*given)
    for run in results.runs:
        if run.latent_size == 10:
            run.summary["pca"]["test"]["sse"] = 1e-27
    figure = figure_of(results)
    names = pca_names(figure)
    assert list(names) == [f"PCA {size}" for size in range(10, 0, -1)]
    assert min(np.diff(list(names.values()))) >= 0.05
    assert min(pca_marks(figure)) == -0.1
    assert "< 0.0156" in " ".join(texts(figure, 2))


def test_many_numbers_stand_on_a_logarithmic_axis(runs):
    rates = [10.0**-power for power in range(1, 13)]
    figure = figure_of(runs(*(({RATE: rate}, {"sse": 1.0 + number}) for number, rate in enumerate(rates))))
    lines, _ = lines_of(figure, 1)
    assert sorted(line.get_ydata()[0] for line in lines) == pytest.approx(np.linspace(0, 1, 12))
    heights = sorted(texts(figure, 0).values())
    assert min(np.diff(heights)) >= 0.075
    assert len(heights) > 3


def test_a_value_that_some_lack_is_none(runs):
    given = [
        ({"optimizer._target_": f"ae_jax.{name}", RATE: rate}, {}) for name in ("adam", "sgd") for rate in (0.1, 0.2)
    ]
    for settings, _ in given[:2]:
        settings["optimizer.decay"] = settings[RATE]
    figure = figure_of(runs(*given), keys=["optimizer.decay"])
    assert list(texts(figure, 0)) == ["0.2", "0.1", "none"]


@pytest.mark.parametrize("num_keys", [5, 8])
def test_long_names_of_many_keys_fit(num_keys, runs):
    keys = [f"model.group_{number}.a_rather_long_name" for number in range(num_keys)]
    given = [
        ({key: (number >> bit) & 1 for bit, key in enumerate(keys)}, {"sse": 1.0 + number}) for number in range(12)
    ]
    given += [(dict.fromkeys(keys, 1), {"sse": 20.0})]
    figure = figure_of(runs(*given), keys=keys)
    boxes = [label.get_window_extent() for label in figure.axes[0].get_xticklabels()]
    assert len(boxes) == num_keys + 1
    assert all(left.x1 <= right.x0 for left, right in pairwise(boxes))
    assert min(box.y0 for box in boxes) >= 0
    assert figure.axes[0].bbox.height > figure.dpi
    assert figure.get_size_inches()[0] == pytest.approx(3.25)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"keys": ["optimizer.learning_rat"]}, "keys: there is no key 'optimizer.learning_rat'; did you mean"),
        ({"keys": [RATE, "trainer.num_epochs"]}, "trainer.num_epochs has one value only"),
        ({"measure": "error"}, "measure: there is no 'error'"),
        ({"split": "corrupted"}, "corrupted was not measured"),
    ],
)
def test_what_cannot_be_drawn_is_refused(options, message, runs):
    with pytest.raises(UserError, match=message):
        figure_of(runs(*sweep(seeds=(0,))), **options)


def test_seeds_alone_are_no_sweep(runs):
    with pytest.raises(UserError, match="no key varies in these runs, beside the seed"):
        figure_of(runs(*(({"seed": seed}, {}) for seed in range(3))))
