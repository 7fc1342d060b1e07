"""Means over seeds with their intervals, and a cross on those of which other seeds diverged."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter
from matplotlib.transforms import Bbox

from ae_jax.figures.style import NEUTRAL, PCA, plain_log_ticks
from ae_jax.results.statistics import Estimate
from ae_jax.runs.measures import Measure

_MARKER, _AWAY = 2.6, 3.0  # points: half of a marker, and from its centre to a text
_CLOSE = 12.0  # points between two that share a text
_SIDES = ((1, 1), (-1, 1), (1, -1), (-1, -1), (0, 1), (0, -1), (1, 0), (-1, 0), (2, 2), (-2, 2), (2, -2), (-2, -2))

_HALO = [patheffects.withStroke(linewidth=2, foreground="white")]  # lines of the grid pass below numbers
_PREFIXES = {3: "k", 6: "M", 9: "G", 12: "T"}

PCA_LOOK: dict[str, Any] = {"color": PCA, "linestyle": ":", "marker": "d", "linewidth": 1.6}
"""PCA where it stands at single points."""


ROUNDING = 1e-9
"""Part of an error, or of PCA's largest, below which PCA's is rounding."""


class Mean(NamedTuple):
    """A point of a figure.

    Attributes:
        x: Where it stands; of one value where it is no estimate.
        y: The measure.
        num_diverged: How many other seeds diverged.
    """

    x: Estimate
    y: Estimate
    num_diverged: int = 0


def draw_means(axes: Axes, means: Sequence[Mean], **style: Any) -> Line2D:
    """Draw points with intervals in both directions, as far as they have any. `style` goes to `Axes.plot`."""
    bar = {"color": style["color"], "linewidth": 1.0, "zorder": style.get("zorder", 2)}
    for mean in means:
        if mean.y.low is not None and mean.y.high is not None:
            axes.vlines(mean.x.mean, mean.y.low, mean.y.high, **bar)
        if mean.x.low is not None and mean.x.high is not None:
            axes.hlines(mean.y.mean, mean.x.low, mean.x.high, **bar)
    (line,) = axes.plot([mean.x.mean for mean in means], [mean.y.mean for mean in means], **style)
    return line


def mark_diverged(axes: Axes, means: Sequence[Mean]) -> list[Line2D]:
    """A cross on means over those seeds only that did not diverge; nothing where there are none."""
    marked = [mean for mean in means if mean.num_diverged]
    if not marked:
        return []
    x, y = [mean.x.mean for mean in marked], [mean.y.mean for mean in marked]
    return axes.plot(x, y, "x", color=NEUTRAL, markersize=7, label="other seeds diverged", zorder=3)


def scale_measure(axes: Axes, means: Sequence[Mean], unit: Measure) -> list[Mean]:
    """A logarithmic axis for errors, unless one is 0; with its name. Returns what is rounding, and so below it."""
    axes.set_ylabel(unit.label)
    values = [mean.y.mean for mean in means]
    if unit.more_is_better or min(values) <= 0:
        return []
    below = [mean for mean in means if mean.y.mean <= ROUNDING * max(values)]
    axes.set_yscale("log", nonpositive="mask")
    if below:
        seen = [mean.y for mean in means if mean not in below]
        axes.set_ylim(0.6 * min(y.low or y.mean for y in seen), 1.6 * max(y.high or y.mean for y in seen))
    plain_log_ticks(axes.yaxis)
    return below


def name_costs(figure: Figure, axes: Axes) -> None:
    """Short numbers on a logarithmic horizontal axis, such as 20k, as far as they have room. Call it at last."""
    plain_log_ticks(axes.xaxis)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda number, _: _with_prefix(number)))
    figure.draw_without_rendering()
    low, high = axes.get_xlim()
    kept, end = list[float](), -math.inf
    for tick, label in zip(axes.get_xticks(), axes.get_xticklabels(), strict=True):
        box = label.get_window_extent()
        if low <= tick <= high and box.x0 > end:
            kept.append(float(tick))
            end = box.x1 + 0.5 * box.height
    axes.xaxis.set_major_locator(FixedLocator(kept))


def _with_prefix(number: float) -> str:
    power = max((power for power in _PREFIXES if number >= 10**power), default=0)
    return f"{number / 10**power:g}{_PREFIXES.get(power, '')}"


def write_beside(
    figure: Figure, axes: Axes, texts: Sequence[tuple[Mean, str, str]], *, path: Sequence[tuple[float, float]] = ()
) -> None:
    """Write a text beside each point, in a colour, where it covers no point, interval or text, or not at all.

    Points close to each other have the same text once.

    Call it last, when the figure has its size.

    Args:
        figure: The figure.
        axes: Where the points are.
        texts: Points, texts and colours.
        path: The corners of a line that is to be kept free as well.
    """
    figure.draw_without_rendering()
    taken = [box for mean, *_ in texts for box in _places(axes, mean)]
    corners = axes.transData.transform(path) if path else ()
    taken += [Bbox([np.minimum(*ends), np.maximum(*ends)]).padded(_dots(_MARKER)) for ends in pairwise(corners)]
    written: list[tuple[str, str, np.ndarray]] = []
    for mean, text, colour in texts:
        at = axes.transData.transform((mean.x.mean, mean.y.mean))
        if any((text, colour) == (*one,) and np.hypot(*(at - other)) < _dots(_CLOSE) for *one, other in written):
            continue
        placed = write_near(axes, text, (mean.x.mean, mean.y.mean), taken, colour=colour)
        if placed:
            taken.append(placed.padded(_dots(0.5)))
            written.append((text, colour, at))


def _places(axes: Axes, mean: Mean) -> list[Bbox]:
    """Where a point and its intervals are, in dots."""
    x, y = mean.x, mean.y
    ends = [] if x.low is None or x.high is None else [((x.low, y.mean), (x.high, y.mean))]
    ends += [] if y.low is None or y.high is None else [((x.mean, y.low), (x.mean, y.high))]
    return [
        box_around(axes, x.mean, y.mean),
        *(Bbox(axes.transData.transform(both)).padded(_dots(0.5)) for both in ends),
    ]


def box_around(axes: Axes, x: float, y: float) -> Bbox:
    """The place of a marker, in dots."""
    half = _dots(_MARKER)
    x, y = axes.transData.transform((x, y))
    return Bbox.from_bounds(x - half, y - half, 2 * half, 2 * half)


def _dots(points: float) -> float:
    return float(points * mpl.rcParams["figure.dpi"] / 72)


def write_near(
    axes: Axes,
    text: str,
    at: tuple[float, float],
    taken: Sequence[Bbox],
    *,
    colour: str,
    sides: Sequence[tuple[int, int]] = _SIDES,
) -> Bbox | None:
    """Write a text beside a place, on the first side where it covers nothing that is taken; its place, None if nowhere.

    Args:
        axes: Whose limits are final.
        text: What to write.
        at: Where, in the units of the axes.
        taken: In dots.
        colour: Of the text.
        sides: To be tried in this order: right is positive, and up, 1 as near as may be.
    """
    for x, y in sides:
        artist = axes.annotate(
            text,
            at,
            xytext=(x * _AWAY, y * _AWAY),
            textcoords="offset points",
            ha="center" if x == 0 else "left" if x > 0 else "right",
            va="center" if y == 0 else "bottom" if y > 0 else "top",
            color=colour,
            fontsize=mpl.rcParams["legend.fontsize"] - 1,
            path_effects=_HALO,
        )
        box = artist.get_window_extent()
        inside = all(axes.bbox.contains(*corner) for corner in box.padded(_dots(_MARKER)).corners())
        if inside and not any(box.overlaps(other) for other in taken):
            return box
        artist.remove()
    return None
