"""Median and interquartile mean against SciPy, their bootstrap against the enumeration of all resamples."""

import itertools

import numpy as np
import pytest
from scipy import stats

from ae_jax.results.location import locate

RNG = np.random.default_rng(0)


def scipy_of(values, statistic):
    return np.median(values) if statistic == "median" else stats.trim_mean(values, 0.25)


@pytest.mark.parametrize("statistic", ["median", "iqm"])
@pytest.mark.parametrize("num", [1, 2, 3, 4, 5, 8, 11])
def test_the_statistic_is_scipys(statistic, num):
    values = RNG.lognormal(size=num)
    assert locate(values, statistic).value == pytest.approx(scipy_of(values, statistic))


@pytest.mark.parametrize("statistic", ["median", "iqm"])
@pytest.mark.parametrize("num", [3, 4, 5])
def test_the_interval_of_few_values_is_that_of_all_resamples(statistic, num):
    values = RNG.normal(size=num)
    every = np.sort([scipy_of(drawn, statistic) for drawn in itertools.product(values, repeat=num)])
    tail = np.ceil(0.025 * len(every) - 1e-9).astype(int)
    found = locate(values, statistic)
    assert (found.low, found.high) == pytest.approx((every[tail - 1], every[-tail]))


@pytest.mark.parametrize("statistic", ["median", "iqm"])
def test_the_interval_of_more_is_scipys_up_to_the_draws(statistic):
    values = RNG.normal(size=12)
    drawn = stats.bootstrap((values,), lambda x, axis: np.apply_along_axis(scipy_of, axis, x, statistic),
                            n_resamples=2000, method="percentile", random_state=1, vectorized=True)  # fmt: skip
    found = locate(values, statistic)
    assert (found.low, found.high) == pytest.approx(tuple(drawn.confidence_interval), abs=0.15)
    assert found == locate(values[::-1], statistic)


@pytest.mark.parametrize("statistic", ["median", "iqm"])
def test_it_follows_a_change_of_unit_and_of_sign(statistic):
    values = RNG.normal(size=5)
    found, scaled, turned = (locate(factor * values, statistic) for factor in (1, 7, -1))
    assert scaled[1:4] == pytest.approx([7 * x for x in found[1:4]], rel=1e-12)
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low))


def test_whole_splits_are_drawn():
    values, splits = [1.0, 1.0, 2.0, 2.0, 4.0, 4.0], list("aabbcc")
    every = np.sort([np.median(np.repeat(drawn, 2)) for drawn in itertools.product((1.0, 2.0, 4.0), repeat=3)])
    found = locate(values, "median", splits=splits)
    assert (found.num, found.num_splits, found.low, found.high) == (6, 3, every[0], every[-1])
    assert locate(values[:4], "median", splits=splits[:4]).low is None


def test_fewer_than_three_values_have_no_interval_and_none_is_an_error():
    assert locate([1.0, 2.0], "iqm")[2:4] == (None, None)
    with pytest.raises(ValueError, match="at least one"):
        locate([], "median")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("statistic", "covered"), [("median", {3: 75, 5: 94, 10: 95}), ("iqm", {3: 75, 5: 91, 10: 94})]
)
def test_coverage_of_normal_values_is_what_is_said(statistic, covered):
    rng = np.random.default_rng(1)
    for num, said in covered.items():
        found = [locate(rng.normal(size=num), statistic) for _ in range(10000 if num <= 5 else 3000)]
        share = 100 * np.mean([one.low <= 0 <= one.high for one in found])
        assert share == pytest.approx(said, abs=1.5)
