"""Words in a plane, moved apart where they would stand on each other."""

from collections.abc import Sequence
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from ae_jax.figures.style import NEUTRAL

_ROUNDS = 500
_AIR = 1.5  # points between words
_LED = 0.75  # of their height: words that are moved farther have a line to their place


class Word(NamedTuple):
    """A word, and its place in the units of the axes."""

    text: str
    x: float
    y: float


def write_apart(figure: Figure, axes: Axes, words: Sequence[Word]) -> None:
    """Write words at their places, or near them; a thin line leads from a place to what stands elsewhere.

    Args:
        figure: The figure, which has its size and layout: call it last.
        axes: Whose limits are final.
        words: All are written.
    """
    if not words:
        return
    halo = [withStroke(linewidth=2, foreground="white")]
    texts = [
        axes.annotate(
            word.text,
            (word.x, word.y),
            xytext=(0, 0),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=mpl.rcParams["axes.labelsize"],
            path_effects=halo,
            zorder=4,
        )
        for word in words
    ]
    figure.draw_without_rendering()
    dots = figure.dpi / 72
    sizes = np.array([(text.get_window_extent().width, text.get_window_extent().height) for text in texts])
    centres = axes.transData.transform([(word.x, word.y) for word in words])
    box = axes.get_window_extent()
    moved = moved_apart(centres, sizes + _AIR * dots, np.array(box.p0), np.array(box.p1))
    for word, text, shift, size in zip(words, texts, moved - centres, sizes, strict=True):
        text.set_position(tuple(shift / dots))
        if np.hypot(*shift) > _LED * size[1]:
            x, y = axes.transData.inverted().transform(axes.transData.transform((word.x, word.y)) + shift)
            axes.plot([word.x, x], [word.y, y], color=NEUTRAL, linewidth=0.6, zorder=3.5)


def moved_apart(centres: np.ndarray, sizes: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Centres of boxes that do not overlap, near the given ones and between two corners, as far as there is room.

    In each round every pair that overlaps is pushed apart along the direction in which less is needed.

    Args:
        centres: Shape "boxes 2".
        sizes: Widths and heights, shape "boxes 2".
        low: The lower left corner, shape "2".
        high: The upper right corner.
    """
    places = centres + 1e-3 * np.arange(len(centres))[:, None]  # two at one place have a direction
    for _ in range(_ROUNDS):
        places = np.clip(places, low + sizes / 2, high - sizes / 2)
        still = True
        for one in range(len(places)):
            for other in range(one):
                apart = places[one] - places[other]
                missing = (sizes[one] + sizes[other]) / 2 - np.abs(apart)
                if (missing > 1e-6).all():
                    still, axis = False, int(missing.argmin())
                    push = np.zeros(2)
                    push[axis] = 0.55 * missing[axis] * (1 if apart[axis] >= 0 else -1)
                    places[one], places[other] = places[one] + push, places[other] - push
        if still:
            break
    return np.asarray(np.clip(places, low + sizes / 2, high - sizes / 2))
