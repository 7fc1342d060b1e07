"""One style for all figures: colour-blind-safe, readable in grey, fonts that embed.

A sweep draws figures for every run, so they are made to draw fast: margins are fixed rather than fitted to the labels,
which draws everything twice, and there are few ticks, which cost more than the data.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

# Okabe & Ito's palette; the autoencoder and PCA also differ in marker and line style.
AUTOENCODER, PCA, NEUTRAL = "#0072B2", "#D55E00", "#595959"

DPI = 160

_SETTINGS = {
    "axes.formatter.limits": (-3, 6),  # the margins have room for six characters
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": "medium",
    "axes.titley": 1.0,
    "figure.dpi": DPI,
    "figure.figsize": (5.5, 3.4),
    "font.size": 10,
    "grid.alpha": 0.3,
    "grid.linewidth": 0.5,
    "image.cmap": "gray",
    "legend.fontsize": 9,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "pdf.fonttype": 42,
    "text.hinting": "no_hinting",
}


@contextmanager
def style() -> Iterator[None]:
    """Draw with the project's settings, whatever the user's own are."""
    with mpl.rc_context({**mpl.rcParamsDefault, "backend": "agg"}), mpl.rc_context(_SETTINGS):
        yield


def set_margins(figure: Figure) -> None:
    """The same space for titles and labels in a figure of any size."""
    width, height = figure.get_size_inches()
    figure.subplots_adjust(left=0.85 / width, right=1 - 0.15 / width, bottom=0.5 / height, top=1 - 0.3 / height)


def plain_log_ticks(axis: Axis) -> None:
    """Ticks of a logarithmic axis at 1, 2, 5, 10, …, as plain numbers. Call it when the limits are final.

    Many decades have ticks at powers of ten only, and a small part of one decade has those of a linear axis.
    """
    low, high = axis.get_view_interval()
    decades = [10.0**power for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]
    inside = [step * decade for decade in decades for step in (1, 2, 5) if low <= step * decade <= high]
    if len(inside) > 10:
        inside = [decade for decade in decades[:: math.ceil(len(decades) / 8)] if low <= decade <= high]
    elif len(inside) < 2:
        inside = list(MaxNLocator(4, steps=[1, 2, 5, 10]).tick_values(low, high))
    axis.set_major_locator(FixedLocator(inside))
    axis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:g}"))
    axis.set_minor_locator(NullLocator())


def save(figure: Figure, path: Path) -> Path:
    """Write a PNG whole or not at all."""
    temporary = path.with_name(f".{path.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        figure.savefig(temporary, format="png", pil_kwargs={"compress_level": 1})
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path
