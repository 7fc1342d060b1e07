"""Estimates over seeds: against textbooks, SciPy and enumeration, and the laws that any interval must keep."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from ae_jax.results import estimate
from ae_jax.results.configurations import best_by_validation, configurations, ranked_by_validation
from ae_jax.results.statistics import Estimate, geometric, same

VALUES = [1.0, 2.0, 4.0, 7.0, 1.5]
# Student 1908, table of sleep gained with two drugs (Cushny and Peebles): additional hours, drug 2 minus drug 1.
SLEEP = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4]


def test_location_is_arithmetic():
    assert estimate(VALUES)[:3] == (5, pytest.approx(3.1), 2.0)


def test_the_interval_is_students():
    """R's `t.test(sleep, paired = TRUE)` prints 0.7001142 and 2.4598858 for these."""
    assert estimate(SLEEP)[1:] == (pytest.approx(1.58), 1.3, pytest.approx(0.7001142), pytest.approx(2.4598858), 1)


@pytest.mark.parametrize("scale", ["linear", "log"])
@pytest.mark.parametrize(
    "values", [VALUES, SLEEP[:3], [0.9, 1.05, 0.96], list(np.random.default_rng(0).lognormal(size=20))]
)
def test_the_interval_holds_the_mean_and_is_scipys(values, scale):
    made, error = estimate(values, scale=scale), stats.sem(values)
    low, high = stats.t.interval(0.95, len(values) - 1, np.mean(values), error)
    if scale == "log":
        half = (high - low) / 2 / np.mean(values)
        low, high = np.mean(values) * np.exp([-half, half])
        assert made.low > 0
    assert (made.low, made.high) == pytest.approx((low, high))
    assert made.low <= made.mean <= made.high


def test_what_is_not_positive_has_the_linear_scale():
    assert estimate([0.0, 1.0, 2.0], scale="log") == estimate([0.0, 1.0, 2.0])


def resampled(values):
    """Every one of the n^n resamples' means, ascending, of whole numbers, so that sums are exact."""
    return sorted(sum(draw) for draw in itertools.product(values, repeat=len(values)))


@pytest.mark.parametrize(
    "values", [[10.0, 11.0, 13.0], [1.0, 2.0, 4.0, 7.0], [10.0, 15.0, 20.0, 40.0, 70.0], [3.0, 3.0, 5.0]]
)
def test_the_bootstrap_of_few_values_is_exact(values):
    """Against BCa from all resamples of whole numbers, of which those with the observed sum count as half below it."""
    sums, num = np.array(resampled(values)), len(values)
    bias = stats.norm.ppf(((sums < sum(values)).sum() + (sums == sum(values)).sum() / 2) / len(sums))
    deviations = np.array(values) - np.mean(values)
    skewness = (deviations**3).sum() / (6 * (deviations**2).sum() ** 1.5)
    ends = []
    for tail in (0.025, 0.975):
        shifted = bias + stats.norm.ppf(tail)
        level = stats.norm.cdf(bias + shifted / (1 - skewness * shifted))
        ends.append(sums[min(math.ceil(level * len(sums)) - 1, len(sums) - 1)] / num)
    assert estimate(values, interval="bca")[3:5] == pytest.approx(tuple(ends))


@pytest.mark.parametrize("interval", ["t", "bca"])
@pytest.mark.parametrize("scale", ["linear", "log"])
def test_it_follows_a_change_of_unit(interval, scale):
    """To 1e-12, whatever rounding does to the values; the seeds of real runs are of this kind."""
    rng = np.random.default_rng(1)
    for num in (3, 4, 5, 6, 12):
        for _ in range(20):
            values, factor = rng.normal(1, 0.1, num).round(4), float(rng.lognormal(sigma=3))
            one = estimate(values, scale=scale, interval=interval)
            other = estimate([factor * value for value in values], scale=scale, interval=interval)
            assert other[1:5] == pytest.approx([factor * number for number in one[1:5]], rel=1e-12)


def test_the_examples_that_once_differed():
    one, seven = estimate([1.0, 1.1, 1.3], interval="bca"), estimate([7.0, 7.7, 9.1], interval="bca")
    assert [number / 7 for number in seven[1:5]] == pytest.approx(one[1:5], rel=1e-12)


def test_the_bootstrap_of_many_values_is_scipys():
    values = np.random.default_rng(2).lognormal(size=12)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=99_999, method="BCa", rng=0).confidence_interval
    assert estimate(values, interval="bca")[3:5] == pytest.approx(tuple(theirs), rel=0.02)


@pytest.mark.parametrize("interval", ["t", "bca"])
def test_it_does_not_depend_on_the_order(interval):
    assert estimate(VALUES, interval=interval) == estimate(VALUES[::-1], interval=interval)


def test_fewer_than_three_seeds_have_no_interval():
    assert estimate([2.0]) == Estimate(1, 2.0, 2.0, None, None)
    assert estimate([2.0, 3.0]) == Estimate(2, 2.5, 2.5, None, None)


@pytest.mark.parametrize("values", [[2.0, 2.0, 2.0], [0.1 + 0.2, 0.3, 0.3], [1e30, 1e30, 1e30], [0.0, 0.0, 0.0]])
def test_equal_values_have_an_interval_of_no_width(values):
    made = estimate(values)
    assert made.low == made.mean == made.high


def test_seeds_of_a_split_are_no_replicates_of_the_split():
    """Three splits of five seeds are three values: the interval is that of the splits' means."""
    splits = [*"aaaaabbbbbccccc"]
    values = np.repeat([1.0, 2.0, 4.0], 5) + np.tile([-0.2, -0.1, 0.0, 0.1, 0.2], 3)
    made = estimate(values, splits=splits)
    assert (made.num, made.num_splits, made.median) == (15, 3, 2.0)
    assert (made.mean, made.low, made.high) == pytest.approx((7 / 3, *estimate([1.0, 2.0, 4.0])[3:5]))
    unbalanced = estimate([1.0, 1.0, 1.0, 2.0, 4.0], splits=["a", "a", "a", "b", "c"])
    assert unbalanced.mean == pytest.approx(7 / 3)
    assert estimate(VALUES, splits=["a"] * 5) == estimate(VALUES)


def test_the_geometric_mean_is_that_of_the_logarithms():
    ratios = [0.5, 0.8, 1.25]
    made = geometric(ratios)
    of_logs = estimate(np.log(ratios))
    assert made[1:5] == pytest.approx([math.exp(of_logs.mean), 0.8, math.exp(of_logs.low), math.exp(of_logs.high)])
    assert geometric([1 / ratio for ratio in ratios]).mean == pytest.approx(1 / made.mean)
    with pytest.raises(ValueError, match="positive"):
        geometric([1.0, 0.0])


def test_no_values_are_refused():
    with pytest.raises(ValueError, match="at least one"):
        estimate([])


def test_the_seventh_digit_is_rounding():
    assert same(0.1234567, 0.12345673)
    assert not same(0.123456, 0.123457)


def test_configurations_gather_seeds(sweep):
    errors = {0: 4.25, 1: 4.5, 2: 5.0}
    made = configurations(sweep(lambda size, rate, seed: errors[seed] + size - 1))
    assert [one.settings for one in made] == [
        {"model.latent_size": size, "optimizer.learning_rate": rate} for size in (1, 2) for rate in (0.1, 0.2)
    ]
    assert [one.num_seeds for one in made] == [3, 3, 3, 3]
    assert made[0].label == "model.latent_size=1 optimizer.learning_rate=0.1"
    assert made[0].estimate("sse") == estimate([4.25, 4.5, 5.0], scale="log")
    assert made[0].pca("sse") == Estimate(1, 4.0, 4.0, None, None)
    assert made[0].against_pca("sse").difference[1:5] == pytest.approx(estimate([0.25, 0.5, 1.0])[1:5])
    assert made[0].estimate("sse", "corrupted") is None


def test_diverged_runs_are_told_and_not_averaged(sweep, write_run, tmp_path):
    settings = {"model.latent_size": 1, "optimizer.learning_rate": 0.1, "seed": 3}
    write_run(tmp_path / "sweep" / "d", settings=settings, state="diverged")
    first, *others = configurations(sweep())
    assert (first.num_seeds, first.num_diverged) == (3, 1)
    assert [one.num_diverged for one in others] == [0, 0, 0]


def test_numbers_are_sorted_as_numbers(sweep):
    made = configurations(sweep(sizes=(2, 10, 1), rates=(0.1,)))
    assert [one.settings["model.latent_size"] for one in made] == [1, 2, 10]


def test_selection_never_looks_at_the_test_split(write_run, tmp_path):
    from ae_jax.results import load

    for folder, tests in (("a", (1.0, 2.0, 3.0)), ("b", (3.0, 1.0, 2.0))):
        for rate, test, validation in zip((0.1, 0.2, 0.3), tests, (5.0, 4.0, 6.0), strict=True):
            settings = {"optimizer.learning_rate": rate}
            write_run(tmp_path / folder / str(rate), settings=settings, sse=test, validation_sse=validation)
    ranks = [
        [one.settings for one in ranked_by_validation(configurations(load(tmp_path / folder)), "sse")]
        for folder in "ab"
    ]
    assert ranks[0] == ranks[1] == [{"optimizer.learning_rate": rate} for rate in (0.2, 0.1, 0.3)]


def test_more_explained_variance_is_better(sweep):
    candidates = configurations(sweep())
    assert best_by_validation(candidates, "sse") is best_by_validation(candidates, "explained_variance")


def test_what_diverges_for_some_seeds_is_never_the_best(sweep, write_run, tmp_path):
    settings = {"model.latent_size": 2, "optimizer.learning_rate": 0.1, "seed": 3}
    write_run(tmp_path / "sweep" / "lost", settings=settings, state="diverged")
    results = sweep(sizes=(2,), rates=(0.1, 0.2))
    ranked = ranked_by_validation(configurations(results), "sse")
    assert [one.settings["optimizer.learning_rate"] for one in ranked] == [0.2, 0.1]


def test_only_what_has_a_zero_that_means_none_has_a_ratio(sweep):
    (one,) = configurations(sweep(sizes=(1,), rates=(0.1,)))
    assert one.against_pca("sse").ratio is not None
    assert one.against_pca("mse").ratio is not None
    assert one.against_pca("bce").ratio is None
    assert one.against_pca("explained_variance").ratio is None
    assert one.against_pca("psnr").ratio is None
