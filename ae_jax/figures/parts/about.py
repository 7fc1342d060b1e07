"""What a figure of one run shows, in a line above it."""

import math

import matplotlib as mpl
from matplotlib.figure import Figure

from ae_jax.figures.parts.common import plain, text_size, wrap
from ae_jax.runs.folder import RunFolder

_EDGE = 0.06  # inches around the line


def write_about(figure: Figure, run: RunFolder, splits: str) -> None:
    """Write above everything which data and split are shown, the loss, and that one run has no interval.

    The figure grows by whole dots, and all its axes keep their sizes. Call it last.

    Args:
        figure: The figure of a run.
        run: The run.
        splits: Such as "test split".
    """
    summary = run.summary
    text = f"{summary['dataset']['name']}, {splits}; trained with {summary['training']['loss']}"
    text += f"; one run, seed {summary['seed']}, no interval"
    (width, old), dpi = figure.get_size_inches(), figure.dpi
    room = (width - 2 * _EDGE) * dpi
    wide, high = text_size(figure, text)  # mostly it fits, and to wrap it takes longer than to draw it
    text = plain(text) if wide <= room else wrap(figure, text, room)
    high *= text.count("\n") + 1
    new = old + math.ceil(high + 2 * _EDGE * dpi) / dpi
    places = [axes.get_position().bounds for axes in figure.axes]
    figure.set_size_inches(width, new)
    for axes, (x, y, across, up) in zip(figure.axes, places, strict=True):
        axes.set_position((x, y * old / new, across, up * old / new))
    size = mpl.rcParams["legend.fontsize"]
    figure.text(_EDGE / width, 1 - _EDGE / new, text, va="top", fontsize=size)
