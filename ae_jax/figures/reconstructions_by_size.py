"""What is left of a test image of each class in 1, 2, 4, … numbers: of the autoencoder, and of PCA beside it."""

from collections.abc import Sequence
from typing import Annotated, NamedTuple

import numpy as np
from annotated_types import Ge
from matplotlib.figure import Figure

from ae_jax.errors import UserError
from ae_jax.figures.parts.common import left_out_text
from ae_jax.figures.parts.image_table import Cell, Headings, Row, draw_table
from ae_jax.figures.parts.images import aligned, one_of_each_class, require_same_images
from ae_jax.figures.parts.selection import best_run, best_run_text
from ae_jax.figures.style import AUTOENCODER, PCA_INK, figure_size
from ae_jax.results import Results
from ae_jax.results.configurations import Configuration, best_by_validation, configurations
from ae_jax.results.runs import Run
from ae_jax.results.verdict import gaining_most, sentence
from ae_jax.runs.measures import competitor_size, components_to_match

# Inches: below it PCA stands under the autoencoder, not beside it.
_NARROW = 4.5


def draw(results: Results, /, *, num_examples: Annotated[int, Ge(1)], most_sizes: Annotated[int, Ge(1)]) -> Figure:
    """A row for each latent size, below the inputs: the autoencoder's images beside PCA's with as many components.

    There is a column for each class, or for each example where there are no labels. Of each size the run with the
    lowest validation sse is shown. At the end of its row stand the sse of both over the whole test split, and how many
    components PCA needs to reach the autoencoder's. In a narrow figure PCA stands below the autoencoder. First stands
    the verdict, from all seeds, on the size that gains most by validation.

    Args:
        results: Runs on images.
        num_examples: Columns; no more than runs keep, and than there are classes.
        most_sizes: Rows; of more sizes as many, evenly chosen, the smallest and the largest among them.

    Raises:
        UserError: If examples are no images, differ between runs or are missing, or some runs have corrupted inputs and
            others have not.
    """
    results.require(what="a figure")
    by_size: dict[int, list[Configuration]] = {}
    for one in configurations(results):
        by_size.setdefault(one.latent_size, []).append(one)
    chosen = np.unique(np.linspace(0, len(by_size) - 1, min(most_sizes, len(by_size))).round().astype(int))
    groups = [by_size[size] for size in np.array(sorted(by_size))[chosen].tolist()]
    runs = [best_run(group) for group in groups]
    require_same_images(runs)
    columns, of_classes = one_of_each_class(runs[0], num_examples)
    notes = [f"{results.datasets[0]}, test split", *([of_classes] if of_classes else []), "sse of the whole split"]
    notes += _corruption_notes(runs) or ["PCA needs: components for the autoencoder's sse"]
    if len(groups) < len(by_size):
        notes.append(f"{len(groups)} of {len(by_size)} latent sizes")
    notes += [best_run_text(groups), *left_out_text(results)]
    figure = Figure(figsize=figure_size())
    figure.set_layout_engine("none")
    beside = figure.get_size_inches()[0] >= _NARROW
    rows, headings = (_beside if beside else _below)(_measured(runs, columns))
    verdict = sentence(gaining_most([best_by_validation(group, "sse") for group in groups]))
    draw_table(figure, rows, headings, notes, headline="" if runs[0].summary["corrupted"] else verdict)
    return figure


def _corruption_notes(runs: Sequence[Run]) -> list[str]:
    corrupted = {run.summary["corrupted"] is not None for run in runs}
    if len(corrupted) > 1:
        problem = "some have corrupted inputs and others have not, so that their errors do not compare"
        raise UserError("runs", problem, "choose one with where=\"corruption='none'\"")
    if corrupted == {False}:
        return []
    return ["made from corrupted inputs, each run's own, and so is the sse; PCA was fitted to clean ones"]


class _Measured(NamedTuple):
    """A run's latent size and what stands beside its images: the sse of both methods, and what PCA needs."""

    arrays: dict[str, np.ndarray]
    name: str
    latent_size: str
    num_components: str
    sse: str
    pca_sse: str
    needed: str


def _measured(runs: Sequence[Run], columns: np.ndarray) -> list[_Measured]:
    split = "test" if runs[0].summary["corrupted"] is None else "corrupted"
    both = aligned([run.measure("sse", split) for run in runs] + [run.pca("sse", split) for run in runs])
    return [
        _Measured(
            {name: run.folder.reconstructions[name][columns] for name in ("x", "autoencoder", "pca")},
            str(run.settings["model"]),
            str(run.latent_size),
            competitor_size(run.summary["pca"]),
            sse,
            pca_sse,
            _needed(run) if split == "test" else "",
        )
        for run, sse, pca_sse in zip(runs, both[: len(runs)], both[len(runs) :], strict=True)
    ]


def _needed(run: Run) -> str:
    """How many components PCA needs for the autoencoder's test sse of clean inputs."""
    curve, sse = run.summary["pca"]["test_sse_by_components"], run.summary["test"]["sse"]
    match = components_to_match(np.asarray(curve, np.float64), sse)
    return f"over {len(curve) - 1}" if match is None else str(match)


def _beside(shown: Sequence[_Measured]) -> tuple[list[Row], Headings]:
    several = len({one.name for one in shown}) > 1
    title = "autoencoder" if several else f"{shown[0].name} autoencoder"
    headings = Headings(
        (*([Cell()] if several else []), Cell("latent\nsize")),
        (Cell(title, AUTOENCODER), Cell("PCA with as many components", PCA_INK)),
        (Cell("test\nsse", AUTOENCODER), Cell("PCA's\nsse", PCA_INK), *_needs(shown)),
    )
    inputs = shown[0].arrays["x"]
    left = (Cell("input"), *([Cell()] if several else []))
    rows = [Row((inputs, inputs), left, (Cell(),) * len(headings.right))]
    for one in shown:
        names = [Cell(one.name)] if several else []
        ends = (Cell(one.sse, AUTOENCODER), Cell(one.pca_sse, PCA_INK), Cell(one.needed, PCA_INK))
        images = (one.arrays["autoencoder"], one.arrays["pca"])
        rows.append(Row(images, (*names, Cell(one.latent_size)), ends[: len(headings.right)]))
    return rows, headings


def _below(shown: Sequence[_Measured]) -> tuple[list[Row], Headings]:
    headings = Headings((Cell(), Cell("latent\nsize")), (Cell(),), (Cell("test\nsse"), *_needs(shown)))
    rows = [Row((shown[0].arrays["x"],), (Cell("input"), Cell()), (Cell(),) * len(headings.right))]
    for one in shown:
        left = (Cell(one.name, AUTOENCODER), Cell(one.latent_size))
        ends = (Cell(one.sse, AUTOENCODER), Cell(one.needed, PCA_INK))
        rows.append(Row((one.arrays["autoencoder"],), left, ends[: len(headings.right)], apart=True))
        left, ends = (Cell("PCA", PCA_INK), Cell(one.num_components)), (Cell(one.pca_sse, PCA_INK), Cell())
        rows.append(Row((one.arrays["pca"],), left, ends[: len(headings.right)]))
    return rows, headings


def _needs(shown: Sequence[_Measured]) -> list[Cell]:
    """A column for what PCA needs, where that is known."""
    return [Cell("PCA\nneeds", PCA_INK)] if any(one.needed for one in shown) else []
