"""Numbers of other tools and papers, from a CSV file, as rows of a table: `table.external=rows.csv`.

    name,latent_size,measure,value,n,source
    Sparse coding,16,sse,19.2,3,"Doe 2020, table 2"

`dataset` and `split` are optional columns. A row of the table has the measures of one name, size, dataset and source.
"""

import csv
import io
import os
import re
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import NamedTuple

from ae_jax.errors import UserError, nearest
from ae_jax.reading import open_file
from ae_jax.runs.measures import MEASURES, SPLITS
from ae_jax.tables.parts.base import Raw

_NEEDED = ("name", "latent_size", "measure", "value", "n", "source")
_OPTIONAL = ("dataset", "split")
_HEAD = f"its first line names the columns {','.join(_NEEDED)}, and perhaps dataset,split"
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_COUNT = re.compile(r"[1-9]\d{0,8}", re.ASCII)
_MOST_BYTES = 1 << 20


class Value(NamedTuple):
    """A number as its source gives it.

    Attributes:
        text: As it is written.
        n: Of how many seeds it is the mean; None where the source does not say.
    """

    text: str
    n: int | None

    @property
    def number(self) -> float:
        """What it says."""
        return float(self.text)


class External(NamedTuple):
    """A row.

    Attributes:
        name: What was measured.
        latent_size: Size of its latent.
        source: Where the numbers are from.
        dataset: Its dataset; None: that of the table.
        split: Where it was measured; None: where the table is.
        values: By their measures.
    """

    name: str
    latent_size: int
    source: str
    dataset: str | None
    split: str | None
    values: dict[str, Value]

    @property
    def n(self) -> int | None:
        """The number of seeds, where it is the same for all values."""
        counts = {value.n for value in self.values.values()}
        return counts.pop() if len(counts) == 1 else None


def read_external(path: str, measures: Collection[str] = ()) -> list[External]:
    """The rows of a file, in its order; `measures` are the table's, of which some may be terms of an objective.

    Raises:
        UserError: It cannot be read, lacks a column, or holds what is none of its kind. It names file and line.
    """
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    found: dict[tuple[Raw, ...], External] = {}
    try:
        head = [name.strip() for name in next(reader, [])]
        _check_head(path, head)
        for fields in reader:
            if not any(field.strip() for field in fields):
                continue
            place = f"{path}, line {reader.line_num}"
            if len(fields) != len(head):
                raise UserError(place, f"has {len(fields)} values for {len(head)} columns", "quote values with commas")
            given = {name: " ".join(field.split()) for name, field in zip(head, fields, strict=True)}
            _add(found, place, given, (*MEASURES, *measures))
    except csv.Error as error:
        raise UserError(f"{path}, line {reader.line_num}", f"is no CSV ({error})", _HEAD) from error
    if not found:
        raise UserError(path, "has no rows", _HEAD)
    return list(found.values())


def chosen_rows(
    path: str, rows: Sequence[External], *, measures: Collection[str], split: str, datasets: Sequence[str]
) -> list[External]:
    """Those of a table's measures, split and datasets.

    Raises:
        UserError: None is, or it is not said of which of several datasets they are.
    """
    if len(datasets) > 1 and (unsaid := next((row for row in rows if row.dataset is None), None)):
        problem = f"does not say on which of {', '.join(datasets)} {unsaid.name!r} was measured"
        raise UserError(path, problem, "add a column dataset")
    kept = [
        row
        for row in rows
        if row.split in (None, split) and row.dataset in (None, *datasets) and row.values.keys() & set(measures)
    ]
    if not kept:
        problem = f"has no row for this table ({', '.join(measures)} on {' or '.join(datasets)}, {split} split)"
        raise UserError(path, problem, "change table.measures, or the columns dataset and split")
    return kept


def _text(path: str) -> str:
    remedy = f"name a CSV file; {_HEAD}"
    try:
        with open_file(Path(path)) as file:
            if os.fstat(file.fileno()).st_size > _MOST_BYTES:
                raise UserError(path, f"is larger than {_MOST_BYTES} bytes", remedy)
            return file.read(_MOST_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(path, "is no text in UTF-8", "save it as UTF-8") from error
    except FileNotFoundError:
        raise UserError("external", f"{path!r} does not exist", remedy) from None
    except (OSError, ValueError) as error:
        raise UserError(
            "external", f"{path!r} cannot be read ({getattr(error, 'strerror', None) or error})", remedy
        ) from error


def _check_head(path: str, head: Sequence[str]) -> None:
    for name in head:
        if name not in (*_NEEDED, *_OPTIONAL):
            raise UserError(f"{path}, line 1", f"there is no column {name!r}", nearest(name, (*_NEEDED, *_OPTIONAL)))
        if head.count(name) > 1:
            raise UserError(f"{path}, line 1", f"has {name} twice", "leave one out")
    missing = [name for name in _NEEDED if name not in head]
    if missing:
        raise UserError(path, f"lacks the column {', '.join(missing)}", _HEAD)


def _add(found: dict[tuple[Raw, ...], External], place: str, given: dict[str, str], measures: Collection[str]) -> None:
    for name in ("name", "source"):
        if not given[name]:
            raise UserError(place, f"has no {name}", "say what was measured, and where the number is from")
    _check(place, "latent_size", given["latent_size"], _COUNT.fullmatch, "a whole number above 0")
    _check(
        place, "value", given["value"], lambda text: _NUMBER.fullmatch(text) and abs(float(text)) < 1e300, "a number"
    )
    if given["n"]:
        _check(place, "n", given["n"], _COUNT.fullmatch, "a whole number above 0, or nothing")
    if given["measure"] not in measures:
        raise UserError(place, f"there is no measure {given['measure']!r}", nearest(given["measure"], measures))
    dataset, split = given.get("dataset") or None, given.get("split") or None
    if split is not None and split not in SPLITS:
        raise UserError(place, f"there is no split {split!r}", nearest(split, SPLITS))
    key = (given["name"], int(given["latent_size"]), given["source"], dataset, split)
    row = found.setdefault(key, External(*key, {}))
    if given["measure"] in row.values:
        raise UserError(place, f"gives {given['measure']} of {row.name} at {row.latent_size} again", "give it once")
    row.values[given["measure"]] = Value(given["value"], int(given["n"]) if given["n"] else None)


def _check(place: str, name: str, text: str, fits: Callable[[str], object], expected: str) -> None:
    if not fits(text):
        raise UserError(place, f"{name} is {text!r}", f"expected {expected}")
