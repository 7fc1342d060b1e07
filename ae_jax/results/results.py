"""Run folders become one table: `load("outputs/…")`."""

import json
from collections.abc import Iterable, Sequence
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from ae_jax.errors import UserError
from ae_jax.results import database
from ae_jax.results.find import find_runs
from ae_jax.results.runs import Excluded, Run, decides, partition, read_run, varying

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
        """Keys that tell configurations apart: the first of those that always vary together, with the others.

        That a run lacks a key tells it apart too, unless another key tells as much, as `bottleneck` does of
        `bottleneck.num_codes`, which has one value and which other bottlenecks lack.
        """
        settings = [run.settings for run in self.runs]
        together: dict[tuple[int, ...], list[str]] = {}
        for key in dict.fromkeys(key for one in settings for key in one):
            numbers = partition(settings, key)
            if key != "seed" and max(numbers, default=0) > 0:
                together.setdefault(numbers, []).append(key)
        said = {numbers: keys for numbers, keys in together.items() if set(keys) & set(self.varying)}
        return {
            first: [key for key in others if key in self.varying]
            for numbers, (first, *others) in together.items()
            if numbers in said or not any(decides(more, numbers) for more in said)
        }

    def by_data(self) -> dict[str, "Results"]:
        """The runs parted into those whose errors compare (`Run.data`), by what tells their data apart.

        Each part has what is excluded on its data; of what is damaged or on other data, only the whole knows.
        """
        parts: dict[str, list[Run]] = {}
        for run in self.runs:
            parts.setdefault(run.data, []).append(run)
        firsts = [runs[0] for runs in parts.values()]
        keys, names = varying([run.data_settings for run in firsts]), [run.dataset for run in firsts]
        named: dict[str, Results] = {}
        for first, (data, runs) in zip(firsts, parts.items(), strict=True):
            told_by_name = names.count(first.dataset) == 1
            settings = [] if told_by_name else [f"{key}={json.dumps(first.settings.get(key))}" for key in keys]
            label = ", ".join([first.dataset, *settings])
            if label in named:  # the content has changed behind the same name
                label += f", content {sha256(data.encode()).hexdigest()[:6]}"
            named[label] = Results(runs, [one for one in self.excluded if one.is_on_data_of(first)])
        return dict(sorted(named.items()))

    @cached_property
    def datasets(self) -> list[str]:
        """Names of the datasets of the runs."""
        return sorted({run.dataset for run in self.runs})

    @cached_property
    def diverged(self) -> list[Excluded]:
        """The runs that diverged on the data of those that completed."""
        return self._lost("diverged")

    @cached_property
    def failed(self) -> list[Excluded]:
        """The runs on the data of those that completed that failed, or whose folders are damaged."""
        return self._lost("failed", "damaged")

    def _lost(self, *states: str) -> list[Excluded]:
        of_data = list({run.data: run for run in self.runs}.values())
        lost = [one for one in self.excluded if one.state in states]
        return [one for one in lost if any(one.is_on_data_of(run) for run in of_data)]

    @property
    def table(self) -> "duckdb.DuckDBPyRelation":
        """The table `runs`: a row per run and split.

        `.to_dicts()` converts it; `.df()`, `.pl()` and `.arrow()` where pandas, Polars or Arrow is installed.
        """
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
        if not condition.strip():
            raise UserError("where", "is empty", "write a condition, such as seed = 0, or leave it out")
        kept = self._database.folders(condition)
        runs = [run for run in self.runs if str(run.folder.path) in kept]
        if not runs:
            raise UserError("where", f"holds for none of {len(self.runs)} runs ({condition})", "change the condition")
        return Results(runs, [one for one in self.excluded if str(one.path) in kept])

    def require(self, *, what: str, one_dataset: bool = True) -> None:
        """Refuse what cannot be put into one figure or table.

        Args:
            what: What is to be made, for the message.
            one_dataset: Whether all must be on the same data, in the same splits and units. Otherwise different data
                are allowed as far as their settings tell them apart.

        Raises:
            UserError: If no run completed, or the data differ.
        """
        if not self.runs:
            states = ", ".join(sorted({one.state for one in self.excluded})) or "none"
            raise UserError("runs", f"none has completed ({states})", "train them to the end first")
        parts = self.by_data()
        changed = len({json.dumps([run.dataset, run.data_settings]) for run in self.runs}) < len(parts)
        if len(parts) > 1 and (one_dataset or changed):
            key = next(iter(varying([run.data_settings for run in self.runs])), "")
            if len(self.datasets) > 1:
                remedy = f"choose one with where=\"dataset = '{self.datasets[0]}'\""
            else:
                remedy = f'choose one with where="{key} = …"' if key and not changed else "give the folders of one"
            problem = f"are on {len(parts)} different data ({'; '.join(parts)}), whose errors cannot share {what}"
            raise UserError("runs", problem, remedy)

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
