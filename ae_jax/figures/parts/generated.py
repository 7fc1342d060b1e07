"""What figures of generated images share: which runs they show, and the rows of each method, PCA's after its own."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from ae_jax.errors import UserError
from ae_jax.figures.parts.answered import asked_alone
from ae_jax.figures.parts.common import LATENT_SIZE, kinds, labels, left_out_text
from ae_jax.figures.parts.image_table import Cell, Headings, Row, draw_table
from ae_jax.figures.parts.images import is_image
from ae_jax.figures.parts.selection import best_run, best_run_text
from ae_jax.figures.style import PCA_INK, figure_size
from ae_jax.results import Results
from ae_jax.results.runs import Run
from ae_jax.runs.measures import competitor_size

NAME = "generation"
"""Of the evaluation."""
PCA = "pca"


class Shown(NamedTuple):
    """A method of which something is shown.

    Attributes:
        method: `autoencoder` or `pca`.
        run: Its run, or the run beside which this PCA stands.
        name: What it is called.
        latent_size: Its latent size, or PCA's limit, as a text.
        colour: Of its words.
        arrays: Of the answer of that run.
    """

    method: str
    run: Run
    name: str
    latent_size: str
    colour: str
    arrays: Mapping[str, np.ndarray]

    def array(self, name: str) -> np.ndarray:
        """One of its arrays."""
        return self.arrays[f"{name}_{self.method}"]

    def cells(self, number: int = 0) -> tuple[Cell, Cell]:
        """Name and size beside its row of that number, of which the first alone has them."""
        return (Cell(self.name, self.colour), Cell(self.latent_size, self.colour)) if number == 0 else (Cell(), Cell())


class Chosen(NamedTuple):
    """What a figure shows: methods in the order of their rows, and notes that say so."""

    shown: list[Shown]
    notes: list[str]


def chosen(results: Results, needed: Sequence[str], rows: Sequence[str]) -> Chosen:
    """The best run of each kind, by its validation sse, and after those of the same PCA that PCA.

    Args:
        results: Runs that were asked.
        needed: Names of arrays, without that of the method.
        rows: Keys of the config whose values make a row of their own.

    Raises:
        UserError: If no run was asked, or its examples are no images.
    """
    results.require(what="a figure")
    kept, lacking = asked_alone(results, NAME, [f"{name}_autoencoder" for name in needed])
    groups = kinds(kept, rows, option="rows")
    runs = [best_run(kind.configurations) for kind in groups]
    arrays = [run.folder.answered(NAME) for run in runs]
    if not is_image(arrays[0]["samples_real"]):
        raise UserError("figure", f"{runs[0].dataset} has no images", "draw figure=latent_vs_pca instead")
    names = labels([run.settings for run in runs], [key for key in rows if key != LATENT_SIZE])
    blocks: dict[bytes, list[Shown]] = {}
    for run, name, its in zip(runs, names, arrays, strict=True):
        one = Shown("autoencoder", run, name, str(run.latent_size), "black", its)
        blocks.setdefault(its[f"{needed[0]}_pca"].tobytes(), []).append(one)
    shown = [one for block in blocks.values() for one in (*block, _pca(block[0]))]
    selected = best_run_text([kind.configurations for kind in groups])
    return Chosen(shown, [selected, *lacking, *left_out_text(results)])


def _pca(beside: Shown) -> Shown:
    size = competitor_size(beside.run.summary["pca"])
    return beside._replace(method=PCA, name="PCA", latent_size=size, colour=PCA_INK)


def examples_of(shown: Sequence[Shown], number: int) -> np.ndarray:
    """The first test examples, which have the grey levels of all images."""
    return shown[0].arrays["samples_real"][:number]


def rows_of(one: Shown, strips: Sequence[np.ndarray], right: Sequence[tuple[Cell, ...]]) -> list[Row]:
    """Rows of a method, of which the first has its name; `right` has the words behind each, or behind more."""
    pairs = zip(strips, right[: len(strips)], strict=True)
    return [Row((strip,), one.cells(at), cells, apart=at == 0) for at, (strip, cells) in enumerate(pairs)]


def table(rows: Sequence[Row], right: tuple[Cell, ...], notes: Sequence[str]) -> Figure:
    """A figure of rows; `right` heads the words behind them."""
    figure = Figure(figsize=figure_size())
    figure.set_layout_engine("none")
    headings = Headings((Cell(), Cell("latent\nsize")), (Cell(),), right)
    draw_table(figure, rows, headings, notes)
    return figure


def answered_number(run: Run, method: str, measure: str) -> float | None:
    """A measure of any method of the evaluation on the test split, as summary.json has it."""
    answer: dict[str, Any] = run.summary.get("evaluations", {}).get(NAME, {})
    value = answer.get(method, {}).get("test", {}).get(measure)
    return float(value) if isinstance(value, int | float) else None
