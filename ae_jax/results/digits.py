"""Numbers at the precision that was measured.

    half = (high - low) / 2
    decimals: those that show two significant digits of `half`, for the value and both ends alike

Without an interval, or with one of no width, a value has four significant digits. None has more than six: measures are
sums of float32, which has seven. What is positive is not printed as 0, unless it is a thousandth of the mean.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from ae_jax.results.compare import Comparison
from ae_jax.results.statistics import Estimate, same

_OF_HALF_WIDTH, _OF_VALUE, _OF_PAIR, _AT_MOST = 2, 4, 5, 6
_TIMES = 2.0  # from this ratio on, it is said as a number of times
_TIMES_PCA = "\N{MULTIPLICATION SIGN} PCA's"
_THOUSAND = 1000
_OVER = ">1e6"  # times rounding, such as PCA's error with all components
_ROUNDING = 1e-12  # and below this part of the largest of numbers that stand beside each other: as 0
_FEWEST_DIGITS = 3  # of the smallest of those that have the same decimals
_SMALLEST_P = 1e-16
_PLAIN = (1e-4, 1e6)  # what lies outside is written with a power of ten
_HIDDEN = 1e-3  # of a mean: a positive end below may look like 0


class Printed(NamedTuple):
    """An estimate as text.

    Attributes:
        value: Its mean.
        interval: "[low, high]" at the same decimals, empty where there is none.
    """

    value: str
    interval: str


def printed(estimate: Estimate, *, beside: Sequence[Estimate] = ()) -> Printed:
    """Print a mean and its interval; powers of ten, where needed, are the same in all three.

    Args:
        estimate: What is printed.
        beside: What it is compared with: they have the same decimals, so that what is told apart looks different, as
            far as six digits of the larger show three of the smaller.
    """
    if _is_negligible(estimate, beside):
        decimals = _decimals(max(beside, key=_size))
        return Printed(_fixed(0.0, min(decimals, _AT_MOST)), "")
    compared = [one for one in beside if not _is_negligible(one, [estimate])]
    value, *ends = _print(_numbers(estimate), _shared_decimals(estimate, compared))
    return Printed(value, f"[{ends[0]}, {ends[1]}]" if ends else "")


def alike(*numbers: float, digits: int = _OF_PAIR) -> list[str]:
    """Print numbers that stand beside each other: so many significant digits of the smallest, the same decimals in all.

    Where six digits of the largest hide the smallest, each has its own.
    """
    finite = [number for number in numbers if math.isfinite(number)]
    largest = max(map(abs, finite), default=0.0)
    smallest = min((abs(number) for number in finite if abs(number) > _ROUNDING * min(1.0, largest)), default=0.0)
    decimals = digits - 1 - _exponent(smallest, digits)
    room = _AT_MOST - 1 - _exponent(largest, _AT_MOST)
    if room < min(_FEWEST_DIGITS, digits) - 1 - _exponent(smallest, digits):
        texts = iter([_print([number], digits - 1 - _exponent(abs(number), digits))[0] for number in finite])
    else:
        texts = iter(_print(finite, decimals) if finite else [])
    return [next(texts) if math.isfinite(number) else f"{number}" for number in numbers]


def printed_gap(gap: Estimate, nothing: float) -> Printed:
    """Print a difference or ratio with its interval, of which no end looks like nothing that is not.

    Args:
        gap: The difference or ratio.
        nothing: What it is of two that are equal: 0, or 1. Ratios above a million are no more than that.
    """
    if nothing and gap.mean > _PLAIN[1]:
        return Printed(_OVER, "")
    plain = printed(gap)
    near = [abs(end - nothing) for end in (gap.low, gap.high) if end is not None and not same(end, nothing)]
    if not plain.interval or not near or nothing not in map(float, plain.interval[1:-1].split(", ")):
        return plain
    reach = 10 * min(near)  # shows one digit of it
    return printed(gap, beside=[Estimate(gap.num, nothing, nothing, nothing - reach, nothing + reach)])


def change_text(found: Comparison, *, word: str = "") -> str:
    """How far A is from B: "better by 13.1% [10.7, 14.5]", "0.044 higher", or so many times PCA's.

    Args:
        found: What is compared.
        word: better or worse, where that is told; else it is said which is larger.
    """
    if found.ratio is None:
        gap, unit = found.difference, ""
    elif found.ratio.mean >= _TIMES:
        value, interval = printed_gap(found.ratio, 1.0)
        return f"{value} {_TIMES_PCA} {interval}".strip()
    else:
        low, high = (None if end is None else 100 * (end - 1) for end in (found.ratio.low, found.ratio.high))
        gap, unit = Estimate(found.ratio.num, 100 * (found.ratio.mean - 1), 0.0, low, high), "%"
    larger = gap.mean > 0
    if gap.low is not None and gap.high is not None and not larger:
        gap = gap._replace(low=-gap.high, high=-gap.low)
    if not word and abs(gap.mean) <= _ROUNDING:
        return "equal"
    if not word:
        return f"{_three(abs(gap.mean))}{unit} {'higher' if larger else 'lower'}"
    value, interval = printed_gap(gap._replace(mean=abs(gap.mean)), 0.0)
    return f"{word} by {value}{unit} {interval}".strip()


def p_text(p: float | None) -> str:
    """A p value at two digits; nothing where there is none, and no 0 where it is smaller than arithmetic tells."""
    if p is None:
        return ""
    return f"{p:#.2g}" if p >= _SMALLEST_P else f"<{_SMALLEST_P:g}"


def difference_text(ours: float, theirs: float, *, has_ratio: bool) -> str:
    """How far one number is from another, without a verdict: "27.9% lower", "0.0440 higher", or so many times PCA's."""
    if same(ours, theirs):
        return "equal"
    word = "higher" if ours > theirs else "lower"
    if not has_ratio or theirs <= 0:
        return f"{_three(abs(ours - theirs))} {word}"
    if ours / theirs >= _TIMES:
        return f"{_times(ours / theirs)} {_TIMES_PCA}"
    return f"{_three(100 * abs(ours - theirs) / theirs)}% {word}"


def _times(ratio: float) -> str:
    return _OVER if ratio > _PLAIN[1] else f"{ratio:,.0f}" if ratio >= _THOUSAND else _three(ratio)


def _three(number: float) -> str:
    """Three significant digits, so that those of a column are alike."""
    return f"{number:#.3g}".rstrip(".")


def _numbers(estimate: Estimate) -> list[float]:
    if estimate.low is None or estimate.high is None:
        return [estimate.mean]
    return [estimate.mean, estimate.low, estimate.high]


def _size(estimate: Estimate) -> float:
    return max(map(abs, _numbers(estimate)))


def _is_negligible(estimate: Estimate, beside: Sequence[Estimate]) -> bool:
    return bool(beside) and _size(estimate) < _ROUNDING * min(1.0, max(map(_size, beside)))


def _shared_decimals(estimate: Estimate, beside: Sequence[Estimate]) -> int:
    """The same for each of those that stand beside each other, unless the larger hides the smaller."""
    group = (estimate, *beside)
    most = max(map(_decimals, group))
    means = [abs(one.mean) for one in group if one.mean]
    largest = max(map(_size, group))
    room = _AT_MOST - 1 - _exponent(largest, _AT_MOST) if largest else most
    if most <= room or not means:
        return most
    return room if room >= _FEWEST_DIGITS - 1 - _exponent(min(means), _FEWEST_DIGITS) else _decimals(estimate)


def _decimals(estimate: Estimate) -> int:
    numbers = _numbers(estimate)
    largest = max(map(abs, numbers))
    if largest == 0:
        return 0
    half_width = (estimate.high - estimate.low) / 2 if estimate.low is not None and estimate.high is not None else 0.0
    if half_width <= 0:
        return _OF_VALUE - 1 - _exponent(largest, _OF_VALUE)
    decimals = _OF_HALF_WIDTH - 1 - _exponent(half_width, _OF_HALF_WIDTH)
    shown = [number for number in numbers if number >= estimate.mean * _HIDDEN] if min(numbers) > 0 else []
    while any(round(number, decimals) == 0 for number in shown):
        decimals += 1
    return decimals


def _print(numbers: list[float], decimals: int) -> list[str]:
    largest = max(map(abs, numbers))
    if largest == 0:
        return ["0"] * len(numbers)
    decimals = min(decimals, _AT_MOST - 1 - _exponent(largest, _AT_MOST))
    if _PLAIN[0] <= largest <= _PLAIN[1]:
        return [_fixed(number, decimals) for number in numbers]
    power = _exponent(largest, max(1, decimals + _exponent(largest, _AT_MOST) + 1))
    return [f"{_fixed(number / 10.0**power, decimals + power)}e{power}" for number in numbers]


def _exponent(number: float, digits: int) -> int:
    """The power of ten of its first digit, once it is rounded to so many."""
    return int(f"{number:.{digits - 1}e}".partition("e")[2])


def _fixed(number: float, decimals: int) -> str:
    rounded = round(number, decimals)
    return f"{rounded if rounded else 0.0:.{max(decimals, 0)}f}"  # no minus before zero
