"""Expected error of the best of so many configurations: what a search of that size would have found."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from ae_jax.errors import UserError
from ae_jax.figures.parts.common import (
    Kind,
    kinds,
    left_out_text,
    legend_above,
    range_text,
    require_measured,
    seeds_text,
)
from ae_jax.figures.parts.looks import legend_of
from ae_jax.figures.parts.measured import shown_measure
from ae_jax.figures.parts.scales import is_rounding
from ae_jax.figures.parts.swept import lost_points, require_one_pca
from ae_jax.figures.style import PCA, figure_size, plain_log_ticks
from ae_jax.results import Results
from ae_jax.results.configurations import ranked_by_validation
from ae_jax.results.selection import best_of_weights
from ae_jax.runs.measures import Measure

_TEST: dict[str, Any] = {"linewidth": 1.0, "alpha": 0.6}
_MARKERS = 8  # on a line


class _Line(NamedTuple):
    """Of 1, 2, … tried configurations of a kind: measures of the one that is best by validation, as expected."""

    label: str
    num_lost: int
    validation: np.ndarray
    test: np.ndarray


def draw(results: Results, /, *, measure: str, lines: list[str]) -> Figure:
    """The expected best validation measure of 1, 2, … n configurations, and the test measure of the one it selects.

    Configurations are drawn at random, with replacement, from those that were trained (Dodge et al. 2019); each has its
    mean over seeds. The best of those drawn is the first by `ranked_by_validation`. Those of which all runs diverged
    are drawn as well and never the best: an expectation is that of draws in which something did not.

    Args:
        results: Runs of one dataset and latent size, of several configurations.
        measure: What is measured.
        lines: Keys whose values make a line of their own.

    Raises:
        UserError: If there is one configuration only, or several latent sizes, or the measure was not taken.

    Reference: Dodge et al. 2019, EMNLP, arXiv:1909.03004.
    """
    results.require(what="a figure")
    unit, results, missing = shown_measure(results, measure, "test")
    require_one_pca(results.runs)
    parted = kinds(results, lines, option="lines")
    drawn = [_line(kind, measure, len(lost_points(results, kind, lines))) for kind in parted]
    if max(len(line.validation) for line in drawn) < 2:
        remedy = "sweep something, as in optimizer.learning_rate=1e-4,1e-3,1e-2"
        raise UserError("runs", "have one configuration for each line, and nothing to select from", remedy)
    figure = Figure(figsize=figure_size())
    axes = figure.subplots()
    legend = legend_of(parted, lines=True)
    for line, style in zip(drawn, legend.styles, strict=True):
        _draw_line(axes, line, style)
    handles = [*legend.handles, *_draw_pca(axes, parted, measure)]
    _set_axes(axes, unit)
    legend_above(figure, handles, [*_notes(results, parted, drawn), *missing, *legend.notes])
    return figure


def _line(kind: Kind, measure: str, num_lost: int) -> _Line:
    for split in ("validation", "test"):
        require_measured(kind.configurations, measure, split)
    ranked = ranked_by_validation(kind.configurations, measure)
    num = len(ranked) + num_lost
    weights = best_of_weights(num, num)[:, : len(ranked)]
    weights = weights / weights.sum(axis=1, keepdims=True)
    means = ([one.estimate(measure, split) for one in ranked] for split in ("validation", "test"))
    validation, test = (weights @ np.array([one.mean for one in of if one is not None]) for of in means)
    return _Line(kind.label, num_lost, validation, test)


def _draw_line(axes: Axes, line: _Line, style: dict[str, Any]) -> None:
    tried = np.arange(1, len(line.validation) + 1)
    axes.plot(tried, line.test, color=style["color"], linestyle=style["linestyle"], **_TEST)
    every = max(1, -(-len(tried) // _MARKERS))
    axes.plot(tried, line.validation, **style, label=line.label, markevery=every)


def _draw_pca(axes: Axes, parted: Sequence[Kind], measure: str) -> list[Artist]:
    """PCA on both splits, as far as its error is more than rounding."""
    lowest = min(float(np.min(line.get_ydata())) for line in axes.lines)
    first = max((one for kind in parted for one in kind.configurations), key=lambda one: one.num_seeds)
    handles: list[Artist] = []
    for split, style in (("validation", {}), ("test", _TEST)):
        pca = first.pca(measure, split)
        if pca is not None and is_rounding(pca.mean, beside=lowest):
            handles.append(Line2D([], [], color=PCA, linestyle=":", label="PCA, below the axis", **style))
        elif pca is not None:
            handles.append(axes.axhline(pca.mean, color=PCA, linestyle=":", label="PCA", **style))
    return handles[:1]


def _set_axes(axes: Axes, unit: Measure) -> None:
    axes.set(xlabel="number of configurations tried", ylabel=f"expected best {unit.short}")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    lowest = min(float(np.min(line.get_ydata())) for line in axes.lines)
    if not unit.more_is_better and lowest > 0:
        axes.set_yscale("log", nonpositive="mask")
        plain_log_ticks(axes.yaxis)


def _notes(results: Results, parted: Sequence[Kind], drawn: Sequence[_Line]) -> list[str]:
    """What the lines are, of how many, and what they leave out."""
    number = range_text(len(line.validation) for line in drawn)
    shown = [one for kind in parted for one in kind.configurations]
    notes = [f"{results.datasets[0]}, validation split, latent size {shown[0].latent_size}"]
    notes.append("thin: test, of what validation selects")
    notes.append(f"expectation over draws, with replacement, of {number} configurations")
    seeds = seeds_text(shown)
    notes.append(f"each {'of one seed' if seeds == '1 seed' else f'the mean of {seeds}'}")
    if lost := sum(line.num_lost for line in drawn):
        notes.append(f"{lost} of which all runs diverged {'counts' if lost == 1 else 'count'} as tried")
    if some := sum(one.num_diverged > 0 for one in shown):
        notes.append(f"{some} of which some runs diverged {'comes' if some == 1 else 'come'} last")
    return notes + left_out_text(results, diverged=None)
