"""Test images, and what autoencoders and PCA with as many components make of them."""

from collections.abc import Sequence
from typing import Annotated, NamedTuple

import numpy as np
from annotated_types import Ge
from matplotlib.figure import Figure

from ae_jax.figures.parts.common import LATENT_SIZE, kinds, labels, left_out_text
from ae_jax.figures.parts.image_table import Cell, Headings, Row, draw_table
from ae_jax.figures.parts.images import aligned, one_of_each_class, require_same_images
from ae_jax.figures.parts.selection import best_run, best_run_text
from ae_jax.figures.style import PCA_INK, figure_size
from ae_jax.results import Results
from ae_jax.results.runs import Run
from ae_jax.runs.measures import competitor_size

_HEADINGS = Headings((Cell(), Cell("latent\nsize")), (Cell(),), (Cell("test\nsse"),))
_CORRUPTED = "corrupted"


class _Images(NamedTuple):
    """What is shown in a row: images, shape "examples height width [colours]", and what made them."""

    name: str
    images: np.ndarray
    latent_size: str = ""
    sse: float | None = None
    colour: str = "black"


def draw(results: Results, /, *, num_examples: Annotated[int, Ge(1)], rows: list[str]) -> Figure:
    """A row for the inputs, for corrupted inputs where there are any, for each autoencoder, and for its PCA.

    There is a column for each class, or for each example where there are no labels. Each autoencoder is the run with
    the lowest validation sse; beside its row stands the test sse of the whole split. Where inputs were corrupted, the
    rows below are made from the corrupted inputs, and so is their sse. PCA's row follows the autoencoders that have its
    number of components. All images have the grey levels of the inputs.

    Args:
        results: Runs on images.
        num_examples: Columns; no more than runs keep, and than there are classes.
        rows: Keys of the config whose values make a row of their own.

    Raises:
        UserError: If examples are no images, differ between runs or are missing, or a key is unknown.
    """
    results.require(what="a figure")
    groups = kinds(results, rows, option="rows")
    runs = [best_run(kind.configurations) for kind in groups]
    require_same_images(runs)
    columns, of_classes = one_of_each_class(runs[0], num_examples)
    # Sizes have a column of their own.
    names = labels([run.settings for run in runs], [key for key in rows if key != LATENT_SIZE])
    shown = _rows(runs, names)
    table = []
    for row, text in zip(shown, aligned([row.sse for row in shown]), strict=True):
        name, size, number = (Cell(words, row.colour) for words in (row.name, row.latent_size, text))
        table.append(Row((row.images[columns],), (name, size), (number,)))
    notes = [f"{results.datasets[0]}, test split", *([of_classes] if of_classes else [])]
    notes += ["sse of the whole split", best_run_text([kind.configurations for kind in groups])]
    if any(row.name == _CORRUPTED for row in shown):
        notes.append("made from corrupted inputs where they are shown, and so is the sse; PCA was fitted to clean ones")
    figure = Figure(figsize=figure_size())
    figure.set_layout_engine("none")
    draw_table(figure, table, _HEADINGS, [*notes, *left_out_text(results)])
    return figure


def _rows(runs: Sequence[Run], names: Sequence[str]) -> list[_Images]:
    """Autoencoders with the same inputs and the same PCA stand together, followed by that PCA; clean inputs first."""
    blocks: dict[tuple[bytes, bytes], list[tuple[Run, str]]] = {}
    for run, name in zip(runs, names, strict=True):
        arrays = run.folder.reconstructions
        blocks.setdefault((arrays["corrupted"].tobytes(), arrays["pca"].tobytes()), []).append((run, name))
    inputs = runs[0].folder.reconstructions["x"]
    rows, seen = [_Images("input", inputs)], inputs.tobytes()
    for (corrupted, _), block in sorted(blocks.items(), key=lambda item: item[0][0] != inputs.tobytes()):
        run = block[0][0]
        arrays, pca = run.folder.reconstructions, run.summary["pca"]
        if corrupted != seen:
            rows.append(_Images(_CORRUPTED, arrays["corrupted"]))
            seen = corrupted
        split = "test" if run.summary["corrupted"] is None else "corrupted"
        for one, name in block:
            images = one.folder.reconstructions["autoencoder"]
            rows.append(_Images(name, images, str(one.latent_size), one.measure("sse", split)))
        rows.append(_Images("PCA", arrays["pca"], competitor_size(pca), run.pca("sse", split), PCA_INK))
    return rows
