"""Run folders become one table: `load("outputs/…")`."""

import json
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ae_jax.errors import UserError
from ae_jax.results import database
from ae_jax.results.find import find_runs
from ae_jax.results.runs import Excluded, Run, partition, read_run, varying

if TYPE_CHECKING:
    import duckdb


class Results:
    """Completed runs, and beside them the folders that are left out.

    Attributes:
        runs: The runs, in the order of their folders; the same run in two folders counts once.
        excluded: What is not counted, and why: running, interrupted, failed, diverged, damaged or repeated.
    """

    def __init__(self, runs: Sequence[Run], excluded: Sequence[Excluded] = ()):
        self.runs, self.excluded = list(runs), list(excluded)

    @cached_property
    def varying(self) -> list[str]:
        """Dotted keys of the configs that have more than one value among the runs, `seed` included if it has."""
        return varying([run.settings for run in self.runs])

    @cached_property
    def distinguishing(self) -> dict[str, list[str]]:
        """Keys that tell configurations apart: the first of those that always vary together, with the others."""
        settings = [run.settings for run in self.runs]
        together: dict[tuple[int, ...], list[str]] = {}
        for key in self.varying:
            if key != "seed":
                together.setdefault(partition(settings, key), []).append(key)
        return {first: others for first, *others in together.values()}

    @cached_property
    def datasets(self) -> list[str]:
        """Names of the datasets of the runs."""
        return sorted({run.dataset for run in self.runs})

    @property
    def table(self) -> "duckdb.DuckDBPyRelation":
        """The table `runs`: a row per run and split. `.df()`, `.pl()`, `.arrow()` and `.fetchall()` convert it."""
        return self.sql("select * from runs")

    def sql(self, query: str) -> "duckdb.DuckDBPyRelation":
        """The answer to a query on the tables `runs` and `metrics` (a row per run and epoch); see `database.TABLES`.

        Raises:
            UserError: If the query is wrong; it names the column that does not exist.
        """
        return self._database.query(query)

    def where(self, condition: str | None) -> "Results":
        """The runs for which an SQL condition on the table `runs` holds in any row; all of them for None.

        It is asked of what is not counted as well, which has settings and no measures.

        Raises:
            UserError: If the condition is wrong, or no run is left.
        """
        if condition is None:
            return self
        kept = self._database.folders(condition)
        runs = [run for run in self.runs if str(run.folder.path) in kept]
        if not runs:
            raise UserError("where", f"holds for none of {len(self.runs)} runs ({condition})", "change the condition")
        return Results(runs, [one for one in self.excluded if str(one.path) in kept])

    def require(self, *, what: str, one_dataset: bool = True) -> None:
        """Refuse what cannot be put into one figure or table.

        Args:
            what: What is to be made, for the message.
            one_dataset: Whether errors of different data must not be mixed.

        Raises:
            UserError: If no run completed, or they are of several datasets.
        """
        if not self.runs:
            states = ", ".join(sorted({one.state for one in self.excluded})) or "none"
            raise UserError("runs", f"none has completed ({states})", "train them to the end first")
        if one_dataset and len(self.datasets) > 1:
            raise UserError(
                "runs",
                f"are of {len(self.datasets)} datasets ({', '.join(self.datasets)}), whose errors cannot share {what}",
                f"choose one with where=\"dataset='{self.datasets[0]}'\"",
            )
        scalings = {json.dumps(run.settings.get("dataset.scaling")) for run in self.runs}
        if one_dataset and len(scalings) > 1:
            raise UserError(
                "runs",
                f"have data in different units (dataset.scaling is {' and '.join(sorted(scalings))}), "
                f"which cannot share {what}",
                "choose one with where=\"dataset.scaling='…'\"",
            )

    @cached_property
    def _database(self) -> database.Database:
        return database.Database(self.runs, self.varying, self.excluded)


def load(*paths: str | Path | Iterable[str | Path]) -> Results:
    """Read run folders, and folders of run folders however deep, into one table.

    Args:
        paths: Folders, or lists of folders.

    Raises:
        UserError: If a path does not exist or holds no run folder. A damaged run folder is no reason: it is listed in
            `Results.excluded`.

    Example:
        >>> results = ae_jax.results.load("outputs/latent_vs_pca")
        >>> results.sql("select model.latent_size, avg(sse), min(pca_sse) from runs where split = 'test' group by 1")
    """
    flat: list[str | Path] = []
    for path in paths:
        flat.extend([path] if isinstance(path, str | Path) else path)
    found = [read_run(folder) for folder in find_runs(flat)]
    runs, excluded, seen = list[Run](), list[Excluded](), dict[str, Run]()
    for one in found:
        if isinstance(one, Excluded):
            excluded.append(one)
        elif one.identity in seen:
            reason = f"is the same run as {seen[one.identity].folder.path}"
            excluded.append(Excluded(one.folder.path, "repeated", reason, one.settings))
        else:
            runs.append(seen.setdefault(one.identity, one))
    return Results(runs, excluded)
