"""A table as a value: what is in it, and not yet how it is written."""

from dataclasses import dataclass, replace
from typing import NamedTuple

Raw = str | int | float | None

MISSING = "\N{EN DASH}"
"""What stands where there is nothing to print."""


@dataclass(frozen=True)
class Cell:
    """What one column says about one row.

    Attributes:
        value: As printed: a number at its precision, or words.
        detail: What belongs to it and may stand below: its interval, or how many seeds diverged.
        bold: Whether nothing is shown to be better.
        mark: That of the note that belongs to it.
        raw: The same at full precision, for programs: one for each of the column's `fields`, None where there is none.
    """

    value: str = MISSING
    detail: str = ""
    bold: bool = False
    mark: str = ""
    raw: tuple[Raw, ...] = (None,)


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        title: Its heading in print.
        fields: Its headings for programs: one, or as many as its cells have raw values.
        group: What stands above it and its neighbours of the same group.
        numeric: Whether its cells are numbers.
        names_row: Whether it says which row it is, and so stands wherever a table is broken into parts.
        inches: Width in print of a column of texts that are broken into lines; 0: as wide as its widest text.
        if_varying: Whether it is printed only where its cells differ: what it says of all rows stands in a note.
    """

    title: str
    fields: tuple[str, ...]
    group: str = ""
    numeric: bool = False
    names_row: bool = False
    inches: float = 0.0
    if_varying: bool = False


class Strip(NamedTuple):
    """A column with its cells, from top to bottom."""

    column: Column
    cells: list[Cell]


@dataclass(frozen=True)
class Note:
    """What stands below a table; with a mark, it belongs to the cells that have the same one."""

    text: str
    mark: str = ""


Row = tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        title: What it shows, in one line.
        columns: Its columns.
        sections: Its rows; a section has those that are comparable with each other, and that stand together.
        notes: What one must know to read it.
        facts: Those of the notes that a caption has: how many seeds, which interval, selected how, without what.
    """

    title: str
    columns: tuple[Column, ...]
    sections: tuple[tuple[Row, ...], ...]
    notes: tuple[Note, ...] = ()
    facts: tuple[str, ...] = ()

    @property
    def rows(self) -> tuple[Row, ...]:
        """Its rows, from top to bottom."""
        return tuple(row for section in self.sections for row in section)

    @property
    def caption(self) -> str:
        """Its title and facts, as sentences."""
        return " ".join([f"{self.title}.", *self.facts])

    @property
    def printed(self) -> "Table":
        """Without the columns that say the same of every row, as far as they need not: programs have them all."""
        kept = [
            place
            for place, column in enumerate(self.columns)
            if not column.if_varying
            or any(row[place].detail for row in self.rows)
            or len({row[place].value for row in self.rows}) > 1
        ]
        sections = tuple(tuple(tuple(row[place] for place in kept) for row in section) for section in self.sections)
        return replace(self, columns=tuple(self.columns[place] for place in kept), sections=sections)
