"""The programs of a sweep as rows of a table: how far each is, how its error fell, and where PCA is."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ae_jax.config.naming import short_target
from ae_jax.experiment.build import Experiment
from ae_jax.jobs.display import to_beat
from ae_jax.jobs.sweep.plan import Plan
from ae_jax.results.configurations import setting_text, short_keys
from ae_jax.results.digits import alike, difference_text

_CURVE, _BAR = 12, 6  # characters
_LEVELS, _PLAIN_LEVELS = "▁▂▃▄▅▆▇█", "_-=+*#%@"


def structure_names(plan: Plan) -> list[str]:
    """The keys that tell the programs apart, in short; the option of a group by the name of the group."""
    keys = [key.removesuffix("._target_") for key in plan.split_by]
    return [short_keys(keys)[key] for key in keys]


def structure_text(item: Any) -> str:
    """A value of such a key, as one would type it."""
    return short_target(item) if isinstance(item, str) and item.startswith("ae_jax.") else setting_text(item)


def memory_text(num_bytes: int | None) -> str:
    """What a program is going to take, where it can be trained."""
    return "cannot be trained" if num_bytes is None else f"{num_bytes / 2**20:,.1f} MiB"


class Row:
    """A program of a sweep as it trains.

    Args:
        plan: What is trained.
        number: Its number there.
        experiment: Its first run, None where it cannot be trained.
        num_bytes: Memory that it is estimated to take.
    """

    # What completing a run (measures, figures, W&B) counts beside its training, in the estimate of the time left.
    _COMPLETING = 0.5

    def __init__(self, plan: Plan, number: int, experiment: Experiment | None, num_bytes: int | None):
        program = plan.programs[number]
        self.name, self.num_groups, self.num_bytes = str(number + 1), program.pieces, num_bytes
        structure = program.structure
        self.structure = [structure_text(structure[key]) if key in structure else "" for key in plan.split_by]
        self.num_runs = 0 if experiment is None else len(program.jobs)
        self.num_ended, self._experiment = 0, experiment
        self._num_epochs = 1 if experiment is None else experiment.options.num_epochs
        self._epochs: dict[Path, int] = {}
        self._errors: dict[int, float] = {}
        self._pca: float | None = None
        # What PCA is beside, unless a term is asked for, which it has not.
        monitor = "objective" if experiment is None else experiment.structure.monitor
        self.measure = "sse" if monitor == "objective" else monitor

    def see(self, records: dict[Path, dict[str, Any]]) -> None:
        """Take note of an epoch."""
        assert self._experiment is not None
        if self._pca is None and self.measure == "sse":
            self._pca = to_beat(self._experiment)[1]
        self._epochs |= {folder: record["epoch"] for folder, record in records.items()}
        for record in records.values():
            epoch, error = record["epoch"], record[f"validation_{self.measure}"]
            if math.isfinite(error):
                self._errors[epoch] = min(error, self._errors.get(epoch, math.inf))

    def done(self) -> float:
        """Runs that are done, counted in parts."""
        if self.num_ended == self.num_runs:
            return float(self.num_runs)
        trained = sum(self._epochs.values()) / self._num_epochs
        return (trained + self._COMPLETING * self.num_ended) / (1 + self._COMPLETING)

    @property
    def epoch(self) -> str:
        """How far the run is that is furthest."""
        return f"{max(self._epochs.values(), default=0)}/{self._num_epochs}"

    def errors(self) -> tuple[str, str, str]:
        """The lowest of what is shown on validation, PCA's, and how they differ; empty where nothing is known."""
        best = min(self._errors.values(), default=None)
        if self.measure != "sse":
            return "" if best is None else f"{best:#.4g}", "", ""
        if best is None or self._pca is None:
            return "", "" if self._pca is None else f"{self._pca:#.4g}", ""
        ours, theirs = alike(best, self._pca, digits=4)
        return ours, theirs, difference_text(best, self._pca, has_ratio=True)

    def bar(self, *, plain: bool) -> str:
        """The part of its epochs and runs that is done."""
        full = 0 if self.num_runs == 0 else math.floor(_BAR * self.done() / self.num_runs)
        done, left = ("#", "-") if plain else ("━", "╌")
        return f"[green]{done * full}[/][dim]{left * (_BAR - full)}[/]"

    def curve(self, *, plain: bool) -> str:
        """The lowest of what is shown of all runs over the epochs, logarithmic; a line where it falls below PCA's."""
        errors = _in_cells(self._errors, self._num_epochs)
        text = "".join(_levels(errors, _PLAIN_LEVELS if plain else _LEVELS, ahead="." if plain else "·"))
        below = next((at for at, error in enumerate(errors) if error is not None and error < (self._pca or 0)), None)
        if below is None:
            return text
        mark = "|" if plain else "│"
        return f"{text[:below]}[bold]{mark}[/][green]{text[below:]}[/]"

    def text(self, keys: Sequence[str]) -> str:
        """The same as a sentence."""
        pairs = ", ".join(f"{key}={value}" for key, value in zip(keys, self.structure, strict=True) if value)
        structure, (best, pca, _) = f" ({pairs})" if pairs else "", self.errors()
        parts = [f"program {self.name}{structure}: epoch {self.epoch}"]
        parts += [f"best validation {self.measure} {best}"] if best else []
        return ", ".join([*parts, *([f"PCA's {pca}"] if best and pca else [])])


def _in_cells(errors: Mapping[int, float], num_epochs: int) -> list[float | None]:
    """The lowest error in each part of the epochs, for a curve of few characters; None where there is none."""
    num_cells = min(_CURVE, num_epochs)
    cells: list[list[float]] = [[] for _ in range(num_cells)]
    for epoch, error in errors.items():
        cells[min((epoch - 1) * num_cells // num_epochs, num_cells - 1)].append(error)
    return [min(cell, default=None) for cell in cells]


def _levels(errors: Sequence[float | None], levels: str, *, ahead: str) -> list[str]:
    """A character for each error, higher for larger ones."""
    logs = [None if error is None else math.log(max(error, 1e-300)) for error in errors]
    known = [one for one in logs if one is not None]
    least, reach = min(known, default=0.0), max(known, default=0.0) - min(known, default=0.0) or 1.0
    return [ahead if one is None else levels[round((one - least) / reach * (len(levels) - 1))] for one in logs]
