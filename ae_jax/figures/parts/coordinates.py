"""The axes of parallel coordinates."""

from collections.abc import Sequence
from typing import NamedTuple

import matplotlib as mpl
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.markers import TICKLEFT
from matplotlib.ticker import MaxNLocator

from ae_jax.figures.parts.scales import log_ticks
from ae_jax.figures.parts.swept import Point, value_label, values_of

APART = 0.085
"""Heights between two names, of an axis that is 1 high."""

HALO = [patheffects.withStroke(linewidth=2.5, foreground="white")]
"""Around what lies on lines."""

_SPREAD = 0.6  # of the room between two values
_FEW_VALUES = 8
_LONG = 16  # characters in a line of a name


class Coordinate(NamedTuple):
    """The axis of a key.

    Attributes:
        heights: Of each value, by what it is called.
        ticks: Heights that are named.
        spread: How far apart lines through the same value may be.
    """

    heights: dict[str, float]
    ticks: dict[str, float]
    spread: float


def coordinate(key: str, sweep: Sequence[Point]) -> Coordinate:
    """The axis of a key: few values at equal distances, many numbers on a line, logarithmic from a decade on."""
    values = values_of(key, sweep)
    names = [value_label(value) for value in values]
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) < len(values) or len(values) <= _FEW_VALUES:
        heights = {name: (index + 0.5) / len(values) for index, name in enumerate(names)}
        return Coordinate(heights, heights, _SPREAD / len(values))
    low, high = float(numbers[0]), float(numbers[-1])
    logarithmic = low > 0 and high >= 10 * low
    norm = LogNorm(low, high) if logarithmic else Normalize(low, high)
    at = log_ticks(low, high) if logarithmic else MaxNLocator(5).tick_values(low, high)
    ticks = {f"{tick:g}": float(norm(tick)) for tick in at if low <= tick <= high}
    return Coordinate({name: float(norm(number)) for name, number in zip(names, numbers, strict=True)}, ticks, 0.0)


def draw_coordinate(axes: Axes, place: int, ticks: dict[str, float]) -> None:
    """A vertical line with its ticks, and their names in front of the lines that cross it.

    Names that would touch a later one are left out, so that those of what is beyond the end stay.
    """
    axes.vlines(place, 0, 1, color="black", linewidth=0.8, zorder=2)
    written: list[float] = []
    for name, height in reversed(ticks.items()):
        axes.plot(place, height, marker=TICKLEFT, color="black", markersize=2, markeredgewidth=0.6, zorder=2)
        if all(abs(height - other) >= APART for other in written):
            size = mpl.rcParams["legend.fontsize"]
            words = axes.annotate(name, (place, height), (-4, 0), textcoords="offset points", ha="right", va="center")
            words.set(fontsize=size, zorder=4, path_effects=HALO)
            written.append(height)


def name_coordinates(figure: Figure, axes: Axes, names: Sequence[str]) -> None:
    """Name the axes; names that would touch are turned. Call it last."""
    low, high = axes.dataLim.intervaly
    axes.set(xlim=(-0.35, len(names) - 0.6), ylim=(low - 0.02, high + 0.03))
    axes.set_xticks(range(len(names)), labels=[_broken(name) for name in names], linespacing=1.0)
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(axis="x", length=0)
    figure.draw_without_rendering()
    room = axes.get_window_extent().width / (len(names) - 0.25)
    boxes = [label.get_window_extent() for label in axes.get_xticklabels()]
    if max(box.width for box in boxes) > 0.95 * room:
        axes.set_xticks(range(len(names)), labels=names, rotation=90)
        needed = max(label.get_window_extent().height for label in axes.get_xticklabels())
        width, height = figure.get_size_inches()
        figure.set_size_inches(width, height + (needed - max(box.height for box in boxes)) / figure.dpi)


def _broken(name: str) -> str:
    """A name in lines, of which a part of a key, or two words, is one."""
    words = name.replace(".", ". ").split(" ")
    lines = [words[0]]
    for word in words[1:]:
        if len(lines[-1]) + len(word) < _LONG and not lines[-1].endswith("."):
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return "\n".join(lines)
