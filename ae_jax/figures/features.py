"""How often each latent is active: from those that never are to those that always are, beside PCA."""

import math
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullLocator

from ae_jax.figures.parts.against import limits_text
from ae_jax.figures.parts.answered import asked_alone
from ae_jax.figures.parts.common import kinds, left_out_text, legend_above, require_measured
from ae_jax.figures.parts.looks import legend_of
from ae_jax.figures.parts.means import PCA_LOOK
from ae_jax.figures.parts.selection import selection_text
from ae_jax.figures.parts.spread import spread_text
from ae_jax.figures.style import figure_size
from ae_jax.results import Results
from ae_jax.results.configurations import Configuration, best_by_validation
from ae_jax.results.measured import comparable_measure_of

_BINS_OF_DECADE = 4
_NEVER = 3.0  # bins to the left of the rarest, where those stand that are never active


def draw(results: Results, /, *, measure: str, lines: list[str]) -> Figure:
    """A line for each kind, and for PCA: which share of its latents is active in which share of training examples.

    Latents that no training example activates stand apart, to the left; the shares of a line and its point there add up
    to 100 %. Latents of all seeds count alike. PCA is the one beside each of the autoencoders: of sparse ones it keeps
    as many coordinates of an example as they do.

    Args:
        results: Runs of one dataset that were asked `evaluation=sparsity`.
        measure: Of what else varies, the best by its mean on the validation split is shown.
        lines: Keys whose values have a line of their own.

    Raises:
        UserError: If no run was asked.
    """
    results.require(what="a figure")
    comparable_measure_of(results.runs, measure)
    kept, missing = asked_alone(results, "sparsity", ["autoencoder", "pca"])
    parted = kinds(kept, lines, option="lines")
    for kind in parted:
        require_measured(kind.configurations, measure, "validation")
    shown = [best_by_validation(kind.configurations, measure) for kind in parted]
    legend = legend_of(parted, lines=True)
    ours, theirs = ([_frequencies(one, name) for one in shown] for name in ("autoencoder", "pca"))
    edges = _edges(np.concatenate([*ours, *theirs]))
    figure = Figure(figsize=figure_size())
    axes = figure.subplots()
    for kind, one, style in zip(parted, ours, legend.styles, strict=True):
        _draw(axes, one, edges, **style, label=kind.label)
    pca = _draw(axes, np.concatenate(theirs), edges, **PCA_LOOK, label="PCA")
    _name_axes(axes, edges)
    notes = [f"{kept.datasets[0]}, training split", *legend.notes, spread_text(shown, what="line", spread="none")]
    notes += [*limits_text(shown), *selection_text("line", (len(kind.configurations) for kind in parted), measure)]
    legend_above(figure, [*legend.handles, pca], [*notes, *missing, *left_out_text(results)])
    return figure


def _frequencies(one: Configuration, method: str) -> np.ndarray:
    """In which share of training examples each latent is active, of all seeds."""
    return np.concatenate([run.folder.answered("sparsity")[method] for run in one.runs])


def _edges(frequencies: np.ndarray) -> np.ndarray:
    """Edges of bins, a constant factor apart, from below the rarest that is not 0 to above 1, which has its own bin."""
    step = 10 ** (1 / _BINS_OF_DECADE)
    rarest = min(float(frequencies[frequencies > 0].min(initial=0.1)), 0.1)
    num = math.ceil(-math.log10(rarest) * _BINS_OF_DECADE - 0.5) + 1
    return np.asarray(step ** (np.arange(-num, 1) + 0.5))


def _draw(axes: Axes, frequencies: np.ndarray, edges: np.ndarray, **style: Any) -> Line2D:
    shares = np.histogram(frequencies, edges)[0] / len(frequencies)
    (line,) = axes.plot(np.sqrt(edges[1:] * edges[:-1]), shares, **style)
    apart = style | {"linestyle": "", "label": "_"}
    axes.plot([_never(edges)], [np.mean(frequencies == 0)], **apart)
    return line


def _never(edges: np.ndarray) -> float:
    return float(edges[0] * (edges[0] / edges[1]) ** (_NEVER - 0.5))


def _name_axes(axes: Axes, edges: np.ndarray) -> None:
    axes.set_xscale("log")
    decades = [10.0**power for power in range(math.ceil(math.log10(edges[0])), 1)]
    every = 1 + len(decades) // 6
    decades = decades[::-1][::every][::-1]
    extra = [0.3] if len(decades) < 3 else []
    ticks = sorted([*decades, *extra])
    axes.set_xticks([_never(edges), *ticks], labels=["never", *(f"{tick:g}" for tick in ticks)])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.axvline(math.sqrt(_never(edges) * edges[0]), color="0.8", linewidth=0.8, zorder=1)
    axes.set(xlabel="active in which share of training examples", ylabel="share of latents")
    symbol = r" \%" if mpl.rcParams["text.usetex"] else " %"
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g}{symbol}"))
    axes.set_ylim(bottom=-0.03 * axes.get_ylim()[1])
