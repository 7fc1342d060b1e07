"""Reader of .csv and .parquet tables through DuckDB, which is allowed to open this one file and nothing else."""

import glob
import logging
import re
from pathlib import Path
from typing import Any, TypeAlias

import duckdb
import numpy as np
from duckdb import ColumnExpression, StarExpression

from ae_jax.datasets.array_files import Columns, Loaded
from ae_jax.datasets.csv_files import Dialect, as_bool, explain, find_dialect
from ae_jax.datasets.labels import split_said
from ae_jax.errors import UserError, nearest
from ae_jax.reading import DEFLATE_MAX_RATIO, parse_json

# DuckDB's classes by any other name: a run-time type checker would keep them alive past DuckDB's own shutdown check.
Relation: TypeAlias = Any
Connection: TypeAlias = Any
Types: TypeAlias = dict[str, str]

INTEGERS = {f"{sign}{size}INT" for sign in ("", "U") for size in ("TINY", "SMALL", "BIG", "HUGE")}
TEXTS = {"VARCHAR", "ENUM"}
NUMERIC = INTEGERS | {"INTEGER", "UINTEGER", "BOOLEAN", "FLOAT", "DOUBLE", "DECIMAL"}
SCALARS = NUMERIC | TEXTS | {"DATE", "TIME", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "UUID"}
_NARROW = {"TINYINT", "UTINYINT", "SMALLINT", "USMALLINT", "BOOLEAN", "FLOAT"}  # exact in float32
_WIDE = {"BIGINT", "UBIGINT", "HUGEINT", "UHUGEINT", "DECIMAL"}  # not always exact in float64
_EXACT = 2.0**53
# What any file may take in memory, however small: columns of few values pack into next to nothing.
_HARMLESS, _HARMLESS_TEXT = 1 << 28, 1 << 26
_LEAST_MEMORY = 1 << 30
# How pandas names an index that has no name.
_INDEX = re.compile(r"Unnamed: \d+(\.\d+|_level_\d+)*|__index_level_\d+__")
_log = logging.getLogger(__name__)


def read_table(path: Path, *, columns: Columns, header: bool | None) -> Loaded:
    """Read the numeric columns of a table, in the order of the file or as asked; missing values become NaN.

    An index that pandas or R wrote is no feature, unless it is asked for.

    Args:
        path: A .csv or .parquet file.
        columns: Which columns are what; classes and splits are of any type.
        header: Whether the first line of a .csv holds names; None to find out.

    Returns:
        uint8 values if all columns are unsigned bytes, float32 if that can hold them, else float64.

    Raises:
        UserError: If the file cannot be read, or a column is unknown or not numeric.
    """
    is_csv = path.suffix.lower() == ".csv"
    if not is_csv and header is not None:
        raise UserError("dataset.header", f"is for .csv files, but the data is {path.name}", "leave it null")
    dialect = find_dialect(path, header=header) if is_csv else None
    try:
        with duckdb.connect() as connection:
            table = _open(connection, path, dialect)
            types = {name: str(kind).partition("(")[0] for name, kind in zip(table.columns, table.types, strict=True)}
            if any("\0" in name for name in types):  # which would be cut off
                raise UserError(path, "has a column whose name holds a zero byte", "rename it")
            index = _index_columns(connection, path, list(types), dialect)
            names = _feature_columns(list(types), path, columns, index)
            beside = [name for name in (columns.labels, columns.split) if name is not None]
            if dialect is None:
                _check_num_values(connection, path, [types[name] for name in (*names, *beside)])
            labels, split = (
                None if name is None else _fetch(table, name, types[name], path)
                for name in (columns.labels, columns.split)
            )
            return Loaded(_values(table, types, names, path), labels, split, names)
    except (duckdb.Error, RuntimeError) as error:  # the latter for names that are no UTF-8
        known = explain(path, dialect) if dialect is not None else None
        reason = str(error).partition("\n")[0]
        raise known or UserError(
            path, f"is damaged or not a {path.suffix} file ({reason})", "write it again"
        ) from error


def _open(connection: Connection, path: Path, dialect: Dialect | None) -> Relation:
    pattern = glob.escape(str(path))
    connection.execute("SET allowed_paths = $1", [[str(path), pattern]])
    connection.execute("SET temp_directory = ''")
    connection.execute("SET enable_external_access = false")
    connection.execute(f"SET memory_limit = '{max(_LEAST_MEMORY, _most_bytes(path))} bytes'")
    if dialect is None:
        return connection.read_parquet(pattern, hive_partitioning=False)
    # Types from all rows, not from a sample; and no skipping of lines that do not fit the rest.
    return connection.read_csv(
        pattern,
        header=dialect.has_header,
        sep=dialect.delimiter,
        quotechar=dialect.quote,
        escapechar=dialect.quote,
        comment="#" if dialect.has_comments else "",
        sample_size=-1,
        skiprows=dialect.num_blank,
        hive_partitioning=False,
    )


def _most_bytes(path: Path) -> int:
    """What a file may expand to: a table of equal values, or a dictionary of few texts, can be a few bytes on disk."""
    return DEFLATE_MAX_RATIO * (path.stat().st_size + 64)


def _check_num_values(connection: Connection, path: Path, kinds: list[str]) -> None:
    """Refuse a .parquet whose values would take far more memory than the file."""
    [(num_rows,)] = connection.execute(
        "select sum(num_rows)::bigint from parquet_file_metadata(?)", [glob.escape(str(path))]
    ).fetchall()
    size = 1 if set(kinds) == {"UTINYINT"} else 4 if set(kinds) <= _NARROW else 8
    expanded = (num_rows or 0) * len(kinds) * size
    if not 0 <= expanded <= max(_HARMLESS, _most_bytes(path)):
        problem = f"claims {num_rows} rows, more than its bytes can hold: {expanded / 2**30:,.1f} GiB in memory"
        raise UserError(path, problem, "if they are yours, write them without compression and encoding, or as .npy")


def _index_columns(connection: Connection, path: Path, names: list[str], dialect: Dialect | None) -> tuple[str, ...]:
    """Columns that their writer made of an index: without a name in a .csv, in pandas' metadata of a .parquet."""
    if dialect is not None:
        written = names[: dialect.num_unnamed]
    else:
        query = "select value from parquet_kv_metadata(?) where key = 'pandas'::blob"
        rows = connection.execute(query, [glob.escape(str(path))]).fetchall()
        written = _pandas_index(rows[0][0]) if rows else []
    return tuple(name for name in names if name in written or _INDEX.fullmatch(name))


def _pandas_index(metadata: bytes) -> list[str]:
    try:
        return [name for name in parse_json(metadata)["index_columns"] if isinstance(name, str)]
    except (ValueError, KeyError, TypeError):  # somebody else's key of the same name
        return []


def _feature_columns(held: list[str], path: Path, columns: Columns, index: tuple[str, ...]) -> tuple[str, ...]:
    asked, excluded = list(columns.keep or []), list(columns.exclude or [])
    beside = [name for name in (columns.labels, columns.split) if name is not None]
    for key, names in {
        "label_column": [columns.labels] if columns.labels is not None else [],
        "split_column": [columns.split] if columns.split is not None else [],
        "columns": asked,
        "exclude_columns": excluded,
    }.items():
        for name in names:
            if name not in held:
                raise UserError(f"dataset.{key}", f"{path} has no column {name!r}", nearest(name, held))
    if len(set(asked)) < len(asked) or set(beside) & set(asked):
        raise UserError("dataset.columns", "names a column twice, or the labels or splits", "name each feature once")
    if columns.keep is None:
        asked = [name for name in held if name not in (*beside, *index)]
        noted = [name for name in index if name not in (*beside, *excluded)]
        if noted and asked:
            named = ", ".join(map(repr, noted))
            _log.warning("%s: %s is an index, and left out; name it in dataset.columns to keep it", path.name, named)
    chosen = tuple(name for name in asked if name not in excluded)
    if not chosen:
        key = "exclude_columns" if excluded else "columns"
        raise UserError(f"dataset.{key}", f"leaves no column of {path}", "name at least one in dataset.columns")
    return chosen


def _values(table: Relation, types: Types, names: tuple[str, ...], path: Path) -> np.ndarray:
    words = [name for name in names if types[name] not in NUMERIC]
    for name in words:
        _check_text(table, name, types[name], path)
    # To name each column that is kept takes time that grows with the square of their number.
    others = list(types.keys() - set(names))
    fetched = (table.select(StarExpression(exclude=others)) if others else table).fetchnumpy()
    fetched |= {name: _from_words(fetched[name].tolist(), types[name], f"{path}, column {name!r}") for name in words}
    missing = any(np.ma.is_masked(column) for column in fetched.values())
    types_held = {column.dtype for column in fetched.values()}
    compact = types_held == {np.dtype(np.uint8)} and not missing
    dtype = np.dtype(np.uint8) if compact else np.result_type(*types_held, np.float32)
    values = np.empty((len(fetched[names[0]]), len(names)), dtype)
    for index, name in enumerate(names):
        column = fetched.pop(name)
        values[:, index] = np.ma.filled(column.astype(dtype), np.nan) if missing else column
        if types[name] in _WIDE:
            _check_distinct(table, name, values[:, index])
    return values


def _check_distinct(table: Relation, name: str, values: np.ndarray) -> None:
    """Refuse whole numbers and decimals that differ where float64 has them equal."""
    if len(values) and abs(values[0]) >= _EXACT and (values == values[0]).all():
        [(low, high)] = table.select(ColumnExpression(name).alias("x")).aggregate("min(x), max(x)").fetchall()
        if low != high:
            problem = f"column {name!r} varies so little beside its size that float64 cannot tell its values apart"
            remedy = f"subtract a constant from it first, or leave it out with dataset.exclude_columns=[{name}]"
            raise UserError("dataset.columns", problem, remedy)


def _from_words(values: list[Any], kind: str, subject: str) -> np.ndarray:
    """A column of yes and no, as numbers; anything else is refused."""
    present = [value for value in values if value is not None]
    if present and all(isinstance(value, str) and as_bool(value) is not None for value in present):
        return np.ma.masked_invalid([np.nan if value is None else as_bool(value) for value in values]).astype(
            np.float32
        )
    row, value = _first_text(values)
    if value is None:
        raise UserError(subject, "has no values", "leave it out with dataset.exclude_columns")
    problem = f"is not numeric but {kind}: {value!r:.60} in row {row}"
    key = "split_column" if split_said(value) else "label_column"
    raise UserError(subject, problem, f"leave it out with dataset.exclude_columns, or name it in dataset.{key}")


def _first_text(values: list[Any]) -> tuple[int, Any]:
    """The first value that is no number and its row, counted from 1; else the first that is not missing."""
    present = [(row, str(value)) for row, value in enumerate(values, start=1) if value is not None]
    return next((found for found in present if not _is_number(found[1])), present[0] if present else (0, None))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _fetch(table: Relation, name: str, kind: str, path: Path) -> np.ndarray:
    _check_text(table, name, kind, path)
    return table.select(ColumnExpression(name).alias("column")).fetchnumpy()["column"]


def _check_text(table: Relation, name: str, kind: str, path: Path) -> None:
    """Refuse what is neither number nor text, and text that would take far more memory than the file."""
    if kind not in SCALARS:
        problem = f"holds values of type {kind}, expected numbers or text"
        raise UserError(f"{path}, column {name!r}", problem, "leave it out with dataset.exclude_columns")
    if kind in TEXTS and path.suffix.lower() != ".csv":  # which is its own text
        column = ColumnExpression(name).alias("column")
        [(num_bytes,)] = table.select(column).aggregate('sum(strlen("column"::varchar))').fetchall()
        if (num_bytes or 0) > max(_HARMLESS_TEXT, _most_bytes(path)):
            raise UserError(f"{path}, column {name!r}", "holds more text than its bytes can hold", "write it again")
