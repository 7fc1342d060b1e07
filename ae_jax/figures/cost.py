"""Error against cost: parameters, operations or time, of each autoencoder and of PCA."""

import json
import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ae_jax.errors import UserError
from ae_jax.figures.parts.common import (
    Kind,
    diverged_text,
    kinds,
    legend_above,
    look,
    require_measured,
    split_text,
)
from ae_jax.figures.parts.means import (
    PCA_LOOK,
    Mean,
    draw_means,
    mark_diverged,
    name_decades,
    scale_measure,
    write_beside,
)
from ae_jax.figures.parts.scales import measure_scale
from ae_jax.figures.parts.selection import selection_text
from ae_jax.figures.parts.spread import spread_text
from ae_jax.figures.style import NEUTRAL, PCA, figure_size
from ae_jax.results import Results
from ae_jax.results.configurations import Configuration, best_by_validation
from ae_jax.results.measures import Measure, measure_named
from ae_jax.results.runs import Run
from ae_jax.results.statistics import Estimate, estimate

Cost = Literal["num_parameters", "flops_per_example", "latency_per_example_seconds", "train_seconds"]


class _Unit(NamedTuple):
    """A cost: where summary.json has the autoencoder's and PCA's, None if it has none; its axis, and in what unit."""

    ours: tuple[str, str]
    pca: tuple[str, str] | None
    label: str
    factor: float = 1.0


_COSTS = {
    "num_parameters": _Unit(("model", "num_parameters"), ("pca", "num_parameters"), "number of parameters"),
    "flops_per_example": _Unit(
        ("model", "flops_per_example"), ("pca", "flops_per_example"), "floating-point operations per example"
    ),
    "latency_per_example_seconds": _Unit(
        ("time", "latency_per_example_seconds"),
        ("time", "pca_latency_per_example_seconds"),
        "latency of one example, ms",
        1e3,
    ),
    "train_seconds": _Unit(("time", "train_seconds"), None, "time of training, s"),
}


class _Point(NamedTuple):
    """A configuration, and of how many it is the best by validation."""

    shown: Configuration
    num_candidates: int
    mean: Mean


def draw(
    results: Results,
    /,
    *,
    x: Cost,
    measure: str,
    split: Literal["train", "validation", "test", "corrupted"],
    lines: list[str],
) -> Figure:
    """A point for each model, beside it its latent size; both axes are logarithmic where they can be.

    What an example costs depends on the model alone: of configurations of the same model, the best by the mean of the
    measure on the validation split is shown, and the figure says so. Time of training depends on everything, so every
    configuration is shown. The Pareto frontier has those points, of autoencoders and of PCA, than which none is cheaper
    and better by validation.

    Args:
        results: Runs of one dataset.
        x: The cost. PCA has no time of training, and is left out there.
        measure: What is measured.
        split: Where it is measured.
        lines: Keys whose values have a marker of their own.

    Raises:
        UserError: If the cost or the measure was not taken.
    """
    results.require(what="a figure")
    unit, cost = measure_named(measure), _COSTS[x]
    parted = kinds(results, lines, option="lines")
    groups = [_points(kind, x, measure, split) for kind in parted]
    points = [point for group in groups for point in group]
    pca = _pca(points, cost, measure, split)
    low, high = _limits(points, unit, split)
    inside = [point for point in points if low <= point.mean.y.mean <= high]
    figure = Figure(figsize=figure_size())
    axes = figure.subplots()
    handles: list[Artist] = []
    for index, (kind, group) in enumerate(zip(parted, groups, strict=True)):
        means = [point.mean for point in group if point in inside]
        handles.append(draw_means(axes, means, **(look(index) | {"linestyle": ""}), label=kind.label))
    if pca:
        handles.append(draw_means(axes, list(pca.values()), **PCA_LOOK, label="PCA"))
    chosen = [(point.mean, point.shown.estimate(measure, "validation")) for point in inside]
    validated = _pca(points, cost, measure, "validation")
    chosen += [(mean, validated[size].y) for size, mean in pca.items() if size in validated]
    handles += _draw_frontier(axes, chosen, unit, of_all=bool(cost.pca))
    handles += mark_diverged(axes, [point.mean for point in inside])
    scale_measure(axes, [*(point.mean for point in inside), *pca.values()], unit)
    axes.set_xscale("log", nonpositive="mask")
    axes.margins(x=0.08)
    axes.set_xlabel(cost.label)
    num_beyond = len(points) - len(inside)
    legend_above(figure, handles, _notes(results, points, x, measure, split, num_beyond))
    name_decades(figure, axes)
    if len({point.shown.latent_size for point in points}) > 1:
        ours = [(point.mean, str(point.shown.latent_size), NEUTRAL) for point in inside]
        write_beside(figure, axes, ours + [(mean, str(size), PCA) for size, mean in pca.items()])
    return figure


def _points(kind: Kind, x: Cost, measure: str, split: str) -> list[_Point]:
    """The points of a kind, in the order of their cost."""
    require_measured(kind.configurations, measure, split)
    models: dict[object, list[Configuration]] = {}
    for index, one in enumerate(kind.configurations):
        settings = {key: value for key, value in one.runs[0].settings.items() if key.startswith("model")}
        models.setdefault(index if x == "train_seconds" else json.dumps(settings), []).append(one)
    points = []
    for group in models.values():
        best = best_by_validation(group, measure)
        y = best.estimate(measure, split)
        if y is not None:
            mean = Mean(_cost(best.runs, _COSTS[x].ours, _COSTS[x].factor), y, best.num_diverged)
            points.append(_Point(best, len(group), mean))
    return sorted(points, key=lambda point: point.mean.x.mean)


def _cost(runs: Sequence[Run], place: tuple[str, str], factor: float) -> Estimate:
    """A cost over seeds. It is a point where it is the same for all, as parameters are."""
    part, name = place
    values = [run.summary.get(part, {}).get(name) for run in runs]
    if None in values:
        missing = runs[values.index(None)]
        raise UserError("x", f"{part}.{name} is not in the summary of {missing.name}", "choose x=num_parameters")
    known = [factor * value for value in values]
    return estimate(known[:1] if len(set(known)) == 1 else known)


def _pca(points: Sequence[_Point], cost: _Unit, measure: str, split: str) -> dict[int, Mean]:
    """PCA at the latent sizes of the points; its cost is that of all their runs."""
    if cost.pca is None:
        return {}
    of_size: dict[int, list[Configuration]] = {}
    for point in points:
        of_size.setdefault(point.shown.latent_size, []).append(point.shown)
    found = {}
    for size, group in sorted(of_size.items()):
        y = max(group, key=lambda one: one.num_seeds).pca(measure, split)
        if y is not None:
            found[size] = Mean(_cost([run for one in group for run in one.runs], cost.pca, cost.factor), y)
    return found


def _draw_frontier(
    axes: Axes, points: Sequence[tuple[Mean, Estimate | None]], unit: Measure, *, of_all: bool
) -> list[Artist]:
    """A line through the points that are better on the validation split than all cheaper ones, of whatever method."""
    sign = -1 if unit.more_is_better else 1
    measured = [(mean, sign * found.mean) for mean, found in points if found is not None]
    frontier, lowest = list[Mean](), math.inf
    for mean, validation in sorted(measured, key=lambda one: (one[0].x.mean, one[1])):
        if validation < lowest:
            lowest = validation
            frontier.append(mean)
    if len(frontier) < 2:
        return []
    xs, ys = [mean.x.mean for mean in frontier], [mean.y.mean for mean in frontier]
    label = f"Pareto frontier {'' if of_all else 'of autoencoders '}by validation"
    return list(axes.plot(xs, ys, color=NEUTRAL, alpha=0.3, linewidth=3.5, label=label, zorder=1.5))


def _limits(points: Sequence[_Point], unit: Measure, split: str) -> tuple[float, float]:
    """Between what runs are shown; those that went astray would press the others into one place."""
    pca = [value.mean for point in points if (value := point.shown.pca(unit.name, split)) is not None]
    low, high = measure_scale([point.mean.y.mean for point in points], pca, unit).limits
    return (low - (high - low) / 2, high) if unit.more_is_better else (low, high)


def _notes(results: Results, points: Sequence[_Point], x: Cost, measure: str, split: str, num_beyond: int) -> list[str]:
    shown = [point.shown for point in points]
    sizes = sorted({one.latent_size for one in shown})
    notes = [split_text(split, results.datasets[0]), spread_text(shown, measure)]
    notes.append("numbers are latent sizes" if len(sizes) > 1 else f"latent size {sizes[0]}")
    notes += selection_text("point", (point.num_candidates for point in points), measure)
    if num_beyond:
        notes.append(f"{num_beyond} of {len(points)} points are worse than the axis shows")
    if x == "train_seconds":
        notes.append("PCA is computed without training")
    return notes + diverged_text(results)
