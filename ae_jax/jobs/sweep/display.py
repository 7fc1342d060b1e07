"""What the terminal shows of a sweep: the plan, and a live table of it while it trains."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.live import Live
from rich.markup import escape
from rich.table import Table

from ae_jax.experiment.build import Experiment
from ae_jax.jobs.sweep.ending import print_failures
from ae_jax.jobs.sweep.overview import Trial
from ae_jax.jobs.sweep.plan import Plan
from ae_jax.jobs.sweep.rows import Row, memory_text, structure_names
from ae_jax.jobs.work import Outcome, Watch
from ae_jax.terminal import Column, console, count, fitting_table, print_table, say

# Between two lines where the output is no terminal.
_SECONDS_BETWEEN_LINES = 10.0
_FRAME = 9  # lines of a table that are no rows, with one below it


def print_plan(
    plan: Plan, runs: Sequence[Trial], memory: Sequence[int | None], *, num_repeated: int, dry_run: bool
) -> None:
    """Runs, programs, what splits them, and what each is going to take, unless a live table follows with the same."""
    output = console()
    say(output, f"sweep of {count(len(runs), 'run')} in {count(len(plan.programs), 'program')}", style="bold")
    if plan.swept:
        say(output, f"values, trained together: {', '.join(plan.swept)}")
    if plan.split_by:
        say(output, f"structure, a program each: {', '.join(key.removesuffix('._target_') for key in plan.split_by)}")
    if plan.programs and (dry_run or not output.is_live):
        print_table(output, "", _plan_columns([Row(plan, at, None, size) for at, size in enumerate(memory)], plan))
    for number, what in (
        (sum(run.trained_before for run in runs), "trained before: not trained again"),
        (num_repeated, "asked for twice: trained once"),
        (sum(isinstance(run.result, Exception) and not run.trained_before for run in runs), "cannot be trained"),
    ):
        if number:
            say(output, f"{count(number, 'run')} {what}")
    if dry_run:
        print_failures(runs)
        say(output, "dry run: nothing is trained")


def _plan_columns(rows: Sequence[Row], plan: Plan) -> list[Column]:
    return [
        *_naming_columns("program", rows, plan),
        Column("runs", [str(len(program.jobs)) for program in plan.programs], words=True),
        *_size_columns(rows),
    ]


def _naming_columns(title: str, rows: Sequence[Row], plan: Plan) -> list[Column]:
    keys = structure_names(plan)
    structure = [Column(key, [escape(row.structure[at]) for row in rows], words=True) for at, key in enumerate(keys)]
    return [Column(title, [row.name for row in rows], words=True), *structure]


def _beside_pca(every: Sequence[Row], pca: Sequence[str], differences: Sequence[str]) -> list[Column]:
    """PCA's error, unless all rows show a term, which it has not."""
    if all(row.measure != "sse" for row in every):
        return []
    return [Column("PCA's", pca), Column("autoencoder is", differences, words=True, rank=1)]


def _size_columns(rows: Sequence[Row]) -> list[Column]:
    columns = [Column("memory, estimated", [memory_text(row.num_bytes) for row in rows], words=True, rank=7)]
    if all(row.num_groups == 1 for row in rows):
        return columns
    return [Column("groups", [str(row.num_groups) for row in rows], words=True, rank=6), *columns]


class SweepDisplay(Watch):
    """A table that follows the sweep on a terminal; elsewhere a line now and then.

    Args:
        plan: What is trained.
        built: The first run of each program, None for programs that cannot be trained.
        memory: What each program is estimated to take, in bytes.
    """

    def __init__(self, plan: Plan, built: Sequence[Experiment | None], memory: Sequence[int | None]):
        self._plan, self._lock, self._output = plan, threading.Lock(), console()
        pairs = zip(built, memory, strict=True)
        self._rows = [Row(plan, number, experiment, size) for number, (experiment, size) in enumerate(pairs)]
        self._current = self._rows[0]
        self._started = time.monotonic()
        self._last_line = 0.0
        self._tell: Callable[[Outcome], None] = lambda _: None
        self._live: Live | None = None

    @contextmanager
    def program(self, number: int, ended: Callable[[Outcome], None]) -> Iterator[None]:
        """A group of a program trains in this context; each run that ends is told to `ended`."""
        self._current, self._tell = self._rows[number], ended
        if not self._output.is_live:
            yield
            return
        try:
            with Live(console=self._output, get_renderable=self._table, transient=True) as self._live:
                yield
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Leave the table as it was last; elsewhere the lines say as much."""
        if self._output.is_live:
            print_table(self._output, self._progress(), self._columns(self._rows))

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
        say(self._output, line)

    def _print_line(self) -> None:
        self._last_line = time.monotonic()
        say(self._output, f"{self._current.text(structure_names(self._plan))}; {self._progress()}")

    def _progress(self) -> str:
        """Runs that have ended, and the time that is left, if all runs take as long as those so far."""
        num_runs, num_ended = sum(row.num_runs for row in self._rows), sum(row.num_ended for row in self._rows)
        done = sum(row.done() for row in self._rows)
        seconds, shown = time.monotonic() - self._started, ""
        if num_ended == num_runs:
            shown = f" in {seconds:.0f} s"
        elif not done:
            shown = ", compiling"
        elif done > 0.05 * num_runs:  # too little of the work tells nothing of the rest
            shown = f", about {seconds * (num_runs / done - 1):.0f} s left"
        return f"{num_ended} of {count(num_runs, 'run')} ended{shown}"

    def _table(self) -> Table:
        """The rows that there is room for, with the current one."""
        room = max(1, self._output.height - _FRAME)
        first = max(0, min(self._rows.index(self._current) - room // 2, len(self._rows) - room))
        columns = self._columns(self._rows[first : first + room])
        return fitting_table(columns, self._output.width, title=self._progress())

    def _columns(self, rows: Sequence[Row]) -> list[Column]:
        plain = self._output.options.ascii_only
        texts = [(row.bar(plain=plain), row.epoch, row.curve(plain=plain), *row.errors()) for row in rows]
        bars, epochs, curves, best, pca, differences = zip(*texts, strict=True)
        return [
            *_naming_columns("#", rows, self._plan),
            Column("done", bars, words=True, rank=3),
            Column("ended", [f"{row.num_ended}/{row.num_runs}" for row in rows], rank=4),
            Column("epoch", epochs, rank=5),
            Column(
                f"validation {' or '.join(dict.fromkeys(row.measure for row in self._rows))}",
                curves,
                words=True,
                rank=2,
            ),
            Column("best", best),
            *_beside_pca(self._rows, pca, differences),
            *_size_columns(rows),
        ]
