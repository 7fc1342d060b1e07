"""What the terminal shows of a sweep: the plan, and a live table while it trains."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.live import Live
from rich.markup import escape
from rich.table import Table

from ae_jax.experiments.build import Experiment
from ae_jax.experiments.measure import fit_dataset_pca, latent_size_of, pca_curve
from ae_jax.experiments.sweep.ending import print_failures
from ae_jax.experiments.sweep.overview import Run
from ae_jax.experiments.sweep.plan import Plan
from ae_jax.experiments.task import Outcome, Watch
from ae_jax.results.digits import difference_text
from ae_jax.results.runs import short_target
from ae_jax.terminal import Column, console, count, print_table

_MOST_ROWS = 10
# Between two lines where the output is no terminal.
_SECONDS_BETWEEN_LINES = 10.0


def print_plan(
    plan: Plan, runs: Sequence[Run], memory: Sequence[int | None], *, num_repeated: int, dry_run: bool
) -> None:
    """Runs, programs, what splits them, and what each is going to take."""
    output = console()
    output.print(f"[bold]sweep of {count(len(runs), 'run')} in {count(len(plan.programs), 'program')}[/]")
    if plan.swept:
        output.print(f"values, trained together: {', '.join(plan.swept)}", soft_wrap=True)
    if plan.split_by:
        output.print(f"structure, a program each: {', '.join(map(_key, plan.split_by))}", soft_wrap=True)
    if plan.programs:
        print_table(output, "", _plan_columns(plan, memory))
    for number, what in (
        (sum(run.trained_before for run in runs), "trained before: not trained again"),
        (num_repeated, "asked for twice: trained once"),
        (sum(isinstance(run.result, Exception) and not run.trained_before for run in runs), "cannot be trained"),
    ):
        if number:
            output.print(f"{count(number, 'run')} {what}", soft_wrap=True)
    if dry_run:
        print_failures(runs)
        output.print("dry run: nothing is trained")


def _plan_columns(plan: Plan, memory: Sequence[int | None]) -> list[Column]:
    programs = plan.programs
    sizes = ["cannot be trained" if size is None else f"{size / 2**20:,.1f} MiB" for size in memory]
    cells = {
        "program": [str(number + 1) for number in range(len(programs))],
        **{_key(name): [escape(_value(one.structure[name])) for one in programs] for name in plan.split_by},
        "runs": [str(len(program.jobs)) for program in programs],
        "groups": [str(program.pieces) for program in programs],
        "memory, estimated": sizes,
    }
    return [Column(title, column, words=True) for title, column in cells.items()]


def _key(name: str) -> str:
    """A key of a structure as one types it: the option of a group by the name of the group."""
    return name.removesuffix("._target_")


def _value(item: Any) -> str:
    return short_target(item) if isinstance(item, str) and item.startswith("ae_jax.") else str(item)


class SweepDisplay(Watch):
    """A table that follows the sweep on a terminal; elsewhere a line now and then.

    Args:
        plan: What is trained.
        built: The first run of each program, None for programs that cannot be trained.
    """

    def __init__(self, plan: Plan, built: Sequence[Experiment | None]):
        self._plan, self._lock, self._output = plan, threading.Lock(), console()
        self._rows = [_Row(plan, number, experiment) for number, experiment in enumerate(built)]
        self._current = self._rows[0]
        self._started = time.monotonic()
        self._last_line = 0.0
        self._tell: Callable[[Outcome], None] = lambda _: None
        self._live: Live | None = None

    @contextmanager
    def program(self, number: int, ended: Callable[[Outcome], None]) -> Iterator[None]:
        """A group of a program trains in this context; each run that ends is told to `ended`."""
        self._current, self._tell = self._rows[number], ended
        if not self._output.is_terminal:
            yield
            return
        with Live(console=self._output, get_renderable=self._table, refresh_per_second=4, transient=True) as self._live:
            yield

    def close(self) -> None:
        """Leave the table as it was last; elsewhere the lines say as much."""
        if self._output.is_terminal:
            self._output.print(self._table())

    def epoch(self, records: dict[Path, dict[str, Any]], examples_per_second: float) -> None:
        """See `Watch`."""
        self._current.see(records)
        if self._live is None and time.monotonic() - self._last_line > _SECONDS_BETWEEN_LINES:
            self._print_line()

    def ended(self, outcome: Outcome) -> None:
        """See `Watch`; called from several threads."""
        with self._lock:
            self._current.num_ended += 1
            self._tell(outcome)
        if self._live is None and self._current.num_ended == self._current.num_runs:
            self._print_line()

    def note(self, line: str) -> None:
        """See `Watch`."""
        self._output.print(line, soft_wrap=True, markup=False)

    def _print_line(self) -> None:
        self._last_line = time.monotonic()
        self._output.print(f"{self._current.text()}; {self._progress()}", soft_wrap=True, markup=False)

    def _progress(self) -> str:
        """Runs that have ended, and the time that is left, if all runs take as long as those so far."""
        num_runs, num_ended = sum(row.num_runs for row in self._rows), sum(row.num_ended for row in self._rows)
        done = sum(row.done() for row in self._rows)
        # Too little of the work tells nothing of the rest.
        left = (time.monotonic() - self._started) * (num_runs / done - 1) if done > 0.05 * num_runs else None
        shown = "" if left is None else f", about {left:.0f} s left"
        return f"{num_ended} of {count(num_runs, 'run')} ended{shown}"

    def _table(self) -> Table:
        names = (
            "program",
            *map(_key, self._plan.split_by),
            "ended",
            "epoch",
            "best validation sse",
            "PCA",
            "autoencoder is",
        )
        table = Table(*names, title=self._progress(), title_justify="left")
        first = max(0, self._rows.index(self._current) - _MOST_ROWS + 1)
        for row in self._rows[first : first + _MOST_ROWS]:
            table.add_row(*row.cells())
        return table


class _Row:
    """A program of a sweep as it trains."""

    # What completing a run (measures, figures, W&B) counts beside its training, in the estimate of the time left.
    _COMPLETING = 0.5

    def __init__(self, plan: Plan, number: int, experiment: Experiment | None):
        program = plan.programs[number]
        self._name, self._structure = str(number + 1), [_value(value) for value in program.structure.values()]
        self.num_runs = 0 if experiment is None else len(program.jobs)
        self.num_ended, self._experiment, self._num_epochs = 0, experiment, 1
        self._epochs: dict[Path, int] = {}
        self._best: float | None = None
        self._pca: float | None = None

    def see(self, records: dict[Path, dict[str, Any]]) -> None:
        """Take note of an epoch."""
        assert self._experiment is not None
        if self._pca is None:
            dataset = self._experiment.dataset
            curve = pca_curve(dataset, fit_dataset_pca(dataset), "validation")
            self._pca = curve[min(latent_size_of(self._experiment), len(curve) - 1)]
            self._num_epochs = self._experiment.options.num_epochs
        self._epochs |= {folder: record["epoch"] for folder, record in records.items()}
        errors = [record["validation_sse"] for record in records.values()]
        self._best = min(
            (error for error in (self._best, *errors) if error is not None and error == error), default=None
        )

    def done(self) -> float:
        """Runs that are done, counted in parts."""
        if self.num_ended == self.num_runs:
            return float(self.num_runs)
        trained = sum(self._epochs.values()) / self._num_epochs
        return (trained + self._COMPLETING * self.num_ended) / (1 + self._COMPLETING)

    def cells(self) -> list[str]:
        """What the table shows."""
        epoch = f"{max(self._epochs.values(), default=0)}/{self._num_epochs}" if self._epochs else ""
        errors = ["" if error is None else f"{error:.4g}" for error in (self._best, self._pca)]
        better = (
            "" if self._best is None or self._pca is None else difference_text(self._best, self._pca, has_ratio=True)
        )
        return [self._name, *map(escape, self._structure), f"{self.num_ended}/{self.num_runs}", epoch, *errors, better]

    def text(self) -> str:
        """The same as a sentence."""
        structure = f" ({', '.join(self._structure)})" if self._structure else ""
        epoch = max(self._epochs.values(), default=0)
        best = "" if self._best is None else f", best validation sse {self._best:.4g}, PCA's {self._pca:.4g}"
        return f"program {self._name}{structure}: epoch {epoch}/{self._num_epochs}{best}"
