"""Tables as files: LaTeX for the paper, CSV for programs, Markdown for reading."""

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from ae_jax.errors import UserError, nearest
from ae_jax.files import check_file_name, make_folder, write_text
from ae_jax.tables.latex import latex
from ae_jax.tables.parts.base import Cell, Column, Raw, Table
from ae_jax.tables.parts.escape import latex_caption, markdown_escaped
from ae_jax.tables.parts.fit import Layout, Page, split_number

Format = Literal["latex", "csv", "markdown"]

_PAGE = Page()
_DIGIT, _POINT = "\N{FIGURE SPACE}", "\N{PUNCTUATION SPACE}"  # as wide as a digit, and as a point
_WIDEST = 40  # letters to which columns are filled with spaces, so that the file itself reads as a table


def csv_text(table: Table) -> str:
    """A line per row at full precision (RFC 4180); a column has as many as it has fields. Notes are left out.

    Text that a spreadsheet would take for a formula has an apostrophe before it.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([field for column in table.columns for field in column.fields])
    for row in table.rows:
        cells = zip(table.columns, row, strict=True)
        writer.writerow([_plain(raw) for column, cell in cells for raw in _fields(column, cell)])
    return text.getvalue()


def markdown(table: Table) -> str:
    """A table as GitHub shows it, numbers aligned at their decimal points, with its title above and its notes below."""
    printed = table.printed
    columns = [_column(column, [row[at] for row in printed.rows]) for at, column in enumerate(printed.columns)]
    lines = [
        f"**{markdown_escaped(table.title)}**",
        "",
        *(f"| {' | '.join(row)} |" for row in zip(*columns, strict=True)),
    ]
    lines += ["", *(markdown_escaped(note.text) for note in table.notes if not note.mark)]
    for note in table.notes:
        lines += ["", f"<sup>{markdown_escaped(note.mark)}</sup> {markdown_escaped(note.text)}"] if note.mark else []
    return "\n".join(lines).rstrip("\n") + "\n"


_SUFFIXES = {"latex": ".tex", "csv": ".csv", "markdown": ".md"}


def write_table(
    table: Table,
    folder: Path,
    name: str,
    formats: Sequence[Format],
    *,
    page: Page = _PAGE,
    layout: Layout = "tabular",
) -> list[Path]:
    """Write NAME.tex with NAME_caption.tex, .csv and .md, as far as asked for; each whole or not at all.

    Args:
        table: What to write.
        folder: Where; made if it does not exist.
        name: Name of the files without suffix.
        formats: Which of them.
        page: Where the LaTeX is printed.
        layout: Of the LaTeX.

    Returns:
        The files, in the order of `formats`; a caption follows its table.

    Raises:
        UserError: A format or name that cannot be, or a file that cannot be written.
    """
    if not formats:
        raise UserError("formats", "none is given", "give formats=[latex,csv,markdown]")
    for one in formats:
        if one not in _SUFFIXES:
            raise UserError("formats", f"there is no {one!r}", nearest(one, _SUFFIXES))
    check_file_name("name", name)
    made: dict[str, Callable[[], str]] = {
        "latex": lambda: latex(table, page=page, layout=layout, name=name),
        "csv": lambda: csv_text(table),
        "markdown": lambda: markdown(table),
    }
    texts = dict[Path, str]()
    for one in formats:
        texts[folder / f"{name}{_SUFFIXES[one]}"] = made[one]()
        if one == "latex":
            texts[folder / f"{name}_caption.tex"] = latex_caption(table.title, table.caption) + "\n"
    make_folder(folder)
    for path, text in texts.items():
        write_text(path, text)
    return list(texts)


def _fields(column: Column, cell: Cell) -> Sequence[Raw]:
    if len(cell.raw) != len(column.fields):
        raise ValueError(f"{len(cell.raw)} values for the fields {', '.join(column.fields)}")
    return cell.raw


def _plain(raw: Raw) -> Raw:
    """A raw value as a spreadsheet reads it: numbers are numbers, and text is text."""
    return f"'{raw}" if isinstance(raw, str) and raw.startswith(("=", "+", "-", "@", "\t", "\r")) else raw


def _column(column: Column, cells: Sequence[Cell]) -> list[str]:
    """Its title, the line below it and its cells, all as long; but texts that are long as they are."""
    title = markdown_escaped(f"{column.group}: {column.title}" if column.group else column.title)
    body = _numbers(cells) if column.numeric else [_cell(cell) for cell in cells]
    width = max(map(len, (title, *body)))
    width = width if column.numeric or width <= _WIDEST else 0
    if not column.numeric:
        return [title.ljust(width), ":---".ljust(width, "-"), *(text.ljust(width) for text in body)]
    return [title.rjust(width), "---:".rjust(width, "-"), *(text.rjust(width) for text in body)]


def _numbers(cells: Sequence[Cell]) -> list[str]:
    """Numbers with as much space behind them as their points need to stand below each other."""
    decimals = [split_number(cell.value)[1] for cell in cells]
    most, longest = max(map(len, decimals), default=0), max((len(cell.detail) for cell in cells), default=0)
    texts = []
    for cell, part in zip(cells, decimals, strict=True):
        missing = most - len(part)
        points = 1 if missing and not part else 0
        space = _POINT * points + _DIGIT * (missing - points) if any(split_number(cell.value)) else ""
        texts.append(_cell(cell, space, _DIGIT * (longest - len(cell.detail))))
    return texts


def _cell(cell: Cell, space: str = "", end: str = "") -> str:
    value = f"**{markdown_escaped(cell.value)}**" if cell.bold else markdown_escaped(cell.value)
    mark = f"<sup>{markdown_escaped(cell.mark)}</sup>" if cell.mark else ""
    detail = f" {markdown_escaped(cell.detail)}" if cell.detail else " " if end else ""
    return f"{value}{space}{mark}{detail}{end}".strip(" ")
