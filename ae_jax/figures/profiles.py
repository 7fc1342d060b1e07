"""Performance profiles: which share of runs is how good, beside PCA (Agarwal et al. 2021)."""

import math
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from ae_jax.errors import UserError
from ae_jax.figures.parts.common import (
    Kind,
    kinds,
    left_out_text,
    legend_above,
    require_measured,
    seeds_text,
    split_text,
)
from ae_jax.figures.parts.looks import legend_of
from ae_jax.figures.parts.measured import shown_measure
from ae_jax.figures.parts.swept import lost_points
from ae_jax.figures.style import PCA, figure_size, plain_log_ticks
from ae_jax.results import Results
from ae_jax.results.configurations import Configuration
from ae_jax.results.runs import Run
from ae_jax.results.statistics import CONFIDENCE, FEWEST_OF_INTERVAL
from ae_jax.runs.measures import Measure
from ae_jax.terminal import count

_NUM_RESAMPLES = 2000
_MOST_RATIO = 100.0  # beyond it, a ratio to PCA's says no more
_MOST_POINTS = 400  # of a band
_ENDS = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)


class _Profile(NamedTuple):
    """The share of runs below each value, where it changes; of what diverged none is below any.

    Attributes:
        values: Values of each configuration; infinite where a run diverged.
        xs: Where the share changes, ascending.
        shares: From there on.
        band: Its ends at the same places, None where there are too few seeds.
    """

    values: list[np.ndarray]
    xs: np.ndarray
    shares: np.ndarray
    band: np.ndarray | None


def draw(
    results: Results,
    /,
    *,
    measure: str,
    split: Literal["train", "validation", "test", "corrupted"],
    show: Literal["ratio", "measure"],
    lines: list[str],
) -> Figure:
    """A line for each kind: the share of its runs that are at most at x; at least, where more is better.

    Configurations count alike, and runs alike within each. A run that diverged is at no x, so that its kind does not
    reach 100 %. Bands are pointwise: seeds are drawn anew within each configuration.

    Args:
        results: Runs of one dataset.
        measure: What is measured.
        split: Where it is measured.
        show: The ratio to PCA's of the same size (the difference, where zero does not mean none), or the measure.
        lines: Keys whose values have a line of their own.

    Raises:
        UserError: If the measure was not taken, or PCA's error is 0.

    Reference: Agarwal et al. 2021, NeurIPS, arXiv:2108.13264.
    """
    results.require(what="a figure")
    unit, results, missing = shown_measure(results, measure, split)
    parted = kinds(results, lines, option="lines")
    for kind in parted:
        require_measured(kind.configurations, measure, split)
    sign = -1.0 if unit.more_is_better else 1.0  # what is drawn is ascending in badness
    profiles = [
        _profile(
            [sign * _values(one, unit, split, show) for one in kind.configurations]
            + [np.full(point.num_lost, math.inf) for point in lost_points(results, kind, lines)]
        )
        for kind in parted
    ]
    of_pca = results.runs if unit.has_pca else []
    pca = sorted({sign * _shown(run, run.pca(measure, split), unit, split, show) for run in of_pca})
    figure = Figure(figsize=figure_size())
    axes = figure.subplots()
    most = _MOST_RATIO if show == "ratio" and unit.has_ratio else math.inf
    ends = _limits(profiles, pca, most, in_logs=unit.has_ratio)
    legend = legend_of(parted, lines=True)
    for index, (kind, profile) in enumerate(zip(parted, profiles, strict=True)):
        _draw(axes, profile, index, legend.styles[index] | {"label": kind.label}, ends, sign)
    handles = [*legend.handles, *([_draw_pca(axes, pca, ends, sign)] if pca else [])]
    _name_axes(axes, unit, show, [sign * end for end in ends])
    legend_above(figure, handles, [*_notes(results, parted, profiles, split, max(ends)), *missing, *legend.notes])
    return figure


def _values(one: Configuration, unit: Measure, split: str, show: str) -> np.ndarray:
    """What is shown of each of its runs, and of those that diverged the worst."""
    worst = -math.inf if unit.more_is_better else math.inf
    taken = [(run, value) for run in one.runs if (value := run.measure(unit.name, split)) is not None]
    shown = [_shown(run, value, unit, split, show) for run, value in taken]
    return np.array(shown + [worst] * one.num_diverged)


def _shown(run: Run, value: float | None, unit: Measure, split: str, show: str) -> float:
    if show == "measure" and not unit.has_pca and value is not None:
        return value
    pca = run.pca(unit.name, split)
    if not unit.has_pca:
        raise UserError("show", f"PCA has no {unit.name}, so there is no ratio", "choose show=measure")
    if value is None or pca is None:
        raise UserError("measure", f"PCA has no {unit.name} on {split} in {run.name}", "choose sse or mse")
    if show == "measure":
        return value
    if not unit.has_ratio:
        return value - pca
    if pca <= 0:
        raise UserError("show", f"PCA's {unit.name} is 0 in {run.name}, so there is no ratio", "choose show=measure")
    return value / pca


def _profile(values: list[np.ndarray]) -> _Profile:
    xs = np.unique(np.concatenate(values))
    xs = xs[np.isfinite(xs)]
    shares = np.mean([_below(one, xs).mean(axis=0) for one in values], axis=0)
    if min(map(len, values)) < FEWEST_OF_INTERVAL:
        return _Profile(values, xs, shares, None)
    rng = np.random.default_rng(0)
    thinned = xs[np.unique(np.linspace(0, len(xs) - 1, min(len(xs), _MOST_POINTS)).astype(int))]
    total = np.zeros((_NUM_RESAMPLES, len(thinned)))
    for one in values:
        drawn = rng.multinomial(len(one), np.full(len(one), 1 / len(one)), size=_NUM_RESAMPLES)
        total += drawn @ _below(one, thinned) / len(one)
    low, high = np.quantile(total / len(values), _ENDS, axis=0)
    at = np.searchsorted(thinned, xs, side="right") - 1
    return _Profile(values, xs, shares, np.stack([low[at], high[at]]))


def _below(values: np.ndarray, xs: np.ndarray) -> np.ndarray:
    """Which values are at most each x, shape "values xs"."""
    return np.less_equal(values[:, None], xs[None]).astype(np.float64)


def _limits(profiles: Sequence[_Profile], pca: Sequence[float], most: float, *, in_logs: bool) -> tuple[float, float]:
    """Ends of the axis with some room, also where all runs are the same; `most` is the largest value that is shown."""
    finite = np.concatenate([*(profile.xs for profile in profiles), np.array(pca)])
    low, high = float(finite.min()), min(float(finite.max()), most)
    if in_logs and low > 0:
        room = max((high / low) ** 0.05, 1.02)
        return low / room, high * room
    room = 0.05 * (high - low) or 0.02 * abs(high) or 1.0
    return low - room, high + room


def _draw(
    axes: Axes, profile: _Profile, index: int, style: dict[str, Any], ends: tuple[float, float], sign: float
) -> None:
    xs = sign * np.concatenate([[ends[0]], profile.xs, [max(ends[1], *profile.xs[-1:])]])
    shares = np.concatenate([[0.0], profile.shares, profile.shares[-1:]])
    # Markers of lines that lie on each other stand apart, and none at the ends, where nothing changes.
    every = max(1, len(xs) // 4)
    axes.plot(xs, shares, **style, markevery=(1 + index % every, every), drawstyle="steps-post")
    if profile.band is not None:
        low, high = (np.concatenate([[0.0], end, end[-1:]]) for end in profile.band)
        axes.fill_between(xs, low, high, step="post", color=style["color"], alpha=0.15, linewidth=0)


def _draw_pca(axes: Axes, pca: Sequence[float], ends: tuple[float, float], sign: float) -> Artist:
    """A vertical line; a profile of the latent sizes where PCA's differs."""
    style: dict[str, Any] = {"color": PCA, "linestyle": ":", "linewidth": 1.6, "label": "PCA"}
    if len(pca) == 1 or math.isclose(pca[0], pca[-1], rel_tol=1e-9, abs_tol=1e-12):
        return axes.axvline(sign * pca[0], **style)
    shares = np.arange(1, len(pca) + 1) / len(pca)
    xs = sign * np.array([ends[0], *pca, ends[1]])
    (line,) = axes.plot(xs, [0.0, *shares, 1.0], drawstyle="steps-post", **style)
    return line


def _name_axes(axes: Axes, unit: Measure, show: str, ends: Sequence[float]) -> None:
    word = "at least" if unit.more_is_better else "at most"
    names = {"ratio": f"{unit.short}, {'divided by' if unit.has_ratio else 'minus'} PCA's"}
    axes.set_xlabel(names.get(show, unit.label))
    axes.set_ylabel(f"share of runs {word} at x")
    axes.set_ylim(-0.02, 1.02)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=r" \%" if mpl.rcParams["text.usetex"] else " %"))
    if unit.has_ratio and min(ends) > 0:
        axes.set_xscale("log")
        axes.set_xlim(min(ends), max(ends))
        plain_log_ticks(axes.xaxis)
    else:
        axes.set_xlim(*ends)  # better is left, whichever way that is


def _notes(results: Results, parted: Sequence[Kind], profiles: Sequence[_Profile], split: str, end: float) -> list[str]:
    shown = [one for kind in parted for one in kind.configurations]
    runs = sum(len(values) for profile in profiles for values in profile.values)
    number = sum(len(profile.values) for profile in profiles)
    notes = [split_text(split, results)]
    notes.append(f"{runs} runs of {number} configuration{'' if number == 1 else 's'}, {seeds_text(shown)} each")
    notes.append("better is left")
    if any(profile.band is not None for profile in profiles):
        notes.append("bands: pointwise 95 % of stratified bootstrap samples of seeds")
    if any(profile.band is None for profile in profiles):
        notes.append(f"no band below {FEWEST_OF_INTERVAL} seeds")
    values = np.concatenate([of for profile in profiles for of in profile.values])
    if beyond := int(np.sum(np.isfinite(values) & (values > end))):
        notes.append(f"{count(beyond, 'run')} beyond the axis")
    return notes + left_out_text(results, diverged="at no x")
