"""Error or loss over epochs: a line for each autoencoder, beside what PCA reaches."""

import math
from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Le
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ae_jax.errors import UserError
from ae_jax.figures.parts.common import Kind, kinds, left_out_text, legend_above, look, text_size
from ae_jax.figures.parts.selection import selection_text
from ae_jax.figures.parts.spread import spread_text
from ae_jax.figures.style import PCA, figure_size, plain_log_ticks
from ae_jax.results import Results
from ae_jax.results.configurations import Configuration, best_by_validation, ranked_by_validation
from ae_jax.results.measures import MEASURES

_MARKERS = 6  # on each line, so that lines can be told apart without colour


def draw(
    results: Results,
    /,
    *,
    measure: Literal["validation_sse", "validation_loss", "train_loss"],
    lines: list[str] | None,
    most_lines: Annotated[int, Ge(1), Le(12)],
) -> Figure:
    """The mean over seeds, and the range from the lowest to the highest seed, for each autoencoder.

    A line and its range have the epochs that all seeds trained. Where some stopped earlier, each of the others goes on
    as a thin line of its own, as a mean over fewer seeds would jump. An epoch without a finite value is a gap. PCA's
    validation error is dotted, for each number of components among the autoencoders.

    Args:
        results: Runs with the lines of their epochs.
        measure: What is drawn; losses are in the units of the loss.
        lines: Keys of the config whose values make a line of their own, by the best configuration; None: all that vary.
        most_lines: How many are shown, the best by validation sse.

    Raises:
        UserError: If a key is unknown, no run has an epoch, or losses are in different units.
    """
    results.require(what="a figure")
    keys = list(results.distinguishing) if lines is None else lines
    candidates = kinds(results, keys, option="lines")
    best = [Kind(kind.label, [best_by_validation(kind.configurations, "sse")]) for kind in candidates]
    kept = ranked_by_validation([kind.configurations[0] for kind in best], "sse")[:most_lines]
    shown = [kind for kind in best if kind.configurations[0] in kept]
    figure = Figure(figsize=figure_size())
    axes = figure.subplots()
    axes.set(xlabel="epoch", ylabel=_label(measure, kept))
    handles = [_draw_kind(axes, kind, index, measure) for index, kind in enumerate(shown)]
    _set_scales(axes, kept, measure)
    if measure == "validation_sse":
        handles.append(_draw_pca(figure, axes, kept))
    notes = [results.datasets[0], spread_text(kept, what="line", spread="range")]
    if any(len({len(curve) for curve in _curves(one, measure)}) > 1 for one in kept):
        notes.append("thin: seeds that trained longer")
    sizes = [len(kind.configurations) for kind in candidates if any(one in kept for one in kind.configurations)]
    notes += selection_text("line", sizes, "sse")
    if len(kept) < len(best):
        notes.append(f"the best {len(kept)} of {len(best)} lines by validation sse, the others not shown")
    legend_above(figure, handles, [*notes, *left_out_text(results)])
    return figure


def _label(measure: str, shown: Sequence[Configuration]) -> str:
    if measure == "validation_sse":
        return f"validation {MEASURES['sse'].label}"
    losses = sorted({str(one.runs[0].summary["training"]["loss"]) for one in shown})
    if len(losses) > 1:
        problem = f"{measure} is in different units ({', '.join(losses)})"
        raise UserError("measure", problem, "set measure=validation_sse, or choose one loss with where=\"loss='…'\"")
    return f"{'training' if measure == 'train_loss' else 'validation'} loss ({losses[0]})"


def _curves(one: Configuration, measure: str) -> list[np.ndarray]:
    """The measure over epochs, of each seed; NaN where it was not finite."""
    curves = [np.array([record.get(measure) for record in run.folder.metrics], float) for run in one.runs]
    for run, curve in zip(one.runs, curves, strict=True):
        if not np.isfinite(curve).any():
            remedy = "train the run again, or leave it out with where=…"
            raise UserError(run.folder.path / "metrics.jsonl", f"has no epoch with a {measure}", remedy)
    return curves


def _draw_kind(axes: Axes, kind: Kind, index: int, measure: str) -> Artist:
    (one,) = kind.configurations
    curves, lost = _curves(one, measure), one.num_diverged
    label = f"{kind.label}, {lost} of {len(curves) + lost} seeds diverged" if lost else kind.label
    common = min(len(curve) for curve in curves)
    epochs, seeds = np.arange(1, common + 1), np.stack([curve[:common] for curve in curves])
    style = look(index)
    colour = style["color"]
    if len(curves) > 1:
        axes.fill_between(epochs, seeds.min(axis=0), seeds.max(axis=0), color=colour, alpha=0.18, linewidth=0)
    for curve in curves:
        if len(curve) > common:
            later = np.arange(common, len(curve) + 1)
            axes.plot(later, curve[common - 1 :], color=colour, linestyle=style["linestyle"], linewidth=0.5)
    # Markers of different lines stand at different epochs.
    step = max(1, math.ceil(common / _MARKERS))
    first = min(common - 1, index * step // _MARKERS)
    (line,) = axes.plot(epochs, seeds.mean(axis=0), **style, markevery=(first, step), label=label)
    return line


def _set_scales(axes: Axes, shown: Sequence[Configuration], measure: str) -> None:
    """Epochs are whole; what is positive is logarithmic, with PCA inside unless it is two decades below."""
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
    values = np.concatenate([curve for one in shown for curve in _curves(one, measure)])
    values = values[np.isfinite(values)]
    if values.min() <= 0:
        return
    if measure == "validation_sse":
        values = np.append(values, [error for error in _pca(shown).values() if error > values.min() / 100])
    axes.set_yscale("log", nonpositive="mask")
    margin = (values.max() / values.min()) ** 0.05 if values.max() > values.min() else 1.1
    axes.set_ylim(values.min() / margin, values.max() * margin)
    plain_log_ticks(axes.yaxis)


def _pca(shown: Sequence[Configuration]) -> dict[int, float]:
    """PCA's validation sse by its number of components."""
    by_size: dict[int, list[float]] = {}
    for one in shown:
        found = one.pca("sse", "validation")
        if found is not None:
            by_size.setdefault(int(one.runs[0].summary["pca"]["num_components"]), []).append(found.mean)
    return {size: float(np.mean(by_size[size])) for size in sorted(by_size)}


def _draw_pca(figure: Figure, axes: Axes, shown: Sequence[Configuration]) -> Artist:
    """A dotted line for each number of components; several are named at the right end, as far as there is room."""
    errors, (low, _) = _pca(shown), axes.get_ylim()
    drawn = [axes.axhline(error, color=PCA, linestyle=":", linewidth=1.4, zorder=2.6) for error in errors.values()]
    name = "PCA"
    if len(errors) > 1:
        _name_lines(figure, axes, {size: error for size, error in errors.items() if error >= low})
    else:
        (size,) = errors
        name += f", {size} component{'' if size == 1 else 's'}"
    drawn[0].set_label(name if max(errors.values()) >= low else f"{name}, below the axis")
    return drawn[0]


def _name_lines(figure: Figure, axes: Axes, errors: dict[int, float]) -> None:
    _, name_height = text_size(figure, "PCA 1")
    last = -math.inf
    for size, error in sorted(errors.items(), key=lambda pair: pair[1]):
        height = float(axes.transData.transform((1, error))[1])
        if height - last >= name_height:
            right = axes.get_yaxis_transform()
            axes.text(1.01, error, f"PCA {size}", transform=right, color=PCA, va="center", fontsize="small")
            last = height
