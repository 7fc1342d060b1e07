"""What all output on the terminal shares: the console, counted nouns, paths, and the word on autoencoder against PCA.

Colours and bars only on a terminal; plain lines elsewhere. rich honours NO_COLOR.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ae_jax.errors import harmless

_NARROW = 60  # characters, below which a row is a block of lines
_LEAST_WORDS = 18  # characters that a column of words keeps where the terminal is narrow


class Column(NamedTuple):
    """A column of a table on the terminal.

    Attributes:
        title: Its heading.
        cells: From top to bottom, in rich's markup.
        words: Whether it has words, which stand to the left and may be broken at spaces; numbers never are.
    """

    title: str
    cells: Sequence[str]
    words: bool = False


class _Console(Console):
    """rich's, that shows no character which could rewrite the terminal: texts of run folders may be a stranger's."""

    def render_str(self, text: str, **options: Any) -> Text:
        """See `rich.console.Console`, which makes all texts here, also those in tables."""
        return super().render_str(harmless(text), **options)


def console() -> Console:
    """Standard output; lines are not wrapped where it is no terminal."""
    output = _Console(highlight=False, soft_wrap=False)
    return output if output.is_terminal else _Console(highlight=False, width=120)


def count(number: int, noun: str) -> str:
    """A number with its noun, in the plural unless it is one."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def short_path(path: Path) -> Path:
    """The path as one would type it here."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_absolute() and path.is_relative_to(here) else path


def print_table(
    output: Console, title: str, columns: Sequence[Column], *, num_naming: int = 1, show_lines: bool = False
) -> None:
    """Print a table that is whole at every width: no number is cut or broken.

    Where it is too wide, the columns that do not fit stand in further tables below it; below 60 characters each row is
    a block of lines.

    Args:
        output: Where to.
        title: What stands above it, in rich's markup; nothing where it is empty.
        columns: Of equal length; those without any cell that says something are left out.
        num_naming: How many of the first columns name a row, and so stand in every part.
        show_lines: Whether rows are parted by lines.
    """
    if title:
        output.print(f"[italic]{title}[/]", soft_wrap=True)
    naming = list(columns[:num_naming])
    others = [column for column in columns[num_naming:] if any(column.cells)]
    if output.width < _NARROW:
        _print_blocks(output, [*naming, *others])
        return
    parts = [naming]
    for column in others:
        if len(parts[-1]) > num_naming and _width([*parts[-1], column]) > output.width:
            parts.append(naming)
        parts[-1] = [*parts[-1], column]
    for part in parts:
        table = Table(show_lines=show_lines)
        for column in part:
            justify = "left" if column.words else "right"
            table.add_column(column.title, justify=justify, no_wrap=not column.words, overflow="fold")  # type: ignore[arg-type] # rich's literal
        for cells in zip(*(column.cells for column in part), strict=True):
            table.add_row(*cells)
        output.print(table)


def _print_blocks(output: Console, columns: Sequence[Column]) -> None:
    for number, cells in enumerate(zip(*(column.cells for column in columns), strict=True)):
        if number:
            output.print()
        for column, cell in zip(columns, cells, strict=True):
            if cell:
                output.print(f"{column.title}: {' '.join(cell.split())}", overflow="fold")


def _width(columns: Sequence[Column]) -> int:
    """What a table takes when its words are broken as far as they may be."""
    return 1 + sum(_least(column) + 3 for column in columns)


def _least(column: Column) -> int:
    lines = [line for cell in (column.title, *column.cells) for line in Text.from_markup(cell).plain.splitlines()]
    widest = max((len(line) for line in lines), default=0)
    if not column.words:
        return widest
    longest = max((len(word) for line in lines for word in line.split()), default=0)
    return max(min(widest, _LEAST_WORDS), longest)
