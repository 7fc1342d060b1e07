"""The tables `runs` and `metrics` in DuckDB, in memory.

Columns that come from a config have the dotted key that one types on the command line. In a query they need no quotes:
`select model.latent_size, sse from runs`.
"""

import json
import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ae_jax.errors import UserError, nearest
from ae_jax.results.measures import MEASURES, SPLITS
from ae_jax.results.runs import Excluded, Run, Setting

if TYPE_CHECKING:
    import duckdb

TABLES = """
`runs` has a row per run and split (train, validation, test, and corrupted where inputs were corrupted):

    run, experiment, folder, seed, split
    dataset, model, corruption, loss, optimizer, model.latent_size     always
    …                                                                  every other key that has more than one value
    sse, mse, explained_variance, psnr, bce                            the autoencoder's measures
    pca_sse, …                                                         PCA's, with as many components, on the same split
    num_components, components_to_match                                components of that PCA; those that PCA would need
    best_validation_loss, best_epoch, num_epochs, stopped
    num_parameters, flops_per_example, pca_num_parameters, pca_flops_per_example
    latency_per_example_seconds, …, train_seconds, compile_seconds, total_seconds, examples_per_second
    host_peak_bytes, device_peak_bytes
    config_hash, git_commit, started, ended

`metrics` has a row per run and epoch: run, folder, epoch, step, train_loss, validation_loss, validation_sse, seconds.
"""

_COLUMNS = "list the columns with --sql 'describe runs'"
_LONG = 80  # characters of a remedy
_ALWAYS = ("dataset", "model", "corruption", "loss", "optimizer", "model.latent_size")
_METRICS = {
    "epoch": "BIGINT",
    "step": "BIGINT",
    "train_loss": "DOUBLE",
    "validation_loss": "DOUBLE",
    "validation_sse": "DOUBLE",
    "seconds": "DOUBLE",
}
_TIMES = (
    "latency_per_example_seconds",
    "latency_per_batch_seconds",
    "pca_latency_per_example_seconds",
    "pca_latency_per_batch_seconds",
    "train_seconds",
    "compile_seconds",
    "total_seconds",
    "examples_per_second",
)


class Database:
    """DuckDB in memory with the tables, made when the first query comes.

    Args:
        runs: The runs.
        varying: Dotted keys of the configs that get a column beside those that all tables have.
        excluded: Folders that are not in the tables.
    """

    def __init__(self, runs: Sequence[Run], varying: Sequence[str], excluded: Sequence[Excluded] = ()):
        self._excluded = excluded
        self._runs, self._keys = runs, list(dict.fromkeys([*_ALWAYS, *(key for key in varying if key != "seed")]))
        self._has_metrics = False

    def query(self, query: str, *, subject: str = "sql") -> "duckdb.DuckDBPyRelation":
        """The answer to a query; see `Results.sql`. It reads: nothing else is run.

        Args:
            query: One `select`, or what DuckDB reads as one (`describe runs`, `summarize runs`).
            subject: What an error is about.
        """
        import duckdb

        connection = self._connection
        if not self._has_metrics and re.search(r"\bmetrics\b", query, re.IGNORECASE):
            self._add_metrics(connection)
        quoted = self._quoted(query)
        try:
            statements = duckdb.extract_statements(quoted)
            if [one.type for one in statements] != [duckdb.StatementType.SELECT]:
                raise UserError(subject, "is not one query that reads", "write one, such as: select * from runs")
            return connection.sql(quoted).materialize()  # so that what fails fails here
        except duckdb.Error as error:
            raise self._explained(error, query, subject) from error

    def folders(self, condition: str) -> set[str]:
        """Folders for which a condition on `runs` holds in any row.

        Those that are not in the tables are asked too; what is known of none of their settings is kept.
        """
        # In lines of its own, so that a comment in the condition ends with it.
        ask = "select distinct folder from {} where (\n{}\n)"
        found = {folder for (folder,) in self.query(ask.format("runs", condition), subject="where").fetchall()}
        known = [one for one in self._excluded if one.settings]
        types = {name: str(kind) for name, kind in zip(self._table.columns, self._table.types, strict=True)}
        rows = [
            {
                **dict.fromkeys(types),
                **{key: one.settings.get(key) for key in ("seed", *self._keys)},
                "run": one.path.name,
                "experiment": one.path.parent.name,
                "folder": str(one.path),
            }
            for one in known
        ]
        if rows:
            own = {key: _type([row[key] for row in rows]) for key in self._keys}
            self._connection.execute("drop table if exists excluded")
            _create(self._connection, "excluded", [_as_text(row, types | own) for row in rows], types | own)
            asked = self.query(ask.format("excluded", condition), subject="where").fetchall()
            found |= {folder for (folder,) in asked}
        return found | {str(one.path) for one in self._excluded if not one.settings}

    @property
    def _table(self) -> "duckdb.DuckDBPyRelation":
        return self._connection.sql("select * from runs limit 0")

    @cached_property
    def _connection(self) -> "duckdb.DuckDBPyConnection":
        import duckdb

        rows = [row for run in self._runs for row in _rows(run, self._keys)]
        types = {name: _type([row[name] for row in rows]) for name in (rows[0] if rows else {"run": None})}
        connection = duckdb.connect()
        _create(connection, "runs", [_as_text(row, types) for row in rows], types)
        return connection

    def _add_metrics(self, connection: "duckdb.DuckDBPyConnection") -> None:
        rows = [
            {"run": run.name, "folder": str(run.folder.path), **{name: record.get(name) for name in _METRICS}}
            for run in self._runs
            for record in run.folder.metrics
        ]
        _create(connection, "metrics", rows, {"run": "VARCHAR", "folder": "VARCHAR", **_METRICS})
        self._has_metrics = True

    def _quoted(self, query: str) -> str:
        """The query with quotes around dotted columns, where it has none and outside of texts."""
        dotted = sorted((key for key in self._keys if "." in key), key=len, reverse=True)
        names = "|".join(map(re.escape, dotted))
        pattern = rf"('(?:[^']|'')*'|\"(?:[^\"]|\"\")*\")|(?<![\w.])(\w+\.)?({names})(?![\w.])"
        return re.sub(pattern, lambda found: found[1] or f'{found[2] or ""}"{found[3]}"', query)

    def _explained(self, error: Exception, query: str, subject: str) -> UserError:
        text = str(error)
        for pattern, kind, known in (
            (r'column "?([\w.]+)"? not found', "column", self._table.columns),
            (r"extract field '(\w+)' from expression", "column", self._table.columns),
            (r"Table with name (\w+) does not exist", "table", ["runs", "metrics"]),
        ):
            if missing := re.search(pattern, text):
                # Of a dotted key, DuckDB names one part only.
                whole = re.search(rf"[\w.]*\b{re.escape(missing[1])}\b[\w.]*", query)
                name = whole[0] if whole else missing[1]
                remedy = nearest(name, known)
                remedy = remedy if len(remedy) < _LONG else _COLUMNS
                return UserError(subject, f"there is no {kind} {name!r}", remedy)
        lines = [line for line in text.splitlines() if line.strip()]
        return UserError(subject, f"cannot be answered ({lines[0] if lines else text})", _COLUMNS)


def _create(
    connection: "duckdb.DuckDBPyConnection", name: str, rows: Sequence[dict[str, Any]], types: dict[str, str]
) -> None:
    """Make a table of rows: as one JSON text, which is the fastest way into DuckDB that needs no other library."""
    parsed = "select unnest(from_json(?::json, ?)) as row"
    connection.execute(
        f"create table {name} as select unnest(row, recursive := true) from ({parsed})",
        [json.dumps(rows), json.dumps([types])],
    )


def _rows(run: Run, keys: Sequence[str]) -> Iterator[dict[str, Any]]:
    """A row per split."""
    training, model, pca = run.summary["training"], run.summary["model"], run.summary["pca"]
    time, memory = run.summary.get("time", {}), run.summary.get("memory", {})
    for split in SPLITS:
        if run.measure("sse", split) is None:
            continue
        first = {"run": run.name, "experiment": run.experiment, "folder": str(run.folder.path), "seed": run.seed}
        yield {
            **first,
            "split": split,
            **{key: run.settings.get(key) for key in keys if key not in first and key != "split"},
            "dataset": run.dataset,
            **{name: run.measure(name, split) for name in MEASURES},
            **{f"pca_{name}": run.pca(name, split) for name in MEASURES},
            "num_components": pca.get("num_components"),
            "components_to_match": pca.get("components_to_match"),
            "best_validation_loss": training.get("best_validation_loss"),
            "best_epoch": training.get("best_epoch"),
            "num_epochs": training.get("epochs"),
            "stopped": training.get("stopped"),
            "num_parameters": model.get("num_parameters"),
            "flops_per_example": model.get("flops_per_example"),
            "pca_num_parameters": pca.get("num_parameters"),
            "pca_flops_per_example": pca.get("flops_per_example"),
            **{name: time.get(name) for name in _TIMES},
            "host_peak_bytes": memory.get("host_peak_bytes"),
            "device_peak_bytes": memory.get("device_peak_bytes"),
            "config_hash": run.summary["config_hash"],
            "git_commit": run.status.get("git_commit"),
            "started": run.status.get("started"),
            "ended": run.status.get("ended"),
        }


def _type(values: Sequence[Setting]) -> str:
    """The type of a column: whole numbers, numbers, truth values, or text (lists as JSON)."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return "BOOLEAN"
    if kinds == {int} and all(value is None or -(2**63) <= value < 2**63 for value in values):  # type: ignore[operator]
        return "BIGINT"
    return "DOUBLE" if kinds <= {int, float} else "VARCHAR"


def _as_text(row: dict[str, Any], types: dict[str, str]) -> dict[str, Any]:
    """The row with text where its column has text but the value is none."""
    return {
        name: json.dumps(value) if types[name] == "VARCHAR" and not isinstance(value, str | None) else value
        for name, value in row.items()
    }
