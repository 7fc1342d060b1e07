"""Error, or likelihood, against the rate of latents in bits: autoencoders, and PCA at as many bits."""

import math
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, MaxNLocator

from ae_jax.errors import UserError
from ae_jax.figures.parts.common import Kind, kinds, left_out_text, legend_above, require_measured, split_text
from ae_jax.figures.parts.looks import legend_of
from ae_jax.figures.parts.means import PCA_LOOK, Mean, draw_means, mark_diverged, scale_measure
from ae_jax.figures.parts.measured import shown_measure
from ae_jax.figures.parts.scales import visible_limits
from ae_jax.figures.parts.selection import beyond_text, selection_text
from ae_jax.figures.parts.spread import spread_text
from ae_jax.figures.style import PCA, figure_size, plain_log_ticks
from ae_jax.reading import read_npz
from ae_jax.results import Results
from ae_jax.results.configurations import Configuration, best_by_validation
from ae_jax.results.rate_distortion import normal_distortion
from ae_jax.results.runs import Run
from ae_jax.results.statistics import estimate
from ae_jax.runs.measures import MEASURES

_FAR = 10.0  # times the lowest rate, from which on the axis is logarithmic
_STEPS = 200  # of a curve
_RATES = {"rate_bits": "rate per example, bits", "code_rate_bits": "entropy of codes per example, bits"}
Split = Literal["train", "validation", "test"]


class _Point(NamedTuple):
    """A configuration, and of how many of its rate it is the best by validation."""

    shown: Configuration
    num_candidates: int
    mean: Mean


def draw(
    results: Results, /, *, measure: str, split: Split, rate: Literal["rate_bits", "code_rate_bits"], lines: list[str]
) -> Figure:
    """A point for each rate: the bits of quantised latents, or the divergence of drawn ones from their prior.

    Of configurations of one rate, the best by the mean of the measure on the validation split is shown. PCA has the
    coordinates that stand beside quantised latents, rounded to as many bits. For sse and mse a line shows what PCA's
    variances allow at each rate: the rate-distortion function of normal data, which no code of such data is below. Of
    a likelihood, which PCA has without a rate, there is a line at each of its values.

    Errors are of latents without chance. Of those that are drawn, such as a Gaussian's means, these say more than the
    rate, so that sse is no distortion at that rate; `distortion`, the term, and likelihoods are of what is drawn.

    Args:
        results: Runs of one dataset with a rate.
        measure: What is measured.
        split: Where it is measured.
        rate: Bits as they are sent at a fixed length; or the entropy of codes, which `evaluation=codes` measures.
        lines: Keys whose values have a marker of their own.

    Raises:
        UserError: If no run has a rate.
    """
    results.require(what="a figure")
    unit, results, missing = shown_measure(results, measure, split)
    kept, lacking = _with_rate(results, rate, split)
    parted = kinds(kept, lines, option="lines")
    groups = [_points(kind, measure, split, rate) for kind in parted]
    points, legend = [point for group in groups for point in group], legend_of(parted, lines=False)
    pca = _quantised(points, measure, split, rate)
    low, high = visible_limits([point.mean.y.mean for point in points], [mean.y.mean for mean in pca], unit)
    inside = [point for point in points if low <= point.mean.y.mean <= high]
    figure = Figure(figsize=figure_size())
    axes = figure.subplots()
    for kind, style, group in zip(parted, legend.styles, groups, strict=True):
        draw_means(axes, [point.mean for point in group if point in inside], **style, label=kind.label)
    means = [*(point.mean for point in inside), *pca]
    handles = [*legend.handles, *mark_diverged(axes, [point.mean for point in inside])]
    handles += [draw_means(axes, pca, **PCA_LOOK, label="PCA, quantised")] if pca else []
    scale_measure(axes, means, unit)
    _scale_rates(axes, [mean.x.mean for mean in means])
    handles += _draw_limits(axes, points, measure, split, has_quantised=bool(pca))
    axes.set_xlabel(_RATES[rate])
    shown = [point.shown for point in points]
    notes = [split_text(split, kept), *legend.notes, spread_text(shown, measure)]
    notes += selection_text("point", (point.num_candidates for point in points), measure)
    notes += _without_chance(points, measure, split)
    notes += beyond_text(len(points) - len(inside), len(points))
    legend_above(figure, handles, [*notes, *missing, *lacking, *left_out_text(results)])
    return figure


def _with_rate(results: Results, rate: str, split: str) -> tuple[Results, list[str]]:
    """The runs that have a rate, and a note on the others."""
    runs = [run for run in results.runs if run.measure(rate, split) is not None]
    if not runs:
        remedy = "train with bottleneck=vq, residual_vq, fsq, gaussian or bernoulli"
        if rate != "rate_bits":
            remedy = "ask it of quantised ones: python scripts/evaluate.py RUN evaluation=codes"
        raise UserError("runs", f"have no {rate}", remedy)
    lacking, total = len(results.runs) - len(runs), len(results.runs)
    return Results(runs, results.excluded), [f"{lacking} of {total} runs have no rate"] if lacking else []


def _points(kind: Kind, measure: str, split: str, rate: str) -> list[_Point]:
    """The points of a kind, in the order of their rates."""
    require_measured(kind.configurations, measure, split)
    groups: dict[float, list[Configuration]] = {}
    for one in kind.configurations:
        x = one.estimate(rate, split)
        assert x is not None  # as all of its runs have it
        groups.setdefault(round(x.mean, 6), []).append(one)
    points = []
    for _, group in sorted(groups.items()):
        best = best_by_validation(group, measure)
        x, y = best.estimate(rate, split), best.estimate(measure, split)
        if x is not None and y is not None:
            points.append(_Point(best, len(group), Mean(x, y, best.num_diverged)))
    return points


def _quantised(points: Sequence[_Point], measure: str, split: str, rate: str) -> list[Mean]:
    """PCA beside quantised latents, by its own rate."""
    found: dict[float, Mean] = {}
    for point in points:
        y, rates = point.shown.pca(measure, split), [_pca_rate(run, split, rate) for run in point.shown.runs]
        known = [one for one in rates if one is not None]
        if y is not None and known:
            found.setdefault(round(known[0], 6), Mean(estimate(known[:1]), y))
    return [mean for _, mean in sorted(found.items())]


def _pca_rate(run: Run, split: str, rate: str) -> float | None:
    if rate != "rate_bits":
        return run.pca(rate, split)
    value = run.summary["pca"][split].get("rate_bits")
    return None if value is None else float(value)


def _without_chance(points: Sequence[_Point], measure: str, split: str) -> list[str]:
    """A note on latents that are drawn, where the measure is of what they are without chance."""
    runs = [run for point in points for run in point.shown.runs]
    drawn = any(run.summary["pca"][split].get("rate_bits") is None for run in runs)
    return ["of latents that are drawn, the error is that without chance"] if drawn and measure in MEASURES else []


def _scale_rates(axes: Axes, rates: Sequence[float]) -> None:
    """Logarithmic where rates are far apart."""
    low, high = min(rates), max(rates)
    if low > 0 and high >= _FAR * low:
        axes.set_xscale("log")
        axes.set_xlim(0.8 * low, 1.25 * high)
        plain_log_ticks(axes.xaxis)
        return
    room = 0.06 * (high - low) or 0.1 * abs(high) or 1.0
    axes.set_xlim(low - room, high + room)
    ticks = MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(low - room, high + room)
    axes.xaxis.set_major_locator(FixedLocator([tick for tick in ticks if low - room <= tick <= high + room]))


def _draw_limits(
    axes: Axes, points: Sequence[_Point], measure: str, split: str, *, has_quantised: bool
) -> list[Line2D]:
    """What PCA's variances allow; or PCA's likelihood, which has no rate."""
    style: dict[str, Any] = {"color": PCA, "linewidth": 1.2}
    run = points[0].shown.runs[0]
    if measure in ("sse", "mse"):
        low, high = axes.get_xlim()
        rates = np.linspace(max(low, 0.0), high, _STEPS)
        errors = normal_distortion(read_npz(run.folder.pca)["variances"], rates)
        limits, factor = axes.get_ylim(), run.summary["dataset"]["num_features"] if measure == "mse" else 1
        (line,) = axes.plot(
            rates, errors / factor, **style, linestyle=(0, (4, 1.5)), label="PCA, least for normal data"
        )
        axes.set_ylim(_including(limits, errors / factor))
        if axes.get_yscale() == "log":
            plain_log_ticks(axes.yaxis)
        return [line]
    values = {value for point in points for one in point.shown.runs if (value := one.pca(measure, split)) is not None}
    if has_quantised or not values:
        return []
    lines = [axes.axhline(value, **style, linestyle=":", label="PCA, exact") for value in sorted(values)]
    return lines[:1]


def _including(limits: tuple[float, float], errors: np.ndarray) -> tuple[float, float]:
    """Limits of an axis with all of a curve, unless that would press the points into a small part of it."""
    low, high = limits
    if low <= 0:
        return low, max(high, float(errors.max()))
    decades = max(math.log(high / low), math.log(2))
    lowest, highest = float(errors.min()), float(errors.max())
    return max(min(low, 0.9 * lowest), low * math.exp(-decades)), min(
        max(high, 1.1 * highest), high * math.exp(decades)
    )
