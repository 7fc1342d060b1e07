"""Accuracy of a classifier against latent size: on latents of each kind of autoencoder, on PCA's, and on the inputs."""

from collections import Counter
from collections.abc import Sequence
from itertools import chain, pairwise
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ae_jax.errors import UserError
from ae_jax.figures.parts.against import limits_text
from ae_jax.figures.parts.by_size import best_by_size, latent_sizes, means_by_size, pca_by_size, set_sizes
from ae_jax.figures.parts.common import LATENT_SIZE, axis_label, kinds, left_out_text, legend_above, split_text
from ae_jax.figures.parts.looks import legend_of
from ae_jax.figures.parts.means import PCA_LOOK, Mean, draw_means, mark_diverged
from ae_jax.figures.parts.measured import shown_measure
from ae_jax.figures.parts.selection import selection_text
from ae_jax.figures.parts.spread import spread_text
from ae_jax.figures.style import NEUTRAL, figure_size
from ae_jax.results import Results
from ae_jax.results.configurations import Configuration
from ae_jax.results.statistics import estimate

_INPUTS = "pixels"
"""The method, in summary.json, that gives inputs as they are."""
_ROOM, _MOST_ROOM = 0.1, 0.5  # parts of the distance of two sizes: between two kinds, and for all
_ASK = "python scripts/evaluate.py RUN… evaluation=classification"


def draw(
    results: Results,
    /,
    *,
    measure: Literal["knn_accuracy", "linear_accuracy"],
    split: Literal["validation", "test"],
    lines: list[str],
) -> Figure:
    """A marker for each kind of autoencoder at each latent size, PCA's with as many components, and a line for inputs.

    The classifier is fitted to labelled training examples in each space alike. What it does with the inputs themselves
    is no bound: latents may tell classes apart more easily.

    Where a kind has several configurations of one latent size, the best by the mean of the measure on the validation
    split is shown, and the figure says so.

    Args:
        results: Runs of at least two latent sizes that have answered `evaluation=classification`.
        measure: Of k nearest neighbours, or of a linear probe.
        split: Where it is measured.
        lines: Keys of the config whose values have markers of their own.

    Raises:
        UserError: If the runs have one latent size, lack the measure, or a key is unknown.
    """
    results.require(what="a figure")
    if not any(measure in run.described for run in results.runs):
        raise UserError("measure", f"{measure} was not taken in these runs", _ASK)
    chosen, results, missing = shown_measure(results, measure, split)
    if LATENT_SIZE in lines:
        raise UserError("lines", f"{LATENT_SIZE} is the axis of this figure", "leave it out")
    candidates = kinds(results, lines, option="lines")
    groups = [best_by_size(kind, measure, split) for kind in candidates]
    shown = [one for group in groups for one in group]
    sizes, legend = latent_sizes(shown), legend_of(candidates, lines=False)
    figure = Figure(figsize=figure_size())
    axes = figure.subplots()
    axes.set(xlabel=axis_label(LATENT_SIZE), ylabel=chosen.label)
    means = _side_by_side([means_by_size(group, measure, split) for group in groups], sizes)
    for group, style in zip(means, legend.styles, strict=True):
        draw_means(axes, group, **style, zorder=2.5)
    handles = [*legend.handles, *_draw_pca(axes, pca_by_size(shown, measure, split))]
    handles += mark_diverged(axes, list(chain(*means)))
    handles += _draw_inputs(axes, shown, measure, split)
    set_sizes(figure.axes, sizes, sizes[-1])
    numbers = [n for kind in candidates for n in Counter(one.latent_size for one in kind.configurations).values()]
    notes = [split_text(split, results), *missing, *legend.notes, spread_text(shown, measure), *limits_text(shown)]
    legend_above(figure, handles, [*notes, *selection_text("point", numbers, measure), *left_out_text(results)])
    return figure


def _side_by_side(groups: Sequence[Sequence[Mean]], sizes: Sequence[int]) -> list[list[Mean]]:
    """Means of several kinds, moved apart a little along the logarithmic axis, so that intervals can be told apart."""
    room = min(other / one for one, other in pairwise(sizes)) ** min(_ROOM * (len(groups) - 1), _MOST_ROOM)
    places = np.linspace(-0.5, 0.5, len(groups)) if len(groups) > 1 else np.zeros(1)
    return [
        [mean._replace(x=estimate([mean.x.mean * room**place])) for mean in means]
        for means, place in zip(groups, places.tolist(), strict=True)
    ]


def _draw_pca(axes: Axes, of_size: dict[int, float]) -> list[Line2D]:
    """Hollow markers, in which those of an autoencoder that is equal can be seen."""
    style = PCA_LOOK | {"markerfacecolor": "none", "markersize": 1.9 * mpl.rcParams["lines.markersize"]}
    return [*axes.plot([*of_size], [*of_size.values()], **style | {"linestyle": ""}, label="PCA", zorder=2.3)]


def _draw_inputs(axes: Axes, shown: Sequence[Configuration], measure: str, split: str) -> list[Line2D]:
    """A line at what the inputs as they are give; nothing where they were not asked."""
    runs = [run for one in shown for run in one.runs]
    found = sorted(value for run in runs if (value := run.answered(_INPUTS, measure, split)) is not None)
    num_features = {run.summary["dataset"]["num_features"] for run in runs}
    label = f"inputs ({num_features.pop()} numbers)" if len(num_features) == 1 else "inputs"
    styled: dict[str, Any] = {"color": NEUTRAL, "linestyle": "--", "linewidth": 1.0, "zorder": 2.2}
    return [axes.axhline(value, **styled, label=label) for value in dict.fromkeys(found)][:1]
