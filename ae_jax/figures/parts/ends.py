"""Names of lines at the right end of axes, moved apart where they would stand on each other."""

from collections.abc import Sequence
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

_AWAY = 9  # points between the axes and a name, which the leader crosses


class End(NamedTuple):
    """Where a line ends, its name, and the colours of the line and of the name."""

    height: float
    name: str
    colour: str
    ink: str


def name_ends(figure: Figure, axes: Axes, ends: Sequence[End]) -> None:
    """Name every line beside its right end, with a leader to it; the figure becomes higher where names need that.

    Args:
        figure: The figure, which has its size and legend: call it last.
        axes: Whose limits are final.
        ends: In the units of the vertical axis; none is left out.
    """
    ends = sorted(ends, key=lambda end: end.height)
    texts = [
        axes.annotate(
            end.name,
            (1, end.height),
            xytext=(_AWAY, 0),
            xycoords=axes.get_yaxis_transform(),
            textcoords="offset points",
            color=end.ink,
            va="center",
            fontsize=mpl.rcParams["legend.fontsize"] - 1,
            arrowprops={"arrowstyle": "-", "color": end.colour, "linewidth": 0.8, "shrinkA": 1, "shrinkB": 0},
            annotation_clip=False,
        )
        for end in ends
    ]
    figure.draw_without_rendering()
    gap = max((text.get_window_extent().height for text in texts), default=0.0)
    missing = gap * len(ends) - axes.get_window_extent().height
    if missing > 0:
        width, height = figure.get_size_inches()
        figure.set_size_inches(width, height + missing / figure.dpi)
        figure.draw_without_rendering()
    box = axes.get_window_extent()
    heights = axes.transData.transform([(1, end.height) for end in ends])[:, 1] if ends else np.array([])
    places = spaced(heights, gap, box.y0 + gap / 2, box.y1 - gap / 2)
    for text, height, place in zip(texts, heights, places, strict=True):
        text.set_position((_AWAY, (place - height) * 72 / figure.dpi))


def spaced(places: np.ndarray, gap: float, low: float, high: float) -> np.ndarray:
    """The nearest places, in least squares, that are a gap apart and between two ends.

    Args:
        places: Ascending, shape "places".
        gap: The least distance.
        low: Where the first may stand.
        high: Where the last may; there is room.
    """
    steps = gap * np.arange(len(places))
    blocks: list[list[float]] = []  # of places that touch, without their steps: pool adjacent violators
    for value in places - steps:
        blocks.append([float(value)])
        while len(blocks) > 1 and np.mean(blocks[-2]) > np.mean(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    pooled = np.array([np.mean(block) for block in blocks for _ in block])
    return np.clip(pooled, low, high - (steps[-1] if len(steps) else 0.0)) + steps
