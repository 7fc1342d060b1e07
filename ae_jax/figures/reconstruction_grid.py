"""Test images, and what autoencoders and PCA with as many components make of them."""

import math
from collections.abc import Sequence
from typing import Annotated, NamedTuple

import matplotlib as mpl
import numpy as np
from annotated_types import Ge
from matplotlib.figure import Figure

from ae_jax.errors import UserError
from ae_jax.figures.parts.common import LATENT_SIZE, kinds, labels, left_out_text, text_size, wrap
from ae_jax.figures.parts.images import is_image, mosaic
from ae_jax.figures.parts.selection import best_run, best_run_text
from ae_jax.figures.style import PCA, figure_size
from ae_jax.results import Results
from ae_jax.results.runs import Run

_EDGE = 0.05  # inches: empty space around everything, and between pictures and words
_MOST_NAME, _MOST_CELL = 0.36, 0.75  # of the width; inches
_SIZES, _ERRORS, _CORRUPTED = "latent size", "test sse", "corrupted"


class _Row(NamedTuple):
    """A row of the grid: what made the images, shape "columns height width [colours]", and its numbers."""

    name: str
    images: np.ndarray
    latent_size: str = ""
    sse: str = ""
    colour: str = "black"


class _Layout(NamedTuple):
    """Where things are, in inches from the upper left corner: rows are as high as their images and names ask for."""

    names: list[str]
    note: str
    names_end: float
    left: float
    right: float
    top: float
    pitch: float
    inches_per_pixel: float


def draw(results: Results, /, *, num_examples: Annotated[int, Ge(1)], rows: list[str]) -> Figure:
    """A row for the inputs, for corrupted inputs where there are any, for each autoencoder, and for its PCA.

    Each autoencoder is the run with the lowest validation sse; beside its row stands the test sse of the whole split.
    Where inputs were corrupted, the rows below are made from the corrupted inputs, and so is their sse. PCA's row
    follows the autoencoders that have its number of components. All images have the grey levels of the inputs.

    Args:
        results: Runs on images.
        num_examples: Columns; no more than runs keep.
        rows: Keys of the config whose values make a row of their own.

    Raises:
        UserError: If examples are no images, differ between runs or are missing, or a key is unknown.
    """
    results.require(what="a figure")
    groups = kinds(results, rows, option="rows")
    runs = [best_run(kind.configurations) for kind in groups]
    _check_inputs(runs)
    # Sizes have a column of their own.
    names = labels([run.settings for run in runs], [key for key in rows if key != LATENT_SIZE])
    shown = [row._replace(images=row.images[:num_examples]) for row in _rows(runs, names)]
    notes = [f"{results.datasets[0]}, test split", best_run_text([kind.configurations for kind in groups])]
    if any(row.name == _CORRUPTED for row in shown):
        notes.append("made from corrupted inputs where they are shown, and so is the sse; PCA was fitted to clean ones")
    figure = Figure(figsize=figure_size())
    figure.set_layout_engine("none")
    _draw_rows(figure, shown, "; ".join([*notes, *left_out_text(results)]))
    return figure


def _check_inputs(runs: Sequence[Run]) -> None:
    """Examples must be images, and the same in all runs."""
    first = runs[0].folder.reconstructions["x"]
    if not is_image(first):
        problem = f"{runs[0].dataset} has no images (feature_shape {list(first.shape[1:])})"
        raise UserError("figure", problem, "draw figure=latent_vs_pca or figure=learning_curves instead")
    for run in runs[1:]:
        if not np.array_equal(run.folder.reconstructions["x"], first):
            problem = f"{runs[0].name} and {run.name} have different test examples"
            raise UserError("runs", problem, 'choose one split with where="dataset.split_seed=…"')


def _rows(runs: Sequence[Run], names: Sequence[str]) -> list[_Row]:
    """Autoencoders with the same inputs and the same PCA stand together, followed by that PCA; clean inputs first."""
    blocks: dict[tuple[bytes, bytes], list[tuple[Run, str]]] = {}
    for run, name in zip(runs, names, strict=True):
        arrays = run.folder.reconstructions
        blocks.setdefault((arrays["corrupted"].tobytes(), arrays["pca"].tobytes()), []).append((run, name))
    inputs = runs[0].folder.reconstructions["x"]
    rows, seen = [_Row("input", inputs)], inputs.tobytes()
    for (corrupted, _), block in sorted(blocks.items(), key=lambda item: item[0][0] != inputs.tobytes()):
        run = block[0][0]
        arrays, pca = run.folder.reconstructions, run.summary["pca"]
        if corrupted != seen:
            rows.append(_Row(_CORRUPTED, arrays["corrupted"]))
            seen = corrupted
        split = "test" if run.summary["corrupted"] is None else "corrupted"
        for one, name in block:
            images = one.folder.reconstructions["autoencoder"]
            rows.append(_Row(name, images, str(one.latent_size), _number(one.measure("sse", split))))
        rows.append(_Row("PCA", arrays["pca"], str(pca["num_components"]), _number(run.pca("sse", split)), PCA))
    return rows


def _number(sse: float | None) -> str:
    if sse is None:
        return ""
    return f"{sse:#.3g}".rstrip(".") if 1e-3 <= sse < 999 else f"{sse:.2g}"


def _layout(figure: Figure, rows: Sequence[_Row], note: str, gap: int) -> _Layout:
    def size(texts: Sequence[str]) -> float:
        return max(text_size(figure, text)[0] for text in texts) / figure.dpi

    def high(lines: int) -> float:
        return text_size(figure, "\n".join(["Ag"] * lines))[1] / figure.dpi

    width, (columns, pixels_high, pixels_wide) = figure.get_size_inches()[0], rows[0].images.shape[:3]
    names = [wrap(figure, row.name, _MOST_NAME * width * figure.dpi) for row in rows]
    names_end = _EDGE + size([line for name in names for line in name.split("\n")])
    left = max(names_end + _EDGE + size([row.latent_size for row in rows]), _EDGE + size([_SIZES])) + _EDGE
    right = size([_ERRORS, *(row.sse for row in rows)]) + 2 * _EDGE
    wide = columns * pixels_wide + (columns - 1) * gap
    inches_per_pixel = min((width - left - right) / wide, _MOST_CELL / pixels_wide)
    wrapped = wrap(figure, note, 0.97 * width * figure.dpi)
    top = high(wrapped.count("\n") + 1) + high(1) + 4 * _EDGE
    highest_name = high(max(name.count("\n") + 1 for name in names)) + _EDGE
    pitch = max(inches_per_pixel * (pixels_high + gap), highest_name)
    return _Layout(
        names,
        wrapped,
        left - 2 * _EDGE - size([row.latent_size for row in rows]),
        left,
        left + inches_per_pixel * wide,
        top,
        pitch,
        inches_per_pixel,
    )


def _draw_rows(figure: Figure, rows: Sequence[_Row], note: str) -> None:
    figure.set_label(note)
    pixels_high, pixels_wide = rows[0].images.shape[1:3]
    gap = math.ceil(max(pixels_high, pixels_wide) / 10)
    layout = _layout(figure, rows, note, gap)
    picture = mosaic(np.stack([row.images for row in rows]), gap)
    width, height = figure.get_size_inches()[0], layout.top + layout.pitch * len(rows)
    figure.set_size_inches(width, height)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    half = layout.inches_per_pixel * pixels_high / 2
    text = {"fontsize": mpl.rcParams["legend.fontsize"]}
    axes.text(_EDGE, _EDGE, layout.note, va="top", **text)
    axes.text(layout.left - _EDGE, layout.top - _EDGE, _SIZES, ha="right", va="bottom", **text)
    axes.text(layout.right + _EDGE, layout.top - _EDGE, _ERRORS, va="bottom", **text)
    for index, (row, name) in enumerate(zip(rows, layout.names, strict=True)):
        middle, start = layout.top + layout.pitch * (index + 0.5), index * (pixels_high + gap)
        shown, extent = picture[start : start + pixels_high], (layout.left, layout.right, middle + half, middle - half)
        axes.imshow(shown, extent=extent, vmin=0, vmax=1, interpolation="nearest", aspect="auto")
        beside = {"va": "center", "color": row.colour, **text}
        axes.text(layout.names_end, middle, name, ha="right", **beside)
        axes.text(layout.left - _EDGE, middle, row.latent_size, ha="right", **beside)
        axes.text(layout.right + _EDGE, middle, row.sse, **beside)
