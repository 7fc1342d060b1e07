"""Error against latent size: each kind of autoencoder, and PCA with any number of components."""

from collections import Counter
from collections.abc import Sequence
from statistics import fmean
from typing import Any, Literal, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ae_jax.errors import UserError
from ae_jax.figures.parts.against import draw_needed, draw_ratios, limits_text, ratio_notes, ratios_of
from ae_jax.figures.parts.by_size import best_by_size, latent_sizes, means_by_size, pca_by_size, set_sizes
from ae_jax.figures.parts.common import (
    LATENT_SIZE,
    axis_label,
    kinds,
    left_out_text,
    legend_above,
    split_text,
)
from ae_jax.figures.parts.looks import legend_of
from ae_jax.figures.parts.means import PCA_LOOK, ROUNDING, Mean, draw_means, mark_diverged
from ae_jax.figures.parts.measured import shown_measure
from ae_jax.figures.parts.scales import visible_limits
from ae_jax.figures.parts.selection import beyond_text, selection_text
from ae_jax.figures.parts.spread import spread_text
from ae_jax.figures.style import figure_size, plain_log_ticks
from ae_jax.results import Results
from ae_jax.results.configurations import Configuration, setting_text
from ae_jax.results.runs import Run, varying
from ae_jax.results.verdict import gaining_most, needed, sentence

_HIGH = 0.8  # of two panels, as a part of the width


class _Curve(NamedTuple):
    """PCA's measure; exact where it is known at every number of components, not only at the sizes of the runs."""

    sizes: list[int]
    values: list[float]
    exact: bool

    @property
    def points(self) -> list[tuple[float, float]]:
        """Number of components and value."""
        return [(float(size), value) for size, value in zip(self.sizes, self.values, strict=True)]

    def at(self, sizes: Sequence[int]) -> list[float]:
        """Its values at sizes that it has."""
        return [value for size, value in zip(self.sizes, self.values, strict=True) if size in sizes]


def draw(
    results: Results,
    /,
    *,
    measure: str,
    split: Literal["train", "validation", "test", "corrupted"],
    scale: Literal["log", "linear"] | None,
    lines: list[str],
    ratio: bool,
) -> Figure:
    """A marker for each kind of autoencoder at each latent size, and PCA, in the same units.

    No line joins the markers of an autoencoder: nothing was measured between them, and a straight line would pass below
    PCA's curve, which bends, where the two are equal at both ends.

    Where a kind has several configurations of one latent size, the best by the mean of the measure on the validation
    split is shown, and the figure says so. PCA's curve is exact at every number of components for sse, mse and
    explained_variance on the test split, with markers at the latent sizes of the runs; elsewhere it has these alone.
    Where it is exact, the title begins with the verdict on what gains most by validation, and an arrow shows it.

    Args:
        results: Runs of at least two latent sizes.
        measure: What is measured.
        split: Where it is measured.
        scale: Of the measure's axis; None: logarithmic for errors, linear where more is better or an error is 0.
        lines: Keys of the config whose values have markers of their own.
        ratio: Whether a panel below has errors divided by PCA's, run by run; measures without a ratio have none.

    Raises:
        UserError: If the runs have one latent size, lack the measure, or a key is unknown; or if their corrupted inputs
            differ in more than the seed.
    """
    results.require(what="a figure")
    chosen, results, missing = shown_measure(results, measure, split)
    if LATENT_SIZE in lines:
        raise UserError("lines", f"{LATENT_SIZE} is the axis of this figure", "leave it out")
    candidates = kinds(results, lines, option="lines")
    groups = [kind._replace(configurations=best_by_size(kind, measure, split)) for kind in candidates]
    shown = [one for group in groups for one in group.configurations]
    sizes = latent_sizes(shown)
    curve, legend = _pca(shown, measure, split), legend_of(groups, lines=False)
    limits = visible_limits([mean.y.mean for mean in means_by_size(shown, measure, split)], curve.at(sizes), chosen)
    inside = [_inside(kind.configurations, measure, split, limits) for kind in groups]
    ratios = [ratios_of(group, measure, split) for group in inside] if ratio and chosen.has_ratio else []
    figure, axes = _panels(ratios, legend.styles)
    for kind, group, style in zip(groups, inside, legend.styles, strict=True):
        draw_means(axes, means_by_size(group, measure, split), **style, label=kind.label, zorder=2.5)
    handles = [*legend.handles, *_draw_pca(axes, curve, sizes)]
    handles += mark_diverged(axes, [mean for group in inside for mean in means_by_size(group, measure, split)])
    _set_scale(axes, scale or ("linear" if chosen.more_is_better else None), shown, curve, measure, split)
    set_sizes(figure.axes, sizes, max([*curve.sizes, *sizes]))
    axes.set_ylabel(chosen.label)
    numbers = [n for kind in candidates for n in Counter(one.latent_size for one in kind.configurations).values()]
    notes = [split_text(split, results), *missing, *legend.notes, spread_text(shown, measure)]
    notes += [*ratio_notes(inside, ratios), *limits_text(shown, is_curve=curve.exact)]
    notes += [*beyond_text(len(shown) - sum(map(len, inside)), len(shown))]
    notes += [*selection_text("point", numbers, measure), *left_out_text(results)]
    most = gaining_most(shown)
    legend_above(figure, handles, notes, headline=sentence(most) if curve.exact else "")
    if curve.exact:
        (at,) = means_by_size([most], measure, split)
        draw_needed(figure, axes, at, needed(most), curve.points)
    return figure


def _panels(ratios: Sequence[Sequence[Mean]], styles: Sequence[dict[str, Any]]) -> tuple[Figure, Axes]:
    """A figure, and its axes of the measure; below them those of the ratios, where there are any."""
    if not any(ratios):
        figure = Figure(figsize=figure_size())
        axes = figure.subplots()
    else:
        figure = Figure(figsize=figure_size(ratio=_HIGH))
        axes, below = figure.subplots(2, 1, sharex=True, height_ratios=(2.2, 1))
        draw_ratios(below, ratios, styles)
        figure.align_ylabels()
    figure.axes[-1].set_xlabel(axis_label(LATENT_SIZE))
    return figure, axes


def _pca(shown: Sequence[Configuration], measure: str, split: str) -> _Curve:
    """PCA at every number of components where the runs tell it, up to those that it needs; else at the latent sizes."""
    if split == "test" and measure in ("sse", "mse", "explained_variance"):
        last = max(needed(gaining_most(shown)).num or 0, *(one.latent_size for one in shown))
        curves = {_exact(run, measure)[: last + 1] for run in (run for one in shown for run in one.runs)}
        values = [fmean(at_size) for at_size in zip(*sorted(curves), strict=False)][1:]
        return _Curve(list(range(1, len(values) + 1)), values, exact=True)
    if split == "corrupted":
        _require_one_corruption(shown)
    of_size = pca_by_size(shown, measure, split)
    return _Curve(list(of_size), list(of_size.values()), exact=False)


def _require_one_corruption(shown: Sequence[Configuration]) -> None:
    """Errors from inputs that were corrupted in different ways do not compare."""
    settings = [one.runs[0].settings for one in shown]
    keys = [key for key in varying(settings) if key.partition(".")[0] == "corruption"]
    if keys:
        values = sorted({setting_text(one.get(keys[0])) for one in settings})
        problem = f"corrupted inputs differ in {keys[0]} ({', '.join(values)}), so that their errors do not compare"
        raise UserError("split", problem, f'choose one with where="{keys[0]} = …", or draw figure=noise')


def _exact(run: Run, measure: str) -> tuple[float, ...]:
    """PCA's test measure with 0, 1, … components, from its squared errors."""
    sse = np.asarray(run.summary["pca"]["test_sse_by_components"], float)
    if measure == "explained_variance":
        return tuple(1 - sse / (sse[0] or 1.0))  # of a split without variance nothing is left to explain
    return tuple(sse / run.summary["dataset"]["num_features"] if measure == "mse" else sse)


def _inside(
    shown: Sequence[Configuration], measure: str, split: str, limits: tuple[float, float]
) -> list[Configuration]:
    """Those whose mean an axis with these limits shows."""
    means = {one: one.estimate(measure, split) for one in shown}
    return [one for one, mean in means.items() if mean and limits[0] <= mean.mean <= limits[1]]


def _draw_pca(axes: Axes, curve: _Curve, sizes: Sequence[int]) -> list[Artist]:
    """Hollow markers, in which those of an autoencoder that is equal can be seen; none of what PCA has not."""
    kept = [(size, value) for size, value in zip(curve.sizes, curve.values, strict=True) if size >= sizes[0]]
    if not kept:
        return []
    at_sizes = [place for place, (size, _) in enumerate(kept) if size in sizes]
    style = PCA_LOOK | {"markerfacecolor": "none", "markersize": 1.9 * mpl.rcParams["lines.markersize"]}
    style |= {} if curve.exact else {"linestyle": ""}
    (line,) = axes.plot(*zip(*kept, strict=True), **style, markevery=at_sizes, label="PCA", zorder=2.3)
    return [line]


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
    visible = [value for value in curve.values if value > max(lowest / 100, ROUNDING * max(curve.values, default=0))]
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, 0.8 * min([lowest, *visible])), high)
    plain_log_ticks(axes.yaxis)
