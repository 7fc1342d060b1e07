"""How alike latents are: linear CKA between autoencoders, between seeds of each, and with PCA."""

from collections.abc import Sequence
from itertools import product
from statistics import fmean

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from ae_jax.errors import UserError
from ae_jax.figures.parts.against import limits_text
from ae_jax.figures.parts.cells import (
    Place,
    draw_bar,
    draw_cells,
    draw_pca,
    fit_labels,
    fit_numbers,
    grid_size,
    name_axes,
)
from ae_jax.figures.parts.common import kinds, left_out_text, legend_above, require_measured
from ae_jax.figures.parts.scales import Scale
from ae_jax.figures.parts.selection import selection_text
from ae_jax.figures.parts.spread import spread_text
from ae_jax.figures.style import NEUTRAL
from ae_jax.results import Results
from ae_jax.results.configurations import Configuration, best_by_validation
from ae_jax.results.measured import comparable_measure_of
from ae_jax.results.similarity import beside_pca, between, require_same_examples

_MEANING = "1 is the same but for a rotation and a factor, 0 unrelated"
_MOST = 24  # autoencoders, of which cells can still be found
_TICKS = [0.0, 0.5, 1.0]


def draw(results: Results, /, *, measure: str, lines: list[str]) -> Figure:
    """A cell for each pair of autoencoders, and beside them a column for PCA with as many components.

    Numbers are means over all pairs of different runs, one of each: on the diagonal over pairs of seeds, which shows
    how far seeds disagree. Latents are those of the test examples that runs keep. Linear CKA is 1 for latents that
    differ by a rotation, a shift and a factor, and 0 for those without any linear relation.

    Args:
        results: Runs of one dataset.
        measure: Of what else varies, the best by its mean on the validation split is shown.
        lines: Keys whose values have a row and a column of their own.

    Raises:
        UserError: If there are too many autoencoders, or their latents are of different examples.
    """
    results.require(what="a figure")
    comparable_measure_of(results.runs, measure)
    parted = kinds(results, lines, option="lines")
    if len(parted) > _MOST:
        problem = f"there are {len(parted)} autoencoders, and room for {_MOST}"
        raise UserError("lines", problem, 'name fewer keys in lines=[…], or choose runs with where="…"')
    for kind in parted:
        require_measured(kind.configurations, measure, "validation")
    shown = [best_by_validation(kind.configurations, measure) for kind in parted]
    require_same_examples([run for one in shown for run in one.runs])
    cells, pca = _cells(shown)
    scale = Scale(mpl.colormaps["viridis"], Normalize(0, 1), (0.0, 1.0), _TICKS, "neither")
    figure = Figure(figsize=grid_size(len(shown)))
    axes = figure.subplots()
    drawn = draw_cells(axes, dict.fromkeys(cells, 0), cells, scale, _written)
    numbers = [str(number) for number in range(1, len(parted) + 1)]
    names = [
        f"{kind.label.removesuffix(' autoencoder')} ({number})" for kind, number in zip(parted, numbers, strict=True)
    ]
    name_axes(axes, ["", ""], [numbers, names])
    alone = [(at, at) for at in range(len(shown)) if (at, at) not in cells]
    for place in alone:
        axes.add_patch(Rectangle(place, 1, 1, facecolor="white", edgecolor=NEUTRAL, linewidth=0.4))
    draw_pca(axes, pca, scale, _written, in_row=False)
    bar = draw_bar(axes, scale, "linear CKA of latents")
    fit_labels(figure, axes, bar)
    fit_numbers(axes, drawn, hatched=set())
    handles: list[Artist] = []
    if alone:
        handles.append(Patch(facecolor="white", edgecolor=NEUTRAL, linewidth=0.4, label="one seed, and so no pair"))
    num = len(shown[0].runs[0].folder.latents["autoencoder"])
    notes = [f"{results.datasets[0]}, {num} examples of the test split", *_notes(shown)]
    notes += selection_text("row", (len(kind.configurations) for kind in parted), measure)
    legend_above(figure, handles, [*notes, *left_out_text(results)])
    return figure


def _cells(shown: Sequence[Configuration]) -> tuple[dict[Place, float], dict[Place, float]]:
    """Means over pairs, by column and row; and of each row with PCA, whose place is one of that row."""
    pairs = {(i, j): between(shown[i].runs, shown[j].runs) for i, j in product(range(len(shown)), repeat=2) if i <= j}
    means = {place: fmean(found) for place, found in pairs.items() if found}
    cells = means | {(j, i): value for (i, j), value in means.items()}
    beside = {row: beside_pca(one.runs) for row, one in enumerate(shown)}
    return cells, {(0, row): fmean(found) for row, found in beside.items() if found}


def _notes(shown: Sequence[Configuration]) -> list[str]:
    return [spread_text(shown, what="row", spread="none"), "diagonal: between seeds", _MEANING, *limits_text(shown)]


def _written(value: float) -> str:
    return f"{value:.2f}"
