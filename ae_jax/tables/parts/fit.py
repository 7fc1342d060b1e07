r"""How large a table is in print, and which arrangement of it is lowest on a page.

    width  = sum over columns of max(title, values, details) and the space between, in \footnotesize of Computer Modern
    height = lines of all parts, rules and spaces between them, and the notes, which are as wide as the table

Intervals stand beside their values, or below. Measures stand beside each other as far as they fit, the others in parts
below, with the columns that name the rows repeated. Widths are upper bounds: other fonts of venues are narrower.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Literal, NamedTuple

from ae_jax.tables.parts.base import Cell, Column, Row, Table

Layout = Literal["tabular", "longtable"]

_INCH = 72.27  # points
BETWEEN = 4.5
"""Points between a value and its detail beside it: bold digits reach into them."""

_GAP, _NARROWEST = 6.0, 0.9  # points between columns; inches of a text that is broken into lines
_LINE, _DETAIL_LINES = 9.5, 20.0  # height of a line, and of a value with its detail below
_MOST_LETTERS, _LETTERS = 28, 13  # of a piece of a text that is broken, and of an inch of it
_RULES, _SECTION, _PART, _NOTES = 20.0, 4.3, 12.0, 12.0  # what rules, and spaces before each of these, add
_CAPTION, _COLUMN = 4, 4.5  # lines of the text; inches that a column of two never has
_DETAIL = 0.94  # \scriptsize is smaller
_POWER = 11.0  # what a power of ten has more than "e6"
# Widths of letters in \footnotesize; any other has 4.7.
_WIDTHS = {
    **dict.fromkeys("[].,:;ijl ", 2.4),
    **dict.fromkeys("()rstf", 3.4),
    **dict.fromkeys("0123456789-aeczovxyk/", 4.4),
    **dict.fromkeys("+=%mwMW&", 7.8),
    **dict.fromkeys("ABCDEFGHKLNOPQRSTUVXYZ", 6.6),
}


class Page(NamedTuple):
    """Where a table is printed.

    Attributes:
        width: Of the text or the column, in inches.
        height: Of the text, in inches.
        font_size: Of the text, in points.
        columns: Of the text: a `longtable` needs one.
    """

    width: float = 5.5
    height: float = 8.5
    font_size: float = 10
    columns: int = 1


class Part(NamedTuple):
    """Columns that stand beside each other, and the cells below them."""

    columns: tuple[Column, ...]
    sections: tuple[tuple[Row, ...], ...]

    @property
    def rows(self) -> list[Row]:
        """From top to bottom."""
        return [row for section in self.sections for row in section]


class Arrangement(NamedTuple):
    """How a table is printed.

    Attributes:
        parts: From top to bottom.
        beside: Whether intervals stand beside their values; else they stand below.
        width: Points.
        height: Points, with the notes.
    """

    parts: tuple[Part, ...]
    beside: bool
    width: float
    height: float


def arrange(table: Table, page: Page) -> Arrangement:
    """The lowest arrangement of those that are as wide as the page at most; the narrowest where none is.

    Long texts are broken into lines where nothing else fits.
    """
    found = [_arranged(table, page, beside=beside) for beside in (True, False)]
    fitting = [one for one in found if one.width <= _INCH * page.width]
    if fitting:
        return min(fitting, key=lambda one: one.height)
    narrowest = min(found, key=lambda one: one.width)
    narrower = _narrowed(table, narrowest.width - _INCH * page.width)
    return narrowest if narrower is None else arrange(narrower, page)


def _narrowed(table: Table, excess: float) -> Table | None:
    """The same with its widest column of texts broken into lines; None where none is wide."""
    widths = _part_widths(Part(table.columns, table.sections), beside=False)
    wide = [
        (width, place)
        for place, (column, width) in enumerate(zip(table.columns, widths, strict=True))
        if not column.numeric and not column.inches and width > _INCH * _NARROWEST + _GAP
    ]
    if not wide:
        return None
    width, place = max(wide)
    inches = max(_NARROWEST, math.floor(100 * (width - _GAP - excess) / _INCH) / 100)
    narrowed = replace(table.columns[place], inches=inches)
    return replace(table, columns=(*table.columns[:place], narrowed, *table.columns[place + 1 :]))


def misfit(arrangement: Arrangement, page: Page, layout: Layout) -> str:
    """Why a table does not fit the page, and the way out, in one line; empty where it fits with a caption."""
    fewer = "fewer measures (table.measures=[sse]) or rows (where=…)"
    in_column = page.columns > 1 and page.width < _COLUMN
    wider = f"width=text, {fewer}" if in_column else fewer
    if arrangement.width > _INCH * page.width:
        is_wide = f"about {arrangement.width / _INCH:.1f} in wide, more than the {page.width:g} in of the page"
        return f"{is_wide}: take {wider}"
    if layout == "longtable":
        return "" if page.columns == 1 else r"a longtable needs text in one column, such as after \onecolumn"
    if arrangement.height <= _INCH * page.height - _CAPTION * 1.2 * page.font_size:
        return ""
    is_high = f"about {arrangement.height / _INCH:.1f} in high without a caption, too much for {page.height:g} in"
    return f"{is_high}: take {wider if in_column else f'layout=longtable, {fewer}'}"


def text_width(text: str) -> float:
    r"""Width of a text in points, in \footnotesize of a document of 10 points."""
    powers = len(re.findall(r"\de-?\d", text))
    return powers * _POWER + sum(_WIDTHS.get(character, 4.7) for character in text)


def _arranged(table: Table, page: Page, *, beside: bool) -> Arrangement:
    scale = 1.09 if page.font_size > 10.5 else 1.0  # \footnotesize has 9 points there, else 8
    parts = _parts(table, _INCH * page.width / scale, beside=beside)
    width = max(sum(_part_widths(part, beside=beside)) - _GAP for part in parts)
    notes = sum(math.ceil(1.05 * text_width(note.text) / width) for note in table.notes if note.mark)
    notes += math.ceil(1.05 * text_width(" ".join(note.text for note in table.notes if not note.mark)) / width)
    line = (11.0 if scale > 1 else _LINE) / _LINE
    height = sum(_height(part, beside=beside) for part in parts) + _PART * (len(parts) - 1) + _NOTES + _LINE * notes
    return Arrangement(tuple(parts), beside, scale * width, line * height)


def _parts(table: Table, room: float, *, beside: bool) -> list[Part]:
    """The table, broken between groups of columns where it is too wide."""
    whole = Part(table.columns, table.sections)
    widths = _part_widths(whole, beside=beside)
    names = [place for place, column in enumerate(table.columns) if column.names_row]
    others = [place for place, column in enumerate(table.columns) if not column.names_row]
    chosen = [names]
    for _, group in groupby(others, key=lambda place: table.columns[place].group):
        places = list(group)
        if chosen[-1] != names and sum(widths[place] for place in (*chosen[-1], *places)) - _GAP > room:
            chosen.append(names)
        chosen[-1] = [*chosen[-1], *places]
    return [
        Part(
            tuple(table.columns[place] for place in places),
            tuple(tuple(tuple(row[place] for place in places) for row in section) for section in table.sections),
        )
        for places in chosen
    ]


def _part_widths(part: Part, *, beside: bool) -> list[float]:
    return [
        _GAP + _width(column, [row[place] for row in part.rows], beside=beside)
        for place, column in enumerate(part.columns)
    ]


def _width(column: Column, cells: Sequence[Cell], *, beside: bool) -> float:
    if column.inches:
        return _INCH * column.inches
    title = column.title if column.group else max(column.title.rpartition(" "), key=len)
    whole, decimals = zip(*(split_number(cell.value) for cell in cells), strict=True) if cells else ((), ())
    values = max(map(text_width, whole), default=0.0) + max(map(text_width, decimals), default=0.0)
    values = max([values, *(text_width(cell.value) for cell in cells)])
    values += max([0.0, *(text_width(cell.mark) for cell in cells)])
    values *= 1.1 if any(cell.bold for cell in cells) else 1.0
    details = max([0.0, *(_DETAIL * text_width(cell.detail) for cell in cells)])
    body = values + BETWEEN + details if beside and details else max(values, details)
    return max(text_width(title), body)


def split_number(text: str) -> tuple[str, str]:
    """A number before and from its decimal point; ("", "") for what is no plain number."""
    found = re.fullmatch(r"([+-]?\d+)(\.\d+)?", text)
    return (found[1], found[2] or "") if found else ("", "")


def _height(part: Part, *, beside: bool) -> float:
    height = _RULES + 2 * _LINE + (_SECTION * (len(part.sections) - 1) if is_roomy(part) else 0.0)
    for row in part.rows:
        below = not beside and any(cell.detail for cell in row)
        texts = [
            _num_lines(cell.value, column.inches)
            for column, cell in zip(part.columns, row, strict=True)
            if column.inches
        ]
        height += max(_DETAIL_LINES if below else _LINE, _LINE * max(texts, default=1))
    return height


def pieces(text: str, inches: float) -> list[list[str]]:
    """Words, in pieces between which a column of that width may break: after what joins words, and within long ones."""
    most = min(_MOST_LETTERS, int(_LETTERS * inches))
    words = [re.split(r"(?<=[,./=:_])(?=\D)|(?<=[a-z])(?=[A-Z])", word) for word in text.split()]
    return [[part[at : at + most] for part in word for at in range(0, len(part), most)] for word in words]


def _num_lines(text: str, inches: float) -> int:
    """In how many lines a text is broken, whose letters are a twentieth narrower than their upper bounds."""
    lines, used = 1, 0.0
    for word in pieces(text, inches):
        for at, piece in enumerate(word):
            width = text_width(piece) + (0.0 if at or not used else text_width(" "))
            lines, used = (lines + 1, width) if used and used + width > 1.05 * _INCH * inches else (lines, used + width)
    return lines


def is_roomy(part: Part) -> bool:
    """Whether sections have space between them: where any has several rows."""
    return any(len(section) > 1 for section in part.sections)
