"""Numbers with intervals in rows, under headings: names of any length have room, in a column as well."""

from collections.abc import Sequence
from typing import NamedTuple

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ae_jax.figures.parts.common import wrap
from ae_jax.figures.parts.means import PCA_LOOK
from ae_jax.figures.style import AUTOENCODER, NEUTRAL

_LINE = 1.25  # of the size of the text
_BELOW = 0.42  # inches for the ticks and the name of an axis
_BESIDE, _ACROSS = 0.3, 0.8  # of the width: names beside the axes, and headings within
_EDGE = 0.97  # of the axis, at which stands what diverged


class Row(NamedTuple):
    """A row.

    Attributes:
        name: What stands beside the axes, or over the rows below it in a heading.
        is_heading: Whether it is a name only.
        mean: Where its point is; None where there is none.
        low: Lower end of its interval, None where it has none.
        high: Its upper end.
        pca: Where PCA's point is.
        note: What stands in its place where it has no point.
        diverged: Whether a cross at the worse end stands in its place.
    """

    name: str
    is_heading: bool = False
    mean: float | None = None
    low: float | None = None
    high: float | None = None
    pca: float | None = None
    note: str = ""
    diverged: bool = False


def rows_figure(width: float, *parts: Sequence[Row]) -> tuple[Figure, list[Axes]]:
    """A figure of some width, in inches, with axes for each part below each other, as high as its rows need."""
    figure = Figure(figsize=(width, 1))
    broken = [[row._replace(name=_fit(figure, row)) for row in part] for part in parts]
    line = _LINE * mpl.rcParams["legend.fontsize"] / 72
    heights = [line * sum(map(_lines, part)) + line / 2 for part in broken]
    figure.set_size_inches(width, sum(heights) + _BELOW * len(parts))
    drawn = figure.subplots(len(parts), height_ratios=heights, squeeze=False)[:, 0]
    for axes, part in zip(drawn, broken, strict=True):
        _draw(axes, part)
    return figure, list(drawn)


def draw_diverged(axes: Axes, rows: Sequence[Row], *, at_end: bool) -> None:
    """Crosses at the worse end of the axis, which is the last or the first."""
    for row, middle in zip(rows, axes.get_yticks(), strict=True):
        if row.diverged:
            edge = _EDGE if at_end else 1 - _EDGE
            axes.plot(edge, middle, "x", color=NEUTRAL, markersize=4, transform=axes.get_yaxis_transform())


def _fit(figure: Figure, row: Row) -> str:
    room = (_ACROSS if row.is_heading else _BESIDE) * figure.get_size_inches()[0] * figure.dpi
    return wrap(figure, row.name, room)


def _lines(row: Row) -> int:
    return row.name.count("\n") + 1


def _draw(axes: Axes, rows: Sequence[Row]) -> None:
    """The rows from the top, each as high as its lines, with a rule above each heading but the first."""
    size = mpl.rcParams["legend.fontsize"]
    top, middles = 0.0, list[float]()
    for row in rows:
        middle = top + _lines(row) / 2
        if row.is_heading:
            if top:
                axes.axhline(top, color=NEUTRAL, linewidth=0.3, alpha=0.5)
            axes.text(
                0.01,
                middle,
                row.name,
                transform=axes.get_yaxis_transform(),
                va="center",
                fontsize=size,
                linespacing=1.0,
            )
        elif row.mean is not None:
            if row.low is not None and row.high is not None:
                axes.hlines(middle, row.low, row.high, color=AUTOENCODER, linewidth=1.2)
            axes.plot(row.mean, middle, "o", color=AUTOENCODER, clip_on=False, zorder=3)
        elif row.note:
            place = axes.get_yaxis_transform()
            axes.text(0.03, middle, row.note, transform=place, va="center", color=NEUTRAL, fontsize=size)
        if row.pca is not None:
            axes.plot(row.pca, middle, **(PCA_LOOK | {"linestyle": "", "markersize": 3}), zorder=2.5)
        middles.append(middle)
        top += _lines(row)
    axes.set_ylim(top + 0.25, -0.25)
    axes.set_yticks(middles, labels=["" if row.is_heading else row.name for row in rows], linespacing=1.0)
    axes.tick_params(axis="y", length=0, labelsize=size)
    axes.grid(visible=False, axis="y")
