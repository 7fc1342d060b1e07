"""The cells of a heat map: vectors, so that they print sharply, with their numbers where there is room."""

from collections.abc import Mapping, Sequence, Set
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ae_jax.figures.parts.common import axis_label, wrap
from ae_jax.figures.parts.scales import Scale, short_number
from ae_jax.figures.style import NEUTRAL, PCA, figure_size

Place = tuple[int, int]
"""Column and row."""

MOST_NUMBERS = 100
"""How many cells may have their numbers written."""

HATCH = "///"
_LOST = "#DDDDDD"
_GAP = 0.15  # cells between the autoencoder's and PCA's
_INSIDE = 0.05
_HALO = [patheffects.withStroke(linewidth=3, foreground="white")]
_LEAST_FONT = 4.5


def grid_size(rows: int) -> tuple[float, float]:
    """Size of a figure whose cells are as high as their numbers need."""
    width, _ = figure_size()
    return width, 0.65 + max(rows, 3) * min(max(0.27, 0.06 * width), 0.36)


def draw_cells(
    axes: Axes,
    diverged: Mapping[Place, int | None],
    values: Mapping[Place, float],
    scale: Scale,
    *,
    hatched: Set[Place],
) -> None:
    """Draw the cells in which there are runs, with their numbers unless there are too many.

    Args:
        axes: Where.
        diverged: How many runs of a cell diverged; None if all did.
        values: The number of each cell in which not all did.
        scale: Colours of the numbers.
        hatched: Cells that are hatched where there are no numbers, so that colours are not needed.
    """
    for (column, row), lost in diverged.items():
        if lost is None:
            axes.add_patch(Rectangle((column, row), 1, 1, facecolor=_LOST, edgecolor="white", linewidth=0.8))
            axes.plot(column + 0.5, row + 0.5, "x", color=NEUTRAL, markersize=5)
            continue
        number = len(diverged) <= MOST_NUMBERS
        cell = _draw_cell(axes, (column, row), values[column, row], scale, number=number)
        if not number and (column, row) in hatched:
            cell.set(hatch=HATCH, edgecolor="black", linewidth=0)
        if lost:
            axes.plot(column + 0.89, row + 0.8, "x", color="black", markersize=2.6, markeredgewidth=0.7)


def draw_pca(axes: Axes, pca: Mapping[Place, float], scale: Scale, *, in_row: bool) -> None:
    """PCA's measure in a row below the cells, or in a column beside them, in a dotted frame."""
    along = {place[0 if in_row else 1]: value for place, value in pca.items()}
    (_, columns), (_, rows) = axes.get_xlim(), axes.get_ylim()
    for position, value in along.items():
        corner = (position, -1 - _GAP) if in_row else (columns + _GAP, position)
        _draw_cell(axes, corner, value, scale, number=True)
    corner, size = ((0, -1 - _GAP), (columns, 1)) if in_row else ((columns + _GAP, 0), (1, rows))
    axes.add_patch(
        Rectangle(corner, *size, facecolor="none", edgecolor=PCA, linestyle=":", linewidth=1.4, clip_on=False)
    )
    axis, middle = (axes.yaxis, -0.5 - _GAP) if in_row else (axes.xaxis, columns + 0.5 + _GAP)
    names = [label.get_text() for label in axis.get_ticklabels()]
    axis.set_ticks([*axis.get_ticklocs(), middle], labels=[*names, "PCA"])
    axes.set(**({"ylim": (-1 - _GAP, rows)} if in_row else {"xlim": (0, columns + 1 + _GAP)}))


def name_axes(axes: Axes, keys: Sequence[str], labels: Sequence[Sequence[str]]) -> None:
    """Name the axes by two keys, and columns and rows by their values."""
    columns, rows = map(len, labels)
    axes.set(xlim=(0, columns), ylim=(0, rows), xlabel=axis_label(keys[0]), ylabel=axis_label(keys[1]))
    for axis, names in ((axes.xaxis, labels[0]), (axes.yaxis, labels[1])):
        axis.set_ticks([index + 0.5 for index in range(len(names))], labels=names)
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def draw_bar(axes: Axes, scale: Scale, label: str) -> Axes:
    """The scale of the colours, with an arrow where there are numbers beyond its end. Returns its axes."""
    mappable = ScalarMappable(scale.norm, scale.colours)
    bar = axes.figure.colorbar(mappable, ax=axes, extend=scale.extend, pad=0.02, aspect=18)
    bar.set_label(label, fontsize=mpl.rcParams["legend.fontsize"])
    bar.set_ticks(scale.ticks, labels=[f"{tick:g}" for tick in scale.ticks])
    bar.ax.minorticks_off()
    bar.outline.set_linewidth(0.4)
    return bar.ax


def frame(axes: Axes, place: Place, *, dashed: bool) -> None:
    """A frame inside a cell, apart from that of the next, seen on dark and on light ones."""
    look: dict[str, Any] = {"facecolor": "none", "edgecolor": "black", "linewidth": 1.4}
    corner, side = (place[0] + _INSIDE, place[1] + _INSIDE), 1 - 2 * _INSIDE
    look |= {"linestyle": "--" if dashed else "-", "clip_on": False, "zorder": 4, "path_effects": _HALO}
    axes.add_patch(Rectangle(corner, side, side, **look))


def fit_labels(figure: Figure, axes: Axes, bar: Axes) -> None:
    """Make everything fit that is written at cells and at the scale beside them. Call it last."""
    figure.draw_without_rendering()
    box = axes.get_window_extent()
    bar.set_ylabel(wrap(figure, bar.get_ylabel(), box.height))
    # A name may reach beyond its axis by the height of what stands above and below it.
    missing = axes.yaxis.label.get_window_extent().height - box.height - 0.4 * figure.dpi
    turned = _turn_names(axes, box.width / (axes.get_xlim()[1] - axes.get_xlim()[0]))
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, height + (max(missing, 0) + turned) / figure.dpi)
    figure.draw_without_rendering()
    room = 0.86 * axes.get_window_extent().width / (axes.get_xlim()[1] - axes.get_xlim()[0])
    widest = max((text.get_window_extent().width for text in axes.texts), default=0)
    if widest > room:
        for text in axes.texts:
            text.set_fontsize(max(mpl.rcParams["legend.fontsize"] * room / widest, _LEAST_FONT))


def _turn_names(axes: Axes, room: float) -> float:
    """Turn the names of columns if they would touch. Returns the height that this takes, in dots."""
    boxes = [label.get_window_extent() for label in axes.get_xticklabels()]
    if max(box.width for box in boxes) <= 0.92 * room:
        return 0.0
    axes.tick_params(axis="x", rotation=90)
    return max(box.width for box in boxes) - max(box.height for box in boxes)


def _draw_cell(
    axes: Axes, corner: tuple[int | float, int | float], value: float, scale: Scale, *, number: bool
) -> Rectangle:
    colour = scale.colour(value)
    cell = Rectangle(corner, 1, 1, facecolor=colour, edgecolor="white", linewidth=0.8)
    axes.add_patch(cell)
    if number:
        dark = np.dot(colour[:3], (0.299, 0.587, 0.114)) < 0.5
        middle = (corner[0] + 0.5, corner[1] + 0.5)
        size = mpl.rcParams["legend.fontsize"]
        ink = "white" if dark else "black"
        axes.text(*middle, short_number(value), ha="center", va="center", color=ink, fontsize=size)
    return cell
