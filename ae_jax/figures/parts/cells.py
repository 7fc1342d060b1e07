"""The cells of a heat map: vectors, so that they print sharply, with their numbers where there is room."""

from collections.abc import Callable, Mapping, Sequence, Set
from itertools import pairwise
from typing import Any, NamedTuple

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.axis import Axis, XAxis
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from ae_jax.errors import UserError
from ae_jax.figures.parts.common import broken, wrap
from ae_jax.figures.parts.scales import Scale
from ae_jax.figures.style import NEUTRAL, PCA, figure_size, ink_on, least_size

Place = tuple[int, int]
"""Column and row."""

HATCH = "///"
_GAP = 0.15  # cells between the autoencoder's and PCA's
_INSIDE = 2.2  # points from the edge of a cell to its frame; in small cells a part of their width or height:
_ACROSS, _UP = 0.05, 0.1
_FRAME, _EDGE = 1.3, 2.3  # points of a frame's line, and of the white one below it
_MOST_INCHES = 6.5  # of all rows
_NAMES = 0.3  # of the width of the figure, for the names of rows
_APART = 1.2  # of the width of a name, from one to the next


class Drawn(NamedTuple):
    """A cell and its number."""

    cell: Rectangle
    number: Text


def grid_size(rows: int) -> tuple[float, float]:
    """Size of a figure whose cells are as high as their numbers need, with a scale below them."""
    width, _ = figure_size()
    return width, 1.0 + rows * _row_height(rows)


def draw_cells(
    axes: Axes,
    diverged: Mapping[Place, int | None],
    values: Mapping[Place, float],
    scale: Scale,
    written: Callable[[float], str],
) -> dict[Place, Drawn]:
    """Draw the cells in which there are runs, with their numbers; returns those that have one.

    Args:
        axes: Where.
        diverged: How many runs of a cell diverged; None if all did.
        values: The number of each cell in which not all did.
        scale: Colours of the numbers.
        written: How a number is written.
    """
    drawn = {}
    for (column, row), lost in diverged.items():
        if lost is None:
            axes.add_patch(Rectangle((column, row), 1, 1, facecolor="white", edgecolor="#BBBBBB", linewidth=0.5))
            axes.plot(column + 0.5, row + 0.5, "x", color=NEUTRAL, markersize=5)
            continue
        value = values[column, row]
        drawn[column, row] = _draw_cell(axes, (column, row), value, scale, written(value))
        if lost:
            ink = ink_on(scale.colour(value))
            axes.plot(column + 0.89, row + 0.82, "x", color=ink, markersize=2.6, markeredgewidth=0.7)
    return drawn


def depends_on_column(pca: Mapping[Place, float]) -> bool:
    """Whether PCA's measure is the same in all rows; if not, it must be the same in all columns."""
    for axis in (0, 1):
        if len({(place[axis], value) for place, value in pca.items()}) == len({place[axis] for place in pca}):
            return axis == 0
    raise UserError("show", "PCA's measure changes along both x and y, and has no row of its own", "choose show=ratio")


def draw_pca(
    axes: Axes, pca: Mapping[Place, float], scale: Scale, written: Callable[[float], str], *, in_row: bool
) -> None:
    """PCA's measure in a row below the cells, or in a column beside them, in a dotted frame."""
    along = {place[0 if in_row else 1]: value for place, value in pca.items()}
    (_, columns), (_, rows) = axes.get_xlim(), axes.get_ylim()
    for position, value in along.items():
        corner = (position, -1 - _GAP) if in_row else (columns + _GAP, position)
        _draw_cell(axes, corner, value, scale, written(value))
    corner, size = ((0, -1 - _GAP), (columns, 1)) if in_row else ((columns + _GAP, 0), (1, rows))
    axes.add_patch(
        Rectangle(corner, *size, facecolor="none", edgecolor=PCA, linestyle=":", linewidth=1.4, clip_on=False)
    )
    axis, middle = (axes.yaxis, -0.5 - _GAP) if in_row else (axes.xaxis, columns + 0.5 + _GAP)
    names = [label.get_text() for label in axis.get_ticklabels()]
    axis.set_ticks([*axis.get_ticklocs(), middle], labels=[*names, "PCA"])
    axes.set(**({"ylim": (-1 - _GAP, rows)} if in_row else {"xlim": (0, columns + 1 + _GAP)}))


def name_axes(axes: Axes, names: Sequence[str], labels: Sequence[Sequence[str]]) -> None:
    """Name the axes, and columns and rows by their values."""
    columns, rows = map(len, labels)
    axes.set(xlim=(0, columns), ylim=(0, rows), xlabel=names[0], ylabel=names[1])
    for axis, texts in ((axes.xaxis, labels[0]), (axes.yaxis, labels[1])):
        axis.set_ticks([index + 0.5 for index in range(len(texts))], labels=texts)
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def draw_bar(axes: Axes, scale: Scale, label: str) -> Axes:
    """The scale of the colours below, with an arrow where there are numbers beyond its end. Returns its axes."""
    mappable, thin = ScalarMappable(scale.norm, scale.colours), 9 * figure_size()[0]
    bar = axes.figure.colorbar(mappable, ax=axes, extend=scale.extend, location="bottom", pad=0.03, aspect=thin)
    bar.set_label(label, fontsize=mpl.rcParams["legend.fontsize"])
    bar.set_ticks(scale.ticks, labels=[f"{tick:g}" for tick in scale.ticks])
    bar.ax.minorticks_off()
    bar.outline.set_linewidth(0.4)
    return bar.ax


def frame(axes: Axes, place: Place, *, dashed: bool) -> None:
    """A frame inside a cell, apart from that of the next, seen on dark and light ones. Call it after `fit_labels`."""
    across, up = _cell_points(axes)
    inside = [min(_ACROSS, _INSIDE / across), min(_UP, _INSIDE / up)]
    corner, sides = [at + inset for at, inset in zip(place, inside, strict=True)], [1 - 2 * inset for inset in inside]
    look: dict[str, Any] = {"xy": corner, "width": sides[0], "height": sides[1], "facecolor": "none", "clip_on": False}
    axes.add_patch(Rectangle(**look, edgecolor="white", linewidth=_EDGE, zorder=3))
    line = "--" if dashed else "-"
    axes.add_patch(Rectangle(**look, edgecolor="black", linewidth=_FRAME, linestyle=line, zorder=4))


def fit_labels(figure: Figure, axes: Axes, bar: Axes) -> None:
    """Make everything fit that is written at the sides of cells and at their scale. Call it with the final legend."""
    room = _NAMES * figure.get_size_inches()[0] * figure.dpi
    axes.set_yticks(axes.get_yticks(), [broken(figure, name.get_text(), room) for name in axes.get_yticklabels()])
    figure.draw_without_rendering()
    box = axes.get_window_extent()
    bar.set_xlabel(wrap(figure, bar.get_xlabel(), box.width))
    _turn_names(figure, axes, box.width / (axes.get_xlim()[1] - axes.get_xlim()[0]))
    rows = axes.get_ylim()[1] - axes.get_ylim()[0]
    wanted = max(rows * _row_height(rows) * figure.dpi, 1.02 * axes.yaxis.label.get_window_extent().height)
    if any("\n" in name.get_text() for name in axes.get_yticklabels()):
        wanted = max(wanted, 1.1 * rows * max(name.get_window_extent().height for name in axes.get_yticklabels()))
    for _ in range(3):  # the scale takes its part of what the figure grows by
        figure.draw_without_rendering()
        width, height = figure.get_size_inches()
        figure.set_size_inches(width, height + (wanted - axes.get_window_extent().height) / figure.dpi)
    figure.draw_without_rendering()
    for axis in (axes.xaxis, axes.yaxis, bar.xaxis):
        _leave_out(axis)


def fit_numbers(axes: Axes, drawn: Mapping[Place, Drawn], *, hatched: Set[Place]) -> bool:
    """Make numbers as small as their cells need, and leave all out where they could not be read.

    Args:
        axes: Of the cells, when all else is in its place.
        drawn: The cells.
        hatched: Those that are hatched where there are no numbers, so that colours are not needed.

    Returns:
        Whether there are numbers.
    """
    across, up = _cell_points(axes)
    room = across - 2 * min(_ACROSS * across, _INSIDE) - _FRAME
    boxes = [text.get_window_extent() for text in axes.texts]
    dots = axes.figure.dpi / 72
    fits = min(1.0, *(min(dots * room / box.width, dots * up / box.height) for box in boxes))
    points = fits * mpl.rcParams["legend.fontsize"]
    if points >= least_size():
        for text in axes.texts:
            text.set_fontsize(points)
        return True
    for text in list(axes.texts):
        text.remove()
    for place in hatched:
        drawn[place].cell.set(hatch=HATCH, edgecolor="black", linewidth=0)
    return False


def _cell_points(axes: Axes) -> tuple[float, float]:
    """Width and height of a cell."""
    box, dots = axes.get_window_extent(), axes.figure.dpi / 72
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    return box.width / dots / (right - left), box.height / dots / (top - bottom)


def _row_height(rows: int | float) -> float:
    """Inches, so that numbers have room."""
    return min(max(0.27, 0.06 * figure_size()[0]), 0.36, _MOST_INCHES / rows)


def _turn_names(figure: Figure, axes: Axes, room: float) -> None:
    """Turn the names of columns if they would touch; the figure grows by what this takes."""
    labels = axes.get_xticklabels()
    if max(label.get_window_extent().width for label in labels) <= 0.92 * room:
        return
    longest = _NAMES * figure.get_size_inches()[0] * figure.dpi
    axes.set_xticks(axes.get_xticks(), [broken(figure, name.get_text(), longest) for name in labels])
    axes.tick_params(axis="x", rotation=90)
    taken = max(label.get_window_extent().height for label in axes.get_xticklabels())
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, height + taken / figure.dpi)


def _leave_out(axis: Axis) -> None:
    """Leave out every second name, third, …, as far as names would touch."""
    along = 0 if isinstance(axis, XAxis) else 1
    labels = sorted(axis.get_ticklabels(), key=lambda label: label.get_position()[along])
    boxes = [label.get_window_extent() for label in labels]
    if along == 0:
        places = [(box.x0, box.x0 + _APART * box.width) for box in boxes]
    else:
        places = [(box.y0 + box.height / 8, box.y1 - box.height / 8) for box in boxes]
    every = 1
    while any(right > left for (_, right), (left, _) in pairwise(places[::every])):
        every += 1
    for index, label in enumerate(labels):
        label.set_visible(index % every == 0)


def _draw_cell(axes: Axes, corner: tuple[int | float, int | float], value: float, scale: Scale, number: str) -> Drawn:
    colour = scale.colour(value)
    cell = Rectangle(corner, 1, 1, facecolor=colour, edgecolor="white", linewidth=0.8)
    axes.add_patch(cell)
    look = {
        "ha": "center",
        "va": "center_baseline",
        "color": ink_on(colour),
        "fontsize": mpl.rcParams["legend.fontsize"],
    }
    return Drawn(cell, axes.text(corner[0] + 0.5, corner[1] + 0.5, number, zorder=5, **look))
