"""The lines of a tabular, or of a longtable: titles below those of their groups, rows, and details beside or below."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from ae_jax.tables.parts.base import Cell, Column, Row
from ae_jax.tables.parts.escape import latex_escaped as escaped
from ae_jax.tables.parts.fit import BETWEEN, Part, is_roomy, pieces, split_number, text_width

_BREAK = r"\hspace{0pt}"


class Body:
    """The lines of a part.

    Args:
        part: Its columns and cells.
        beside: Whether details stand beside their values, in a column of their own.
    """

    def __init__(self, part: Part, *, beside: bool):
        self._part = part
        self._columns = [
            _Printed(column, [row[place] for row in part.rows], beside=beside)
            for place, column in enumerate(part.columns)
        ]

    @property
    def alignment(self) -> str:
        """Of all columns."""
        return "@{}" + "".join(one.alignment for one in self._columns) + "@{}"

    def head(self) -> Iterator[str]:
        """Titles below those of their groups; a title without a group takes both lines."""
        above, below, rules, start = list[str](), list[str](), list[str](), 0
        for group, members in groupby(enumerate(self._columns), key=lambda one: one[1].column.group or one[0]):
            columns = [one for _, one in members]
            width = sum(one.width for one in columns)
            if isinstance(group, str):
                above.append(_spanning(width, "c", escaped(group), columns[-1] is self._columns[-1]))
                rules.append(rf"\cmidrule(lr){{{start + 1}-{start + width}}}")
                below += [
                    _spanning(one.width, "c", escaped(one.column.title), one is self._columns[-1]) for one in columns
                ]
            else:
                first, _, last = (escaped(part) for part in columns[0].column.title.rpartition(" "))
                above.append(_over(columns[0], first))
                below.append(_over(columns[0], last))
            start += width
        if any(text.strip(" &") for text in above):
            yield " & ".join(above) + r" \\"
        yield from ["".join(rules)] if rules else []
        yield " & ".join(below) + r" \\"

    def rows(self) -> Iterator[str]:
        """Rows, with space between sections where any has several."""
        for number, section in enumerate(self._part.sections):
            if number and is_roomy(self._part):
                yield r"\addlinespace"
            for row in section:
                yield from self._lines(row)

    def _lines(self, row: Row) -> Iterator[str]:
        """A row: its values and, where there are any and they stand below, its details."""
        cells = list(zip(self._columns, row, strict=True))
        values = [column.value(cell) for column, cell in cells]
        below = [column.below(cell) for column, cell in cells]
        if any(column.column.inches for column in self._columns):
            stacked = [_stacked(*pair) for pair in zip(values, below, strict=True)]
            yield " & ".join(stacked) + r" \tabularnewline"
        elif any(text.strip(" &") for text in below):
            yield " & ".join(values) + r" \\*[-1pt]"
            yield " & ".join(below) + r" \\[2pt]"
        else:
            yield " & ".join(values) + r" \\"


class _Printed:
    """A column in print: numbers are aligned at their decimal points, also where some are bold or marked."""

    def __init__(self, column: Column, cells: Sequence[Cell], *, beside: bool):
        self.column = column
        self.beside = beside and any(cell.detail for cell in cells)
        self.width = 2 if self.beside else 1
        below = any(cell.detail for cell in cells) and not self.beside
        self.side = ("c" if below else "r") if column.numeric else "l"
        numbers = [split_number(cell.value) for cell in cells] if column.numeric else []
        self._whole = max((whole for whole, _ in numbers), key=text_width, default="") if below else ""
        self._decimals = max((decimals for _, decimals in numbers), key=len, default="")
        self._mark = max((cell.mark for cell in cells), key=len, default="")

    @property
    def alignment(self) -> str:
        """Of it, and of its details where they stand beside."""
        if self.column.inches:
            return f"p{{{self.column.inches}in}}"
        return self.side + (rf"@{{\hspace{{{BETWEEN:g}pt}}}}l" if self.beside else "")

    def value(self, cell: Cell) -> str:
        """A cell without what stands below."""
        if self.column.inches:
            return rf"\raggedright {_breakable(cell.value, self.column.inches)}"
        text = self._aligned(cell) if self.column.numeric else _bold(escaped(cell.value), cell)
        if cell.mark:
            text += rf"\textsuperscript{{{escaped(cell.mark)}}}"
        elif self._mark and self.column.numeric:
            text += rf"\phantom{{\textsuperscript{{{escaped(self._mark)}}}}}"
        return f"{text} & {self._detail(cell)}" if self.beside else text

    def below(self, cell: Cell) -> str:
        """What stands below a cell."""
        return " & " if self.beside else self._detail(cell)

    def _aligned(self, cell: Cell) -> str:
        """A number with as much space beside it as the column's longest has more digits there."""
        whole, decimals = split_number(cell.value)
        if not whole:
            return _bold(_number(cell.value), cell)
        missing = self._decimals[len(decimals) :]
        text = _bold(_number(whole), cell)
        if text_width(self._whole) > text_width(whole):
            text = rf"\phantom{{{_number(self._whole)}}}\llap{{{text}}}"
        if cell.bold and decimals:  # whose digits are wider
            return rf"{text}\rlap{{{_bold(decimals, cell)}}}\phantom{{{self._decimals}}}"
        return text + decimals + (rf"\phantom{{{missing}}}" if missing else "")

    def _detail(self, cell: Cell) -> str:
        if not cell.detail:
            return ""
        return rf"{{\scriptsize {_number(cell.detail) if self.column.numeric else escaped(cell.detail)}}}"


def _bold(text: str, cell: Cell) -> str:
    if not cell.bold:
        return text
    return (r"\textbf{\boldmath " if "$" in text else r"\textbf{") + text + "}"


def _stacked(value: str, below: str) -> str:
    """A value with what stands below it, where other cells of the row have several lines."""
    if not below.strip(" &"):
        return value
    return rf"\begin{{tabular}}[t]{{@{{}}c@{{}}}}{value} \\[-1pt] {below}\end{{tabular}}"


def _over(one: _Printed, title: str) -> str:
    """A title over the values of a column, and nothing over its details."""
    return title + " & " * (one.width - 1)


def _spanning(width: int, side: str, text: str, is_last: bool) -> str:
    return rf"\multicolumn{{{width}}}{{{side}{'@{}' if is_last else ''}}}{{{text}}}"


def _breakable(text: str, inches: float) -> str:
    """Text with places to break it."""
    return " ".join(_BREAK.join(map(escaped, word)) for word in pieces(text, inches))


def _number(text: str) -> str:
    """Numbers, with a minus and powers of ten as in print."""
    text = re.sub(r"(?<![\w-])-(?=\d)", "$-$", escaped(text))
    return re.sub(r"(?<=\d)e([+-]?\d+)", lambda found: rf"$\cdot10^{{{int(found[1])}}}$", text)
