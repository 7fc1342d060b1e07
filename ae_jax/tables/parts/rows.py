"""From columns of blocks to sections of rows, those from elsewhere among them."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from ae_jax.results.configurations import Configuration
from ae_jax.results.runs import Setting
from ae_jax.runs.measures import Measure
from ae_jax.tables.parts.base import Cell, Column, Row, Strip
from ae_jax.tables.parts.external import External, chosen_rows, read_external
from ae_jax.tables.parts.settings import LATENT_SIZE, MODEL
from ae_jax.tables.parts.sources import Sources

EXTERNAL_NOTE = (
    "Marked rows are numbers from elsewhere, as their source gives them, of its own training; none is compared or bold."
)


def keys_with_external(keys: Sequence[str], *, selected: Sequence[str] = ()) -> list[str]:
    """The keys that name a row where some are from elsewhere, which have a name in place of a model, and a size."""
    return [*keys, *(key for key in (LATENT_SIZE, MODEL) if key not in (*keys, *selected))]


def sections_of(
    strips: Sequence[Strip],
    blocks: Sequence[Sequence[Configuration]],
    *,
    external: str | None,
    measures: Sequence[Measure],
    split: str,
    sources: Sources,
) -> tuple[tuple[Column, ...], tuple[tuple[Row, ...], ...]]:
    """Columns and sections of a table: a section for each block, below it what is from elsewhere at its latent size.

    Args:
        strips: Columns with their cells, in the order of the blocks; see `keys_with_external`.
        blocks: What is comparable.
        external: The file of the rows from elsewhere.
        measures: What the table has.
        split: Where it was measured.
        sources: What is marked.

    Raises:
        UserError: The file is not as it should be, or has nothing for this table.
    """
    cells = zip(*(strip.cells for strip in strips), strict=True)
    sections = [(_size(block), block[0].dataset, tuple(islice(cells, len(block)))) for block in blocks]
    columns = tuple(strip.column for strip in strips)
    if external is None:
        return columns, tuple(rows for *_, rows in sections)
    at = next(place for place, column in enumerate(columns) if column.fields == (MODEL,))
    named = replace(columns[at], fields=(MODEL, "source"), numeric=False)
    columns = (*columns[:at], named, *columns[at + 1 :])
    sections = [(size, data, tuple(_with_source(row, at) for row in rows)) for size, data, rows in sections]
    names = [measure.name for measure in measures]
    datasets = list(dict.fromkeys(one.dataset for block in blocks for one in block))
    for one in chosen_rows(external, read_external(external, names), measures=names, split=split, datasets=datasets):
        row = tuple(_cell(one, column, names, sources) for column in columns)
        dataset = one.dataset or datasets[0]
        _place(sections, one.latent_size, dataset, row)
    return columns, tuple(rows for *_, rows in sections)


def _place(sections: list[tuple[int, str, tuple[Row, ...]]], size: int, dataset: str, row: Row) -> None:
    """Put a row below the first section of its size and dataset; else into one of its own, before larger sizes."""
    of_data = [at for at, (_, data, _) in enumerate(sections) if data == dataset]
    for at in of_data:
        if sections[at][0] == size:
            sections[at] = (size, dataset, (*sections[at][2], row))
            return
    after = next((at for at in of_data if sections[at][0] > size), of_data[-1] + 1)
    sections.insert(after, (size, dataset, (row,)))


def _size(block: Sequence[Configuration]) -> int:
    return block[0].latent_size


def _with_source(row: Row, at: int) -> Row:
    return (*row[:at], replace(row[at], raw=(*row[at].raw, None)), *row[at + 1 :])


def _cell(one: External, column: Column, measures: Sequence[str], sources: Sources) -> Cell:
    """What a row from elsewhere has in a column: most have nothing."""
    first = column.fields[0]
    nothing = Cell(raw=(None,) * len(column.fields))
    known: dict[str, Setting] = {LATENT_SIZE: one.latent_size, "dataset": one.dataset}
    if column.names_row and column.fields == (MODEL, "source"):
        return Cell(one.name, mark=sources.mark(one.source), raw=(one.name, one.source))
    if column.names_row and known.get(first) is not None:
        return Cell(str(known[first]), raw=(known[first],))  # type: ignore[arg-type] # a name or a number
    if first == "num_seeds":
        return nothing if one.n is None else Cell(str(one.n), raw=(one.n, *nothing.raw[1:]))
    measure = next((name for name in measures if column.fields[-1] == f"{name}_n"), None)  # what is compared
    value = one.values.get(measure) if measure else None
    if value is None:
        return nothing
    detail = f"n = {value.n}" if one.n is None and value.n is not None else ""
    return Cell(value.text, detail, raw=(value.number, *nothing.raw[1:-1], value.n))
