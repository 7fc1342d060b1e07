"""Error against latent size: each kind of autoencoder, and PCA with any number of components."""

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from ae_jax.errors import UserError
from ae_jax.figures.parts.common import (
    LATENT_SIZE,
    Kind,
    axis_label,
    diverged_text,
    kinds,
    legend_above,
    look,
    require_measured,
    split_text,
    spread_text,
)
from ae_jax.figures.parts.means import Mean, mark_diverged
from ae_jax.figures.parts.selection import selection_text
from ae_jax.figures.style import PCA, figure_size, plain_log_ticks
from ae_jax.results import Results
from ae_jax.results.configurations import Configuration, best_by_validation
from ae_jax.results.measures import measure_named
from ae_jax.results.runs import Run
from ae_jax.results.statistics import estimate

# Part of the axis that two numbers need between them; part of PCA's largest error below which is rounding.
_GAP, _ROUNDING = 0.055, 1e-9


class _Curve(NamedTuple):
    """PCA's measure, with the ends of an interval where its runs have several training splits."""

    sizes: list[int]
    values: list[float]
    low: list[float]
    high: list[float]


def draw(
    results: Results,
    /,
    *,
    measure: Literal["sse", "mse", "explained_variance", "psnr", "bce"],
    split: Literal["train", "validation", "test", "corrupted"],
    scale: Literal["log", "linear"] | None,
    lines: list[str],
) -> Figure:
    """A line for each kind of autoencoder and one for PCA, in the same units.

    Where a kind has several configurations of one latent size, the best by the mean of the measure on the validation
    split is shown, and the figure says so. PCA's curve is exact at every number of components for sse, mse and
    explained_variance on the test split; elsewhere it has PCA's values at the latent sizes of the runs.

    Args:
        results: Runs of at least two latent sizes.
        measure: What is measured.
        split: Where it is measured.
        scale: Of the measure's axis; None: logarithmic for errors, linear where more is better or an error is 0.
        lines: Keys of the config whose values make a line of their own.

    Raises:
        UserError: If the runs have one latent size, lack the measure, or a key is unknown.
    """
    results.require(what="a figure")
    chosen = measure_named(measure)
    if LATENT_SIZE in lines:
        raise UserError("lines", f"{LATENT_SIZE} is the axis of this figure", "leave it out")
    candidates = kinds(results, lines, option="lines")
    groups = [Kind(kind.label, _selected(kind, measure, split)) for kind in candidates]
    shown = [one for group in groups for one in group.configurations]
    sizes = sorted({one.latent_size for one in shown})
    if len(sizes) < 2:
        remedy = "train several: python scripts/train.py +sweep=latent_vs_pca"
        raise UserError("runs", f"all have the latent size {sizes[0]}, which makes no line", remedy)
    figure = Figure(figsize=figure_size())
    axes = figure.subplots()
    curve = _pca(results.runs, shown, measure, split, sizes[-1])
    handles = [_draw_kind(axes, group, index, measure, split) for index, group in enumerate(groups)]
    handles.append(_draw_pca(axes, curve, sizes[0]))
    handles += mark_diverged(
        axes,
        [
            Mean(estimate([float(one.latent_size)]), found, one.num_diverged)
            for one in shown
            if (found := one.estimate(measure, split)) is not None
        ],
    )
    _set_scale(axes, scale or ("linear" if chosen.more_is_better else None), shown, curve, measure, split)
    _set_sizes(axes, sizes)
    axes.set(xlabel=axis_label(LATENT_SIZE), ylabel=chosen.label)
    numbers = [n for kind in candidates for n in Counter(one.latent_size for one in kind.configurations).values()]
    notes = [split_text(split, results.datasets[0]), spread_text(shown), *selection_text("point", numbers, measure)]
    legend_above(figure, handles, [*notes, *diverged_text(results)])
    return figure


def _selected(kind: Kind, measure: str, split: str) -> list[Configuration]:
    """The best configuration of a kind at each latent size."""
    by_size = sorted(kind.configurations, key=lambda one: one.latent_size)
    grouped = [list(group) for _, group in itertools.groupby(by_size, key=lambda one: one.latent_size)]
    for group in grouped:
        require_measured(group, measure, split)
    return [best_by_validation(group, measure) for group in grouped]


def _pca(runs: Sequence[Run], shown: Sequence[Configuration], measure: str, split: str, last: int) -> _Curve:
    """PCA up to the largest latent size: at every number of components where the runs tell it, else at theirs."""
    if split == "test" and measure in ("sse", "mse", "explained_variance"):
        curves = {_exact(run, measure)[: last + 1] for run in (run for one in shown for run in one.runs)}
        known = [estimate(values) for values in zip(*sorted(curves), strict=False)][1:]
        sizes = list(range(1, len(known) + 1))
    else:
        of_size: dict[int, set[float]] = {}
        for run in runs:
            value = run.pca(measure, split)
            if value is not None:
                of_size.setdefault(run.latent_size, set()).add(value)
        sizes = sorted(of_size)
        known = [estimate(sorted(of_size[size])) for size in sizes]
    low = [one.mean if one.low is None else one.low for one in known]
    high = [one.mean if one.high is None else one.high for one in known]
    return _Curve(sizes, [one.mean for one in known], low, high)


def _exact(run: Run, measure: str) -> tuple[float, ...]:
    """PCA's test measure with 0, 1, … components, from its squared errors."""
    sse = np.asarray(run.summary["pca"]["test_sse_by_components"], float)
    if measure == "explained_variance":
        return tuple(1 - sse / (sse[0] or 1.0))  # of a split without variance nothing is left to explain
    return tuple(sse / run.summary["dataset"]["num_features"] if measure == "mse" else sse)


def _draw_kind(axes: Axes, kind: Kind, index: int, measure: str, split: str) -> Artist:
    found = [(one.latent_size, one.estimate(measure, split)) for one in kind.configurations]
    points = [(size, one) for size, one in found if one is not None]
    style = look(index)
    bars = [(size, one.low, one.high) for size, one in points if one.low is not None and one.high is not None]
    if bars:
        sizes, low, high = zip(*bars, strict=True)
        axes.vlines(sizes, low, high, color=style["color"], linewidth=1.0, zorder=2.4)
        axes.fill_between(sizes, low, high, color=style["color"], alpha=0.15, linewidth=0)
    means = [one.mean for _, one in points]
    (line,) = axes.plot([size for size, _ in points], means, **style, label=kind.label, zorder=2.5)
    return line


def _draw_pca(axes: Axes, curve: _Curve, first: int) -> Artist:
    kept = [index for index, size in enumerate(curve.sizes) if size >= first]
    sizes = [curve.sizes[index] for index in kept]
    if curve.low != curve.high:
        low, high = ([ends[index] for index in kept] for ends in (curve.low, curve.high))
        axes.fill_between(sizes, low, high, color=PCA, alpha=0.15, linewidth=0)
    values = [curve.values[index] for index in kept]
    (line,) = axes.plot(sizes, values, color=PCA, linestyle=":", linewidth=1.6, label="PCA", zorder=2.3)
    return line


def _set_scale(
    axes: Axes, scale: str | None, shown: Sequence[Configuration], curve: _Curve, measure: str, split: str
) -> None:
    """The measure's axis: of errors logarithmic where it can be, without what PCA's error leaves of rounding."""
    if scale == "linear":
        return
    lowest = min(found.mean for one in shown if (found := one.estimate(measure, split)) is not None)
    if lowest <= 0 and scale is None:
        return
    if lowest <= 0:
        raise UserError("scale", f"a logarithmic axis has no place for {measure} {lowest:.3g}", "set scale=linear")
    axes.set_yscale("log", nonpositive="mask")
    # Two decades below the autoencoders, PCA's curve falls to rounding and says nothing.
    visible = [value for value in curve.values if value > max(lowest / 100, _ROUNDING * max(curve.values, default=0))]
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, 0.8 * min([lowest, *visible])), high)
    plain_log_ticks(axes.yaxis)


def _set_sizes(axes: Axes, sizes: Sequence[int]) -> None:
    """Ticks at the latent sizes of the runs, the largest always, as far as their numbers have room."""
    axes.set_xscale("log", base=2)
    first, last = math.log2(sizes[0]), math.log2(sizes[-1])
    room = 0.04 * (last - first)
    axes.set_xlim(2 ** (first - room), 2 ** (last + room))
    ticks = [sizes[-1]]
    for size in reversed(sizes):
        if math.log2(ticks[-1] / size) >= _GAP * (last - first):
            ticks.append(size)
    axes.xaxis.set_major_locator(FixedLocator(ticks[::-1]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
