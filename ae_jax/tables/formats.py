"""Tables as files: LaTeX for the paper, CSV for programs, Markdown for reading."""

import csv
import io
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from ae_jax.errors import UserError, nearest
from ae_jax.files import check_file_name, make_folder, write_text
from ae_jax.tables.latex import latex
from ae_jax.tables.parts.base import Cell, Column, Raw, Table

Format = Literal["latex", "csv", "markdown"]


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
    """A table as GitHub shows it, with its title above and its notes below."""
    titles = [f"{column.group}: {column.title}" if column.group else column.title for column in table.columns]
    lines = [
        f"**{_escaped(table.title)}**",
        "",
        _line([_escaped(title) for title in titles]),
        _line(["---:" if column.numeric else ":---" for column in table.columns]),
        *(_line([_cell(cell) for cell in row]) for row in table.rows),
    ]
    lines += ["", *(_escaped(note.text) for note in table.notes if not note.mark)]
    for note in table.notes:
        lines += ["", f"<sup>{_escaped(note.mark)}</sup> {_escaped(note.text)}"] if note.mark else []
    return "\n".join(lines).rstrip("\n") + "\n"


_FORMATS: dict[str, tuple[str, Callable[[Table], str]]] = {
    "latex": (".tex", latex),
    "csv": (".csv", csv_text),
    "markdown": (".md", markdown),
}


def write_table(table: Table, folder: Path, name: str, formats: Sequence[Format]) -> list[Path]:
    """Write NAME.tex, .csv and .md, as far as asked for; each whole or not at all.

    Args:
        table: What to write.
        folder: Where; made if it does not exist.
        name: Name of the files without suffix.
        formats: Which of them.

    Returns:
        The files, in the order of `formats`.

    Raises:
        UserError: A format or name that cannot be, or a file that cannot be written.
    """
    if not formats:
        raise UserError("formats", "none is given", "give formats=[latex,csv,markdown]")
    for one in formats:
        if one not in _FORMATS:
            raise UserError("formats", f"there is no {one!r}", nearest(one, _FORMATS))
    check_file_name("name", name)
    texts = {folder / f"{name}{_FORMATS[one][0]}": _FORMATS[one][1](table) for one in formats}
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


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell) -> str:
    value = f"**{_escaped(cell.value)}**" if cell.bold else _escaped(cell.value)
    mark = f"<sup>{_escaped(cell.mark)}</sup>" if cell.mark else ""
    return f"{value}{mark} {_escaped(cell.detail)}".strip()


def _escaped(text: str) -> str:
    """Text that Markdown shows as it is: neither HTML, nor a link, emphasis, code, formula or the end of a cell."""
    plain = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]|~$#])", r"\\\1", plain)
