"""What the terminal shows at the end of a sweep: the best runs, and those that did not complete."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.markup import escape

from ae_jax.errors import UserError
from ae_jax.jobs.sweep.overview import DivergedError, Trial
from ae_jax.results import Results
from ae_jax.results.configurations import configurations, short_keys
from ae_jax.results.digits import alike, difference_text
from ae_jax.results.runs import Excluded, read_run
from ae_jax.results.verdict import verdicts
from ae_jax.terminal import Column, Screen, console, count, print_table, say, short_path

_MOST_ROWS = 10


def print_end(runs: Sequence[Trial], folder: Path) -> None:
    """The best runs against PCA, by validation sse or the term that all monitored; what did not complete, and why.

    Runs on different data are not ranked with each other.
    """
    output, unique = console(), list({run.folder or id(run): run for run in runs}.values())
    states = [run.state for run in unique]
    parts = [f"{states.count(state)} {state}" for state in ("completed", "diverged", "failed") if state in states]
    of_data = {data: part for data, part in _by_data(unique).items() if part}
    for data, part in of_data.items():
        on = f" on {data}" if len(of_data) > 1 else ""
        for verdict in _verdicts(part):
            say(output, f"{data}: {verdict}" if on else verdict, style="bold")
        _print_best(output, part, runs, on=on, most=_MOST_ROWS // len(of_data) or 1)
    if len({(run.config or {}).get("seed") for run in unique}) > 1:
        say(output, "single runs, each of one seed: means over seeds are what scripts/report.py ranks")
    say(output, f"{count(len(unique), 'run')}: {', '.join(parts)}")
    print_failures(unique)
    say(output, f"sweep folder: {short_path(folder)}")


def _by_data(runs: Sequence[Trial]) -> dict[str, list[Trial]]:
    """The runs that completed, parted into those whose errors compare; by what tells their data apart."""
    done = [run for run in runs if run.state == "completed" and run.folder is not None]
    if len({json.dumps((run.config or {}).get("dataset"), sort_keys=True) for run in done}) < 2:
        return {"": done}
    read = [one for one in (read_run(run.folder) for run in done if run.folder) if not isinstance(one, Excluded)]
    label = {one.folder.path: data for data, part in Results(read).by_data().items() for one in part.runs}
    parts: dict[str, list[Trial]] = {data: [] for data in sorted(set(label.values()))}
    for run in done:
        if run.folder in label:
            parts[label[run.folder]].append(run)
    return parts


def _verdicts(runs: Sequence[Trial]) -> list[str]:
    """What each model does in numbers of PCA, over the seeds of its configurations."""
    read = [one for one in (read_run(run.folder) for run in runs if run.folder) if not isinstance(one, Excluded)]
    return verdicts(configurations(Results(read))) if read else []


def _print_best(output: Screen, runs: Sequence[Trial], among: Sequence[Trial], *, on: str, most: int) -> None:
    """Runs on the same data, best first."""
    measured = [(run, run.measures()) for run in runs]
    by, value = _ranks_by([one for _, one in measured if one])
    ranked = sorted((pair for pair in measured if pair[1]), key=lambda pair: _order(pair[1][value]))
    if not ranked:
        return
    shown = ranked[:most]
    pairs = [(measures["test_sse"], measures["pca_test_sse"]) for _, measures in shown]
    texts = [alike(*pair) for pair in pairs]
    theirs = [f"{text} ({one['pca_size']})" for (_, text), (_, one) in zip(texts, shown, strict=True)]
    columns = [
        Column("run", [escape(_label(run, among, short=True)) for run, _ in shown], words=True),
        Column(f"validation {by}", [alike(measures[value])[0] for _, measures in shown], rank=1),
        Column("test sse", [ours for ours, _ in texts]),
        Column("PCA's test sse", theirs),
        Column("autoencoder is", [difference_text(*pair, has_ratio=True) for pair in pairs], words=True),
    ]
    print_table(output, f"the best by validation {by}{on}", columns)
    if len(ranked) > most:
        say(output, f"and {len(ranked) - most} more in sweep.json")


def _ranks_by(measured: Sequence[dict[str, Any]]) -> tuple[str, str]:
    """What ranks runs on validation, and its key: sse, which all have, unless all were asked to monitor one term."""
    monitors = {one["monitor"] for one in measured}
    if len(monitors) == 1 and not monitors & {"objective", "sse"}:
        return monitors.pop(), "best_monitored"
    return "sse", "validation_sse"


def _order(value: float | None) -> float:
    return math.inf if value is None else value


def print_failures(runs: Sequence[Trial]) -> None:
    """Each reason, and below it the runs that it ended."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for run in runs:
        if isinstance(run.result, Exception):
            reason = str(run.result) if isinstance(run.result, UserError | DivergedError) else repr(run.result)
            reasons.setdefault((run.state, reason), []).append(_label(run, runs))
    for (state, reason), labels in reasons.items():
        more = [f"and {len(labels) - _MOST_ROWS} more in sweep.json"] if len(labels) > _MOST_ROWS else []
        lines = "".join(f"\n  {label}" for label in [*labels[:_MOST_ROWS], *more])
        say(console(), f"{state}: {reason}{lines}")


def _label(run: Trial, among: Sequence[Trial], *, short: bool = False) -> str:
    """The overrides that not all runs have; in short with keys by their last part."""
    common = set.intersection(*(set(other.overrides) for other in among)) if len(among) > 1 else set()
    overrides = [override for override in run.overrides if override not in common] or run.overrides
    if not short:
        return " ".join(overrides)
    pairs = [override.lstrip("+").partition("=") for override in overrides]
    names = short_keys(key for key, *_ in pairs)
    return " ".join(f"{names[key]}{equals}{value}" for key, equals, value in pairs)
