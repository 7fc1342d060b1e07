"""Two sides compared: against SciPy, textbooks and counting, and what is told of them."""

import itertools

import numpy as np
import pytest
from scipy import stats

from ae_jax.results.compare import compare_values, holm
from ae_jax.results.configurations import configurations
from ae_jax.runs.measures import MEASURES

SSE, EXPLAINED, BCE = MEASURES["sse"], MEASURES["explained_variance"], MEASURES["bce"]
OURS, THEIRS = [0.9, 1.05, 0.96, 0.93, 0.99, 1.1], [1.0, 1.2, 1.1, 0.95, 1.15, 1.1]


def seeded(values, *, first=0, split="s"):
    return {(split, first + seed): value for seed, value in enumerate(values)}


def test_pairs_are_compared_seed_by_seed():
    """Against SciPy's paired t-test of logarithms, whatever the order of the seeds."""
    ours, theirs = seeded(OURS), dict(reversed(list(seeded(THEIRS).items())))
    found, expected = compare_values(ours, theirs, SSE), stats.ttest_rel(np.log(OURS), np.log(THEIRS))
    assert (found.num, found.paired, found.verdict) == (6, True, "better")
    assert found.p == pytest.approx(expected.pvalue)
    low, high = np.exp(expected.confidence_interval())
    assert found.ratio[3:5] == pytest.approx((low, high))
    assert found.ratio.mean == pytest.approx(stats.gmean(np.divide(OURS, THEIRS)))
    assert found.difference.mean == pytest.approx(np.mean(OURS) - np.mean(THEIRS))


def test_the_other_way_round_it_is_the_opposite():
    one, other = (compare_values(*sides, SSE) for sides in itertools.permutations((seeded(OURS), seeded(THEIRS))))
    assert other.verdict == "worse"
    assert (other.p, other.ratio.mean, other.improvement) == pytest.approx(
        (one.p, 1 / one.ratio.mean, 1 - one.improvement)
    )
    assert other.effect_size == pytest.approx(-one.effect_size)


def test_other_seeds_are_compared_by_welch():
    found = compare_values(seeded(OURS), seeded(THEIRS[:5], first=10), EXPLAINED)
    expected = stats.ttest_ind(OURS, THEIRS[:5], equal_var=False)
    assert (found.num, found.paired, found.ratio) == (5, False, None)
    assert found.p == pytest.approx(expected.pvalue)
    assert found.difference[3:5] == pytest.approx(tuple(expected.confidence_interval()))


def test_a_few_seeds_more_on_one_side_still_pair():
    assert compare_values(seeded(OURS), seeded(THEIRS[:5]), SSE).num == 5


def test_a_few_common_seeds_do_not_leave_out_the_others():
    """Of seeds 0 to 5 and 4 to 8 two are common: all eleven are compared, as Welch does."""
    found = compare_values(seeded(OURS), seeded(THEIRS[:5], first=4), EXPLAINED)
    assert (found.num, found.paired) == (5, False)
    assert found.p == pytest.approx(stats.ttest_ind(OURS, THEIRS[:5], equal_var=False).pvalue)


def test_pca_pairs_with_every_seed_of_its_split():
    found = compare_values(seeded(OURS), {("s", None): 1.2}, SSE)
    assert (found.num, found.paired) == (6, True)
    assert found.p == pytest.approx(stats.ttest_1samp(np.log(OURS), np.log(1.2)).pvalue)


def test_splits_are_what_varies_where_there_are_several():
    """Three splits of five seeds, where all fifteen pairs are won: told, by three values and not by fifteen."""
    ours = {
        key: v
        for n, s in enumerate("abc")
        for key, v in seeded([(0.9 + n / 200) * (1 + k / 99) for k in range(5)], split=s).items()
    }
    theirs = {(split, None): 1 + number / 50 for number, split in enumerate("abc")}
    found = compare_values(ours, theirs, SSE)
    logs = [np.mean([np.log(v / theirs[s, None]) for (s, _), v in ours.items() if s == split]) for split in "abc"]
    assert (found.num, found.ratio.num_splits, found.verdict) == (15, 3, "better")
    assert found.p == pytest.approx(stats.ttest_1samp(logs, 0).pvalue)
    assert compare_values(theirs, ours, SSE).verdict == "worse"


@pytest.mark.parametrize("num", [1, 2, 3, 4])
def test_too_few_seeds_tell_nothing(num):
    assert (
        compare_values(seeded([1.0, 1.01, 1.02, 1.03][:num]), {("s", None): 9.0}, SSE).verdict
        == "too few seeds to tell"
    )


def test_rounding_is_no_difference():
    found = compare_values(seeded([1.0] * 5), {("s", None): np.nextafter(1.0, 2)}, SSE)
    assert (found.verdict, found.p, found.improvement) == ("equal", 1.0, 0.5)


def test_rounding_is_no_difference_between_other_seeds():
    found = compare_values(seeded([1.0] * 5), seeded([1.0 + 1e-8] * 5, first=5), EXPLAINED)
    assert (found.paired, found.verdict, found.p) == (False, "equal", 1.0)


def test_without_spread_a_difference_is_one():
    found = compare_values(seeded([1.0] * 5), {("s", None): 1.001}, SSE)
    assert (found.verdict, found.p, found.effect_size) == ("better", 0.0, None)


@pytest.mark.parametrize("measure", [EXPLAINED, BCE, MEASURES["psnr"]])
def test_what_has_no_zero_that_means_none_has_no_ratio(measure):
    assert compare_values(seeded(OURS), seeded(THEIRS), measure).ratio is None


def test_an_error_of_zero_is_compared_by_difference():
    found = compare_values(seeded([0.0, 0.1, 0.1, 0.2, 0.1]), {("s", None): 0.5}, SSE)
    assert (found.ratio, found.verdict) == (None, "better")


def test_the_probability_of_improvement_is_counted():
    found = compare_values(seeded([1.0, 2.0, 3.0]), seeded([2.0, 4.0, 0.5]), SSE)
    assert found.improvement == pytest.approx((2 + 1.5 + 1) / 9)  # of 1, of 2 with a tie, of 3


def test_hedges_g():
    """Of 20 and 20 pupils with means 5 apart and a standard deviation of 10: d is 0.5, g is 0.5 (1 - 3 / 151)."""
    spread = stats.zscore(np.arange(20.0), ddof=1) * 10
    found = compare_values(seeded(spread + 55), seeded(spread + 50, first=99), EXPLAINED)
    assert found.effect_size == pytest.approx(0.5 * (1 - 3 / 151))


def test_the_number_of_seeds_is_that_of_the_textbook():
    """R's `power.t.test(delta = 0.5, sd = 1, power = 0.8, type = "paired")` prints n = 33.37."""
    gaps = stats.zscore([1.0, -1.0, 2.0, -2.0, 0.5], ddof=1) + 0.5
    found = compare_values(seeded(gaps + 9), seeded([9.0] * 5), EXPLAINED)
    assert (found.verdict, found.num_needed) == ("not told apart", 34)
    assert compare_values(seeded(OURS), seeded(THEIRS), SSE).num_needed is None


def test_holm():
    """By hand: three times the least, twice the next, and none less than the one before."""
    assert holm([0.02, 0.01, None, 0.03]) == [pytest.approx(0.04), pytest.approx(0.03), None, pytest.approx(0.04)]
    assert holm([0.5, 0.9]) == [1.0, 1.0]


def test_configurations_are_compared_on_validation_or_test(sweep):
    made = configurations(sweep(lambda size, rate, seed: 4 / size + rate * (1 + seed / 9), seeds=tuple(range(5))))
    one, other = (next(one for one in made if one.settings["optimizer.learning_rate"] == rate) for rate in (0.1, 0.2))
    for split in ("validation", "test"):
        assert compare_values(one.values("sse", split), other.values("sse", split), SSE).verdict == "better"
    assert compare_values(one.values("sse"), one.values("sse"), SSE).verdict == "equal"
    assert compare_values(one.values("sse", "corrupted"), other.values("sse", "corrupted"), SSE) is None
