"""Figures over latent sizes: the best of each kind at each size, their means, and the axis."""

import itertools
import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from ae_jax.errors import UserError
from ae_jax.figures.parts.common import Kind, require_measured
from ae_jax.figures.parts.means import Mean
from ae_jax.results.configurations import Configuration, best_by_validation
from ae_jax.results.statistics import estimate
from ae_jax.runs.measures import is_limited

_GAP = 0.055  # part of the axis that two numbers need between them


def latent_sizes(shown: Sequence[Configuration]) -> list[int]:
    """The latent sizes. Raises UserError if there is one only."""
    sizes = sorted({one.latent_size for one in shown})
    if len(sizes) < 2:
        remedy = "train several: python scripts/train.py +sweep=latent_vs_pca"
        raise UserError("runs", f"all have the latent size {sizes[0]}, which makes no line", remedy)
    return sizes


def best_by_size(kind: Kind, measure: str, split: str) -> list[Configuration]:
    """The best configuration of a kind at each latent size, by validation.

    Raises:
        UserError: If the measure was not taken in one of them.
    """
    by_size = sorted(kind.configurations, key=lambda one: one.latent_size)
    grouped = [list(group) for _, group in itertools.groupby(by_size, key=lambda one: one.latent_size)]
    for group in grouped:
        require_measured(group, measure, split)
    return [best_by_validation(group, measure) for group in grouped]


def means_by_size(shown: Sequence[Configuration], measure: str, split: str) -> list[Mean]:
    """The mean of each configuration, at its latent size."""
    found = [(one, one.estimate(measure, split)) for one in shown]
    return [Mean(estimate([float(one.latent_size)]), y, one.num_diverged) for one, y in found if y is not None]


def pca_by_size(shown: Sequence[Configuration], measure: str, split: str) -> dict[int, float]:
    """PCA's measure at each latent size; of several PCAs that which is not limited to fewer numbers."""
    of_size: dict[int, float] = {}
    for one in sorted(shown, key=lambda one: (one.latent_size, any(map(is_limited, one.pcas)), -one.num_seeds)):
        if (found := one.pca(measure, split)) is not None:
            of_size.setdefault(one.latent_size, found.mean)
    return of_size


def set_sizes(panels: Sequence[Axes], sizes: Sequence[int], last: int) -> None:
    """Ticks at the latent sizes of the runs, the largest always, as far as their numbers have room; up to `last`."""
    axes = panels[-1]
    for one in panels:
        one.set_xscale("log", base=2)
    first, end = math.log2(sizes[0]), math.log2(max(sizes[-1], last))
    room = 0.04 * (end - first)
    low, high = (math.log2(x) for x in axes.dataLim.intervalx)
    axes.set_xlim(2 ** (min(first, low) - room), 2 ** (max(end, high) + room))
    ticks = [sizes[-1]]
    for size in reversed(sizes):
        if math.log2(ticks[-1] / size) >= _GAP * (end - first):
            ticks.append(size)
    axes.xaxis.set_major_locator(FixedLocator(ticks[::-1]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
