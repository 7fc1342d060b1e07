"""The caption of a figure: what it shows, as its file says, and the facts that stand in it, as LaTeX and Markdown."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib.figure import Figure

from ae_jax.files import write_text
from ae_jax.runs.measures import is_curve, measure_named
from ae_jax.tables.parts.escape import latex_caption, markdown_escaped


class Caption(NamedTuple):
    """A caption.

    Attributes:
        title: Its first sentence, without the full stop.
        text: All of it.
    """

    title: str
    text: str


def caption(draw: Callable[..., Figure], figure: Figure, measure: Any = None) -> Caption:
    """What a figure shows, in the first sentences of its module and of `draw`, and the notes that stand above it.

    Args:
        draw: What drew it.
        figure: The figure; its label has a headline, if there is one, and the notes.
        measure: Its option of this name, where it has one.
    """
    texts = [_first(inspect.getmodule(draw)), _first(draw)]
    texts += [f"Measure: {measure_named(measure).label}."] if isinstance(measure, str) and not is_curve(measure) else []
    *headlines, notes = str(figure.get_label() or "").split("\n")
    texts += [f"{text}." for text in headlines] + ([f"Data: {notes}."] if notes else [])
    sentences = list(dict.fromkeys(filter(None, texts))) or [f"{draw.__name__}."]
    return Caption(sentences[0].rstrip("."), " ".join(sentences))


def write_captions(made: Caption, folder: Path, name: str) -> list[Path]:
    r"""Write NAME_caption.tex, to be read by `\input` in the float, and NAME_caption.md. Raises like `write_text`."""
    texts = {".tex": latex_caption(*made) + "\n", ".md": markdown_escaped(made.text) + "\n"}
    paths = {folder / f"{name}_caption{suffix}": content for suffix, content in texts.items()}
    for path, content in paths.items():
        write_text(path, content)
    return list(paths)


def _first(documented: Any) -> str:
    """The first paragraph of a docstring, as a sentence."""
    paragraph = " ".join((inspect.getdoc(documented) or "").partition("\n\n")[0].split()).replace("`", "")
    return f"{paragraph.rstrip('.:')}." if paragraph else ""
