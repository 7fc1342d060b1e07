"""Error against cost: points, Pareto frontier, and PCA at its own cost."""

import json
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.text import Text

from ae_jax.errors import UserError
from ae_jax.figures.cost import draw
from ae_jax.figures.style import PCA, PCA_INK, paper_style
from ae_jax.results import load
from ae_jax.results.statistics import estimate

# Slow together; that every figure draws and can be read is in the fast tests.
pytestmark = [pytest.mark.filterwarnings("error"), pytest.mark.slow]

LATENT, RATE = "model.latent_size", "optimizer.learning_rate"


@pytest.fixture
def runs(write_run, tmp_path):
    """Write runs, each given by its settings, what else `write_run` takes, and its times; returns what is read back."""

    def write(*given):
        for number, (settings, options, *times) in enumerate(given):
            folder = write_run(tmp_path / str(number), settings=settings, **options)
            if times:
                path = folder / "summary.json"
                summary = json.loads(path.read_text())
                summary["time"].update(*times)
                path.write_text(json.dumps(summary))
        return load(tmp_path)

    return write


def sweep(sizes=(1, 2, 4), seeds=(0, 1, 2), **settings):
    """Runs of sse 4 / size, and 0.1 more for each seed; they have 20 size + 100 parameters."""
    return [
        ({LATENT: size, "seed": seed, **settings}, {"sse": 4 / size + 0.1 * seed}) for size in sizes for seed in seeds
    ]


def figure_of(results, **options):
    chosen = {"x": "num_parameters", "measure": "sse", "split": "test", "lines": ["model"]} | options
    with paper_style("icml", width="column", font=None):
        figure = draw(results, **chosen)
        figure.draw_without_rendering()
    return figure


def lines_of(figure):
    return {line.get_label(): line for line in figure.axes[0].lines}


def stairs(points):
    """The corners of a staircase through points."""
    between = [(other[0], one[1]) for one, other in pairwise(points)]
    return [corner for both in zip(points, between, strict=False) for corner in both] + [points[-1]]


def words(figure):
    return " ".join(text.get_text().replace("\n", " ") for text in figure.legends[0].findobj(Text))


def sizes_beside(figure, *, of_pca=False):
    found = [text for text in figure.axes[0].texts if (text.get_color() == PCA_INK) is of_pca]
    return {text.get_text(): text.xy for text in found}


def test_points_and_pca_at_their_own_cost(runs):
    figure = figure_of(runs(*sweep()))
    lines = lines_of(figure)
    assert list(lines) == ["dense autoencoder", "PCA", "Pareto frontier by validation"]
    ours, theirs, frontier = lines.values()
    np.testing.assert_allclose(ours.get_xdata(), [120, 140, 180])
    np.testing.assert_allclose(ours.get_ydata(), [4.1, 2.1, 1.1])
    # (components + 1) of 9 features; 8 / 2**components.
    np.testing.assert_allclose(theirs.get_xdata(), [18, 27, 45])
    np.testing.assert_allclose(theirs.get_ydata(), [4, 2, 0.5])
    assert (theirs.get_color(), theirs.get_linestyle()) == (PCA, "None")
    # PCA is cheaper, and better at size 4. The frontier is a staircase through all of it.
    np.testing.assert_allclose(frontier.get_xydata(), stairs(theirs.get_xydata()))
    assert theirs.get_zorder() > max(ours.get_zorder(), frontier.get_zorder())
    axes = figure.axes[0]
    assert (axes.get_xlabel(), axes.get_xscale(), axes.get_yscale()) == ("number of parameters", "log", "log")
    assert axes.get_ylabel().replace("\n", " ") == "squared error per example (sse)"
    assert "mean and 95 % t interval, symmetric in logarithms, over 3 seeds" in words(figure)


def test_latent_sizes_stand_beside_points(runs):
    figure = figure_of(runs(*sweep()))
    ours, theirs = sizes_beside(figure), sizes_beside(figure, of_pca=True)
    assert {size: xy[0] for size, xy in ours.items()} == {"1": 120, "2": 140, "4": 180}
    assert {size: xy[0] for size, xy in theirs.items()} == {"1": 18, "2": 27, "4": 45}
    assert "numbers are latent sizes" in words(figure)
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert not any(one.overlaps(other) for index, one in enumerate(boxes) for other in boxes[:index])


def test_one_latent_size_is_said_rather_than_written_at_every_point(runs):
    hidden = [({"model.hidden_sizes": [width]}, {"sse": 1.5}) for width in (8, 16)]
    figure = figure_of(runs(*hidden))
    assert not figure.axes[0].texts
    assert "latent size 2" in words(figure)


def test_operations_and_latency(runs):
    results = runs(*sweep())
    axes = figure_of(results, x="flops_per_example").axes[0]
    ours, theirs, _ = axes.lines
    np.testing.assert_allclose(ours.get_xdata(), [240, 280, 360])
    np.testing.assert_allclose(theirs.get_xdata(), [36, 72, 144])
    assert axes.get_xlabel().replace("\n", " ") == "floating-point operations per example"
    axes = figure_of(results, x="latency_per_example_seconds").axes[0]
    np.testing.assert_allclose(axes.lines[0].get_xdata(), 0.02)
    np.testing.assert_allclose(axes.lines[1].get_xdata(), 0.01)
    assert axes.get_xlabel() == "latency of one example, ms"


LATENCY, GROUP = "latency_per_example_seconds", ("group_size", "group_train_seconds", "compile_seconds")


def timed(given, times):
    """Runs with times, which may be a function of a run's settings."""
    return [(*run, times(run[0]) if callable(times) else times) for run in given]


def of_group(size, seconds, compiled):
    """The times of a run in a group of a size, whose program was compiled in so many seconds, as no other was."""
    return dict(zip((*GROUP, "train_seconds"), (size, seconds, compiled, seconds / size), strict=True))


def across(figure):
    """Horizontal bars, as pairs of ends."""
    segments = [segment for c in figure.axes[0].collections for segment in c.get_segments()]
    return [(low[0], high[0]) for low, high in segments if low[1] == high[1]]


def test_latency_is_of_the_program_and_shows_its_own_spread_once(runs):
    """All seeds have copies of one measurement: 20 microseconds, with quartiles 19 and 26."""
    spread = {f"{LATENCY}_low": 1.9e-5, f"{LATENCY}_high": 2.6e-5}
    figure = figure_of(runs(*timed(sweep(sizes=(2,)), spread)), x=LATENCY)
    np.testing.assert_allclose(lines_of(figure)["dense autoencoder"].get_xdata(), [0.02])
    np.testing.assert_allclose(across(figure), [(0.019, 0.026)])
    assert "latency of each compiled program, not of each seed: median, with quartiles over rounds" in words(figure)


def test_latencies_of_several_programs_share_their_rounds(runs):
    def times(settings):
        value = {0: 2e-5, 1: 2e-5, 2: 4e-5, 3: 5e-5}[settings["seed"]]  # 0 and 1 trained together
        return {LATENCY: value, f"{LATENCY}_low": 0.9 * value, f"{LATENCY}_high": 1.1 * value}

    figure = figure_of(runs(*timed(sweep(sizes=(2,), seeds=range(4)), times)), x=LATENCY)
    np.testing.assert_allclose(lines_of(figure)["dense autoencoder"].get_xdata(), [0.04])  # the median of three
    np.testing.assert_allclose(across(figure), [(0.018, 0.055)])


def test_latency_of_old_runs_has_no_spread(runs):
    figure = figure_of(runs(*sweep()), x=LATENCY)
    assert across(figure) == []
    assert "timed once" in words(figure)


def test_no_line_goes_to_and_fro_through_what_was_timed(runs):
    pca = {1: 3e-5, 2: 1e-5, 4: 2e-5}
    given = timed(sweep(), lambda settings: {f"pca_{LATENCY}": pca[settings[LATENT]]})
    lines = lines_of(figure_of(runs(*given), x=LATENCY))
    np.testing.assert_allclose(lines["PCA"].get_xdata(), [0.03, 0.01, 0.02])
    assert lines["PCA"].get_linestyle() == lines["dense autoencoder"].get_linestyle() == "None"
    frontier = lines["Pareto frontier by validation"]
    np.testing.assert_allclose(frontier.get_xydata(), stairs([(0.01, 2), (0.02, 0.5)]))  # PCA, which is ahead of all
    assert (np.diff(frontier.get_xdata()) >= 0).all()


def test_time_of_a_group_is_one_value_whatever_its_seeds(runs):
    def times(settings):
        return of_group(9, 90.0, 1.5)

    figure = figure_of(runs(*timed(sweep(), times)), x="train_seconds")
    np.testing.assert_allclose(lines_of(figure)["dense autoencoder"].get_xdata(), [10, 10, 10])
    assert across(figure) == []
    assert "time of a group of 9 runs, divided by 9" in words(figure)


def test_time_over_three_groups_has_an_interval_over_groups(runs):
    def times(settings):
        of = settings["seed"] // 2  # pairs of seeds in a group, of 2, 4 and 6 seconds
        return of_group(2, 2.0 * (of + 1), 1.0 + of)

    figure = figure_of(runs(*timed(sweep(sizes=(2,), seeds=range(6)), times)), x="train_seconds")
    np.testing.assert_allclose(lines_of(figure)["dense autoencoder"].get_xdata(), [2])
    interval = estimate([1.0, 2.0, 3.0], scale="log")  # of three values, not of six
    np.testing.assert_allclose(across(figure), [(interval.low, interval.high)])
    assert "horizontal: 95 % t interval over groups" in words(figure)


@pytest.mark.parametrize(
    ("sizes", "problem", "condition"),
    [
        ((2, 40), "groups of 2 and 40 runs", "group_size = 40"),
        ((None, 40), "groups of 40 runs and of unknown size", "group_size = 40 and group_train_seconds is not null"),
    ],
)
def test_times_of_groups_of_different_sizes_are_refused(sizes, problem, condition, runs):
    def times(settings):
        size = sizes[settings["seed"] > 2]
        return of_group(size, 80.0, 1.0 * size) if size else {"group_train_seconds": None}

    results = runs(*timed(sweep(sizes=(2,), seeds=range(6)), times))
    with pytest.raises(UserError, match=problem) as refused:
        figure_of(results, x="train_seconds")
    assert f'where="{condition}"' in str(refused.value)
    figure = figure_of(results.where(condition), x="train_seconds")
    np.testing.assert_allclose(lines_of(figure)["dense autoencoder"].get_xdata(), [2])


def test_times_of_old_runs_are_shown_as_far_as_they_are_known(runs):
    results = runs(*timed(sweep(sizes=(2,)), lambda settings: {"train_seconds": 1.0 + settings["seed"]}))
    for run in results.runs:  # of one group, as far as the time to compile tells
        del run.summary["time"]["group_size"], run.summary["time"]["group_train_seconds"]
    figure = figure_of(results, x="train_seconds")
    np.testing.assert_allclose(lines_of(figure)["dense autoencoder"].get_xdata(), [2])
    assert across(figure) == []
    assert "time of a group, divided by its size, which was not recorded" in words(figure)


def test_pca_takes_part_with_the_time_of_its_closed_form(runs):
    figure = figure_of(runs(*timed(sweep(), {"pca_fit_seconds": 0.01})), x="train_seconds")
    lines = lines_of(figure)
    np.testing.assert_allclose(lines["PCA"].get_xydata(), [(0.01, 4), (0.01, 2), (0.01, 0.5)])
    assert "PCA's is its closed form's, once for all sizes" in words(figure)
    np.testing.assert_allclose(lines["Pareto frontier by validation"].get_xydata(), [(0.01, 0.5)])  # ahead of all


def test_time_has_an_interval_and_pca_none_to_train(runs):
    made = timed(sweep(), lambda one: {"train_seconds": 1.0 + one["seed"], "pca_fit_seconds": None})
    figure = figure_of(runs(*made), x="train_seconds")
    np.testing.assert_allclose(lines_of(figure)["dense autoencoder"].get_xdata(), 2)
    assert "PCA" not in lines_of(figure)
    assert "PCA is computed without training" in words(figure)
    assert "each run was trained alone" in words(figure)
    interval = estimate([1.0, 2.0, 3.0], scale="log")
    np.testing.assert_allclose(across(figure), [(interval.low, interval.high)] * 3)


def test_frontier_is_chosen_by_validation_and_shown_on_test(runs):
    linear = {"model._target_": "ae_jax.models.linear.LinearAutoencoder"}
    given = [
        ({LATENT: 1}, {"sse": 0.4}),
        ({LATENT: 2}, {"sse": 0.1, "validation_sse": 9.0}),  # good by chance, on the test split
        ({LATENT: 3}, {"sse": 0.2}),
        ({LATENT: 3, **linear}, {"sse": 0.25}),  # as cheap, and worse
        ({LATENT: 4}, {"sse": 0.15}),
    ]
    frontier = lines_of(figure_of(runs(*given)))["Pareto frontier by validation"]
    pca = [[18, 4], [27, 2], [36, 1], [45, 0.5]]  # which is cheaper than all of them
    np.testing.assert_allclose(frontier.get_xydata(), stairs([*pca, [120, 0.4], [160, 0.2], [180, 0.15]]))


def test_of_the_same_model_the_best_by_validation_is_shown(runs):
    given = [*sweep(**{RATE: 0.1}), *sweep(**{RATE: 0.01})]
    for _, options in given[:9]:
        options["sse"] += 3
        options["validation_sse"] = 0.1
    results = runs(*given)
    figure = figure_of(results)
    np.testing.assert_allclose(lines_of(figure)["dense autoencoder"].get_ydata(), [7.1, 5.1, 4.1])
    assert "each point the best of 2 configurations by validation sse" in words(figure)
    figure = figure_of(results, x="train_seconds")
    assert len(lines_of(figure)["dense autoencoder"].get_xdata()) == 6
    assert "the best of" not in words(figure)


def test_one_seed_has_no_interval(runs):
    figure = figure_of(runs(*sweep(seeds=(0,))))
    assert not figure.axes[0].collections
    assert "1 seed" in words(figure)


def test_diverged_runs_are_marked(runs):
    given = sweep()
    given[0][1]["state"] = "diverged"
    figure = figure_of(runs(*given))
    cross = lines_of(figure)["other seeds diverged"]
    np.testing.assert_allclose(cross.get_xydata(), [[120, 4.15]])
    for _, options in given:
        options["sse"] /= 10  # all are better than PCA
    frontier = lines_of(figure_of(runs(*given)))["Pareto frontier by validation"]
    assert sorted(set(frontier.get_xdata())) == [18, 27, 45, 140, 180]  # without the one of which a seed diverged
    assert "1 of 9 runs diverged, not shown" in words(figure)


def test_runs_that_went_astray_are_counted_not_drawn(runs):
    given = [({LATENT: size}, {"sse": sse}) for size, sse in ((1, 4.0), (2, 2.0), (3, 5e6))]
    figure = figure_of(runs(*given))
    np.testing.assert_allclose(lines_of(figure)["dense autoencoder"].get_ydata(), [4, 2])
    assert "1 of 3 points are worse than the axis shows" in words(figure)
    assert figure.axes[0].get_ylim()[1] < 10


def test_more_is_better_is_linear_and_its_frontier_rises(runs):
    figure = figure_of(runs(*sweep(seeds=(0,))), measure="explained_variance")
    assert figure.axes[0].get_yscale() == "linear"
    frontier = lines_of(figure)["Pareto frontier by validation"]
    np.testing.assert_allclose(frontier.get_ydata()[::2], [1 - 4 / 8, 1 - 2 / 8, 1 - 0.5 / 8])  # PCA's


def test_large_costs_are_short_numbers_that_do_not_touch(runs):
    results = runs(*sweep(seeds=(0,)))
    for run in results.runs:
        run.summary["model"]["num_parameters"] *= 10**5
    labels = figure_of(results).axes[0].get_xticklabels()
    assert [label.get_text() for label in labels] == ["100", "10k", "1M"]
    boxes = [label.get_window_extent() for label in labels]
    assert all(one.x1 < other.x0 for one, other in pairwise(boxes))


def test_perfect_autoencoders_have_a_linear_axis(runs):
    figure = figure_of(runs(({LATENT: 1}, {"sse": 1.0}), ({LATENT: 2}, {"sse": 0.0})))
    assert figure.axes[0].get_yscale() == "linear"
    np.testing.assert_allclose(lines_of(figure)["dense autoencoder"].get_ydata(), [1, 0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"measure": "error"}, "measure: there is no 'error'"),
        ({"lines": ["modle"]}, "lines: there is no key 'modle'; did you mean 'model'"),
        ({"split": "corrupted"}, "corrupted was not measured"),
    ],
)
def test_what_cannot_be_drawn_is_refused(options, message, runs):
    with pytest.raises(UserError, match=message):
        figure_of(runs(*sweep(seeds=(0,))), **options)


def test_a_cost_that_was_not_taken_is_refused(runs):
    results = runs(*sweep(seeds=(0,)))
    results.runs[1].summary["model"]["flops_per_example"] = None
    with pytest.raises(
        UserError, match=r"model\.flops_per_example is not in the summary of 1; choose x=num_parameters"
    ):
        figure_of(results, x="flops_per_example")


def test_numbers_cover_no_point_interval_or_frontier(runs):
    """Eight autoencoders close together, beside PCA's staircase."""
    given = [
        ({LATENT: size, RATE: rate, "seed": seed}, {"sse": (2 + 9 * rate + 0.3 * seed) / size})
        for size in (1, 2, 4, 8)
        for rate in (0.1, 0.5)
        for seed in range(3)
    ]
    figure = figure_of(runs(*given), x="train_seconds", lines=[RATE])
    axes = figure.axes[0]
    numbers = [text.get_window_extent() for text in axes.texts]
    assert len(numbers) >= 8
    places = [axes.transData.transform(line.get_xydata()) for line in axes.lines]
    places += [axes.transData.transform(bar.get_segments()[0]) for bar in axes.collections]
    dense = [np.linspace(*ends, 50) for place in places for ends in pairwise(place) if len(place) == 2]
    points = np.concatenate([*places, *dense])
    for index, box in enumerate(numbers):
        assert not any(box.contains(*point) for point in points)
        assert not any(box.overlaps(other) for other in numbers[:index])
        assert axes.bbox.containsx(box.x0)
        assert axes.bbox.containsy(box.y1)


def test_pca_with_all_components_is_exact_and_below_the_axis(runs):
    """Nine features, which nine components leave nothing of but rounding."""
    results = runs(*sweep(sizes=(1, 2, 9), seeds=(0,)))
    for run in results.runs:
        if run.latent_size == 9:
            run.summary["pca"]["test"]["sse"] = 1e-14
    figure = figure_of(results)
    assert figure.axes[0].get_ylim()[0] > 0.1
    assert "PCA with 9 components is exact, below the axis" in words(figure)
    assert sorted(sizes_beside(figure, of_pca=True)) == ["1", "2"]
