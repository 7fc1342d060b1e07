"""What the examples of a test split tell: how far errors would differ on other examples, and how few carry them.

Errors are squared errors of examples, as `RunFolder.errors` has them. Those of two methods are paired: example by
example, which only makes sense on the same data in the same split (`Run.data`). What varies here is the choice of test
examples, with the trained parameters as they are; what other seeds would give is not in it (`statistics.estimate`).
"""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ae_jax.results.statistics import CONFIDENCE, t_quantile

FEWEST_EXAMPLES = 20
"""Below it there are no intervals: resamples of so few examples tell little more than the examples themselves."""
_NUM_RESAMPLES = 2000
_AT_ONCE = 1 << 20  # resampled examples, so that the memory does not grow with the split
_OUTLYING = 10  # times the mean, from which on the worst examples are worth a warning


class Interval(NamedTuple):
    """A number, and its 95 % interval over test examples; None where there is none."""

    value: float
    low: float | None
    high: float | None


class ExamplesInterval(NamedTuple):
    """What test examples tell of a method, or of two.

    Attributes:
        num: How many examples.
        mean: Mean error of the first method: its test sse.
        other: That of the second; None where there is only one.
        difference: First minus second, example by example.
        ratio: First divided by second, of the means; None where the second has no error.
    """

    num: int
    mean: Interval
    other: Interval | None = None
    difference: Interval | None = None
    ratio: Interval | None = None


class Concentration(NamedTuple):
    """How unevenly examples carry the total error.

    Attributes:
        num: How many examples.
        num_worst: The worst 1 % of them, and at least 2 (1 of a single one).
        share: The share of the total error that those carry; 0 where there is no error.
        num_half: How many examples, the worst first, carry half of the total; 0 where there is no error.
    """

    num: int
    num_worst: int
    share: float
    num_half: int


def examples_interval(
    ours: ArrayLike, theirs: ArrayLike | None = None, *, interval: Literal["bootstrap", "t"] = "bootstrap"
) -> ExamplesInterval:
    """Mean errors, their difference and their ratio, each with a 95 % interval over test examples.

    `bootstrap` draws examples with replacement, 2,000 times, the same ones for both methods, and takes the percentiles
    of what follows (Efron & Tibshirani 1993, chapter 13; they are the same on any scale). `t` is Student's t with n - 1
    degrees of freedom, of the ratio by the delta method on its logarithm. The two agree where no few examples carry the
    error (`concentration`); where some do, both are too narrow.

    The same errors give the same intervals, whatever the order of examples (of pairs) and of seeds.

    Args:
        ours: Squared errors, shape "examples", or "seeds examples", which are averaged over seeds first.
        theirs: Those of another method on the same examples in the same order; it may have another number of seeds.
        interval: How the intervals are made.

    Returns:
        Intervals are None for fewer than `FEWEST_EXAMPLES`, or where an error is not finite.

    Raises:
        ValueError: No examples, or the numbers of examples differ.
    """
    columns = [_over_seeds(errors) for errors in (ours, theirs) if errors is not None]
    if len({len(one) for one in columns}) > 1:
        raise ValueError(f"errors of {len(columns[0])} and {len(columns[1])} examples are no pairs")
    errors = np.stack(columns)
    errors = np.ascontiguousarray(errors[:, np.lexsort(errors[::-1])])  # whatever the order in which they came
    values = _numbers(errors.mean(axis=1))
    ends = np.full((2, len(values)), np.nan)
    if errors.shape[1] >= FEWEST_EXAMPLES and np.isfinite(errors).all():
        ends = _t(errors) if interval == "t" else _bootstrap(errors)
    told = [_interval(*one) for one in zip(values.tolist(), *ends.tolist(), strict=True)]
    ratio_is_known = len(told) == 1 or np.isfinite(values[-1])
    return ExamplesInterval(errors.shape[1], *(told if ratio_is_known else told[:-1]))


def concentration(errors: ArrayLike) -> Concentration:
    """How few examples carry the error.

    Args:
        errors: Squared errors, shape "examples", or "seeds examples", which are averaged over seeds first.

    Raises:
        ValueError: No examples.
    """
    cumulated = _cumulated(errors)
    num, total = len(cumulated), cumulated[-1]
    num_worst = min(num, max(2, -(-num // 100)))
    if not total > 0:
        return Concentration(num, num_worst, 0.0, 0)
    return Concentration(num, num_worst, float(cumulated[num_worst - 1] / total), _num_carrying(cumulated, 0.5))


def outlier_warning(errors: ArrayLike) -> str | None:
    """Words such as "2 of 359 test examples carry 99 % of the error"; None where the error is spread as it should be.

    It is said where the worst 1 % (at least 2 examples) carry half of the error or more, and have ten times their part
    of it: then the mean tells of them, and of the others the median would.

    Args:
        errors: As of `concentration`.
    """
    found = concentration(errors)
    if found.share < max(0.5, _OUTLYING * found.num_worst / found.num):
        return None
    cumulated = _cumulated(errors)
    few = _num_carrying(cumulated, 0.95 * found.share)
    share = cumulated[few - 1] / cumulated[-1]
    carry = f"carr{'ies' if few == 1 else 'y'} {min(share, 0.99):.0%}".replace("%", " %")
    return f"{few} of {found.num:,} test examples {carry} of the error"


def _over_seeds(errors: ArrayLike) -> np.ndarray:
    """One error for each example, in float64; the order of the seeds does not matter, to the last bit."""
    array = np.asarray(errors, np.float64)
    if array.ndim not in (1, 2) or array.size == 0:
        raise ValueError(f"errors have shape {array.shape}, expected (examples,) or (seeds, examples)")
    return array if array.ndim == 1 else np.sort(array, axis=0).mean(axis=0)


def _cumulated(errors: ArrayLike) -> np.ndarray:
    """The errors added up, the worst first; one that is not finite carries everything."""
    array = _over_seeds(errors)
    array = array if np.isfinite(array).all() else (~np.isfinite(array)).astype(float)
    return np.cumsum(np.sort(array)[::-1])


def _num_carrying(cumulated: np.ndarray, share: float) -> int:
    """The fewest examples that carry a share of the total."""
    return int(np.searchsorted(cumulated, share * cumulated[-1])) + 1


def _interval(value: float, low: float, high: float) -> Interval:
    return Interval(value, low, high) if np.isfinite([low, high]).all() else Interval(value, None, None)


def _numbers(means: np.ndarray) -> np.ndarray:
    """What is told of means, shape "methods …": they, and of two their difference and ratio."""
    if len(means) == 1:
        return means
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.stack([*means, means[0] - means[1], means[0] / means[1]])


def _bootstrap(errors: np.ndarray) -> np.ndarray:
    """Ends of the intervals of `_numbers`, of errors of shape "methods examples"."""
    rng, num = np.random.default_rng(0), errors.shape[1]
    some = max(1, _AT_ONCE // num)
    means = []
    for start in range(0, _NUM_RESAMPLES, some):
        drawn = rng.integers(num, size=(min(some, _NUM_RESAMPLES - start), num), dtype=np.int32)
        means.append([one[drawn].mean(axis=1) for one in errors])  # the same draws for both methods
    tail = (1 - CONFIDENCE) / 2
    with np.errstate(invalid="ignore"):
        return np.quantile(_numbers(np.concatenate(means, axis=1)), [tail, 1 - tail], axis=1)


def _t(errors: np.ndarray) -> np.ndarray:
    """As `_bootstrap`."""
    num, means = errors.shape[1], errors.mean(axis=1, keepdims=True)
    values = _numbers(means[:, 0])
    away = t_quantile(float(num - 1)) / np.sqrt(num)
    if len(errors) == 1:
        reach = away * errors.std(axis=1, ddof=1)
        return np.stack([values - reach, values + reach])
    with np.errstate(divide="ignore", invalid="ignore"):
        # log(a / b), a and b means, varies as a_i / a - b_i / b does.
        parts = np.stack([*errors, errors[0] - errors[1], errors[0] / means[0] - errors[1] / means[1]])
        reach = away * parts.std(axis=1, ddof=1)
        of_ratio = values[3] * np.exp([-reach[3], reach[3]])
    return np.stack([np.append(values[:3] - reach[:3], of_ratio[0]), np.append(values[:3] + reach[:3], of_ratio[1])])
