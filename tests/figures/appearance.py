"""What a machine can check of a figure's look: that every word can be read, and every line told from the others."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import combinations

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgb, to_rgba
from matplotlib.figure import Figure
from matplotlib.layout_engine import PlaceHolderLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.markers import MarkerStyle
from matplotlib.patches import Patch, Rectangle
from matplotlib.text import Text
from matplotlib.ticker import NullLocator

from ae_jax.figures.style import PCA

LEAST_CONTRAST = 4.5
"""Of text and what is behind it: WCAG 2.2, level AA."""

WIDEST_NAME = 0.1
"""Of the width of a figure, for the name of a vertical axis."""

_COVERED = 0.12  # of the place of a text, that may be too dark or too light, such as a line that passes by
_AIR = 0.14  # of the size of a text, above and below: a box has room for accents and descenders
_EDGE = 0.5  # dots


def legend_words(figure: Figure) -> list[str]:
    """The entries of the legend above, as they are read: row by row."""
    figure.draw_without_rendering()
    boxes = [(text.get_window_extent(), text.get_text()) for text in figure.legends[0].get_texts()]
    return [word for _, _, word in sorted((-round(box.y0 + box.height / 2), box.x0, word) for box, word in boxes)]


def least_size() -> float:
    """The smallest text, in points, of the style in force: 7 at NeurIPS, ICML and ICLR, 8 at JMLR, 6 at IEEE."""
    return mpl.rcParams["legend.fontsize"] - 1


def assert_readable(figure: Figure) -> None:
    """Fail with everything that is wrong with the look of a figure. Call it in the style in which it was drawn."""
    assert not (found := faults(figure)), "\n".join(found)


def faults(figure: Figure) -> list[str]:
    """Texts that overlap, leave the canvas, are small or pale or covered; series alike; axes with too few ticks."""
    with _frozen(figure):
        texts = _drawn_texts(figure)
        found = [*_overlaps(texts), *_outside(figure, texts), *_small(texts), *_pale(figure, texts)]
    return [*found, *_alike(figure), *_bare_axes(figure)]


@contextmanager
def _frozen(figure: Figure) -> Iterator[None]:
    """Nothing moves while it is looked at."""
    figure.draw_without_rendering()
    engine = figure.get_layout_engine()
    if engine is not None:
        figure.set_layout_engine(PlaceHolderLayoutEngine(engine.adjust_compatible, engine.colorbar_gridspec))
    yield
    figure.set_layout_engine(engine)


def _drawn_texts(figure: Figure) -> list[Text]:
    """The texts that reach the paper: no ticks beyond an axis, nothing invisible."""
    texts: dict[Text, None] = {}
    original = Text.draw

    def draw(self: Text, renderer: object) -> None:
        if self.get_visible() and self.get_text().strip():
            texts[self] = None
        original(self, renderer)

    Text.draw = draw
    try:
        figure.draw_without_rendering()
    finally:
        Text.draw = original
    return list(texts)


def _box(text: Text) -> tuple[float, float, float, float]:
    """Left, bottom, right and top of a text's letters, in dots."""
    box, air = Text.get_window_extent(text), _AIR * text.get_fontsize() * text.figure.dpi / 72
    across, along = (air, 0.0) if round(text.get_rotation()) in (90, 270) else (0.0, air)
    return box.x0 + across, box.y0 + along, box.x1 - across, box.y1 - along


def _overlaps(texts: list[Text]) -> list[str]:
    boxes = [(text, _box(text)) for text in texts]
    return [
        f"{_named(one)} overlaps {_named(other)}"
        for (one, a), (other, b) in combinations(boxes, 2)
        if min(a[2], b[2]) - max(a[0], b[0]) > _EDGE and min(a[3], b[3]) - max(a[1], b[1]) > _EDGE
    ]


def _outside(figure: Figure, texts: list[Text]) -> list[str]:
    width, height = figure.bbox.size
    found = []
    for text in texts:
        left, bottom, right, top = _box(text)
        if min(left, bottom, width - right, height - top) < -_EDGE:
            found.append(f"{_named(text)} leaves the canvas")
    box = figure.get_tightbbox()
    if min(box.x0, box.y0, width / figure.dpi - box.x1, height / figure.dpi - box.y1) < -0.015:
        found.append("something leaves the canvas")
    return found


def _small(texts: list[Text]) -> list[str]:
    return [
        f"{_named(text)} has {text.get_fontsize():.1f} points"
        for text in texts
        if text.get_fontsize() < least_size() - 0.01
    ]


def _pale(figure: Figure, texts: list[Text]) -> list[str]:
    """Texts that what is behind them hides, or that lie behind something."""
    behind = _pixels(figure, texts, alpha=0.0)
    drawn, on_top = _pixels(figure, texts), _pixels(figure, texts, zorder=1e6)
    found = []
    for text in texts:
        left, bottom, right, top = (round(edge) for edge in _box(text))
        place = np.s_[max(len(behind) - top, 0) : max(len(behind) - bottom, 1), max(left, 0) : max(right, 1)]
        halo = next((effect._gc["foreground"] for effect in text.get_path_effects() if hasattr(effect, "_gc")), None)
        ground = behind[place] if halo is None else np.array([[to_rgb(halo)]])
        alpha = to_rgba(text.get_color(), text.get_alpha())[3]
        ink = alpha * np.array(to_rgb(text.get_color())) + (1 - alpha) * ground
        pale = _contrast(ink, ground) < LEAST_CONTRAST
        if pale.mean() > _COVERED:
            remedy = " (words of PCA: PCA_INK)" if to_rgb(text.get_color()) == to_rgb(PCA) else ""
            found.append(f"{_named(text)} is hard to read: {np.median(_contrast(ink, ground)):.1f} to 1{remedy}")
        if (np.abs(drawn[place] - on_top[place]).max(axis=-1) > 0.1).mean() > 0.01:
            found.append(f"{_named(text)} lies under something")
    return found


def _pixels(figure: Figure, texts: list[Text], **changed: float) -> np.ndarray:
    """Red, green and blue of the picture, shape "rows columns 3", with something changed in its texts."""
    before = [(text, text.get_alpha(), text.get_zorder(), text.get_path_effects()) for text in texts]
    for text in texts:
        text.set(**changed, **({"path_effects": []} if changed.get("alpha") == 0 else {}))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    for text, alpha, zorder, effects in before:
        text.set(alpha=alpha, zorder=zorder, path_effects=effects)
    return np.asarray(canvas.buffer_rgba())[..., :3] / 255


def _contrast(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """WCAG's ratio of two colours: from 1 to 21."""
    first, second = _luminance(one), _luminance(other)
    return (np.maximum(first, second) + 0.05) / (np.minimum(first, second) + 0.05)


def _luminance(colour: np.ndarray) -> np.ndarray:
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


def _alike(figure: Figure) -> list[str]:
    """Series and handles of legends that have one look, but two names."""
    found = []
    for group in [axes.get_children() for axes in figure.axes] + [legend.legend_handles for legend in figure.legends]:
        named = [(str(one.get_label()), _style(one)) for one in group if isinstance(one, Line2D | Patch)]
        named = [(label, style) for label, style in named if label and not label.startswith("_")]
        found += [f"{a!r} and {b!r} look alike" for (a, x), (b, y) in combinations(named, 2) if x == y and a != b]
    return list(dict.fromkeys(found))


def _style(artist: Line2D | Patch) -> tuple[object, ...]:
    if isinstance(artist, Patch):
        edge, width = artist.get_edgecolor(), artist.get_linewidth()
        return artist.get_facecolor(), edge if width else None, artist.get_hatch(), str(artist._dash_pattern)
    marker = MarkerStyle(artist.get_marker())
    face = to_rgba(artist.get_markerfacecolor()) if marker.is_filled() and artist.get_marker() not in ("", None) else ()
    dashes = artist._dash_pattern if artist.get_linestyle() != "None" else None
    width = artist.get_linewidth() if dashes is not None else None
    return to_rgba(artist.get_color(), artist.get_alpha()), str(artist.get_marker()), face, str(dashes), width


def _bare_axes(figure: Figure) -> list[str]:
    """Axes of numbers with fewer than three ticks, where there are three values; and names that take too much room."""
    found = []
    for number, axes in enumerate(figure.axes):
        for axis in (axes.xaxis, axes.yaxis):
            what = f"axis {axis.axis_name} of axes {number} ({axis.get_label_text()!r})"
            labels = _tick_labels(axis)
            if labels and all(_is_number(label) for label in labels):
                needed = min(3, max(_num_values(axes, axis), 1))
                if len(labels) < needed:
                    found.append(f"{what} has the ticks {labels} alone")
        name = axes.yaxis.label
        if name.get_visible() and name.get_text():
            share = name.get_window_extent().width / figure.bbox.width
            if share > WIDEST_NAME:
                found.append(f"{_named(name)} takes {100 * share:.0f} % of the width")
    return found


def _tick_labels(axis: Axis) -> list[str]:
    if not axis.get_visible() or isinstance(axis.get_major_locator(), NullLocator):
        return []
    low, high = sorted(axis.get_view_interval())
    room = 1e-9 * (high - low)
    ticks = [tick for tick in axis.get_major_ticks() if low - room <= tick.get_loc() <= high + room]
    return [tick.label1.get_text() for tick in ticks if tick.label1.get_visible() and tick.label1.get_text()]


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"[-+\N{MINUS SIGN}]?[\d.,]+(e[-+]?\d+)?\s*(\\?%)?|\$.*\$", text))


def _num_values(axes: Axes, axis: Axis) -> int:
    """How many values stand along an axis."""
    which = 0 if axis.axis_name == "x" else 1
    data = [np.asarray(line.get_xydata())[:, which] for line in axes.lines if line.get_transform() == axes.transData]
    data += [np.asarray(one.get_offsets())[:, which] for one in axes.collections if isinstance(one, PathCollection)]
    cells = [
        patch.get_xy()[which] for patch in axes.patches if isinstance(patch, Rectangle) and patch.get_facecolor()[3]
    ]
    data += [np.array(cells)] if cells and not data else []
    values = np.concatenate([one.astype(float) for one in data]) if data else np.array([])
    return len(np.unique(values[np.isfinite(values)])) if len(values) else 3


def _named(text: Text) -> str:
    words = " ".join(text.get_text().split())
    return repr(words if len(words) <= 40 else f"{words[:37]}…")
