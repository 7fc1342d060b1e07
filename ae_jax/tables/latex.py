"""A table as LaTeX: a tabular to be read by `input`, which needs booktabs and nothing else.

Intervals stand below their values. Measures stand beside each other as far as they fit into 5.5 inches, the others
below them, with the columns that name the rows repeated. Notes are as wide as the table.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from ae_jax.tables.parts.base import MISSING, Cell, Column, Row, Table

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    # A bracket or a star at the start of a row would be an option of what ended the row before.
    "[": "{[}",
    "*": "{*}",
    '"': r"\char34{}",  # some languages of babel make accents of it
    MISSING: r"\textendash{}",
    "ß": r"\ss{}",
    "ø": r"\o{}",
    "Ø": r"\O{}",
    "æ": r"\ae{}",
    "Æ": r"\AE{}",
    **{character: f"\\{character}" for character in "_%&#${}"},
}
_ACCENTS = dict(
    zip("\u0300\u0301\u0302\u0303\u0308\u0327\u030c\u030a\u0304\u0307\u0306\u030b", "`'^~\"cvr=.uH", strict=True)
)

_BEFORE = r"""\ifdefined\aejaxtable\else\newsavebox{\aejaxtable}\fi
\begingroup
\footnotesize\setlength{\tabcolsep}{3pt}%
\begin{lrbox}{\aejaxtable}%
\begin{tabular}{@{}l@{}}"""
_BETWEEN = r"\\ \noalign{\medskip}"
_AFTER = r"""\end{tabular}%
\end{lrbox}%
\begin{minipage}{\wd\aejaxtable}
\usebox{\aejaxtable}
\par\medskip\raggedright"""
_WIDTH = 5.5 * 72.27  # points
_GAP = 6.0
_CHARACTERS = dict.fromkeys("[](),.ijl ", 2.4) | {"-": 6.7}  # of numbers in \footnotesize; any other has 4.4
_DETAIL = 0.93  # \scriptsize is smaller
_BREAK, _MOST_LETTERS = r"\hspace{0pt}", 28
_POWER = 13.0  # what a power of ten has more than "e6"


class _Part(NamedTuple):
    """Columns that stand beside each other, and the cells below them."""

    columns: tuple[Column, ...]
    sections: tuple[tuple[Row, ...], ...]


def latex(table: Table) -> str:
    """The text of a .tex file."""
    parts = _parts(table)
    lines = ["% Needs booktabs.", f"% {escaped(table.title)}", _BEFORE]
    for number, part in enumerate(parts):
        lines += [_BETWEEN] if number else []
        lines += _tabular(part)
    lines += [_AFTER, *(escaped(note.text) for note in table.notes if not note.mark)]
    for note in table.notes:
        if note.mark:
            lines.append(rf"\par\textsuperscript{{{escaped(note.mark)}}}\,{escaped(note.text)}")
    return "\n".join([*lines, r"\end{minipage}", r"\endgroup"]) + "\n"


def escaped(text: str) -> str:
    """Text that LaTeX prints as it is; what its standard fonts lack is printed as a code point."""
    return re.sub("-(?=-)", "-{}", "".join(map(_escaped, " ".join(text.split()))))


def _parts(table: Table) -> list[_Part]:
    """The table, broken between groups of columns where it is too wide."""
    widths = [_width(column, [row[place] for row in table.rows]) for place, column in enumerate(table.columns)]
    names = [place for place, column in enumerate(table.columns) if column.names_row]
    others = [place for place, column in enumerate(table.columns) if not column.names_row]
    chosen = [names]
    for _, group in groupby(others, key=lambda place: table.columns[place].group):
        places = list(group)
        if chosen[-1] != names and sum(widths[place] for place in (*chosen[-1], *places)) > _WIDTH:
            chosen.append(names)
        chosen[-1] = [*chosen[-1], *places]
    return [
        _Part(
            tuple(table.columns[place] for place in places),
            tuple(tuple(tuple(row[place] for place in places) for row in section) for section in table.sections),
        )
        for places in chosen
    ]


def _width(column: Column, cells: Sequence[Cell]) -> float:
    if column.inches:
        return _GAP + 72.27 * column.inches
    title = column.title if column.group else max(column.title.rpartition(" "), key=len)
    values = [_text_width(text) for text in (title, *(cell.value + cell.mark for cell in cells))]
    return _GAP + max(*values, *(_DETAIL * _text_width(cell.detail) for cell in cells))


def _text_width(text: str) -> float:
    powers = len(re.findall(r"\de-?\d", text))
    return powers * _POWER + sum(_CHARACTERS.get(character, 4.4) for character in text)


def _tabular(part: _Part) -> Iterator[str]:
    alignment = "".join(
        f"p{{{column.inches}in}}" if column.inches else "r" if column.numeric else "l" for column in part.columns
    )
    yield rf"\begin{{tabular}}{{@{{}}{alignment}@{{}}}}"
    yield r"\toprule"
    yield from _head(part.columns)
    yield r"\midrule"
    roomy = any(len(section) > 1 for section in part.sections)
    for number, section in enumerate(part.sections):
        if roomy and number:
            yield r"\addlinespace"
        for row in section:
            yield from _lines(part.columns, row)
    yield r"\bottomrule"
    yield r"\end{tabular}"


def _head(columns: Sequence[Column]) -> Iterator[str]:
    """Titles below those of their groups; a title without a group takes both lines."""
    titles = [escaped(column.title) for column in columns]
    above, rules, start = list[str](), list[str](), 0
    for group, members in groupby(enumerate(columns), key=lambda one: one[1].group or one[0]):
        end = start + len(list(members))
        if isinstance(group, str):
            above.append(rf"\multicolumn{{{end - start}}}{{c}}{{{escaped(group)}}}")
            rules.append(rf"\cmidrule(lr){{{start + 1}-{end}}}")
        else:
            first, _, last = columns[group].title.rpartition(" ")
            above.append(escaped(first))
            titles[group] = escaped(last)
        start = end
    yield " & ".join(above) + r" \\"
    yield "".join(rules)
    yield " & ".join(titles) + r" \\"


def _lines(columns: Sequence[Column], row: Row) -> Iterator[str]:
    """A row: its values and, where there are any, its intervals below."""
    cells = list(zip(columns, row, strict=True))
    values = " & ".join(_value(column, cell) for column, cell in cells)
    if not any(cell.detail for cell in row):
        yield values + r" \\"
        return
    yield values + r" \\*[-1pt]"
    yield " & ".join(_detail(column, cell) for column, cell in cells) + r" \\[2pt]"


def _value(column: Column, cell: Cell) -> str:
    if column.inches:
        return rf"{{\raggedright {_breakable(cell.value)}\par}}"
    text = _number(cell.value) if column.numeric else escaped(cell.value)
    if cell.bold:
        text = (r"\textbf{\boldmath " if "$" in text else r"\textbf{") + text + "}"
    return rf"{text}\textsuperscript{{{escaped(cell.mark)}}}" if cell.mark else text


def _detail(column: Column, cell: Cell) -> str:
    if not cell.detail:
        return ""
    return rf"{{\scriptsize {_number(cell.detail) if column.numeric else escaped(cell.detail)}}}"


def _breakable(text: str) -> str:
    r"""Text with places to break it: after what joins words, and in whatever is longer than a line."""
    pieces = [[word[at : at + _MOST_LETTERS] for at in range(0, len(word), _MOST_LETTERS)] for word in text.split()]
    broken = " ".join(_BREAK.join(map(escaped, word)) for word in pieces)
    return re.sub(r"(?<!\\)([,./=:]|\\_)(?=[^\s}\d])", lambda found: found[1] + _BREAK, broken)


def _number(text: str) -> str:
    """Numbers, with a minus and powers of ten as in print."""
    text = re.sub(r"(?<![\w-])-(?=\d)", "$-$", escaped(text))
    return re.sub(r"(?<=\d)e([+-]?\d+)", lambda found: rf"$\cdot10^{{{int(found[1])}}}$", text)


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isascii() and character.isprintable():
        return character
    base, *accents = list(unicodedata.normalize("NFD", character))
    if len(accents) == 1 and accents[0] in _ACCENTS and base.isascii():
        return rf"\{_ACCENTS[accents[0]]}{{{base}}}"
    return f"{{[}}U+{ord(character):04X}]"
