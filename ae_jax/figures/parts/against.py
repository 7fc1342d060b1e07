"""An autoencoder against PCA in a figure over latent sizes: the ratio below it, and an arrow to where PCA gets there."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ae_jax.figures.parts.common import Kind
from ae_jax.figures.parts.means import Mean, box_around, draw_means, write_near
from ae_jax.figures.style import NEUTRAL, PCA, plain_log_ticks
from ae_jax.results.configurations import Configuration
from ae_jax.results.statistics import estimate
from ae_jax.results.verdict import Needed

_LEAST = 1.1  # how far the axis of ratios reaches to both sides of 1, at least
_STEPS = 400  # places of PCA's curve that a text avoids


def ratios_of(kind: Kind, measure: str, split: str) -> list[Mean]:
    """Errors divided by PCA's at each latent size, run by run, with their intervals; as far as they have a ratio."""
    found = [(one, one.against_pca(measure, split)) for one in kind.configurations]
    pairs = [(one, against.ratio) for one, against in found if against and against.ratio]
    return [Mean(estimate([float(one.latent_size)]), ratio, one.num_diverged) for one, ratio in pairs]


def draw_ratios(axes: Axes, groups: Sequence[Sequence[Mean]], styles: Sequence[dict[str, Any]]) -> None:
    """Ratios of each kind on a logarithmic axis, and a line at one, which is PCA."""
    axes.axhline(1, color=PCA, linestyle=":", linewidth=1.6, zorder=2.3)
    for means, style in zip(groups, styles, strict=True):
        draw_means(axes, means, **style, zorder=2.5)
    axes.set_yscale("log", nonpositive="mask")
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, 1 / _LEAST), max(high, _LEAST))
    axes.set_ylabel("error / PCA's")
    plain_log_ticks(axes.yaxis)


def draw_needed(
    figure: Figure, axes: Axes, one: Configuration, value: float, found: Needed, curve: Sequence[tuple[float, float]]
) -> None:
    """An arrow from an autoencoder to PCA with as many components as it needs. Call it last.

    Args:
        figure: The figure, which has its size.
        axes: Whose limits are final.
        one: The autoencoder.
        value: Its measure.
        found: What PCA needs; there is no arrow where that is no more than the autoencoder has.
        curve: PCA's, in the units of the axes.
    """
    if found.num is None or found.num <= one.latent_size:
        return
    arrow = {"arrowstyle": "-|>,head_width=0.18,head_length=0.36", "color": NEUTRAL, "linewidth": 0.9, "shrinkB": 0}
    axes.annotate("", (found.num, value), (one.latent_size, value), arrowprops=arrow, zorder=2.4)
    figure.draw_without_rendering()
    places = np.linspace(0, len(curve) - 1, _STEPS)
    xs, ys = (np.interp(places, range(len(curve)), [point[axis] for point in curve]) for axis in (0, 1))
    taken = [box_around(axes, x, y) for x, y in zip(xs, ys, strict=True)]
    taken += [box_around(axes, x, y) for line in axes.lines for x, y in np.asarray(line.get_xydata())]
    middle = float(np.sqrt(found.num * one.latent_size))
    taken += [box_around(axes, x, value) for x in np.geomspace(one.latent_size, found.num, 50)]
    text = f"PCA needs {found.text}"
    if not write_near(axes, text, (found.num, value), taken, colour=NEUTRAL, sides=((1, 0), (1, 1), (-1, -1), (1, -1))):
        write_near(axes, text, (middle, value), taken, colour=NEUTRAL, sides=((0, -1), (0, 1), (1, -1), (-1, -1)))
