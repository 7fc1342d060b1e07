"""Two configurations, or one and PCA: how far apart, how surely, and how many seeds it would take to tell."""

import math
from collections.abc import Container, Hashable, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np

from ae_jax.results.statistics import (
    CONFIDENCE,
    FEWEST,
    SAME,
    Estimate,
    Interval,
    estimate,
    geometric,
    independent,
    parted,
    same,
    t_quantile,
)
from ae_jax.runs.measures import Measure

Verdict = Literal["better", "worse", "equal", "not told apart", "too few seeds to tell"]
Place = tuple[Hashable, Hashable]
"""A random split of the data, and a seed. What has no seed, such as PCA, has None there."""
Values = Mapping[Place, float]
Pairs = list[tuple[Place, Place]]

MOST_SEEDS = 1000
LEVEL = 1 - CONFIDENCE
"""Of p values, corrected where there are several, up to which something is told."""
_POWER = 0.8


class Comparison(NamedTuple):
    """One of two, A, against the other, B.

    Attributes:
        num: How many pairs; of what does not pair, the smaller number of values.
        paired: Whether each value of A has a partner in B: same split and seed, or the one value that B has of a split.
        difference: A minus B.
        ratio: A divided by B, geometric mean; None of measures whose zero does not mean none, and where one is not
            positive.
        p: Two-sided p value of Student's t on that which decides; None where there are too few values.
        improvement: Probability that a run of A is better than a run of B, ties counted half.
        effect_size: Hedges' g, the difference in standard deviations of runs; positive where A is larger. None without
            spread.
        verdict: What is told of A. The ratio decides where there is one, else the difference.
        separation: Mean of what decides, in standard deviations of what varies independently; None without spread.
    """

    num: int
    paired: bool
    difference: Estimate
    ratio: Estimate | None
    p: float | None
    improvement: float
    effect_size: float | None
    verdict: Verdict
    separation: float | None

    @property
    def num_needed(self) -> int | None:
        """Pairs with which Student's t would tell a difference of this size in four of five times.

        None where it is told, where nothing is known of it, and where not even `MOST_SEEDS` would do.
        """
        from scipy.special import nctdtr

        if self.verdict not in ("not told apart", "too few seeds to tell") or not self.separation:
            return None
        for num in range(2, MOST_SEEDS + 1):
            if 1 - nctdtr(num - 1, abs(self.separation) * math.sqrt(num), t_quantile(float(num - 1))) >= _POWER:
                return max(num, FEWEST)
        return None


def compare_values(ours: Values, theirs: Values, measure: Measure, *, interval: Interval = "t") -> Comparison | None:
    """Compare values of a measure; None where one side has none.

    Values pair where both have the same splits and seeds (see `common_places`), or where one has no seeds and the same
    splits. Other values are compared by Welch's t.

    Args:
        ours: Those of A.
        theirs: Those of B.
        measure: What was measured.
        interval: Of pairs; those that do not pair always have t.
    """
    if not ours or not theirs:
        return None
    in_logs = measure.has_ratio and all(value > 0 for side in (ours, theirs) for value in side.values())
    pairs = _pairs(ours, theirs)
    a, b = np.array(list(ours.values())), np.array(list(theirs.values()))
    if pairs is not None:
        splits, seconds = [split for (split, _), _ in pairs], [theirs[other] for _, other in pairs]
        firsts = [ours[one] for one, _ in pairs]
        gaps = np.subtract(firsts, seconds)
        difference = estimate(gaps, interval=interval, splits=splits)
        ratio = geometric(np.divide(firsts, seconds), interval=interval, splits=splits) if in_logs else None
        deciding = np.log(np.divide(firsts, seconds)) if in_logs else gaps
        mean, error, free = _one_sample(deciding, splits)
        num = len(pairs)
    else:
        difference, mean, error, free = _welch(a, b)
        ratio = None
        if in_logs:
            logs, mean, error, free = _welch(np.log(a), np.log(b))
            ratio = Estimate(logs.num, *(None if x is None else math.exp(x) for x in logs[1:5]))  # type: ignore[arg-type] # mean, median
        num = min(len(a), len(b))
    equal = _equal(ours, theirs, pairs)
    told = _excludes(ratio, 1.0) if ratio else _excludes(difference, 0.0)
    verdict = _verdict(num, mean, measure, equal=equal, told=told)
    return Comparison(
        num,
        pairs is not None,
        difference,
        ratio,
        1.0 if equal else _p(mean, error, free),
        _improvement(a, b, measure),
        _effect_size(np.log(a) if in_logs else a, np.log(b) if in_logs else b),
        verdict,
        mean / (error * math.sqrt(free + 1)) if error > 0 else None,
    )


def common_places(ours: Values, theirs: Values) -> list[Place]:
    """The splits and seeds that both have, where they are enough to pair: five, or all that one side has."""
    common = [place for place in ours if place in theirs]
    return common if len(common) >= min(FEWEST, len(ours), len(theirs)) else []


def partner(place: Place, others: Container[Place]) -> Place | None:
    """What stands beside a split and seed: the same, or what the split has without seed; None where there is none."""
    return next((one for one in (place, (place[0], None)) if one in others), None)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """P values of several comparisons, corrected so that of all that are true of no difference, 5 % show one at all.

    Reference: Holm 1979, *Scand. J. Statist.* 6:65.
    """
    known = sorted((p, at) for at, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, at) in enumerate(known):
        largest = max(largest, min(1.0, (len(known) - rank) * p))
        corrected[at] = largest
    return corrected


def _pairs(ours: Values, theirs: Values) -> Pairs | None:
    """Which value of one goes with which of the other; None where they do not pair."""
    if all(seed is None for _, seed in theirs):
        found: Pairs = [(one, (one[0], None)) for one in ours if (one[0], None) in theirs]
        return found if len(found) == len(ours) else None
    if all(seed is None for _, seed in ours):
        found = [((one[0], None), one) for one in theirs if (one[0], None) in ours]
        return found if len(found) == len(theirs) else None
    return [(one, one) for one in common_places(ours, theirs)] or None


def _one_sample(values: np.ndarray, splits: Sequence[Hashable]) -> tuple[float, float, float]:
    """Mean, its standard error and degrees of freedom: over splits where there are several."""
    units = independent(parted(values.tolist(), splits))
    error = float(units.std(ddof=1)) / math.sqrt(len(units)) if len(units) > 1 else math.nan
    return float(units.mean()), error, float(len(units) - 1)


def _welch(a: np.ndarray, b: np.ndarray) -> tuple[Estimate, float, float, float]:
    """The difference of two means with its interval, standard error and degrees of freedom.

    Reference: Welch 1947, *Biometrika* 34:28.
    """
    mean, median = float(a.mean() - b.mean()), float(np.median(a) - np.median(b))
    num = min(len(a), len(b))
    # A single value, as PCA's of other data would be, is taken as it is.
    parts = [float(x.var(ddof=1)) / len(x) if len(x) > 1 else 0.0 for x in (a, b)]
    error = math.sqrt(sum(parts))
    divisor = sum(part**2 / (len(x) - 1) for part, x in zip(parts, (a, b), strict=True) if len(x) > 1)
    free = sum(parts) ** 2 / divisor if divisor else float(max(len(a), len(b)) - 1)
    if num < 2 or not free:
        return Estimate(num, mean, median, None, None), mean, math.nan, 0.0
    half = t_quantile(free) * error
    return Estimate(num, mean, median, mean - half, mean + half), mean, error, free


def _equal(ours: Values, theirs: Values, pairs: Pairs | None) -> bool:
    if pairs is not None:
        return all(same(ours[one], theirs[other]) for one, other in pairs)
    first = next(iter(ours.values()))
    return all(same(first, value) for value in (*ours.values(), *theirs.values()))


def _excludes(deciding: Estimate, nothing: float) -> bool:
    return deciding.low is not None and deciding.high is not None and not deciding.low <= nothing <= deciding.high


def _verdict(num: int, mean: float, measure: Measure, *, equal: bool, told: bool) -> Verdict:
    if equal:
        return "equal"
    if num < FEWEST:
        return "too few seeds to tell"
    if not told:
        return "not told apart"
    return "better" if (mean > 0) == measure.more_is_better else "worse"


def _p(mean: float, error: float, free: float) -> float | None:
    from scipy.special import stdtr

    if not free or math.isnan(error):
        return None
    if error <= 1e-12 * abs(mean):
        return 0.0
    return float(2 * stdtr(free, -abs(mean) / error))


def _improvement(a: np.ndarray, b: np.ndarray, measure: Measure) -> float:
    """Reference: Agarwal et al. 2021, NeurIPS, arXiv:2108.13264."""
    gaps = (a[:, None] - b[None]) * (1 if measure.more_is_better else -1)
    ties = np.isclose(a[:, None], b[None], rtol=SAME, atol=0)
    return float(((gaps > 0) & ~ties).mean() + ties.mean() / 2)


def _effect_size(a: np.ndarray, b: np.ndarray) -> float | None:
    """Reference: Hedges 1981, *J. Educ. Statist.* 6:107."""
    sides = [x for x in (a, b) if len(x) > 1]
    free = sum(len(x) - 1 for x in sides)
    if not free:
        return None
    pooled = math.sqrt(sum((len(x) - 1) * x.var(ddof=1) for x in sides) / free)
    gap = float(a.mean() - b.mean())
    if pooled <= 1e-12 * max(abs(float(a.mean())), abs(gap)):
        return None
    return gap / pooled * (1 - 3 / (4 * free - 1))
