"""Error against cost: parameters, operations or time, of each autoencoder and of PCA."""

import json
import math
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ae_jax.figures.parts import costs
from ae_jax.figures.parts.against import limits_text
from ae_jax.figures.parts.common import (
    Kind,
    kinds,
    left_out_text,
    legend_above,
    require_measured,
    split_text,
)
from ae_jax.figures.parts.costs import COSTS, Cost, CostAxis
from ae_jax.figures.parts.looks import legend_of
from ae_jax.figures.parts.means import (
    PCA_LOOK,
    Mean,
    draw_means,
    mark_diverged,
    name_costs,
    scale_measure,
    write_beside,
)
from ae_jax.figures.parts.measured import shown_measure
from ae_jax.figures.parts.scales import visible_limits
from ae_jax.figures.parts.selection import beyond_text, selection_text
from ae_jax.figures.parts.spread import spread_text
from ae_jax.figures.style import NEUTRAL, PCA_INK, figure_size
from ae_jax.results import Results
from ae_jax.results.configurations import Configuration, best_by_validation
from ae_jax.results.statistics import Estimate
from ae_jax.runs.measures import Measure, is_limited


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
    and better by validation. It is a staircase: between two points nothing is known to be as good as a line would say.

    Times are of programs and groups, not of seeds (`parts.costs`), and are compared between groups of one size only.

    Args:
        results: Runs of one dataset.
        x: The cost. PCA's time of training is that of its closed form; where it was not recorded, PCA is left out.
        measure: What is measured.
        split: Where it is measured.
        lines: Keys whose values have a marker of their own.

    Raises:
        UserError: If the cost or the measure was not taken, or times are of groups of different sizes.
    """
    results.require(what="a figure")
    (unit, results, missing), cost = shown_measure(results, measure, split), COSTS[x]
    if cost.kind == "group":
        costs.require_like_groups(results.runs)
    parted = kinds(results, lines, option="lines")
    groups = [_points(kind, cost, measure, split) for kind in parted]
    points = [point for group in groups for point in group]
    pca = _pca(points, cost, measure, split)
    theirs = [value.mean for point in points if (value := point.shown.pca(measure, split)) is not None]
    low, high = visible_limits([point.mean.y.mean for point in points], theirs, unit)
    inside = [point for point in points if low <= point.mean.y.mean <= high]
    figure = Figure(figsize=figure_size())
    axes = figure.subplots()
    legend = legend_of(parted, lines=False)
    for kind, style, group in zip(parted, legend.styles, groups, strict=True):
        draw_means(axes, [point.mean for point in group if point in inside], **style, label=kind.label)
    handles: list[Artist] = [*legend.handles, *_draw_pca(axes, list(pca.values()))]
    frontier = _frontier(_rivals(inside, pca, _pca(points, cost, measure, "validation"), measure), unit)
    handles += _draw_frontier(axes, frontier, of_all=bool(pca))
    handles += mark_diverged(axes, [point.mean for point in inside])
    below = scale_measure(axes, [*(point.mean for point in inside), *pca.values()], unit)
    axes.set_xscale("log", nonpositive="mask")
    axes.margins(x=0.08, y=0.12)
    axes.set_xlabel(cost.label)
    notes = [split_text(split, results), *missing, *legend.notes, *_notes(points, measure, len(points) - len(inside))]
    notes += _notes_on_costs(points, cost, pca, below)
    legend_above(figure, handles, [*notes, *left_out_text(results)])
    name_costs(figure, axes)
    if len({point.shown.latent_size for point in points}) > 1:
        ours = [(point.mean, str(point.shown.latent_size), NEUTRAL) for point in inside]
        write_beside(figure, axes, [(mean, str(size), PCA_INK) for size, mean in pca.items()] + ours, path=frontier)
    return figure


def _draw_pca(axes: Axes, means: Sequence[Mean]) -> list[Artist]:
    """PCA over everything, as many autoencoders may stand in one place with it."""
    style = PCA_LOOK | {"linestyle": "", "zorder": 3.2}
    return [draw_means(axes, means, **style, label="PCA")] if means else []


def _points(kind: Kind, cost: CostAxis, measure: str, split: str) -> list[_Point]:
    """The points of a kind, in the order of their cost."""
    require_measured(kind.configurations, measure, split)
    models: dict[object, list[Configuration]] = {}
    for index, one in enumerate(kind.configurations):
        settings = {key: value for key, value in one.runs[0].settings.items() if key.startswith("model")}
        models.setdefault(index if cost.kind == "group" else json.dumps(settings), []).append(one)
    points = []
    for group in models.values():
        best = best_by_validation(group, measure)
        y = best.estimate(measure, split)
        if y is not None:
            points.append(_Point(best, len(group), Mean(costs.ours(best.runs, cost), y, best.num_diverged)))
    return sorted(points, key=lambda point: point.mean.x.mean)


def _pca(points: Sequence[_Point], cost: CostAxis, measure: str, split: str) -> dict[int, Mean]:
    """PCA at the latent sizes of the points; its cost is that of all their runs. It is fitted once for all sizes."""
    everyone = [run for point in points for run in point.shown.runs]
    of_size: dict[int, list[Configuration]] = {}
    for point in points:
        of_size.setdefault(point.shown.latent_size, []).append(point.shown)
    found = {}
    for size, group in sorted(of_size.items()):
        y = max(group, key=lambda one: (not any(map(is_limited, one.pcas)), one.num_seeds)).pca(measure, split)
        runs = everyone if cost.kind == "group" else [run for one in group for run in one.runs]
        x = costs.of_pca(runs, cost)
        if x is not None and y is not None:
            found[size] = Mean(x, y)
    return found


def _rivals(
    points: Sequence[_Point], pca: dict[int, Mean], validated: dict[int, Mean], measure: str
) -> list[tuple[Mean, Estimate | None]]:
    """Those of whatever method that may be on the frontier, with what they reach on the validation split."""
    whole = [point for point in points if not point.mean.num_diverged]  # a mean of survivors is ahead of nothing
    ours = [(point.mean, point.shown.estimate(measure, "validation")) for point in whole]
    return ours + [(mean, validated[size].y) for size, mean in pca.items() if size in validated]


def _frontier(points: Sequence[tuple[Mean, Estimate | None]], unit: Measure) -> list[tuple[float, float]]:
    """The corners of a staircase through the points that are better on the validation split than all cheaper ones."""
    sign = -1 if unit.more_is_better else 1
    measured = [(mean, sign * found.mean) for mean, found in points if found is not None]
    corners, lowest = list[tuple[float, float]](), math.inf
    for mean, validation in sorted(measured, key=lambda one: (one[0].x.mean, one[1])):
        if validation < lowest:
            lowest = validation
            corners += [(mean.x.mean, corners[-1][1])] if corners else []
            corners.append((mean.x.mean, mean.y.mean))
    return corners if len(measured) > 1 else []


def _draw_frontier(axes: Axes, corners: Sequence[tuple[float, float]], *, of_all: bool) -> list[Line2D]:
    if not corners:
        return []
    label = f"Pareto frontier {'' if of_all else 'of autoencoders '}by validation"
    style: dict[str, Any] = {"color": NEUTRAL, "alpha": 0.3, "linewidth": 3.5, "zorder": 1.5}
    if len(corners) == 1:  # a point that is ahead of all others
        style |= {"marker": "o", "markersize": 10, "linestyle": "", "markeredgewidth": 0}
    return axes.plot(*zip(*corners, strict=True), label=label, **style)


def _notes(points: Sequence[_Point], measure: str, num_beyond: int) -> list[str]:
    """What is shown of seeds and latent sizes, what was selected, and what is not shown."""
    shown = [point.shown for point in points]
    sizes = sorted({one.latent_size for one in shown})
    notes = [spread_text(shown, measure)]
    notes.append("numbers are latent sizes" if len(sizes) > 1 else f"latent size {sizes[0]}")
    notes += limits_text(shown)
    notes += selection_text("point", (point.num_candidates for point in points), measure)
    return notes + beyond_text(num_beyond, len(points))


def _notes_on_costs(points: Sequence[_Point], cost: CostAxis, pca: dict[int, Mean], below: Sequence[Mean]) -> list[str]:
    """What a time is of, and which PCA is below the axis."""
    runs, taken = [run for point in points for run in point.shown.runs], [point.mean.x for point in points]
    exact = [str(size) for size, mean in pca.items() if mean in below]
    notes = [f"PCA with {', '.join(exact)} components is exact, below the axis"] if exact else []
    return [*costs.notes(runs, taken, cost, has_pca=bool(pca)), *notes]
