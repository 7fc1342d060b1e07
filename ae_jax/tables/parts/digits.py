"""Numbers at the precision that was measured.

    half = (high - low) / 2
    decimals: those that show two significant digits of `half`, for the value and both ends alike

Without an interval, or with one of no width, a value has four significant digits. None has more than six: measures are
sums of float32, which has seven.
"""

from typing import NamedTuple

from ae_jax.results.statistics import Estimate

_OF_HALF_WIDTH, _OF_VALUE, _AT_MOST = 2, 4, 6
_PLAIN = (1e-4, 1e6)  # what lies outside is written with a power of ten


class Printed(NamedTuple):
    """An estimate as text.

    Attributes:
        value: Its mean.
        interval: "[low, high]" at the same decimals, empty where there is none.
    """

    value: str
    interval: str


def printed(estimate: Estimate) -> Printed:
    """Print a mean and its interval; powers of ten, where needed, are the same in all three."""
    if estimate.low is None or estimate.high is None:
        return Printed(_print([estimate.mean], half_width=0.0)[0], "")
    half_width = (estimate.high - estimate.low) / 2
    mean, low, high = _print([estimate.mean, estimate.low, estimate.high], half_width=half_width)
    return Printed(mean, f"[{low}, {high}]")


def _print(numbers: list[float], *, half_width: float) -> list[str]:
    largest = max(map(abs, numbers))
    if largest == 0:
        return ["0"] * len(numbers)
    decimals = _OF_VALUE - 1 - _exponent(largest, _OF_VALUE)
    if half_width > 0:
        decimals = _OF_HALF_WIDTH - 1 - _exponent(half_width, _OF_HALF_WIDTH)
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
