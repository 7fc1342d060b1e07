"""Shares and marginal means in rows."""

from itertools import product

import numpy as np
import pytest
from matplotlib.text import Text

from ae_jax.errors import UserError
from ae_jax.figures.effects import draw
from ae_jax.figures.style import AUTOENCODER, PCA, paper_style
from ae_jax.results.effects import effects

# Slow together; that every figure draws and can be read is in the fast tests.
pytestmark = [pytest.mark.filterwarnings("error"), pytest.mark.slow]

LATENT, RATE = "model.latent_size", "optimizer.learning_rate"


def sweep(rates=(0.1, 0.2), seeds=(0, 1, 2)):
    log = iter(0.02 * np.random.default_rng(0).normal(size=99))
    return [
        ({LATENT: size, RATE: rate, "seed": seed}, {"sse": float(8 / size * np.exp(next(log)))})
        for size, rate, seed in product((1, 2, 4), rates, seeds)
    ]


def figure_of(results, venue="icml", **options):
    with paper_style(venue, width="column", font=None):
        figure = draw(results, **({"keys": None, "measure": "sse", "split": "validation"} | options))
        figure.draw_without_rendering()
    return figure


def dots(axes, colour=AUTOENCODER):
    found = [line for line in axes.lines if line.get_color() == colour and len(line.get_xdata()) == 1]
    return [line.get_xdata()[0] for line in found]


def names(axes):
    return [label.get_text() for label in axes.get_yticklabels() if label.get_text()]


def words(figure):
    return " ".join(text.get_text().replace("\n", " ") for text in figure.findobj(Text))


def test_dots_are_shares_and_marginal_means(runs):
    results = runs(*sweep())
    figure, found = figure_of(results), effects(results, "sse")
    above, below = figure.axes
    assert dots(above) == pytest.approx([row.test.omega_squared for row in found.rows])
    rows = {row.keys: {value.setting: value.mean for value in row.values} for row in found.rows}
    means = [rows[(LATENT,)][size] for size in (1, 2, 4)] + [rows[(RATE,)][rate] for rate in (0.1, 0.2)]
    assert dots(below) == pytest.approx(means)
    assert names(below) == ["1", "2", "4", "0.1", "0.2"]
    # PCA's validation sse is 1.1 times 4, 2 and 0.5; of all three the geometric mean.
    pca = [4.4, 2.2, 0.55]
    assert dots(below, PCA) == pytest.approx([*pca, *[float(np.exp(np.log(pca).mean()))] * 2])
    said = words(figure)
    for text in (
        "digits, validation split",
        "18 runs, 3 seeds each",
        "noncentral F",
        "95 % t intervals",
        "geometric mean",
    ):
        assert text in said


def test_what_diverged_is_said(runs):
    given = [*sweep(), *(({LATENT: 1, RATE: 9.0, "seed": seed}, {"state": "diverged"}) for seed in range(2))]
    figure = figure_of(runs(*given), keys=[RATE])
    assert names(figure.axes[1]) == ["0.1", "0.2", "9.0"]
    assert len(dots(figure.axes[1])) == 2
    said = words(figure)
    assert "all runs diverged" in said
    assert "2 of 20 runs diverged" in said
    assert "of 9 combinations of values 6 have runs" in said


def test_other_data_have_other_diverged_runs(runs):
    other = {LATENT: 1, RATE: 0.1, "seed": 5, "dataset.split_seed": 3}
    assert "diverged" not in words(figure_of(runs(*sweep(), (other, {"state": "diverged"}))))


def test_one_run_each_has_means_and_no_shares(runs):
    figure = figure_of(runs(*sweep(rates=(0.1,), seeds=(0,))))
    assert "one run each" in words(figure)
    assert dots(figure.axes[0]) == []
    assert len(dots(figure.axes[1])) == 3


@pytest.mark.slow
@pytest.mark.parametrize("venue", ["ieee", "jmlr"])
def test_ten_keys_with_long_names_fit(venue, runs):
    rng = np.random.default_rng(0)
    keys = [f"model.group_{number}.a_rather_long_name" for number in range(10)]
    given = [({key: int(rng.integers(2)) for key in keys}, {"sse": float(rng.lognormal())}) for _ in range(60)]
    given += [(dict.fromkeys(keys, 9), {"state": "diverged"})]
    figure = figure_of(runs(*given), venue=venue)
    width, height = figure.get_size_inches()
    box = figure.get_tightbbox()
    assert min(box.x0, box.y0, width - box.x1, height - box.y1) > -0.01
    assert height < 9
    assert "matter less are not shown" in words(figure)


def test_long_values_leave_the_names_of_axes_room(runs):
    given = [
        ({"model.hidden_sizes": sizes, "seed": seed}, {"sse": 1.0 + seed + len(sizes)})
        for sizes, seed in product(([1024, 512, 256, 128, 64], [8]), range(2))
    ]
    figure = figure_of(runs(*given))
    width = figure.get_size_inches()[0] * figure.dpi
    boxes = [label.get_window_extent() for axes in figure.axes for label in (axes.xaxis.label, *axes.get_yticklabels())]
    assert min(box.x0 for box in boxes) >= 0
    assert max(box.x1 for box in boxes) <= width


def test_pca_without_error_is_left_out(runs):
    figure = figure_of(runs(*(({LATENT: size, "seed": seed}, {}) for size in (2, 9) for seed in range(2))))
    assert dots(figure.axes[1], PCA) == []
    assert "PCA's error is 0 in some runs" in words(figure)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"keys": ["optimizer.learning_rat"]},
            "keys: 'optimizer.learning_rat' does not vary in these runs; did you mean",
        ),
        ({"keys": ["seed"]}, "'seed' does not vary"),
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


def test_rounding_of_pca_is_left_out_and_keys_have_names(runs):
    """PCA with all components leaves 1e-27, and a mean of it with other errors would say nothing."""
    results = runs(*sweep())
    for run in results.runs:
        if run.latent_size == 4:
            run.summary["pca"]["validation"]["sse"] = 1e-27
    figure = figure_of(results)
    assert dots(figure.axes[1], PCA) == []
    assert "in some runs, or rounding" in words(figure)
    headings = [text.get_text() for text in figure.axes[1].texts]
    assert headings == ["latent size", "learning rate"]
