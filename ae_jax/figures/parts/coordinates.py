"""The axes of parallel coordinates."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.markers import TICKLEFT, TICKRIGHT
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Affine2D, BboxTransformTo, ScaledTranslation, Transform, blended_transform_factory

from ae_jax.figures.parts.common import broken, text_size
from ae_jax.figures.parts.scales import log_ticks
from ae_jax.figures.parts.swept import Point, value_label, values_of
from ae_jax.figures.style import figure_size

_FEW_VALUES = 8
_MOST_LINES = 3  # of the name of an axis, before it is turned
_LINE = 1.15  # heights of a text, from one to the next
_NAMES = 0.22  # of the width, for the names of values
_FRAME = 0.6  # inches, for what stands below the axes
_AWAY, _LEADER = 4.0, 14.0  # points from an axis to a name, and of the line to a name beyond those of the ticks
_PATCH: dict[str, Any] = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}


class Coordinate(NamedTuple):
    """The axis of a key.

    Attributes:
        heights: Of each value, by what it is called; from 0 to 1.
        ticks: Heights that are named.
    """

    heights: dict[str, float]
    ticks: dict[str, float]


def coordinate(key: str, sweep: Sequence[Point]) -> Coordinate:
    """The axis of a key: few values at equal distances, many numbers on a line, logarithmic from a decade on."""
    values = values_of(key, sweep)
    names = [value_label(value) for value in values]
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) < len(values) or len(values) <= _FEW_VALUES:
        heights = {name: index / max(len(values) - 1, 1) for index, name in enumerate(names)}
        return Coordinate(heights, heights)
    low, high = float(numbers[0]), float(numbers[-1])
    logarithmic = low > 0 and high >= 10 * low
    norm = LogNorm(low, high) if logarithmic else Normalize(low, high)
    at = log_ticks(low, high) if logarithmic else MaxNLocator(5).tick_values(low, high)
    ticks = {f"{tick:g}": float(norm(tick)) for tick in at if low <= tick <= high}
    return Coordinate({name: float(norm(number)) for name, number in zip(names, numbers, strict=True)}, ticks)


def coordinates_figure(crossed: Sequence[Coordinate]) -> Figure:
    """A figure in which every value that stands alone can be named on its axis."""
    width, height = figure_size()
    figure = Figure(figsize=(width, height))
    lines = max(sum(_named(figure, name).count("\n") + 1 for name in axis.ticks) for axis in crossed)
    figure.set_size_inches(width, max(height, 2.2, _FRAME + lines * _line()))
    return figure


def apart(figure: Figure) -> float:
    """From one name to the next, of an axis that is 1 high; before there is a legend."""
    return _line() / float(figure.get_size_inches()[1] - _FRAME)


def draw_coordinate(figure: Figure, axes: Axes, place: int, ticks: dict[str, float], *, is_last: bool) -> None:
    """A vertical line with its ticks and their names: to the right of the last one, else in front of the lines.

    Numbers that would touch a later one are left out, so that those of what is beyond the end stay.
    """
    axes.plot([place, place], [0, 1], color="black", linewidth=0.8, zorder=2, clip_on=False)
    side, align, marker = (1, "left", TICKRIGHT) if is_last else (-1, "right", TICKLEFT)
    look: dict[str, Any] = {"ha": align, "va": "center", "fontsize": mpl.rcParams["legend.fontsize"]}
    lowest = float("inf")
    for name, height in reversed(ticks.items()):
        axes.plot(place, height, marker, color="black", markersize=2, markeredgewidth=0.6, zorder=2, clip_on=False)
        text = _named(figure, name)
        half = 0.499 * apart(figure) * (text.count("\n") + 1)
        if height + half <= lowest:
            words = axes.annotate(text, (place, height), (side * _AWAY, 0), textcoords="offset points", **look)
            words.set(zorder=4, bbox=_PATCH, linespacing=0.95)
            lowest = height - half
            if "\n" in text:
                axes.update_datalim([(place, height - half), (place, height + half)])


def draw_beside(figure: Figure, axes: Axes, ticks: Sequence[str], marks: dict[str, float], **look: Any) -> int:
    """Names to the right of those of the last axis, with a line of this look to the height of each.

    Where names would touch they move apart. Returns how many are left out, as not even that gives them room.
    """
    start = _AWAY + max(text_size(figure, name)[0] for name in ticks) * 72 / figure.dpi + 2
    place, distance = _beside(figure, axes), apart(figure)
    every = 1 + int(distance * len(marks) / 1.3)
    shown = sorted(marks.items(), key=lambda mark: mark[1])[::every]
    ink = look.pop("ink")
    for (name, height), at in zip(shown, _moved([height for _, height in shown], distance), strict=True):
        axes.plot([start, start + _LEADER], [height, at], transform=place, clip_on=False, **look)
        size = mpl.rcParams["legend.fontsize"]
        axes.text(start + _LEADER + 2, at, name, transform=place, va="center", color=ink, fontsize=size)
    return len(marks) - len(shown)


def name_coordinates(figure: Figure, axes: Axes, names: Sequence[str]) -> None:
    """Name the axes, in lines; names that would need many are turned. Call it last."""
    low, high = axes.dataLim.intervaly
    axes.set(xlim=(0, len(names) - 1), ylim=(low - 0.02, high + 0.03))
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(axis="x", length=0)
    axes.set_xticks(range(len(names)), labels=[names[0], *[" "] * (len(names) - 1)])
    figure.draw_without_rendering()
    room = 0.92 * axes.get_window_extent().width / (len(names) - 1)
    lines = [broken(figure, name, room) for name in names]
    fits = max(text_size(figure, line)[0] for name in lines for line in name.split("\n")) <= room
    if fits and max(name.count("\n") for name in lines) < _MOST_LINES:
        axes.set_xticks(range(len(names)), labels=lines, linespacing=1.0)
    else:
        axes.set_xticks(range(len(names)), labels=names, rotation=90)
    needed = max(label.get_window_extent().height for label in axes.get_xticklabels()) / figure.dpi
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, height + max(0.0, needed + 0.1 - _FRAME))


def _line() -> float:
    """Inches from one line of text to the next."""
    return _LINE * float(mpl.rcParams["legend.fontsize"]) / 72


def _named(figure: Figure, name: str) -> str:
    return broken(figure, name, _NAMES * figure.get_size_inches()[0] * figure.dpi)


def _beside(figure: Figure, axes: Axes) -> Transform:
    """Points from the right end of the axes, and data."""
    points = Affine2D().scale(1 / 72) + figure.dpi_scale_trans + ScaledTranslation(1, 0, BboxTransformTo(axes.bbox))
    return blended_transform_factory(points, axes.transData)


def _moved(heights: Sequence[float], distance: float) -> list[float]:
    """Ascending heights, moved as little as makes them that far from each other."""
    moved = list(heights)
    for _ in range(100):
        for index in range(len(moved) - 1):
            push = max(0.0, distance - moved[index + 1] + moved[index]) / 2
            moved[index] -= push
            moved[index + 1] += push
    return moved
