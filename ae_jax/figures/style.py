"""One style for all figures: colour-blind-safe, readable in grey, fonts that embed; and the sizes and fonts of venues.

A sweep draws figures for every run, so those are made to draw fast: margins are fixed rather than fitted to the
labels, which draws everything twice, and there are few ticks, which cost more than the data. Figures of a paper are
drawn at the size at which they are printed, with fonts that come with matplotlib, so that all machines draw the same.
"""

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal, NamedTuple

import matplotlib as mpl
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from ae_jax.errors import UserError, nearest

# Okabe & Ito's palette; the autoencoder and PCA also differ in marker and line style.
AUTOENCODER, PCA, NEUTRAL = "#0072B2", "#D55E00", "#595959"
PCA_INK = "#BF5400"
"""PCA's colour for words, which on white need more contrast (WCAG 4.5 to 1) than lines."""


class Look(NamedTuple):
    """How one of several autoencoders is drawn: also without colour they can be told apart."""

    colour: str
    marker: str
    line: str | tuple[int, tuple[int, ...]]


LOOKS = (
    Look(AUTOENCODER, "o", "-"),
    Look("#009E73", "s", "--"),
    Look("#CC79A7", "^", "-."),
    Look("#E69F00", "D", (0, (5, 1, 1, 1, 1, 1))),
    Look("#56B4E9", "v", (0, (3, 1))),
    Look("#000000", ">", (0, (8, 2))),
)
"""For autoencoders in the order of their configurations, all with markers that can be hollow. PCA is always drawn in
its own colour, dotted as nothing else is."""

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
    "svg.fonttype": "path",
    "svg.hashsalt": "ae_jax",  # names of clip paths; random otherwise
    "text.hinting": "no_hinting",
}

VenueName = Literal["neurips", "icml", "iclr", "jmlr", "ieee"]
Width = Literal["column", "text"]


class Venue(NamedTuple):
    """What a venue's style file prescribes.

    Attributes:
        column: Width of a column in inches.
        text: Width of the text in inches; the same where there is one column.
        height: Of the text in inches.
        font_size: Of the text, in points. A figure has one point less, its legend and ticks two.
        font: One that comes with matplotlib and looks like the venue's.
        mathtext: The formulas that go with it.
    """

    column: float
    text: float
    height: float
    font_size: float
    font: str
    mathtext: str


# Widths: neurips_2024.sty (5.5 in), icml2024.sty (6.75 in, 0.25 in between columns), iclr2024_conference.sty (5.5 in),
# jmlr2e.sty (6 in, 11 pt Computer Modern), IEEEtran.cls v1.8b on letter paper (252 pt and 516 pt). Heights: 9 in, but
# 8.5 in of JMLR and 9.25 in of IEEE's conferences (journals have 9.63 in).
VENUES: dict[str, Venue] = {
    "neurips": Venue(5.5, 5.5, 9.0, 10, "STIXGeneral", "stix"),
    "icml": Venue(3.25, 6.75, 9.0, 10, "STIXGeneral", "stix"),
    "iclr": Venue(5.5, 5.5, 9.0, 10, "STIXGeneral", "stix"),
    "jmlr": Venue(6.0, 6.0, 8.5, 10.95, "cmr10", "cm"),
    "ieee": Venue(3.487, 7.14, 9.25, 9, "STIXGeneral", "stix"),
}
_PAPER_DPI = 300
_GOLDEN = 0.618


@contextmanager
def style() -> Iterator[None]:
    """Draw with the project's settings, whatever the user's own are."""
    with mpl.rc_context({**mpl.rcParamsDefault, "backend": "agg"}), mpl.rc_context(_SETTINGS):
        yield


@contextmanager
def paper_style(venue: VenueName, *, width: Width, font: str | None) -> Iterator[None]:
    """Draw at the size and in the font of a venue; margins fit the labels.

    `figure.figsize` is the venue's width and the golden section of it: see `figure_size`.

    Args:
        venue: A key of `VENUES`.
        width: Of a column, or of the text.
        font: A font of this machine instead of the venue's; null: the venue's.

    Raises:
        UserError: If the font is not here, or lacks a letter: a paper must not show boxes.
    """
    chosen = VENUES[venue]
    inches, size = chosen.column if width == "column" else chosen.text, chosen.font_size - 1
    _check_font(font)
    settings = {
        "axes.formatter.use_mathtext": True,
        "axes.labelpad": 3,
        "axes.labelsize": size,
        "axes.linewidth": 0.6,
        "axes.titlesize": size,
        "axes.titley": None,
        "axes.unicode_minus": chosen.font != "cmr10",  # which has no such sign
        "figure.constrained_layout.use": True,
        "figure.dpi": _PAPER_DPI,
        "figure.figsize": (inches, _GOLDEN * inches),
        "font.family": [font or chosen.font],
        "font.size": size,
        "legend.fontsize": size - 1,
        "lines.linewidth": 1.2,
        "lines.markersize": 3.5,
        "mathtext.fontset": chosen.mathtext,
        "xtick.labelsize": size - 1,
        "ytick.labelsize": size - 1,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
    }
    with warnings.catch_warnings(), style(), mpl.rc_context(settings):
        warnings.filterwarnings("error", message=r"Glyph .* missing from font", category=UserWarning)
        try:
            yield
        except UserWarning as missing:
            remedy = "name one of this machine that has it, as font=NAME"
            raise UserError("font", f"lacks a letter of the figure ({missing})", remedy) from missing


def least_size() -> float:
    """The smallest text, in points, of the style in force: nothing is written smaller, but left out."""
    return float(mpl.rcParams["legend.fontsize"]) - 1


def ink_on(colour: Sequence[float]) -> str:
    """Black or white, whichever can be read better on a colour (red, green, blue from 0 to 1): at least 4.5 to 1."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour[:3]]
    luminance = sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    return "black" if luminance > 0.179 else "white"


def figure_size(*, ratio: float = _GOLDEN, most_inches: float = math.inf) -> tuple[float, float]:
    """Width and height of a figure in the style that is in force.

    Args:
        ratio: Height divided by width.
        most_inches: Where less than the whole width does, such as for a grid of few columns.
    """
    width = min(mpl.rcParams["figure.figsize"][0], most_inches)
    return width, width * ratio


def _check_font(font: str | None) -> None:
    from matplotlib.font_manager import fontManager

    known = set(fontManager.get_font_names())
    if font is not None and font not in known:
        remedy = nearest(font, known)
        remedy = remedy if remedy.startswith("did") else "install it, or leave out font=… for the venue's own"
        raise UserError("font", f"there is no {font!r} on this machine", remedy)


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
    for steps in ((1, 1.5, 2, 3, 5, 7), (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9)):
        if len(inside) < 3:
            inside = [step * decade for decade in decades for step in steps if low <= step * decade <= high]
    if len(inside) < 3:
        inside = list(MaxNLocator(4, steps=[1, 2, 5, 10]).tick_values(low, high))
    axis.set_major_locator(FixedLocator(inside))
    axis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:g}"))
    axis.set_minor_locator(NullLocator())
