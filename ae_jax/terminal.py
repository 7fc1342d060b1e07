"""What all output on the terminal shares: the console, lines and tables that are whole at every width, counts, paths.

Colours and bars only on a terminal; plain lines elsewhere. rich honours NO_COLOR.
"""

import functools
import logging
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ae_jax.errors import harmless

_NARROW = 60  # characters, below which a row is a block of lines
_LEAST_WORDS = 15  # characters that a column of words keeps where the terminal is narrow
_ELSEWHERE = 120  # characters of a table where the output is no terminal
_NUMBER = re.compile(r"(-?\d+)(?:\.|\b)")  # its digits before the point
_HANGING = 2  # by which the lines of a text that is broken stand behind its first


class Column(NamedTuple):
    """A column of a table on the terminal.

    Attributes:
        title: Its heading.
        cells: From top to bottom, in rich's markup.
        words: Whether it has words, which stand to the left and may be broken at spaces; numbers never are.
        rank: 0 where it is always shown; where the terminal is too narrow, those of the highest rank are left out.
    """

    title: str
    cells: Sequence[str]
    words: bool = False
    rank: int = 0


class Screen(Console):
    """rich's, that shows no character which could rewrite the terminal: texts of run folders may be a stranger's.

    Attributes:
        breaks: Whether lines are broken at its width; not where they go to a file or to another program.
    """

    breaks = True

    @property
    def is_live(self) -> bool:
        """Whether what it shows can be replaced."""
        return self.is_terminal and not self.is_dumb_terminal

    def render_str(self, text: str, **options: Any) -> Text:
        """See `rich.console.Console`, which makes all texts here, also those in tables."""
        return super().render_str(harmless(text), **options)


def console(*, errors: bool = False) -> Screen:
    """Standard output, or standard error. Where it is no terminal, tables have 120 characters, or COLUMNS."""
    output = Screen(highlight=False, stderr=errors)
    if not output.is_terminal and not os.environ.get("COLUMNS", "").isdigit():
        output = Screen(highlight=False, stderr=errors, width=_ELSEWHERE)
        output.breaks = False
    return output


def say(output: Screen, text: str, *, style: str = "") -> None:
    """Print a text, broken at spaces where it is wider than the terminal; elsewhere a line is a line.

    What has no space, such as a path, is never broken, so that it can be copied.

    Args:
        output: Where to.
        text: As it is to be read: brackets are no markup.
        style: rich's, of all of it.
    """
    output.print(Text(_fitted(output, text), style=style), soft_wrap=True)


class LogLines(logging.Handler):
    """Log lines on standard error, as `say` has them; above what is live there."""

    def emit(self, record: logging.LogRecord) -> None:
        """See `logging.Handler`."""
        try:
            print(_fitted(console(errors=True), self.format(record)), file=sys.stderr)
        except Exception:  # of whatever wrote the record
            self.handleError(record)


def count(number: int, noun: str) -> str:
    """A number with its noun, in the plural unless it is one."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def short_path(path: Path) -> Path:
    """The path as one would type it here."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_absolute() and path.is_relative_to(here) else path


def print_table(
    output: Screen, title: str, columns: Sequence[Column], *, num_naming: int = 1, show_lines: bool = False
) -> None:
    """Print a table that is whole at every width: no number is cut or broken.

    Where it is too wide, columns are left out by their rank, and a line says which; then intervals stand below their
    values; what still does not fit stands in further tables below. Below 60 characters, each row is a block of lines.

    Args:
        output: Where to.
        title: What stands above it; nothing where it is empty.
        columns: Of equal length; those without any cell that says something are left out.
        num_naming: How many of the first columns name a row, and so stand in every part.
        show_lines: Whether rows are parted by lines.
    """
    if title:
        say(output, title, style="italic")
    telling = [column for at, column in enumerate(columns) if at < num_naming or any(column.cells)]
    shown = [_aligned(column) for column in telling]
    parts = _parts(shown, output.width, num_naming)
    if output.width < _NARROW or any(_width(part) > output.width for part in parts):
        _print_blocks(output, telling)
        return
    for part in parts:
        output.print(_table(part, output.width, show_lines=show_lines))
    known = [column.title.split() for part in parts for column in part]
    if missing := [column.title for column in shown if column.title.split() not in known]:
        say(output, f"too narrow for: {'; '.join(missing)}", style="dim")


def fitting_table(columns: Sequence[Column], width: int, *, title: str = "") -> Table:
    """One table of no more than this width, for what changes while it is shown: what does not fit is left out."""
    return _table(_parts([_aligned(column) for column in columns], width, 1)[0], width, title=title)


def _aligned(column: Column) -> Column:
    """Numbers with their points below each other, what else is no text at the right."""
    if column.words:
        return column
    found = [_NUMBER.match(cell) for cell in column.cells]
    if any(cell and not one for cell, one in zip(column.cells, found, strict=True)):
        return column._replace(cells=_shifted(column.cells, _widest(column.cells)))
    most = max((len(one[1]) for one in found if one), default=0)
    pads = [" " * (most - len(one[1])) if one else "" for one in found]
    return column._replace(cells=[pad + cell for pad, cell in zip(pads, column.cells, strict=True)])


def _shifted(cells: Sequence[str], width: int) -> list[str]:
    """Each line at the right."""
    lines = [[" " * (width - _widest([line])) + line for line in cell.split("\n")] for cell in cells]
    return ["\n".join(of_cell) for of_cell in lines]


def _parts(columns: Sequence[Column], width: int, num_naming: int) -> list[list[Column]]:
    """The columns of one table, or of several that stand below each other, in which each has its whole width."""
    if _width(columns) <= width:
        return [list(columns)]
    columns = [column._replace(title=_broken(column.title, max(_widest(column.cells), 1), 0)) for column in columns]
    for rank in sorted({column.rank for column in columns}, reverse=True):
        part = [column for column in columns if column.rank <= rank]
        if _width(part) <= width:
            return [part]
    tight = [column._replace(cells=_tight(column.cells)) for column in columns]
    every, parts = range(num_naming, len(columns)), list[list[int]]()
    naming = list(range(num_naming))
    for at in sorted(every, key=lambda at: columns[at].rank):
        open_parts = parts if columns[at].rank else parts[-1:]  # those that are always shown stay in their order
        roomy = [part for part in open_parts if _width([tight[one] for one in (*part, at)]) <= width]
        if roomy:
            roomy[0].append(at)
        elif columns[at].rank == 0:
            parts.append([*naming, at])
    return [[tight[at] for at in sorted(part)] for part in parts]


def _table(columns: Sequence[Column], width: int, **options: Any) -> Table:
    """Words get what numbers leave, the first columns first."""
    table, cells = Table(title_justify="left", **options), []
    left = width - _width(columns)
    for column in columns:
        most, given = _widest([column.title, *column.cells]), _least(column)
        if column.words and left > 0:
            given, left = min(most, given + left), left - min(most - given, left)
        shown, title = column.cells if given >= most else _tight(column.cells), column.title
        if not column.words:
            left_of = " " * (given - _widest(shown))
            shown, title = [left_of + cell.replace("\n", f"\n{left_of}") for cell in shown], _shifted([title], given)[0]
        table.add_column(title, no_wrap=not column.words, overflow="fold", width=given)
        cells.append(shown)
    for row in zip(*cells, strict=True):
        table.add_row(*row)
    return table


def _print_blocks(output: Screen, columns: Sequence[Column]) -> None:
    for number, cells in enumerate(zip(*(column.cells for column in columns), strict=True)):
        if number:
            output.print()
        for column, cell in zip(columns, cells, strict=True):
            if cell:
                say(output, f"{column.title}: {' '.join(Text.from_markup(cell).plain.split())}")


def _tight(cells: Sequence[str]) -> list[str]:
    """Intervals below what they belong to."""
    return [cell.replace(" [", "\n[").replace(" \\[", "\n\\[") for cell in cells]


def _width(columns: Sequence[Column]) -> int:
    """What a table takes when its words are broken as far as they may be."""
    return 1 + sum(_least(column) + 3 for column in columns)


def _least(column: Column) -> int:
    widest = _widest([column.title, *column.cells])
    if not column.words:
        return widest
    longest = max(_measure(cell)[1] for cell in (column.title, *column.cells))
    return max(min(widest, _LEAST_WORDS), longest)


def _widest(cells: Sequence[str]) -> int:
    return max((_measure(cell)[0] for cell in cells), default=0)


@functools.lru_cache(4096)
def _measure(cell: str) -> tuple[int, int]:
    """How wide its widest line is, and its longest word."""
    lines = Text.from_markup(harmless(cell)).plain.splitlines()
    words = [word for line in lines for word in line.split()]
    return max(map(cell_len, lines), default=0), max(map(cell_len, words), default=0)


def _fitted(output: Screen, text: str) -> str:
    text = harmless(text)
    return "\n".join(_broken(line, output.width) for line in text.split("\n")) if output.breaks else text


def _broken(line: str, width: int, hanging: int = _HANGING) -> str:
    """A line as several of no more than the width, of whole words."""
    indent = " " * (len(line) - len(line.lstrip(" ")) + hanging)
    first, *words = line.lstrip(" ").split(" ")
    lines = [line[: len(line) - len(line.lstrip(" "))] + first]
    for word in words:
        if cell_len(lines[-1]) + 1 + cell_len(word) > width:
            lines.append(word if len(indent) + cell_len(word) > width else indent + word)
        else:
            lines[-1] += f" {word}"
    return "\n".join(one.rstrip() for one in lines)
