"""The tables `runs` and `metrics` in DuckDB, in memory.

Columns that come from a config have the dotted key that one types on the command line. In a query they need no quotes:
`select model.latent_size, sse from runs`.
"""

import re
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from ae_jax.errors import UserError, nearest
from ae_jax.results.connection import connect, create, read
from ae_jax.results.rows import PLAIN, as_text, column_type, plain, rows_of, term_columns
from ae_jax.results.runs import Excluded, Run, terms_of
from ae_jax.runs.folder import RunFolder

if TYPE_CHECKING:
    import duckdb

TABLES = """
`runs` has a row per run and split (train, validation, test, and corrupted where inputs were corrupted):

    run, experiment, folder, seed, split
    dataset, model, corruption, bottleneck, objective, loss,           always
    optimizer, model.latent_size
    name, tags, notes                                                  as given; tags is a list: 'mine' in tags
    …                                                                  every other key that has more than one value, or
                                                                       that the query names
    sse, mse, explained_variance, psnr, bce                            the autoencoder's measures
    pca_sse, …                                                         PCA's, with as many components, on the same split
    distortion, kl, …                                                  terms of the objective, as far as runs have them;
                                                                       terms.NAME where a column has that name already
    num_components, components_to_match                                components of that PCA; those that PCA would need
    best_validation_loss, best_epoch, num_epochs, stopped              best_validation_loss: the objective there
    monitor, best_monitored                                            what chose the best epoch, and its value there
    num_parameters, flops_per_example, pca_num_parameters, pca_flops_per_example
    latency_per_example_seconds, …_low, …_high, …                      of the compiled program: median, quartiles
    group_size, group_train_seconds, compile_seconds, total_seconds    of the runs that trained together, undivided
    train_seconds, examples_per_second                                 the group's time divided by its size
    pca_fit_seconds, program_bytes                                     program_bytes: of the group's program
    process_host_peak_bytes, process_device_peak_bytes                 of the process so far: rises through a sweep
    config_hash, git_commit, started, ended

`metrics` has a row per run and epoch: run, folder, epoch, step, train_loss, validation_loss, validation_sse, seconds;
and train_kl, validation_kl, … of each term.
"""

_TABLES_ONLY = "a query reads the tables runs and metrics, and nothing else"
_COLUMNS = "list the columns with --sql 'describe runs'"
_LONG = 80  # characters of a remedy
_ALWAYS = ("dataset", "model", "corruption", "bottleneck", "objective", "loss", "optimizer", "model.latent_size")
_METRICS = {
    "epoch": "BIGINT",
    "step": "BIGINT",
    "train_loss": "DOUBLE",
    "validation_loss": "DOUBLE",
    "validation_sse": "DOUBLE",
    "seconds": "DOUBLE",
}


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
        """The answer to a query; see `Results.sql`. It reads these tables: nothing else is run.

        Args:
            query: One `select`, or what DuckDB reads as one (`describe runs`, `summarize runs`).
            subject: What an error is about.
        """
        import duckdb

        self._add_named(query)
        quoted = self._quoted(query)
        if not query.isascii():
            _check_text(query, subject)
        try:
            statements = duckdb.extract_statements(quoted)
            if [one.type for one in statements] != [duckdb.StatementType.SELECT]:
                raise UserError(subject, "is not one query that reads", "write one, such as: select * from runs")
            if not self._has_metrics and re.search(r"\bmetrics\b", query, re.IGNORECASE):
                self._add_metrics(self._connection)
            return read(self._connection, quoted)  # whole, so that what fails fails here
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
        table = self._connection.sql("select * from runs limit 0")
        types = {name: str(kind) for name, kind in zip(table.columns, table.types, strict=True)} | PLAIN
        rows = [
            {
                **dict.fromkeys(types),
                **{key: one.settings.get(key) for key in ("seed", *self._keys)},
                **plain(RunFolder(one.path)),
                "run": one.path.name,
                "experiment": one.path.parent.name,
                "folder": str(one.path),
            }
            for one in known
        ]
        if rows:
            own = {key: column_type([row[key] for row in rows]) for key in self._keys}
            create(self._connection, "excluded", [as_text(row, types | own) for row in rows], types | own)
            asked = self.query(ask.format("excluded", condition), subject="where").fetchall()
            found |= {folder for (folder,) in asked}
        return found | {str(one.path) for one in self._excluded if not one.settings}

    @cached_property
    def _connection(self) -> "duckdb.DuckDBPyConnection":
        rows = [row for run in self._runs for row in rows_of(run, self._keys, self._terms)]
        types = {
            name: PLAIN.get(name) or column_type([row[name] for row in rows]) for name in (rows[0] if rows else {})
        }
        connection = connect()
        create(connection, "runs", [as_text(row, types) for row in rows], types or {"run": "DOUBLE"})
        return connection

    def _add_named(self, query: str) -> None:
        """Give keys of configs that the query names, and that have one value only, a column as well."""
        asked = [key for key in sorted(self._settings) if "." in key and key not in self._keys and key in query]
        if asked:
            self._keys += asked
            self._has_metrics = False
            self.__dict__.pop("_connection", None)

    @cached_property
    def _terms(self) -> dict[str, str]:
        """The column of each term."""
        first = next((row for run in self._runs[:1] for row in rows_of(run, ())), {})
        return term_columns(terms_of(self._runs), [*first, *self._settings])

    @cached_property
    def _settings(self) -> set[str]:
        """Keys that any config has."""
        everything = [*(run.settings for run in self._runs), *(one.settings for one in self._excluded)]
        return {key for settings in everything for key in settings}

    def _add_metrics(self, connection: "duckdb.DuckDBPyConnection") -> None:
        of_terms = {
            f"{split}_{column}": f"{split}_{term}"
            for term, column in self._terms.items()
            for split in ("train", "validation")
        }
        names = {**{name: name for name in _METRICS}, **of_terms}
        rows = [
            {"run": run.name, "folder": str(run.folder.path), **{column: record.get(n) for column, n in names.items()}}
            for run in self._runs
            for record in run.folder.metrics
        ]
        types = {**_METRICS, **dict.fromkeys(of_terms, "DOUBLE")}
        create(connection, "metrics", rows, {"run": "VARCHAR", "folder": "VARCHAR", **types})
        self._has_metrics = True

    def _quoted(self, query: str) -> str:
        """The query with quotes around dotted columns, where it has none and outside of texts."""
        columns = [*self._keys, *self._terms.values()]
        dotted = sorted((key for key in columns if "." in key), key=len, reverse=True)
        names = "|".join(map(re.escape, dotted))
        pattern = rf"('(?:[^']|'')*'|\"(?:[^\"]|\"\")*\")|(?<![\w.])(\w+\.)?({names})(?![\w.])"
        return re.sub(pattern, lambda found: found[1] or f'{found[2] or ""}"{found[3]}"', query)

    def _explained(self, error: Exception, query: str, subject: str) -> UserError:
        import duckdb

        text = str(error)
        if isinstance(error, duckdb.PermissionException):
            return UserError(subject, "reaches for what is outside of the tables", _TABLES_ONLY)
        if isinstance(error, duckdb.TransactionException) or "configuration has been locked" in text:
            return UserError(subject, "is not one query that reads", _TABLES_ONLY)
        columns = {*self._connection.sql("select * from runs limit 0").columns, *self._settings}
        for pattern, kind, known in (
            (r'column "?([\w.]+)"? not found', "column", columns),
            (r'[Tt]able "(\w+)" not found', "column", columns),
            (r"extract field '(\w+)' from expression", "column", columns),
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


def _check_text(query: str, subject: str) -> None:
    try:
        query.encode()
    except UnicodeEncodeError as error:
        problem = f"holds what is no text ({error.object[error.start : error.end]!a})"
        raise UserError(subject, problem, "type it in the encoding of the terminal") from error
