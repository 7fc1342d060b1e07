"""Reader of .csv and .parquet tables through DuckDB, which is allowed to open this one file and nothing else."""

import glob
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import duckdb
import numpy as np
from duckdb import ColumnExpression

from ae_jax.datasets.array_files import Loaded
from ae_jax.errors import UserError, nearest
from ae_jax.reading import DEFLATE_MAX_RATIO

# DuckDB's classes by any other name: a run-time type checker would keep them alive past DuckDB's own shutdown check.
Relation: TypeAlias = Any
Connection: TypeAlias = Any

INTEGERS = {f"{sign}{size}INT" for sign in ("", "U") for size in ("TINY", "SMALL", "BIG", "HUGE")}
TEXTS = {"VARCHAR", "ENUM"}
NUMERIC = INTEGERS | {"INTEGER", "UINTEGER", "BOOLEAN", "FLOAT", "DOUBLE", "DECIMAL"}
SCALARS = NUMERIC | TEXTS | {"DATE", "TIME", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "UUID"}
_LEAST_MEMORY = 1 << 30


def read_table(path: Path, *, columns: Sequence[str] | None, label_column: str | None) -> Loaded:
    """Read the numeric columns of a table, in the order of the file or of `columns`; missing values become NaN.

    Args:
        path: A .csv or .parquet file.
        columns: The columns to keep, all but the labels if None.
        label_column: A column with classes, of any type.

    Returns:
        uint8 values if all columns are unsigned bytes, else float32.

    Raises:
        UserError: If the file cannot be read, or a column is unknown or not numeric.
    """
    try:
        with duckdb.connect() as connection:
            table = _open(connection, path)
            names = _feature_columns(table, path, columns, label_column)
            _check_num_values(connection, path, len(names) + 1)
            _check_numeric(table, path, names)
            labels = None if label_column is None else _fetch(table, label_column, path)
            return Loaded(_values(table, names), labels, names)
    except (duckdb.Error, RuntimeError) as error:  # the latter for names that are no UTF-8
        reason = str(error).partition("\n")[0]
        raise UserError(path, f"is damaged or not a {path.suffix} file ({reason})", "write it again") from error


def _open(connection: Connection, path: Path) -> Relation:
    pattern = glob.escape(str(path))
    connection.execute("SET allowed_paths = $1", [[str(path), pattern]])
    connection.execute("SET temp_directory = ''")
    connection.execute("SET enable_external_access = false")
    connection.execute(f"SET memory_limit = '{max(_LEAST_MEMORY, _most_bytes(path))} bytes'")
    if path.suffix.lower() == ".parquet":
        return connection.read_parquet(pattern, hive_partitioning=False)
    # Types from all rows, not from a sample; and no skipping of lines that do not fit the rest.
    return connection.read_csv(pattern, sample_size=-1, skiprows=0, hive_partitioning=False)


def _most_bytes(path: Path) -> int:
    """What a file may expand to: a table of equal values, or a dictionary of few texts, can be a few bytes on disk."""
    return DEFLATE_MAX_RATIO * (path.stat().st_size + 64)


def _check_num_values(connection: Connection, path: Path, num_columns: int) -> None:
    """Refuse a .parquet whose values would take far more memory than the file."""
    if path.suffix.lower() != ".parquet":
        return
    [(num_rows,)] = connection.execute(
        "select sum(num_rows)::bigint from parquet_file_metadata(?)", [glob.escape(str(path))]
    ).fetchall()
    if not 0 <= (num_rows or 0) * num_columns * 8 <= _most_bytes(path):
        raise UserError(path, f"claims {num_rows} rows, more than its bytes can hold", "write it again")


def _feature_columns(
    table: Relation, path: Path, columns: Sequence[str] | None, label_column: str | None
) -> tuple[str, ...]:
    held = table.columns
    asked = [] if columns is None else list(columns)
    for key, names in {"label_column": [label_column] if label_column is not None else [], "columns": asked}.items():
        for name in names:
            if name not in held:
                raise UserError(f"dataset.{key}", f"{path} has no column {name!r}", nearest(name, held))
    if len(set(asked)) < len(asked) or label_column in asked:
        raise UserError("dataset.columns", "names a column twice, or the labels", "name each feature once")
    chosen = tuple(name for name in held if name != label_column) if columns is None else tuple(asked)
    if not chosen:
        raise UserError("dataset.columns", f"leaves no column of {path}", "name at least one")
    return chosen


def _check_numeric(table: Relation, path: Path, names: tuple[str, ...]) -> None:
    types = _types(table)
    if len(types) == 1 and any(separator in table.columns[0] for separator in ",;\t|"):
        raise UserError(path, f"has one column, {table.columns[0]!r:.60}", "give every line the same number of fields")
    for name in names:
        if types[name] in NUMERIC:
            continue
        subject = f"{path}, column {name!r}"
        row, value = _first_text(_fetch(table, name, path))
        if value is None:
            raise UserError(subject, "has no values", "leave it out with dataset.columns")
        problem = f"is not numeric but {types[name]}: {value!r:.60} in row {row}"
        raise UserError(subject, problem, "leave it out with dataset.columns, or name it in dataset.label_column")


def _types(table: Relation) -> dict[str, str]:
    return {name: str(kind).partition("(")[0] for name, kind in zip(table.columns, table.types, strict=True)}


def _first_text(values: np.ndarray) -> tuple[int, Any]:
    """The first value that is no number and its row, counted from 1; else the first that is not missing."""
    present = [(row, str(value)) for row, value in enumerate(values.tolist(), start=1) if value is not None]
    return next((found for found in present if not _is_number(found[1])), present[0] if present else (0, None))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _fetch(table: Relation, name: str, path: Path) -> np.ndarray:
    kind, column = _types(table)[name], ColumnExpression(name).alias("column")
    if kind not in SCALARS:
        raise UserError(f"{path}, column {name!r}", f"holds values of type {kind}, expected numbers or text")
    if kind in TEXTS:
        [(num_bytes,)] = table.select(column).aggregate('sum(strlen("column"::varchar))').fetchall()
        if (num_bytes or 0) > _most_bytes(path):
            raise UserError(f"{path}, column {name!r}", "holds more text than its bytes can hold", "write it again")
    return table.select(column).fetchnumpy()["column"]


def _values(table: Relation, names: tuple[str, ...]) -> np.ndarray:
    compact = all(_types(table)[name] == "UTINYINT" for name in names)
    columns = [ColumnExpression(name).cast("DOUBLE").alias(str(index)) for index, name in enumerate(names)]
    fetched = table.select(*columns).fetchnumpy()
    missing = any(np.ma.is_masked(column) for column in fetched.values())
    values = np.empty((len(fetched["0"]), len(names)), np.uint8 if compact and not missing else np.float32)
    with np.errstate(over="ignore"):  # what overflows float32 becomes infinite, and is reported as such
        for index in range(len(names)):
            column = fetched.pop(str(index))
            values[:, index] = np.ma.filled(column, np.nan) if missing else column
    return values
