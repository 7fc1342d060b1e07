"""DuckDB in memory, closed to the outside: a query reads the tables that are in it, and nothing else of this machine.

A query may be a stranger's, in the yaml of a figure or paper. It cannot open files or addresses, load extensions,
change settings, see variables of Python, or write: it runs in a transaction that only reads.
"""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

_SETTINGS: dict[str, Any] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "enable_external_access": False,
    "python_enable_replacements": False,
    "temp_directory": "",
    "lock_configuration": True,
}


def connect() -> "duckdb.DuckDBPyConnection":
    """A connection that nothing leaves and that nobody can open again."""
    import duckdb

    return duckdb.connect(config=_SETTINGS)


def create(
    connection: "duckdb.DuckDBPyConnection", name: str, rows: Sequence[dict[str, Any]], types: dict[str, Any]
) -> None:
    """Make a table of rows: as one JSON text, which is the fastest way into DuckDB that needs no other library.

    Args:
        connection: Where.
        name: Its name; a table of that name is replaced.
        rows: With the same keys each.
        types: The type of each column by its key; a list of one type is that of lists.
    """
    parsed = "select unnest(from_json(?::json, ?)) as row"
    connection.execute(
        f"create or replace table {name} as select unnest(row) from ({parsed})", [json.dumps(rows), json.dumps([types])]
    )


def read(connection: "duckdb.DuckDBPyConnection", query: str) -> "duckdb.DuckDBPyRelation":
    """The whole answer to a query. Ctrl-C ends it, which DuckDB does not notice by itself.

    Raises:
        duckdb.Error: If it cannot be answered, or writes.
    """
    connection.execute("begin transaction read only")
    try:
        with ThreadPoolExecutor(1) as aside:
            answer = aside.submit(lambda: connection.sql(query).materialize())
            try:
                return answer.result()
            finally:
                while not answer.done():
                    connection.interrupt()
                    wait([answer], timeout=0.1)
    finally:
        connection.rollback()
