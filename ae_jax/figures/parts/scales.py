"""Scales that end where a measure says nothing more, and their colours: dark or blue is better."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import matplotlib as mpl
from matplotlib.colors import Colormap, LinearSegmentedColormap, LogNorm, Normalize
from matplotlib.ticker import MaxNLocator

from ae_jax.runs.measures import Measure

_MOST_OF_PCA = 4.0
_LEAST_END = 1.25  # so that noise alone has no strong colours
_LOGARITHMIC = 4.0
_ROUNDING = 1e-9  # of the largest error: what PCA with all components has left
MOST_RATIO = 1000  # from which on a number says no more

# Blue where the autoencoder is ahead, grey at 1, orange where PCA is. Each is lighter than the one before it, so that
# without colour, too, no two ratios look alike: in grey, lighter is worse.
_RATIO_COLOURS = (
    (0.0, "#0B2A5B"),
    (0.25, "#2468A8"),
    (0.4, "#6A97C4"),
    (0.5, "#A9A9A9"),
    (0.6, "#DDA25F"),
    (0.75, "#F5AE58"),
    (1.0, "#FFDFB0"),
)


class Scale(NamedTuple):
    """Colours of numbers.

    Attributes:
        colours: From the lowest number to the highest.
        norm: From numbers to the unit interval.
        limits: Where the scale ends.
        ticks: Numbers to be named.
        extend: Whether there are numbers beyond its ends, as `Figure.colorbar` calls it.
    """

    colours: Colormap
    norm: Normalize
    limits: tuple[float, float]
    ticks: list[float]
    extend: str

    def colour(self, value: float) -> tuple[float, float, float, float]:
        """The colour of a number; beyond the ends that of the end."""
        low, high = self.limits
        return self.colours(float(self.norm(min(max(value, low), high))))


def ratio_scale(ratios: Sequence[float]) -> Scale:
    """Of errors divided by PCA's: grey at 1, logarithmic, as far to both sides, at most to four times."""
    ends = [max(ratio, 1 / ratio) if ratio > 0 else math.inf for ratio in ratios]
    end = min(max(*ends, _LEAST_END), _MOST_OF_PCA)
    colours = LinearSegmentedColormap.from_list("ratio", _RATIO_COLOURS)
    ticks = [tick for tick in (0.25, 0.5, 0.8, 1, 1.25, 2, 4) if 1 / end <= tick <= end]
    return Scale(colours, LogNorm(1 / end, end), (1 / end, end), ticks, _extend(ratios, 1 / end, end))


def measure_scale(values: Sequence[float], pca: Sequence[float], measure: Measure) -> Scale:
    """Of a measure's values and PCA's, so that runs that went astray do not press the others into one place.

    Errors end at four times PCA's largest, or the best autoencoder's where that is larger; measures of which more is
    better at 0, where values lie beyond; what PCA has not, nowhere. What is left of an error by rounding is beyond the
    end as well.
    """
    both = [*values, *pca]
    if measure.has_ratio:
        both = [value for value in both if not is_rounding(value, beside=max(both))] or both
    low, high = min(both), max(both)
    if measure.more_is_better:
        low = max(low, 0.0) if high > 0 else low
    elif pca:
        high = min(high, _MOST_OF_PCA * max(*pca, min(values)) or high)
    if low == high:
        low, high = low - abs(low) / 10 - 1e-9, high + abs(high) / 10 + 1e-9
    viridis = mpl.colormaps["viridis_r" if measure.more_is_better else "viridis"]
    logarithmic = low > 0 and high / low >= _LOGARITHMIC and not measure.more_is_better
    norm = LogNorm(low, high) if logarithmic else Normalize(low, high)
    ticks = log_ticks(low, high) if logarithmic else list(MaxNLocator(5).tick_values(low, high))
    ticks = [float(tick) for tick in ticks if low <= tick <= high]
    return Scale(viridis, norm, (low, high), ticks, _extend([*values, *pca], low, high))


def is_rounding(error: float, *, beside: float) -> bool:
    """Whether an error is nothing but rounding, as PCA's is with all components, beside one that is none."""
    return error <= _ROUNDING * beside


def short_ratio(value: float) -> str:
    """A ratio for a small place: 0.79, 1.00, 12.3, 466, >999."""
    if value >= MOST_RATIO:
        return f">{MOST_RATIO - 1}"
    return f"{value:.2f}" if value < 9.995 else f"{value:#.3g}".rstrip(".")


def visible_limits(values: Sequence[float], pca: Sequence[float], measure: Measure) -> tuple[float, float]:
    """Between what values are drawn on an axis; those that went astray would press the others into one place."""
    low, high = measure_scale(values, pca, measure).limits
    return (low - (high - low) / 2, math.inf) if measure.more_is_better else (-math.inf, high)


def short_number(value: float) -> str:
    """A number for a small place, of three digits at most: 0.790, 12.3, 2e6."""
    if value and not 1e-3 <= abs(value) < 1e4:
        mantissa, exponent = f"{value:.0e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    return f"{value:#.3g}".rstrip(".")


def _extend(values: Sequence[float], low: float, high: float) -> str:
    below, above = min(values) < low, max(values) > high
    return {(True, True): "both", (True, False): "min", (False, True): "max"}.get((below, above), "neither")


def log_ticks(low: float, high: float) -> list[float]:
    """1, 2, 5, 10, …, or powers of ten alone where those are many."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [step * 10.0**decade for decade in decades for step in (1, 2, 5) if low <= step * 10.0**decade <= high]
    return ticks if len(ticks) <= 9 else [10.0**decade for decade in decades]
