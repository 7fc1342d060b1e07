"""Error or loss over epochs: a line for each autoencoder, beside what PCA reaches."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Le
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ae_jax.errors import UserError, nearest
from ae_jax.figures.parts.common import MODEL, Kind, kinds, left_out_text, legend_above, named, range_text
from ae_jax.figures.parts.ends import End, name_ends
from ae_jax.figures.parts.epochs import scale_epochs
from ae_jax.figures.parts.looks import legend_of
from ae_jax.figures.parts.means import Mean, mark_diverged
from ae_jax.figures.parts.selection import selection_text
from ae_jax.figures.parts.spread import spread_text
from ae_jax.figures.style import NEUTRAL, PCA, PCA_INK, figure_size, plain_log_ticks
from ae_jax.results import Results
from ae_jax.results.configurations import Configuration, best_by_validation, ranked_by_validation
from ae_jax.results.measured import comparable_measure_of, differing_units
from ae_jax.results.statistics import estimate
from ae_jax.runs.measures import (
    OBJECTIVE,
    competitor_name,
    competitor_size,
    is_curve,
    is_distortion_alone,
    measure_named,
)
from ae_jax.terminal import count

_MARKERS = 6  # on each line, so that lines can be told apart without colour
_FEW, _HIGH = 12, 0.9  # lines, from which on the figure has another ratio of height to width
_ASTRAY = 10  # times the error of the mean alone
_SIZE = "latent size"
_CURVES = ("validation_sse", "validation_loss", "train_loss")


def draw(
    results: Results,
    /,
    *,
    measure: str,
    lines: list[str] | None,
    most_lines: Annotated[int, Ge(1), Le(24)],
) -> Figure:
    """The mean over seeds, and the range from the lowest to the highest seed, for each autoencoder.

    A line and its range have the epochs that all seeds trained. Where some stopped earlier, each of the others goes on
    as a thin line of its own, as a mean over fewer seeds would jump. An epoch without a finite value is a gap. PCA's
    validation error is dotted: orange where there is one, else in the colour of the autoencoders with as many numbers,
    where those have one, and named beside the axes.

    Args:
        results: Runs with the lines of their epochs.
        measure: What is drawn: validation_sse, validation_loss, train_loss (the objective), or a term of it, such as kl
            (on the validation split) or train_kl. Runs without it are left out.
        lines: Keys of the config whose values make a line of their own, by the best configuration; None: all that vary.
        most_lines: How many are shown: of each latent size the best by validation sse, then the next best, as larger
            latents nearly always have the lower error.

    Raises:
        UserError: If a key is unknown, no run has an epoch, or losses are in different units.
    """
    results.require(what="a figure")
    measure, results, missing = _column(results, measure)
    keys = list(results.distinguishing) if lines is None else lines
    candidates = kinds(results, keys, option="lines")
    best = [best_by_validation(kind.configurations, "sse") for kind in candidates]
    kept = _kept(best, most_lines)
    shown = [kind._replace(values=_size_first(kind.values)) for kind in named([[one] for one in kept], keys)]
    legend = legend_of(shown, lines=True)
    figure = Figure(figsize=figure_size() if len(kept) <= _FEW else figure_size(ratio=_HIGH))
    axes = figure.subplots()
    axes.set(xlabel="epoch", ylabel=_label(measure, kept))
    ends = [_draw_kind(axes, kind, style, measure, len(kept)) for kind, style in zip(shown, legend.styles, strict=True)]
    _set_scales(axes, kept, measure)
    handles: list[Artist] = [*legend.handles]
    notes = [results.datasets[0], *_shared(candidates, shown), *missing, *legend.notes]
    colours = _pca_colours(kept, [str(style["color"]) for style in legend.styles])
    if measure == "validation_sse":
        handles.append(_draw_pca(axes, kept, colours))
        notes += _outside_text(axes, kept, ends)
    handles += mark_diverged(axes, ends)
    if measure.endswith("_loss") and (keys := differing_units((run for one in kept for run in one.runs), OBJECTIVE)):
        notes.append(f"each its own objective: they differ in {', '.join(keys)}")
    notes.append(spread_text(kept, what="line", spread="range"))
    if any(len({len(curve) for curve in _curves(one, measure)}) > 1 for one in kept):
        notes.append("thin: seeds that trained longer")
    sizes = [len(kind.configurations) for kind, one in zip(candidates, best, strict=True) if one in kept]
    notes += [*selection_text("line", sizes, "sse"), *_kept_text(best, kept), *left_out_text(results)]
    legend_above(figure, handles, notes)
    if measure == "validation_sse":
        _name_pca(figure, axes, kept, colours)
    return figure


def _column(results: Results, name: str) -> tuple[str, Results, list[str]]:
    """The column of metrics.jsonl of that name, the runs that have it, and a note on the others."""
    columns = {id(run): {key for record in run.folder.metrics for key in record} for run in results.runs}
    known = {key for of in columns.values() for key in of if is_curve(key)} | set(_CURVES)
    column = name if is_curve(name) else f"validation_{name}"
    if column not in known:
        terms = {key.partition("_")[2] for key in known - set(_CURVES)}
        raise UserError("measure", f"there is no {name!r} over the epochs", nearest(name, [*_CURVES, *terms]))
    if column in _CURVES:
        return column, results, []
    kept = Results([run for run in results.runs if column in columns[id(run)]], results.excluded)
    comparable_measure_of(kept.runs, column.partition("_")[2])
    number = len(results.runs) - len(kept.runs)
    return column, kept, [f"{number} of {len(results.runs)} runs have no {column.partition('_')[2]}"] if number else []


def _kept(best: Sequence[Configuration], number: int) -> list[Configuration]:
    """Of each latent size the best, then of each the next; of a round with too many some of all sizes."""
    by_size: dict[int, list[Configuration]] = {}
    for one in sorted(ranked_by_validation(best, "sse"), key=lambda one: one.latent_size):
        by_size.setdefault(one.latent_size, []).append(one)
    kept: list[Configuration] = []
    for places in itertools.zip_longest(*by_size.values()):
        found = [one for one in places if one is not None]
        evenly = np.linspace(0, len(found) - 1, min(number - len(kept), len(found))).round().astype(int)
        kept += [found[place] for place in evenly]
    return [one for one in best if one in kept]


def _kept_text(best: Sequence[Configuration], kept: Sequence[Configuration]) -> list[str]:
    if len(kept) == len(best):
        return []
    sizes, shown = ({one.latent_size for one in group} for group in (best, kept))
    if len(sizes) == 1:
        return [f"the best {len(kept)} of {len(best)} lines by validation sse"]
    at = f"{len(shown)} of {len(sizes)} latent sizes" if len(shown) < len(sizes) else "each latent size"
    return [f"{len(kept)} of {len(best)} lines: the best of {at} by validation sse"]


def _size_first(values: Mapping[str, str]) -> dict[str, str]:
    """The latent size is what colour stands for, so that PCA's lines can have it."""
    return {name: values[name] for name in sorted(values, key=lambda name: name != _SIZE)}


def _shared(candidates: Sequence[Kind], shown: Sequence[Kind]) -> list[str]:
    """What all lines that are shown share, and others have not."""
    varied = {name for kind in shown for name in kind.values}
    (first,) = [kind for kind in candidates if shown[0].configurations[0] in kind.configurations]
    values = first.values.items()
    return [f"{name} {value}" for name, value in values if name not in varied and name != MODEL]


def _label(measure: str, shown: Sequence[Configuration]) -> str:
    if measure == "validation_sse":
        return "validation error (sse)"
    losses = sorted({str(one.runs[0].summary["training"]["loss"]) for one in shown})
    if len(losses) > 1 and measure in _CURVES:
        problem = f"{measure} is in different units ({', '.join(losses)})"
        raise UserError("measure", problem, "set measure=validation_sse, or choose one loss with where=\"loss='…'\"")
    split, _, term = measure.partition("_")
    words = {"train": "training", "validation": "validation"}[split]
    if term != "loss":
        return f"{words} {measure_named(term).label}"
    runs = [run for one in shown for run in one.runs]
    plain = all(is_distortion_alone(run.terms, str(run.settings.get("objective", "rate_distortion"))) for run in runs)
    return f"{words} loss ({losses[0]})" if plain else f"{words} objective"


def _curves(one: Configuration, measure: str) -> list[np.ndarray]:
    """The measure over epochs, of each seed; NaN where it was not finite."""
    curves = [np.array([record.get(measure) for record in run.folder.metrics], float) for run in one.runs]
    for run, curve in zip(one.runs, curves, strict=True):
        if not np.isfinite(curve).any():
            remedy = "train the run again, or leave it out with where=…"
            raise UserError(run.folder.path / "metrics.jsonl", f"has no epoch with a {measure}", remedy)
    return curves


def _draw_kind(axes: Axes, kind: Kind, style: dict[str, Any], measure: str, num_lines: int) -> Mean:
    """Draw a line; returns where it ends, with the number of seeds that diverged."""
    (one,) = kind.configurations
    curves = _curves(one, measure)
    common = min(len(curve) for curve in curves)
    epochs, seeds = np.arange(1, common + 1), np.stack([curve[:common] for curve in curves])
    colour, index = style["color"], len(axes.lines)
    if len(curves) > 1:
        pale = 0.18 if num_lines <= _MARKERS else 0.09
        axes.fill_between(epochs, seeds.min(axis=0), seeds.max(axis=0), color=colour, alpha=pale, linewidth=0)
    for curve in curves:
        if len(curve) > common:
            later = np.arange(common, len(curve) + 1)
            axes.plot(later, curve[common - 1 :], color=colour, linestyle=style["linestyle"], linewidth=0.5)
    # Markers of different lines stand at different epochs, evenly on a logarithmic axis.
    parts = (np.arange(_MARKERS) + index % num_lines / num_lines) / _MARKERS
    marked = np.unique(np.rint(common**parts).astype(int) - 1)
    mean = seeds.mean(axis=0)
    axes.plot(epochs, mean, **style, markevery=marked.tolist(), label=kind.label)
    last = int(np.flatnonzero(np.isfinite(mean))[-1]) if np.isfinite(mean).any() else 0
    return Mean(estimate([float(last + 1)]), estimate([float(mean[last])]), one.num_diverged)


def _set_scales(axes: Axes, shown: Sequence[Configuration], measure: str) -> None:
    """Logarithmic: epochs, and what is positive, with PCA inside unless it is two decades below."""
    longest = max(len(curve) for one in shown for curve in _curves(one, measure))
    scale_epochs(axes, longest)
    values = np.concatenate([curve for one in shown for curve in _curves(one, measure)])
    values = values[np.isfinite(values)]
    if values.min() <= 0:
        return
    if measure == "validation_sse":
        values = np.append(values, [error for error in _pca(shown).values() if error > values.min() / 100])
        astray = _ASTRAY * max(run.summary["pca"]["test_sse_by_components"][0] for one in shown for run in one.runs)
        values = values[values <= astray] if values.min() < astray else values
    axes.set_yscale("log", nonpositive="mask")
    margin = (values.max() / values.min()) ** 0.05 if values.max() > values.min() else 1.1
    axes.set_ylim(values.min() / margin, values.max() * margin)
    plain_log_ticks(axes.yaxis)


def _outside_text(axes: Axes, shown: Sequence[Configuration], ends: Sequence[Mean]) -> list[str]:
    """What the axis does not show: PCA's errors that are rounding, lines that go astray or end there."""
    errors, (low, high) = _pca(shown), axes.get_ylim()
    below = [size for size, error in errors.items() if error < low]
    notes = list[str]()
    if below and len(errors) > 1:
        sizes = range_text(map(int, below)) if all(map(str.isdigit, below)) else ", ".join(below)
        notes.append(f"PCA {sizes} below the axis")
    peaks = [max(float(np.nanmax(curve)) for curve in _curves(one, "validation_sse")) for one in shown]
    astray = sum(peak > high for peak in peaks)
    if astray:
        ending = sum(end.y.mean > high for end in ends)
        where = f", {ending} end{'s' if ending == 1 else ''} there" if ending else ""
        notes.append(f"{astray} of {count(len(shown), 'line')} go{'es' if astray == 1 else ''} above the axis{where}")
    return notes


def _pca(shown: Sequence[Configuration]) -> dict[str, float]:
    """PCA's validation sse by its number of components, or whatever limits it."""
    by_size: dict[str, list[float]] = {}
    for one in sorted(shown, key=lambda one: int(one.pcas[0]["num_components"])):
        found = one.pca("sse", "validation")
        if found is not None:
            by_size.setdefault(competitor_size(*one.pcas), []).append(found.mean)
    return {size: float(np.mean(errors)) for size, errors in by_size.items()}


def _pca_colours(shown: Sequence[Configuration], colours: Sequence[str]) -> dict[str, str]:
    """Of each number of components that of its autoencoders, where each has one and there are several; else PCA's."""
    of_size: dict[str, set[str]] = {}
    for one, colour in zip(shown, colours, strict=True):
        of_size.setdefault(competitor_size(*one.pcas), set()).add(colour)
    if len(of_size) == 1 or any(len(found) > 1 for found in of_size.values()):
        return dict.fromkeys(of_size, PCA)
    return {size: found.pop() for size, found in of_size.items()}


def _draw_pca(axes: Axes, shown: Sequence[Configuration], colours: dict[str, str]) -> Artist:
    """A dotted line for each number of components; returns what stands for them in the legend."""
    errors, (low, _) = _pca(shown), axes.get_ylim()
    look: dict[str, Any] = {"linestyle": ":", "linewidth": 1.4}
    for size, error in errors.items():
        axes.axhline(error, color=colours[size], zorder=2.6, **look)
    name = "PCA of that size"
    if len(errors) == 1:
        (error,) = errors.values()
        name = f"{competitor_name(*shown[0].pcas)}{', below the axis' if error < low else ''}"
    coloured = set(colours.values()) != {PCA}
    return Line2D([], [], color=NEUTRAL if coloured else PCA, label=name, **look)


def _name_pca(figure: Figure, axes: Axes, shown: Sequence[Configuration], colours: dict[str, str]) -> None:
    """Name each of several lines by its number of components."""
    errors, (low, _) = _pca(shown), axes.get_ylim()
    if len(errors) > 1:
        inks = {size: PCA_INK if colour == PCA else NEUTRAL for size, colour in colours.items()}
        visible = [(size, error) for size, error in errors.items() if error >= low]
        name_ends(figure, axes, [End(error, f"PCA {size}", colours[size], inks[size]) for size, error in visible])
