"""What several figures share: names for axes and autoencoders, notes that say what is shown, a legend."""

import json
import math
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from ae_jax.errors import UserError, nearest
from ae_jax.figures.style import LOOKS, least_size
from ae_jax.results import Results
from ae_jax.results.commits import commit_notes
from ae_jax.results.configurations import Configuration, configurations, setting_text
from ae_jax.results.keys import key_name, key_names, noise_words, value_names
from ae_jax.results.runs import Setting

LATENT_SIZE, MODEL = "model.latent_size", "model"
MOST_LINES = 4 * len(LOOKS)
"""How many autoencoders can be told apart in one figure: see `look`."""

_SPLITS = {"train": "training split", "validation": "validation split", "test": "test split"}
_MOST_COLUMNS = 8
_UNBROKEN = "\N{NO-BREAK SPACE}"
_MOST_BESIDE = 1.25  # of the width of axes: a name below may reach into the space of the ticks


class Kind(NamedTuple):
    """Autoencoders that are one line of a figure.

    Attributes:
        label: What distinguishes it from the other kinds.
        configurations: Its configurations, which differ in other keys.
        values: Its values of the keys that part the kinds, by their names; of keys that it has.
    """

    label: str
    configurations: list[Configuration]
    values: Mapping[str, str] = MappingProxyType({})


def kinds(results: Results, keys: Sequence[str], *, option: str) -> list[Kind]:
    """Configurations, parted by the values of some keys, in the order of the configurations.

    `keys` are dotted, without the seed; `option` is what the figure calls them.

    Raises:
        UserError: If no run has one of the keys, or it is the seed.
    """
    known = {key for run in results.runs for key in run.settings} - {"seed"}
    for key in keys:
        if key == "seed":
            raise UserError(option, "seed is no kind of autoencoder: figures show means over seeds", "leave it out")
        if key not in known:
            raise UserError(option, f"there is no key {key!r}", nearest(key, known))
    parted: dict[str, list[Configuration]] = {}
    for one in configurations(results):
        settings = one.runs[0].settings
        parted.setdefault(json.dumps([settings.get(key) for key in keys]), []).append(one)
    return named(list(parted.values()), keys)


def named(groups: Sequence[list[Configuration]], keys: Sequence[str]) -> list[Kind]:
    """Groups of configurations, named by what distinguishes them from each other in some keys."""
    settings = [group[0].runs[0].settings for group in groups]
    parts = zip(labels(settings, keys), groups, _values(settings, keys), strict=True)
    return [Kind(label, group, values) for label, group, values in parts]


def labels(settings: Sequence[dict[str, Setting]], keys: Sequence[str]) -> list[str]:
    """What distinguishes autoencoders in some keys: "dense", or "dense, learning rate 0.001".

    A component stands as its value alone, anything else with its name.
    """
    values = _values(settings, keys)
    if set().union(*values) <= {MODEL}:
        models = value_names(one.get(MODEL) for one in settings)
        return [f"{models[str(one.get(MODEL))]} autoencoder" for one in settings]
    return [
        ", ".join(value if is_word(name, value) else f"{name} {value}" for name, value in of.items()) for of in values
    ]


def is_word(name: str, value: str) -> bool:
    """Whether a value says enough without its key: a component has the name of a word, such as "dense"."""
    return name.isidentifier() and value != "none"


def _values(settings: Sequence[dict[str, Setting]], keys: Sequence[str]) -> list[dict[str, str]]:
    """The values of those keys in which autoencoders differ, by the names of the keys."""
    shown = [key for key in keys if len({json.dumps(one.get(key)) for one in settings}) > 1]
    names, texts = key_names(shown, settings), {key: value_names(one.get(key) for one in settings) for key in shown}
    return [{names[key]: texts[key][setting_text(one[key])] for key in shown if key in one} for one in settings]


def axis_label(key: str, settings: Sequence[Mapping[str, Setting]] = ()) -> str:
    """The name of an axis that has values of a key of the config; `settings` are the configs, see `key_names`."""
    return "latent size (number of components)" if key == LATENT_SIZE else plain(key_name(key, settings))


def look(index: int) -> dict[str, Any]:
    """Colour, marker and line of the autoencoder of that index, as options of `Axes.plot`.

    Each colour comes four times: with its own marker filled and hollow, then with the marker and dash of others. No two
    are alike in colour, nor in grey by marker, filling and dash.

    Raises:
        UserError: If there are more than can be told apart.
    """
    if index >= MOST_LINES:
        remedy = 'name fewer keys in lines=[…], or choose runs with where="…"'
        raise UserError("lines", f"there are more than {MOST_LINES} autoencoders, which nobody can tell apart", remedy)
    turn, place = divmod(index, len(LOOKS))
    one, marked = LOOKS[place], LOOKS[(place + 2 * (turn // 2)) % len(LOOKS)]
    dashed = LOOKS[(place + 3 * (turn // 2)) % len(LOOKS)]
    face = "white" if turn % 2 else one.colour
    return {"color": one.colour, "marker": marked.marker, "linestyle": dashed.line, "markerfacecolor": face}


def split_text(split: str, results: Results) -> str:
    """Where a measure was taken, such as "digits, test split"; which noise where inputs were corrupted."""
    noise = noise_words([run.settings for run in results.runs if run.settings.get("corruption") != "none"])
    where = _SPLITS.get(split, f"test split, corrupted inputs: {noise}; PCA fitted to clean ones")
    return f"{results.datasets[0]}, {where}"


def seeds_text(shown: Iterable[Configuration]) -> str:
    """The number of seeds of configurations: "3 seeds", "1 seed", or "3 to 5 seeds" where they differ."""
    text = range_text(one.num_seeds for one in shown)
    return f"{text} seed{'' if text == '1' else 's'}"


def range_text(numbers: Iterable[int]) -> str:
    """Numbers in short: "3", or "3 to 5" where they differ."""
    found = sorted(set(numbers))
    return f"{found[0]}" if len(found) == 1 else f"{found[0]} to {found[-1]}"


def left_out_text(results: Results, *, diverged: str | None = "not shown") -> list[str]:
    """Notes on runs that diverged or failed, and on commits where they differ.

    Args:
        results: The runs.
        diverged: What the figure does with those that diverged; None where it says so in another place.
    """
    lost = [(len(results.diverged), "diverged", diverged), (len(results.failed), "failed", "not shown")]
    total = len(results.runs) + sum(number for number, *_ in lost)
    notes = [f"{number} of {total} runs {what}, {done}" for number, what, done in lost if number and done]
    return notes + commit_notes(results)


def require_measured(shown: Iterable[Configuration], measure: str, split: str) -> None:
    """Refuse configurations in which a measure was not taken.

    Raises:
        UserError: It says what to train or choose instead.
    """
    for one in shown:
        if one.estimate(measure, split) is not None:
            continue
        run = one.runs[0]
        if run.measure("sse", split) is None:
            remedy = "train with a corruption: python scripts/train.py corruption=gaussian"
            raise UserError("split", f"{split} was not measured in {run.name}", remedy)
        if measure == "explained_variance":
            raise UserError("measure", f"{measure} has no value in {run.name}, whose data do not vary", "choose sse")
        if run.summary["dataset"]["unit_interval"]:
            raise UserError("measure", f"{measure} is infinite in {run.name}, whose error is 0", "choose sse or mse")
        remedy = "choose sse, mse or explained_variance"
        raise UserError("measure", f"{measure} was not taken in {run.name}, whose data are not in [0, 1]", remedy)


def plain(text: str) -> str:
    """A text in which no character is taken for a formula, and each looks as it should in the font that is in force."""
    text = text.replace("$", r"\$")
    if mpl.rcParams["font.family"] == ["cmr10"]:  # which has accents and dashes in the places of these
        text = re.sub(r"([_{}])|[<>|]", lambda found: f"$\\{found[0]}$" if found[1] else f"${found[0]}$", text)
        text = text.replace("\N{MULTIPLICATION SIGN}", r"$\times$")
    return text


def legend_above(figure: Figure, handles: Sequence[Artist], notes: Sequence[str], *, headline: str = "") -> None:
    """A legend above all axes: a headline, notes, then handles by their labels, in as many columns as fit.

    The figure grows by its height. Names of axes that are longer than the axes are broken into lines. Call it last.
    """
    for axes in figure.axes:
        box = axes.get_window_extent()
        _break_name(axes.xaxis.label, _MOST_BESIDE * box.width)
        _break_name(axes.yaxis.label, box.height)
    width, height = figure.get_size_inches()
    room = 0.97 * width * figure.dpi
    said = [text for text in (headline, "; ".join(notes)) if text]
    figure.set_label("\n".join(said))  # of which its caption is made
    title = "\n".join(wrap(figure, text, 0.98 * room) for text in said)
    for columns in _columns(len(handles)):
        by_row = [handle for column in range(columns) for handle in handles[column::columns]]
        names = [wrap(figure, str(handle.get_label()), 0.85 * room) for handle in by_row]
        legend = figure.legend(
            handles=by_row,
            title=title,
            ncols=columns,
            loc="outside upper left",
            alignment="left",
            title_fontsize=mpl.rcParams["legend.fontsize"],
            columnspacing=1.0,
            handlelength=2.2,
            handletextpad=0.5,
            borderpad=0.1,
        )
        for text, name in zip(legend.get_texts(), names, strict=True):
            text.set_text(name)
        if mpl.rcParams["font.family"] == ["cmr10"]:  # whose lines are lower than they are drawn
            legend.get_title().set_linespacing(1.45)
        box = legend.get_window_extent()
        if box.width <= room or columns == 1:
            break
        legend.remove()
    figure.set_size_inches(width, height + box.height / figure.dpi)


def _columns(number: int) -> list[int]:
    """In how many columns so many may stand, most first, so that no row but the last is shorter than another."""
    return sorted(
        {-(-number // rows) for rows in range(1, number + 1)} & {*range(_MOST_COLUMNS + 1)} or {1}, reverse=True
    )


def wrap(figure: Figure, text: str, room: float) -> str:
    """A text of the size of a legend's, in lines of at most `room` dots, broken between notes where that is enough."""
    text = re.sub(r"\[[^]]*\]|\(\d+ seeds?\)", lambda found: found[0].replace(" ", _UNBROKEN), text)
    return plain(broken(figure, text, room)).replace(_UNBROKEN, " ")


def broken(figure: Figure, text: str, room: float) -> str:
    """A text in lines of at most `room` dots; between the parts of a name only where nothing else is enough."""
    for separator in ("; ", ", ", " ", ",", ".", "_"):
        text = "\n".join(_fill(figure, line, separator, room) for line in text.split("\n"))
    return text


def _fill(figure: Figure, line: str, separator: str, room: float) -> str:
    if text_size(figure, line)[0] <= room:
        return line
    first, *pieces = line.split(separator)
    lines = [first]
    for piece in pieces:
        longer = f"{lines[-1]}{separator}{piece}"
        if text_size(figure, longer)[0] <= room:
            lines[-1] = longer
        else:
            lines[-1] += separator.rstrip(" ;")
            lines.append(piece)
    return "\n".join(lines)


def _break_name(label: Text, room: float) -> None:
    """Make the name of an axis smaller, or break it into as many lines, of about the same length, as fit in `room`."""
    words, along = label.get_text(), "height" if label.get_rotation() == 90 else "width"
    if not words:
        return
    points = float(label.get_fontsize())
    smaller = points * room / getattr(label.get_window_extent(), along)
    if smaller >= least_size():
        label.set_fontsize(min(points, math.floor(10 * smaller) / 10))
        return
    for number in range(2, len(words.split()) + 1):
        lines = (textwrap.wrap(words, width, break_long_words=False) for width in range(1, len(words) + 1))
        label.set_text("\n".join(next(broken for broken in lines if len(broken) <= number)))
        if getattr(label.get_window_extent(), along) <= room:
            return


def text_size(figure: Figure, text: str) -> tuple[float, float]:
    """Width and height of a text of the size of a legend's, in dots."""
    if not isinstance(figure.canvas, FigureCanvasAgg):
        FigureCanvasAgg(figure)  # takes the place of one that makes a renderer for each text, and forgets its size
    box = Text(0, 0, plain(text), figure=figure, fontsize=mpl.rcParams["legend.fontsize"]).get_window_extent()
    return box.width, box.height
