"""Results as tables to read, and as JSON."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table as RichTable


class Row(NamedTuple):
    """One measured thing.

    Attributes:
        name: Who or what was measured.
        seconds: Of each round.
        about: The version or library that did it.
        result: What it computed, by which a reader sees that all did the same.
        ratio: A time divided by another, None where nothing is compared.
        direction: Which by which: "this / here" or "here / this".
        target: The bound that the ratio (or the time) must keep, empty if there is none.
        reached: Whether it does.
    """

    name: str
    seconds: Sequence[float]
    about: str = ""
    result: str = ""
    ratio: float | None = None
    direction: str = ""
    target: str = ""
    reached: bool | None = None


class Table(NamedTuple):
    """The rows of one benchmark; which package each missing contender needs; and how the broken ones failed."""

    title: str
    rows: list[Row]
    missing: dict[str, str]
    broken: dict[str, str]


def show(table: Table) -> None:
    """Print a table: columns in plain text where the output is not a terminal."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=150, no_color=True)
    columns = RichTable(title=table.title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for name in ("", "median s", "min s", "ratio", "", "target", "reached", "result", "by"):
        columns.add_column(name, justify="right" if name in ("median s", "min s", "ratio") else "left")
    for row in table.rows:
        columns.add_row(
            row.name,
            f"{median(row.seconds):.3f}",
            f"{min(row.seconds):.3f}",
            "" if row.ratio is None else f"{row.ratio:.2f}",
            row.direction,
            row.target,
            "" if row.reached is None else "yes" if row.reached else "[red]no[/]",
            row.result,
            row.about,
        )
    if table.rows:
        console.print(columns)
    else:
        console.print(table.title, style="bold", markup=False, highlight=False)
    for name, package in table.missing.items():
        console.print(f"missing: {name} needs {package}: pip install -e '.\\[benchmark]'", highlight=False)
    for name, failure in table.broken.items():
        console.print(f"broken: {name}: {failure}", markup=False, highlight=False)
    console.print()


def as_json(table: Table) -> dict[str, Any]:
    """A table as plain values, with the median beside the seconds of every round."""
    rows = [row._asdict() | {"median_seconds": median(row.seconds)} for row in table.rows]
    return table._asdict() | {"rows": rows}


def write_json(path: Path, content: str) -> None:
    """Write a file whole or not at all."""
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(content)
    temporary.replace(path)
