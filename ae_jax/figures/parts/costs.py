"""What runs cost, for an axis: what is counted, what was timed once for a program, and what was timed of a group.

A time is a measurement of a program or a group, not of a seed: runs that trained together have copies of one, which are
no repetitions of it.
"""

import statistics
from collections.abc import Sequence
from typing import Literal, NamedTuple

from ae_jax.errors import UserError
from ae_jax.results.runs import Run
from ae_jax.results.statistics import Estimate, estimate, interval_words

Cost = Literal["num_parameters", "flops_per_example", "latency_per_example_seconds", "train_seconds"]


class CostAxis(NamedTuple):
    """A cost.

    Attributes:
        kind: `counted`: exact. `program`: timed in rounds, of a compiled program. `group`: timed of runs that trained
            together, and divided by their number.
        ours: Where summary.json has the autoencoder's.
        pca: Where it has PCA's.
        label: For the axis, with the unit.
        factor: From what summary.json says to that unit.
    """

    kind: Literal["counted", "program", "group"]
    ours: tuple[str, str]
    pca: tuple[str, str]
    label: str
    factor: float = 1.0


COSTS = {
    "num_parameters": CostAxis(
        "counted", ("model", "num_parameters"), ("pca", "num_parameters"), "number of parameters"
    ),
    "flops_per_example": CostAxis(
        "counted",
        ("model", "flops_per_example"),
        ("pca", "flops_per_example"),
        "floating-point operations per example",
    ),
    "latency_per_example_seconds": CostAxis(
        "program",
        ("time", "latency_per_example_seconds"),
        ("time", "pca_latency_per_example_seconds"),
        "latency of one example, ms",
        1e3,
    ),
    "train_seconds": CostAxis("group", ("time", "train_seconds"), ("time", "pca_fit_seconds"), "time of training, s"),
}


def ours(runs: Sequence[Run], axis: CostAxis) -> Estimate:
    """What runs of one configuration cost.

    Of a group's time the interval is over groups, where there are three or more. Of a latency, the value is the median
    and the ends are quartiles over its rounds; there are none where they were not recorded.

    Raises:
        UserError: If it was not taken.
    """
    if axis.kind == "program":
        return _of_programs(runs, axis.ours, axis.factor)
    values = [axis.factor * value for value in _values(runs, axis.ours)]
    if axis.kind == "group":
        groups: dict[object, list[float]] = {}
        for index, (run, value) in enumerate(zip(runs, values, strict=True)):
            groups.setdefault(_group(run) or index, []).append(value)
        values = [statistics.fmean(group) for group in groups.values()]
    return estimate(values[:1] if len(set(values)) == 1 else values, scale="log")


def of_pca(runs: Sequence[Run], axis: CostAxis) -> Estimate | None:
    """What PCA beside runs costs; None where its time was not recorded.

    Raises:
        UserError: If another cost was not taken.
    """
    if axis.kind == "counted":
        return ours(runs, axis._replace(ours=axis.pca))
    part, name = axis.pca
    if axis.kind == "group" and any(run.summary.get(part, {}).get(name) is None for run in runs):
        return None
    return _of_programs(runs, axis.pca, axis.factor)


def require_like_groups(runs: Sequence[Run]) -> None:
    """Refuse times of groups of different sizes: a run in a group of 40 takes a fortieth of what the group takes.

    Raises:
        UserError: It says which sizes there are, and how to choose one.
    """
    sizes = {_group_size(run) for run in runs}
    if len(sizes) < 2:
        return
    known = sorted(size for size in sizes if size is not None)
    named = [" and ".join(map(str, known)) + " runs"] + ["unknown size"] * (None in sizes)
    condition = f"group_size = {known[-1]}" + (" and group_train_seconds is not null" if None in sizes else "")
    problem = f"is train_seconds, which was taken in groups of {' and of '.join(named)}: these do not compare"
    raise UserError("x", problem, f'choose one size with where="{condition}", or another cost')


def notes(runs: Sequence[Run], costs: Sequence[Estimate], axis: CostAxis, *, has_pca: bool) -> list[str]:
    """What the horizontal axis shows, in words, where it is a time.

    Args:
        runs: All that are shown.
        costs: Theirs.
        axis: Which cost.
        has_pca: Whether PCA's is shown.
    """
    if axis.kind == "counted":
        return []
    bars = any(cost.low is not None for cost in costs)
    if axis.kind == "program":
        spread = "with quartiles over rounds" if bars else "timed once"
        return [f"latency of each compiled program, not of each seed: median, {spread}"]
    size = _group_size(runs[0])
    words = {None: "time of a group, divided by its size, which was not recorded", 1: "each run was trained alone"}
    told = [words.get(size, f"time of a group of {size} runs, divided by {size}")]
    told += [f"horizontal: {interval_words()} over groups"] if bars else []
    pca = "PCA's is its closed form's, once for all sizes" if has_pca else "PCA is computed without training"
    return [*told, pca]


def _of_programs(runs: Sequence[Run], place: tuple[str, str], factor: float) -> Estimate:
    """The median of all measurements, and the range of their quartiles; copies of one measurement count once."""
    part, name = place
    measured = set()
    for run, value in zip(runs, _values(runs, place), strict=True):
        low, high = (run.summary[part].get(f"{name}_{end}") for end in ("low", "high"))
        measured.add((value, value if low is None else low, value if high is None else high))
    middle, low, high = zip(*((factor * value for value in one) for one in measured), strict=True)
    median = statistics.median(middle)
    ends = (None, None) if min(low) == max(high) else (min(low), max(high))
    return Estimate(len(measured), median, median, *ends)


def _values(runs: Sequence[Run], place: tuple[str, str]) -> list[float]:
    part, name = place
    values = [run.summary.get(part, {}).get(name) for run in runs]
    if None in values:
        missing = runs[values.index(None)]
        raise UserError("x", f"{part}.{name} is not in the summary of {missing.name}", "choose x=num_parameters")
    return [float(value) for value in values]


def _group_size(run: Run) -> int | None:
    """How many runs trained together; None of old runs, and of those that were continued, maybe in another group."""
    time = run.summary["time"]
    return None if time.get("group_train_seconds") is None else time.get("group_size")


def _group(run: Run) -> object | None:
    """The same for runs that trained together, as their program was compiled once; None for one that trained alone."""
    time = run.summary["time"]
    return None if time.get("group_size") == 1 else (time.get("group_size"), time.get("compile_seconds"))
