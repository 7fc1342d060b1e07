"""An autoencoder against PCA in a figure over latent sizes: the ratio below, and an arrow to where PCA gets there."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ae_jax.figures.parts.means import ROUNDING, Mean, box_around, draw_means, write_near
from ae_jax.figures.style import NEUTRAL, PCA, plain_log_ticks
from ae_jax.results.configurations import Configuration
from ae_jax.results.statistics import estimate
from ae_jax.results.verdict import Needed
from ae_jax.runs.measures import competitor_size, is_limited

_NAMED = 4  # limits of PCA that a note has
_FEW, _ROOM = 3, 0.5  # kinds that need not stand side by side; part of the distance of two sizes that more take
_LEAST = 1.1  # how far the axis of ratios reaches to both sides of 1, at least
_STEPS = 400  # places of PCA's curve that a text avoids
_AT_HEAD = ((1, 0), (1, 1), (-1, -1), (1, -1))  # sides on which its text may stand
_ALONG = (
    (0, -1),
    (0, 1),
    (1, -1),
    (-1, -1),
    (0, -4),
    (0, 4),
    (1, -4),
    (1, 4),
    (-1, -4),
    (-1, 1),
    (-1, 4),
    (0, -8),
    (0, 8),
)


def ratios_of(shown: Sequence[Configuration], measure: str, split: str) -> list[Mean]:
    """Errors divided by PCA's at each latent size, run by run, with their intervals; none where PCA's is rounding."""
    found = [(one, one.against_pca(measure, split)) for one in shown]
    pairs = [(one, against.ratio) for one, against in found if against and against.ratio]
    return [
        Mean(estimate([float(one.latent_size)]), ratio, one.num_diverged)
        for one, ratio in pairs
        if ratio.mean * ROUNDING < 1
    ]


def ratio_notes(inside: Sequence[Sequence[Configuration]], ratios: Sequence[Sequence[Mean]]) -> list[str]:
    """What the panel below shows, and where it cannot."""
    if not any(ratios):
        return []
    there = {int(mean.x.mean) for means in ratios for mean in means}
    absent = sorted({one.latent_size for group in inside for one in group} - there)
    where = f", but not at {', '.join(map(str, absent))}, where PCA's is rounding" if absent else ""
    beside = ", side by side" if len(ratios) > _FEW else ""
    return [f"below: error divided by PCA's, run by run{beside}{where}"]


def limits_text(shown: Sequence[Configuration], *, is_curve: bool = False) -> list[str]:
    """What PCA is limited to beside latents that are: a note, or none where none is.

    Args:
        shown: The configurations.
        is_curve: Whether PCA is drawn as a curve without such limits, so that ratios alone are to the other.
    """
    sizes = list(dict.fromkeys(competitor_size(*one.pcas) for one in shown if any(map(is_limited, one.pcas))))
    if not sizes:
        return []
    words = f"{', '.join(sizes[:_NAMED])}{', …' if len(sizes) > _NAMED else ''}"
    if is_curve:
        return [f"ratios are to PCA limited as the latents are ({words}), its curve is not"]
    return [f"PCA is limited as the latents are ({words})"]


def draw_ratios(axes: Axes, groups: Sequence[Sequence[Mean]], styles: Sequence[dict[str, Any]]) -> None:
    """Ratios of each kind on a logarithmic axis, and a line at one, which is PCA. Many kinds stand side by side."""
    axes.axhline(1, color=PCA, linestyle=":", linewidth=1.6, zorder=2.3)
    sizes = sorted({mean.x.mean for means in groups for mean in means})
    room = min((other / one for one, other in pairwise(sizes)), default=1.0) ** (_ROOM if len(groups) > _FEW else 0)
    for index, (means, style) in enumerate(zip(groups, styles, strict=True)):
        factor = room ** (index / max(len(groups) - 1, 1) - 0.5)
        moved = [mean._replace(x=estimate([factor * mean.x.mean])) for mean in means]
        draw_means(axes, moved, **style, zorder=2.5)
    axes.set_yscale("log", nonpositive="mask")
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, 1 / _LEAST), max(high, _LEAST))
    axes.set_ylabel("error / PCA's")
    plain_log_ticks(axes.yaxis)


def draw_needed(figure: Figure, axes: Axes, at: Mean, found: Needed, curve: Sequence[tuple[float, float]]) -> None:
    """An arrow from an autoencoder to PCA with as many components as it needs. Call it last.

    Args:
        figure: The figure, which has its size.
        axes: Whose limits are final.
        at: The autoencoder.
        found: What PCA needs; there is no arrow where that is no more than the autoencoder has.
        curve: PCA's, in the units of the axes.
    """
    size, value = at.x.mean, at.y.mean
    if found.num is None or found.num <= size:
        return
    end = _crossing(axes, value, [point for point in curve if point[0] in (found.num - 1, found.num)])
    arrow = {"arrowstyle": "-|>,head_width=0.18,head_length=0.36", "color": NEUTRAL, "linewidth": 0.9, "shrinkB": 0}
    axes.annotate("", (end, value), (size, value), arrowprops=arrow, zorder=2.4)
    figure.draw_without_rendering()
    places = np.linspace(0, len(curve) - 1, _STEPS)
    points = [*zip(*(np.interp(places, range(len(curve)), along) for along in zip(*curve, strict=True)), strict=True)]
    points += [(x, value) for x in np.geomspace(size, end, 50)]
    points += [(x, y) for line in axes.lines for x, y in np.asarray(line.get_xydata())]
    drawn = [point for point in points if np.isfinite(axes.transData.transform(point)).all()]
    taken = [box_around(axes, x, y) for x, y in drawn]
    for x, sides in ((end, _AT_HEAD), (math.sqrt(end * size), _ALONG)):
        if write_near(axes, f"PCA needs {found.text}", (x, value), taken, colour=NEUTRAL, sides=sides):
            return


def _crossing(axes: Axes, value: float, ends: Sequence[tuple[float, float]]) -> float:
    """Where a piece of PCA's curve, as it is drawn, has a value; its right end where it comes near only."""
    (x0, y0), (x1, y1), (_, height) = axes.transData.transform([*ends, (ends[0][0], value)])
    if not math.isfinite(y1) or y1 == y0:  # an error of 0 is nowhere on a logarithmic axis
        return ends[-1][0]
    part = min(max((height - y0) / (y1 - y0), 0.0), 1.0)
    return float(axes.transData.inverted().transform((x0 + part * (x1 - x0), height))[0])
