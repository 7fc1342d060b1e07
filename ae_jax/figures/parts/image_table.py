"""Rows of images with words and numbers beside them, each column as wide as what stands in it."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from ae_jax.figures.parts.common import wrap
from ae_jax.figures.parts.images import mosaic

_EDGE = 0.05  # inches: empty space around everything, and between pictures and words
_BETWEEN = 0.1  # inches: between columns of words, between strips, and above a row that stands apart
_MOST_NAME, _MOST_HEADING, _MOST_CELL = 0.36, 0.7, 0.75  # of the width, of which all strips' are; inches


class Cell(NamedTuple):
    """Words beside a row, or above a column."""

    text: str = ""
    colour: str = "black"


class Row(NamedTuple):
    """A row of the table, or what stands above its columns.

    Attributes:
        strips: Images side by side, each strip of shape "columns height width [colours]", the same in all rows.
        left: Words before them; the first is a name, which may be broken into lines.
        right: Words behind them.
        apart: Whether there is some space above.
    """

    strips: tuple[np.ndarray, ...]
    left: tuple[Cell, ...]
    right: tuple[Cell, ...]
    apart: bool = False


class Headings(NamedTuple):
    """What stands above the columns, with line breaks."""

    left: tuple[Cell, ...]
    strips: tuple[Cell, ...]
    right: tuple[Cell, ...]


class _Layout(NamedTuple):
    """Where things are, in inches from the upper left corner: right ends of columns, left ends of strips, rows."""

    left: list[float]
    strips: list[float]
    right: list[float]
    strip_width: float
    inches_per_pixel: float
    headings_bottom: float
    middles: list[float]
    height: float


def draw_table(
    figure: Figure, rows: Sequence[Row], headings: Headings, notes: Sequence[str], *, headline: str = ""
) -> None:
    """Draw rows, the inputs first, whose grey levels all images have; the figure becomes as high as they are.

    Args:
        figure: An empty figure of the right width, without a layout engine.
        rows: At least one.
        headings: As many as there are columns.
        notes: What is shown, above everything.
        headline: Above the notes.
    """
    note = "\n".join(text for text in (headline, "; ".join(notes)) if text)
    figure.set_label(note)  # of which its caption is made
    width = figure.get_size_inches()[0]
    names = [wrap(figure, row.left[0].text, _MOST_NAME * width * figure.dpi) for row in rows]
    rows = [
        row._replace(left=(row.left[0]._replace(text=name), *row.left[1:]))
        for row, name in zip(rows, names, strict=True)
    ]
    room = _MOST_HEADING * width / len(headings.strips) * figure.dpi
    above = tuple(cell._replace(text=wrap(figure, cell.text, room)) for cell in headings.strips)
    headings = headings._replace(strips=above)
    pixels_high, pixels_wide = rows[0].strips[0].shape[1:3]
    gap = math.ceil(max(pixels_high, pixels_wide) / 10)
    wrapped = wrap(figure, note, 0.97 * width * figure.dpi)
    layout = _layout(figure, rows, headings, _size(figure, [wrapped])[1], gap)
    figure.set_size_inches(width, layout.height)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(layout.height, 0))
    axes.set_axis_off()
    axes.text(_EDGE, _EDGE, wrapped, va="top", **_look())
    _draw_words(axes, rows, headings, layout)
    for index, left in enumerate(layout.strips):
        picture = mosaic(np.stack([row.strips[index] for row in rows]), gap)
        for place, middle in enumerate(layout.middles):
            start, half = place * (pixels_high + gap), layout.inches_per_pixel * pixels_high / 2
            extent = (left, left + layout.strip_width, middle + half, middle - half)
            shown = picture[start : start + pixels_high]
            axes.imshow(shown, extent=extent, vmin=0, vmax=1, interpolation="nearest", aspect="auto")


def _layout(figure: Figure, rows: Sequence[Row], headings: Headings, note_height: float, gap: int) -> _Layout:
    def widths(heads: Sequence[Cell], columns: Sequence[Sequence[Cell]]) -> list[float]:
        pairs = zip(heads, columns, strict=True)
        return [_size(figure, [head.text, *(cell.text for cell in column)])[0] for head, column in pairs]

    left = widths(headings.left, list(zip(*(row.left for row in rows), strict=True)))
    right = widths(headings.right, list(zip(*(row.right for row in rows), strict=True)))
    num_strips, (columns, pixels_high, pixels_wide) = len(headings.strips), rows[0].strips[0].shape[:3]
    left_end = sum(left) + _BETWEEN * (len(left) - 1) + 2 * _EDGE
    right_width = sum(right) + _BETWEEN * (len(right) - 1) + 2 * _EDGE
    room = (figure.get_size_inches()[0] - left_end - right_width - _BETWEEN * (num_strips - 1)) / num_strips
    wide = columns * pixels_wide + (columns - 1) * gap
    inches_per_pixel = min(room / wide, _MOST_CELL / pixels_wide)
    strip = inches_per_pixel * wide
    strips = [left_end + index * (strip + _BETWEEN) for index in range(num_strips)]
    words = [headings.left, headings.strips, headings.right]
    headings_bottom = 3 * _EDGE + note_height + max(_size(figure, [cell.text])[1] for part in words for cell in part)
    highest = max(_size(figure, [cell.text])[1] for row in rows for cell in (*row.left, *row.right)) + _EDGE
    pitch = max(inches_per_pixel * (pixels_high + gap), highest)
    steps = [pitch + (_BETWEEN if row.apart else 0) for row in rows]
    bottoms = headings_bottom + _EDGE + np.cumsum(steps)
    return _Layout(
        left=[_EDGE + sum(left[: index + 1]) + _BETWEEN * index for index in range(len(left))],
        strips=strips,
        right=[strips[-1] + strip + _EDGE + sum(right[: i + 1]) + _BETWEEN * i for i in range(len(right))],
        strip_width=strip,
        inches_per_pixel=inches_per_pixel,
        headings_bottom=headings_bottom,
        middles=[float(bottom - pitch / 2) for bottom in bottoms],
        height=float(bottoms[-1]) + _EDGE,
    )


def _draw_words(axes: Axes, rows: Sequence[Row], headings: Headings, layout: _Layout) -> None:
    text = _look()
    for cells, ends in ((headings.left, layout.left), (headings.right, layout.right)):
        for cell, end in zip(cells, ends, strict=True):
            axes.text(end, layout.headings_bottom, cell.text, ha="right", va="baseline", color=cell.colour, **text)
    for cell, start in zip(headings.strips, layout.strips, strict=True):
        middle = start + layout.strip_width / 2
        axes.text(middle, layout.headings_bottom, cell.text, ha="center", va="baseline", color=cell.colour, **text)
    for row, middle in zip(rows, layout.middles, strict=True):
        for cells, ends in ((row.left, layout.left), (row.right, layout.right)):
            for cell, end in zip(cells, ends, strict=True):
                axes.text(end, middle, cell.text, ha="right", va="center", color=cell.colour, **text)


def _size(figure: Figure, texts: Sequence[str]) -> tuple[float, float]:
    """The largest width and height of texts as they are drawn, in inches."""
    boxes = [Text(0, 0, text, figure=figure, **_look()).get_window_extent() for text in texts]
    return max(box.width for box in boxes) / figure.dpi, max(box.height for box in boxes) / figure.dpi


def _look() -> dict[str, Any]:
    return {"fontsize": mpl.rcParams["legend.fontsize"], "linespacing": 1.0}
