"""How the kinds of a figure look, and the legend that says so: what all share stands in the title, once."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from matplotlib.lines import Line2D

from ae_jax.figures.parts.common import MODEL, Kind, is_word, look
from ae_jax.figures.style import LOOKS, NEUTRAL
from ae_jax.results.keys import component_name

_MOST_MARKERS = 2 * len(LOOKS)  # filled and hollow


class Legend(NamedTuple):
    """What stands above a figure for its kinds.

    Attributes:
        styles: Of each kind, as options of `Axes.plot`.
        handles: Samples of looks, with what they mean as labels.
        notes: What all kinds share, and which key a colour or a marker stands for.
    """

    styles: list[dict[str, Any]]
    handles: list[Line2D]
    notes: list[str]


def legend_of(parted: Sequence[Kind], *, lines: bool) -> Legend:
    """Looks of kinds, and their legend.

    Where two keys part them, colour is one, and marker, with the dash of a line, is the other: each of their values
    stands in the legend once. The name of a key stands in the notes, and its values alone in the legend.

    Args:
        parted: The kinds.
        lines: Whether they are lines, and not markers alone.

    Raises:
        UserError: If there are more kinds than can be told apart.
    """
    looks = [look(index) | ({} if lines else {"linestyle": ""}) for index in range(len(parted))]
    names = list(dict.fromkeys(name for kind in parted for name in kind.values))
    models = {component_name(str(kind.configurations[0].runs[0].settings[MODEL])) for kind in parted}
    notes = [f"{models.pop()} autoencoder"] if names and MODEL not in names and len(models) == 1 else []
    mark = "dash and marker" if lines else "marker"
    if crossed := _crossed(parted, names):
        coloured, marked = crossed
        return _of_two_keys(parted, looks, crossed, [*notes, f"colour: {coloured}", f"{mark}: {marked}"])
    named = len(names) == 1 and not all(is_word(*pair) for kind in parted for pair in kind.values.items())
    labels = [kind.values.get(names[0], "not set") if named else kind.label for kind in parted]
    handles = [Line2D([], [], **style, label=label) for style, label in zip(looks, labels, strict=True)]
    return Legend(looks, handles, [*notes, f"colour{',' if lines else ' and'} {mark}: {names[0]}"] if named else notes)


def _crossed(parted: Sequence[Kind], names: Sequence[str]) -> tuple[str, str] | None:
    """Of two keys that cross, that which is the colour, and the other; None where one look for each kind is clearer."""
    if len(names) != 2 or any(len(kind.values) < 2 for kind in parted):
        return None
    numbers = {name: len({kind.values[name] for kind in parted}) for name in names}
    coloured, marked = names if numbers[names[0]] <= len(LOOKS) else names[::-1]
    few = numbers[coloured] <= len(LOOKS) and numbers[marked] <= _MOST_MARKERS
    return (coloured, marked) if few and len(parted) > max(numbers.values()) else None


def _of_two_keys(
    parted: Sequence[Kind], looks: Sequence[dict[str, Any]], keys: tuple[str, str], notes: list[str]
) -> Legend:
    colours, marks = (list(dict.fromkeys(kind.values[key] for kind in parted)) for key in keys)
    styles = [
        _painted(looks[marks.index(kind.values[keys[1]])], LOOKS[colours.index(kind.values[keys[0]])].colour)
        for kind in parted
    ]
    handles = [
        *(Line2D([], [], color=LOOKS[place].colour, linewidth=3, label=value) for place, value in enumerate(colours)),
        *(Line2D([], [], **_painted(looks[place], NEUTRAL), label=value) for place, value in enumerate(marks)),
    ]
    return Legend(styles, handles, notes)


def _painted(style: dict[str, Any], colour: str) -> dict[str, Any]:
    """A look in another colour; what is hollow stays so."""
    return style | {"color": colour, "markerfacecolor": "white" if style["markerfacecolor"] == "white" else colour}
