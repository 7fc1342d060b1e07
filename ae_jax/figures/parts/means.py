"""Means over seeds with their intervals, and a cross on those of which other seeds diverged."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import Bbox

from ae_jax.figures.style import NEUTRAL, PCA, plain_log_ticks
from ae_jax.results.measures import Measure
from ae_jax.results.statistics import Estimate

_MARKER, _AWAY = 2.0, 2.5  # points: half of a marker, and from its centre to a text
_SIDES = ((1, 1), (-1, 1), (1, -1), (-1, -1), (0, 1), (0, -1), (1, 0), (-1, 0))

PCA_LOOK: dict[str, Any] = {"color": PCA, "linestyle": ":", "marker": "d", "linewidth": 1.6}
"""PCA where it stands at single points."""


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
    colour = style["color"]
    for mean in means:
        if mean.y.low is not None and mean.y.high is not None:
            axes.vlines(mean.x.mean, mean.y.low, mean.y.high, color=colour, linewidth=1.0)
        if mean.x.low is not None and mean.x.high is not None:
            axes.hlines(mean.y.mean, mean.x.low, mean.x.high, color=colour, linewidth=1.0)
    (line,) = axes.plot([mean.x.mean for mean in means], [mean.y.mean for mean in means], **style)
    return line


def mark_diverged(axes: Axes, means: Sequence[Mean]) -> list[Line2D]:
    """A cross on means over those seeds only that did not diverge; nothing where there are none."""
    marked = [mean for mean in means if mean.num_diverged]
    if not marked:
        return []
    x, y = [mean.x.mean for mean in marked], [mean.y.mean for mean in marked]
    return axes.plot(x, y, "x", color=NEUTRAL, markersize=7, label="other seeds diverged", zorder=3)


def scale_measure(axes: Axes, means: Sequence[Mean], unit: Measure) -> None:
    """A logarithmic axis for errors, unless one is 0; with its name."""
    axes.set_ylabel(unit.label)
    if not unit.more_is_better and min(mean.y.mean for mean in means) > 0:
        axes.set_yscale("log", nonpositive="mask")
        plain_log_ticks(axes.yaxis)


def name_decades(figure: Figure, axes: Axes) -> None:
    """Plain numbers on a logarithmic horizontal axis; powers of ten where those are long. Call it at last."""
    plain_log_ticks(axes.xaxis)
    figure.draw_without_rendering()
    low, high = axes.get_xlim()
    decades = list(range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1))
    width = sum(label.get_window_extent().width for label in axes.get_xticklabels() if label.get_text())
    if len(decades) > 1 and (width > 0.6 * axes.bbox.width or high >= 1e6):
        axes.set_xticks([10.0**power for power in decades], labels=[f"$10^{{{power}}}$" for power in decades])


def write_beside(figure: Figure, axes: Axes, texts: Sequence[tuple[Mean, str, str]]) -> None:
    """Write a text beside each point, in a colour, where it covers no point and no other text, or not at all.

    Call it last, when the figure has its size.
    """
    figure.draw_without_rendering()
    taken = [box_around(axes, mean.x.mean, mean.y.mean) for mean, *_ in texts]
    for (mean, text, colour), own in zip(texts, list(taken), strict=True):
        others = [box for box in taken if box is not own]
        placed = write_near(axes, text, (mean.x.mean, mean.y.mean), others, colour=colour)
        taken += [placed] if placed else []


def box_around(axes: Axes, x: float, y: float) -> Bbox:
    """The place of a marker, in dots."""
    half = _MARKER * axes.get_figure(root=True).dpi / 72
    x, y = axes.transData.transform((x, y))
    return Bbox.from_bounds(x - half, y - half, 2 * half, 2 * half)


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
        sides: To be tried in this order: right is positive, and up.
    """
    for x, y in sides:
        artist = axes.annotate(
            text,
            at,
            xytext=(x * _AWAY, y * _AWAY),
            textcoords="offset points",
            ha={1: "left", 0: "center", -1: "right"}[x],
            va={1: "bottom", 0: "center", -1: "top"}[y],
            color=colour,
            fontsize=mpl.rcParams["legend.fontsize"] - 1,
        )
        box = artist.get_window_extent()
        inside = all(axes.bbox.contains(*corner) for corner in box.corners())
        if inside and not any(box.overlaps(other) for other in taken):
            return box
        artist.remove()
    return None
