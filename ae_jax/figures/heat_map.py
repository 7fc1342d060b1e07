"""Two swept keys against each other: where the autoencoder is ahead of PCA, and which runs diverge."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ae_jax.errors import UserError
from ae_jax.figures.parts.against import limits_text
from ae_jax.figures.parts.cells import (
    HATCH,
    Place,
    depends_on_column,
    draw_bar,
    draw_cells,
    draw_pca,
    fit_labels,
    fit_numbers,
    frame,
    grid_size,
    name_axes,
)
from ae_jax.figures.parts.common import (
    LATENT_SIZE,
    axis_label,
    left_out_text,
    legend_above,
    require_measured,
    split_text,
)
from ae_jax.figures.parts.measured import shown_measure
from ae_jax.figures.parts.scales import measure_scale, ratio_scale, short_number, short_ratio
from ae_jax.figures.parts.selection import selection_text
from ae_jax.figures.parts.spread import spread_text
from ae_jax.figures.parts.swept import Point, check_key, completed, distinguishing_keys, points, value_label, values_of
from ae_jax.figures.style import NEUTRAL
from ae_jax.results import Results
from ae_jax.results.configurations import Configuration, best_by_validation
from ae_jax.results.statistics import same
from ae_jax.runs.measures import Measure
from ae_jax.terminal import count

_MOST_COLUMNS = 12
_OTHERS = ("model.latent_size=2,8,16", "optimizer.learning_rate=1e-4,1e-3,1e-2")


class _Cell(NamedTuple):
    """The best configuration of a cell by validation, None where all runs diverged, and of how many it is the best."""

    chosen: Configuration | None
    num_candidates: int


def draw(
    results: Results,
    /,
    *,
    x: str | None,
    y: str | None,
    measure: str,
    split: Literal["train", "validation", "test", "corrupted"],
    show: Literal["ratio", "measure"],
) -> Figure:
    """A cell for each pair of values; of what else varies, each cell has the best by validation.

    Colours end at four times PCA's error, the numbers at 999; they show means, and are no verdict. Chosen and framed is
    the best by validation in what is shown: by the ratio, or by the measure itself. Where the latent size is an axis,
    each has a PCA of its own, and the best of each is framed. The frame is dashed where PCA is ahead of it. A cross
    stands for runs that diverged: alone if all did, beside the mean of the others if some did.

    Args:
        results: Runs of one dataset.
        x: Key of the columns; None: one of the first two that vary independently.
        y: Key of the rows; None: the other.
        measure: What is shown. Only errors have a ratio to PCA's.
        split: Where it was measured.
        show: The ratio to PCA with as many components, or the measure itself with PCA's in a row or column.

    Raises:
        UserError: If fewer than two keys vary, a key is wrong, or the measure was not taken.
    """
    results.require(what="a figure")
    unit, results, missing = shown_measure(results, measure, split)
    sweep = points(results)
    keys, is_ratio = _keys(sweep, x, y), show == "ratio"
    require_measured(completed(sweep), measure, split)
    labels = [[value_label(value) for value in values_of(key, sweep)] for key in keys]
    cells = _cells(sweep, keys, labels, measure, of_ratio=is_ratio and unit.has_ratio)
    ours, pca = _means(cells, measure, split)
    values = _ratios(cells, unit, split) if is_ratio else ours
    in_row = None if is_ratio or not pca else depends_on_column(pca)
    scale = (
        ratio_scale(list(values.values())) if is_ratio else measure_scale(list(ours.values()), [*pca.values()], unit)
    )
    written = short_ratio if is_ratio else short_number
    figure = Figure(figsize=grid_size(len(labels[1]) + (in_row is True)))
    axes = figure.subplots()
    states = {place: cell.chosen.num_diverged if cell.chosen else None for place, cell in cells.items()}
    drawn = draw_cells(axes, states, values, scale, written)
    name_axes(axes, [_name(key, sweep) for key in keys], labels)
    if in_row is not None:
        draw_pca(axes, pca, scale, written, in_row=in_row)
    bar = draw_bar(axes, scale, _bar_label(measure) if is_ratio else unit.label)
    behind = _behind(values, dict.fromkeys(values, 1.0) if is_ratio else pca, unit)
    of_each_size = is_ratio and LATENT_SIZE in keys
    framed = _framed(cells, measure, of_each_size=of_each_size, of_ratio=is_ratio)
    fit_labels(figure, axes, bar)
    for place in framed:
        frame(axes, place, dashed=place in behind)
    numbered = fit_numbers(axes, drawn, hatched=behind if is_ratio else set())
    shown = f"{measure.replace('_', ' ')}{' ratio' if is_ratio and not of_each_size else ''}"
    best = f"best{' of each latent size' if of_each_size else ''} by validation {shown}"
    handles = _frames(framed, behind, best) + _marks(
        cells, len(labels[0]) * len(labels[1]), hatched=is_ratio and not numbered
    )
    legend_above(figure, handles, [*_notes(results, cells, split, shown), *missing])
    return figure


def _name(key: str, sweep: Sequence[Point]) -> str:
    """The name of an axis, as short as it can be said: the columns need the width."""
    return axis_label(key, [point.settings for point in sweep]).partition(" (number")[0]


def _bar_label(measure: str) -> str:
    """What the numbers are, and on which side of 1 the autoencoder is ahead."""
    ratio = f"{measure.replace('_', ' ')} divided by PCA's, geometric mean"
    return f"{ratio}; autoencoder ahead < 1 < PCA ahead"


def _keys(sweep: Sequence[Point], x: str | None, y: str | None) -> tuple[str, str]:
    """The two keys; those that are not given are the first that vary independently."""
    for option, key in (("x", x), ("y", y)):
        if key is not None:
            check_key(key, sweep, option=option)
    if x and x == y:
        raise UserError("y", f"is {y}, as x is; a heat map needs two keys", "name another, or leave it out")
    swept = distinguishing_keys(sweep)
    if x is None and y is None and len(swept) > 1:
        # Rows have room for more values than columns.
        swept = sorted(swept, key=lambda key: len(values_of(key, sweep)) > _MOST_COLUMNS)
    pairs = [(a, b) for a in ([x] if x else swept) for b in ([y] if y else swept) if a != b]
    if not pairs:
        problem = f"vary in {' and '.join(swept) or 'nothing'}, beside the seed; a heat map needs two keys"
        grid = f"sweep two, as in {' '.join(_OTHERS)}"
        other = next(one for one in _OTHERS if one.partition("=")[0] not in swept[:1])
        more = f"sweep another too, as in {other}, or draw figure=parallel, which shows one"
        raise UserError("runs", problem, more if swept else grid)
    return next((pair for pair in pairs if _independent(sweep, *pair)), pairs[0])


def _independent(sweep: Sequence[Point], a: str, b: str) -> bool:
    """Whether cells of two keys are more than a line: not so for a component and an option that only it has."""
    pairs = {(value_label(point.settings.get(a)), value_label(point.settings.get(b))) for point in sweep}
    return len(pairs) > max(len(values_of(key, sweep)) for key in (a, b))


def _cells(
    sweep: Sequence[Point], keys: Sequence[str], labels: list[list[str]], measure: str, *, of_ratio: bool
) -> dict[Place, _Cell]:
    """Cells as far as there are runs."""
    parted: dict[Place, list[Point]] = {}
    for point in sweep:
        column, row = (of_key.index(value_label(point.settings.get(k))) for k, of_key in zip(keys, labels, strict=True))
        parted.setdefault((column, row), []).append(point)
    cells = {}
    for place, group in sorted(parted.items()):
        candidates = completed(group)
        chosen = best_by_validation(candidates, measure, against_pca=of_ratio) if candidates else None
        cells[place] = _Cell(chosen, len(candidates))
    return cells


def _means(cells: dict[Place, _Cell], measure: str, split: str) -> tuple[dict[Place, float], dict[Place, float]]:
    """The measure of the autoencoder, and of PCA."""
    chosen = {place: cell.chosen for place, cell in cells.items() if cell.chosen}
    ours = {place: one.estimate(measure, split) for place, one in chosen.items()}
    pca = {place: one.pca(measure, split) for place, one in chosen.items()}
    return (
        {place: value.mean for place, value in ours.items() if value},
        {place: value.mean for place, value in pca.items() if value},
    )


def _ratios(cells: dict[Place, _Cell], unit: Measure, split: str) -> dict[Place, float]:
    if not unit.has_ratio:
        why = "whose zero does not mean none" if unit.has_pca else "which PCA has not"
        problem = f"there is no ratio of {unit.name}, {why}"
        raise UserError("show", problem, "choose figure.show=measure, or figure.measure=sse")
    ratios = {}
    for place, cell in cells.items():
        if cell.chosen is None:
            continue
        against = cell.chosen.against_pca(unit.name, split)
        if against is None or against.ratio is None:
            size = cell.chosen.latent_size
            problem = f"PCA's {unit.name} is 0 with {count(size, 'component')}, so there is no ratio to it"
            smaller = any(other.chosen and other.chosen.latent_size < size for other in cells.values())
            fewer = f', or where="model.latent_size<{size}"' if smaller else ""
            raise UserError("show", problem, f"choose figure.show=measure{fewer}")
        ratios[place] = against.ratio.mean
    return ratios


def _behind(shown: dict[Place, float], pca: dict[Place, float], unit: Measure) -> set[Place]:
    """Cells in which PCA is ahead, by what is shown."""
    sign = -1 if unit.more_is_better else 1
    return {at for at, value in pca.items() if sign * shown[at] > sign * value and not same(shown[at], value)}


def _framed(cells: dict[Place, _Cell], measure: str, *, of_each_size: bool, of_ratio: bool) -> list[Place]:
    """The cells of the best by validation in what is shown: of each latent size, or of all."""
    parted: dict[int, list[Configuration]] = {}
    for cell in cells.values():
        if cell.chosen:
            parted.setdefault(cell.chosen.latent_size if of_each_size else 0, []).append(cell.chosen)
    best = [best_by_validation(group, measure, against_pca=of_ratio) for group in parted.values()]
    return [place for place, cell in cells.items() if cell.chosen in best]


def _frames(framed: Sequence[Place], behind: set[Place], best: str) -> list[Artist]:
    kinds = sorted({place in behind for place in framed})
    lines = {
        False: ("-", best),
        True: ("--", "the same, but PCA ahead" if len(kinds) > 1 else f"{best}, but PCA ahead"),
    }
    look: dict[str, Any] = {"facecolor": "none", "edgecolor": "black", "linewidth": 1.4}
    return [Patch(**look, linestyle=lines[kind][0], label=lines[kind][1]) for kind in kinds]


def _marks(cells: dict[Place, _Cell], num_cells: int, *, hatched: bool) -> list[Artist]:
    """What hatches and crosses mean, and cells without any run, as far as they are in the figure."""
    handles: list[Artist] = [Patch(facecolor="white", hatch=HATCH, label="PCA ahead")] if hatched else []
    chosen = [cell.chosen for cell in cells.values()]
    if None in chosen:
        handles.append(Line2D([], [], color=NEUTRAL, ls="", marker="x", markersize=5, label="all runs diverged"))
    if any(one.num_diverged for one in chosen if one):
        label = "some runs diverged, mean of the others"
        handles.append(Line2D([], [], color="black", ls="", marker="x", markersize=2.6, mew=0.7, label=label))
    if len(cells) < num_cells:
        handles.append(Patch(facecolor="white", edgecolor=NEUTRAL, linewidth=0.4, label="no run"))
    return handles


def _notes(results: Results, cells: dict[Place, _Cell], split: str, by: str) -> list[str]:
    shown = [cell.chosen for cell in cells.values() if cell.chosen]
    notes = [split_text(split, results), spread_text(shown, what="cell", spread="none"), *limits_text(shown)]
    notes += selection_text("cell", (cell.num_candidates for cell in cells.values() if cell.chosen), by)
    return notes + left_out_text(results, diverged="at crosses")
