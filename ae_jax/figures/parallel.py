"""Parallel coordinates: an axis for each swept key and one for the measure, a line for each configuration."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from matplotlib import patheffects
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ae_jax.errors import UserError
from ae_jax.figures.parts.against import limits_text
from ae_jax.figures.parts.common import axis_label, left_out_text, legend_above, plain, require_measured, split_text
from ae_jax.figures.parts.coordinates import (
    Coordinate,
    coordinate,
    coordinates_figure,
    draw_beside,
    draw_coordinate,
    name_coordinates,
)
from ae_jax.figures.parts.measured import shown_measure
from ae_jax.figures.parts.scales import Scale, measure_scale
from ae_jax.figures.parts.spread import spread_text
from ae_jax.figures.parts.swept import Point, check_key, completed, distinguishing_keys, points, value_label
from ae_jax.figures.style import NEUTRAL, PCA, PCA_INK
from ae_jax.results import Results
from ae_jax.results.configurations import Configuration, best_by_validation
from ae_jax.results.statistics import interval_words
from ae_jax.runs.measures import Measure

_BEYOND, _LOST = 0.1, 0.2  # heights from the end of the measure's axis, which is 1 high
_FEW_LINES = 30
_GREY = "#999999"
_HALO = [patheffects.withStroke(linewidth=2.5, foreground="white")]

_Means = Sequence[float | None]


class _Line(NamedTuple):
    """A configuration, None where all runs diverged; its mean; where it crosses the axes, the measure's the last."""

    configuration: Configuration | None
    mean: float | None
    heights: list[float]


def draw(
    results: Results,
    /,
    *,
    keys: list[str] | None,
    measure: str,
    split: Literal["train", "validation", "test", "corrupted"],
) -> Figure:
    """A line for each configuration, coloured by its measure, dark for better ones.

    The axis of the measure ends at four times PCA's error: what lies beyond ends above it; configurations of which
    every run diverged end at a cross. The best by validation is drawn on top, with its interval. PCA stands beside the
    axis of the measure, at each number of components.

    Args:
        results: Runs of one dataset.
        keys: The keys, from left to right; None: all that vary, without those that vary with another.
        measure: What the last axis shows, and what the best is selected by.
        split: Where it was measured.

    Raises:
        UserError: If no key varies, a key is wrong, or the measure was not taken.
    """
    results.require(what="a figure")
    unit, results, missing = shown_measure(results, measure, split)
    sweep = points(results)
    for key in keys or []:
        check_key(key, sweep, option="keys")
    chosen = keys or distinguishing_keys(sweep)
    if not chosen:
        raise UserError("keys", "no key varies in these runs, beside the seed", "give the runs of a sweep")
    require_measured(completed(sweep), measure, split)
    pca = {one.latent_size: one.pca(measure, split) for one in completed(sweep)}
    of_pca = {size: value.mean for size, value in sorted(pca.items()) if value}
    means = [_mean(point.configuration, measure, split) for point in sweep]
    scale = measure_scale([mean for mean in means if mean is not None], list(of_pca.values()), unit)
    crossed = {key: coordinate(key, sweep) for key in chosen}
    lines = _lines(sweep, crossed, means, scale, unit)
    figure = coordinates_figure(list(crossed.values()))
    axes = figure.subplots()
    _draw_lines(axes, lines, scale, unit)
    best = best_by_validation(completed(sweep), measure)
    _draw_best(axes, next(line for line in lines if line.configuration is best), scale, measure, split)
    ticks = _ticks(lines, of_pca, scale, unit)
    for place, axis in enumerate([*(axis.ticks for axis in crossed.values()), ticks]):
        draw_coordinate(figure, axes, place, axis, is_last=axis is ticks)
    marks = {f"PCA {size}": _height(value, scale, unit) for size, value in of_pca.items()}
    unnamed = draw_beside(figure, axes, list(ticks), marks, color=PCA, ink=PCA_INK, linestyle=":", linewidth=1.5)
    interval = (found := best.estimate(measure, split)) is not None and found.low is not None
    notes = _notes(results, lines, split) + missing + ([f"bar: {interval_words()} of the best"] if interval else [])
    notes += [f"{unnamed} of {len(marks)} marks of PCA have no room"] if unnamed else []
    legend_above(figure, _handles(lines, scale), notes)
    settings = [point.settings for point in sweep]
    names = [axis_label(key, settings).partition(" (number")[0] for key in chosen]
    name_coordinates(figure, axes, [*names, f"{split} {measure.replace('_', ' ')}"])
    return figure


def _mean(configuration: Configuration | None, measure: str, split: str) -> float | None:
    found = configuration.estimate(measure, split) if configuration else None
    return found.mean if found else None


def _lines(
    sweep: Sequence[Point], crossed: dict[str, Coordinate], means: _Means, scale: Scale, unit: Measure
) -> list[_Line]:
    lines = []
    for point, mean in zip(sweep, means, strict=True):
        heights = [axis.heights[value_label(point.settings.get(key))] for key, axis in crossed.items()]
        lines.append(_Line(point.configuration, mean, [*heights, _height(mean, scale, unit)]))
    return lines


def _height(mean: float | None, scale: Scale, unit: Measure) -> float:
    """Where a value stands on the axis of the measure, or beyond its ends; what diverged is further on the worse side.

    Beyond the better end are errors that only rounding has left.
    """
    low, high = scale.limits
    if mean is None:
        return -_LOST if unit.more_is_better else 1 + _LOST
    return -_BEYOND if mean < low else 1 + _BEYOND if mean > high else float(scale.norm(mean))


def _draw_lines(axes: Axes, lines: Sequence[_Line], scale: Scale, unit: Measure) -> None:
    """The better a line, the later it is drawn, and the darker. The palest colours are not used."""
    width = 1.2 if len(lines) <= _FEW_LINES else 0.6
    heights = np.clip([line.heights[-1] for line in lines], 0, 1)
    low, high = heights.min(), heights.max()
    palest, darkest = (0.1, 1) if unit.more_is_better else (0.9, 0)
    worst, best = (low, high) if unit.more_is_better else (high, low)
    for line in sorted(lines, key=lambda line: line.heights[-1], reverse=not unit.more_is_better):
        if line.mean is not None:
            share = (min(max(line.heights[-1], 0), 1) - worst) / (best - worst) if best != worst else 1.0
            colour = scale.colours(float(palest + share * (darkest - palest)))
            axes.plot(line.heights, color=colour, linewidth=width, clip_on=False)
    _draw_lost(axes, [line.heights for line in lines if line.mean is None])


def _draw_lost(axes: Axes, lost: Sequence[Sequence[float]]) -> None:
    """Each way from axis to axis once: dashes over dashes would be a solid line."""
    for place in range(len(lost[0]) - 1 if lost else 0):
        for ends in sorted({(line[place], line[place + 1]) for line in lost}):
            axes.plot([place, place + 1], ends, color=_GREY, linestyle="--", linewidth=0.7, zorder=1, clip_on=False)
    if lost:
        axes.plot(len(lost[0]) - 1, lost[0][-1], "x", color=NEUTRAL, markersize=4, clip_on=False)


def _draw_best(axes: Axes, line: _Line, scale: Scale, measure: str, split: str) -> None:
    """The best by validation, on top of the others, with its interval on the axis of the measure."""
    axes.plot(line.heights, color="black", linewidth=2, path_effects=_HALO, zorder=3, clip_on=False)
    found = line.configuration.estimate(measure, split) if line.configuration else None
    if found and found.low is not None and found.high is not None:
        ends = [float(scale.norm(np.clip(value, *scale.limits))) for value in (found.low, found.high)]
        axes.vlines(len(line.heights) - 1, *ends, color="black", linewidth=4, zorder=3, clip_on=False)


def _ticks(lines: Sequence[_Line], pca: dict[int, float], scale: Scale, unit: Measure) -> dict[str, float]:
    """Ticks of the measure's axis, and of what stands beyond its ends, from the lowest to the highest."""
    (low, high), means = scale.limits, [line.mean for line in lines]
    shown = [*pca.values(), *(mean for mean in means if mean is not None)]
    ticks = {plain(f"< {low:.3g}"): -_BEYOND} if min(shown) < low else {}
    ticks |= {f"{tick:g}": float(scale.norm(tick)) for tick in scale.ticks}
    ticks |= {plain(f"> {high:.3g}"): 1 + _BEYOND} if max(shown) > high else {}
    lost = {"diverged": _height(None, scale, unit)} if None in means else {}
    return lost | ticks if unit.more_is_better else ticks | lost


def _handles(lines: Sequence[_Line], scale: Scale) -> list[Artist]:
    handles: list[Artist] = [
        Line2D([], [], color=scale.colours(0.4), linewidth=1.2, label="autoencoder, dark is better"),
        Line2D([], [], color="black", linewidth=2, label="best by validation"),
    ]
    if any(line.mean is None for line in lines):
        handles.append(Line2D([], [], color=_GREY, linestyle="--", linewidth=0.7, label="all runs diverged"))
    return handles


def _notes(results: Results, lines: Sequence[_Line], split: str) -> list[str]:
    shown = [line.configuration for line in lines if line.configuration]
    notes = [split_text(split, results), spread_text(shown, what="line", spread="none"), *limits_text(shown)]
    if num := sum(bool(one.num_diverged) for one in shown):
        notes.append(f"in {num} of {len(lines)} configurations some runs diverged, mean of the others")
    return notes + left_out_text(results, diverged="dashed where all of a line did")
