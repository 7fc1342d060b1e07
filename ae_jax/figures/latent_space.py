"""Test examples in the latent space of the autoencoder and in that of PCA, side by side."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from ae_jax.errors import UserError
from ae_jax.figures.parts.apart import Word, write_apart
from ae_jax.figures.parts.common import left_out_text, legend_above, plain, text_size, wrap
from ae_jax.figures.parts.images import aligned
from ae_jax.figures.parts.selection import best_run, best_run_text
from ae_jax.figures.style import AUTOENCODER, figure_size
from ae_jax.results import Results
from ae_jax.results.configurations import configurations
from ae_jax.results.neighbours import neighbour_accuracy
from ae_jax.results.runs import Run

# Ten colours, chosen by search: any two differ by 12 or more in OKLab (times 100), also as seen without one kind of
# cones (Machado et al. 2009), and all have a lightness of their own, from L* = 20 to 81, so that they differ in grey.
COLOURS = (
    "#61003d", "#db550c", "#492492", "#b6869e", "#922400", "#18aaff", "#795579", "#e7aa00", "#0c6ddb", "#b6cece",
)  # fmt: skip
_MARKERS = "os^Dv<>pPX"
_EDGE = 0.6  # of the brightness of a point
_NEIGHBOURS = 5
_NUMBERED = 2  # examples a class, on average, from which on neighbours can tell it
# Inches: a figure in which panels stand one below the other; the height of titles and names of axes.
_NARROW, _WORDS = 4.5, 0.45


class _Plane(NamedTuple):
    """Latents in two dimensions, shape "examples 2", in units of their spread, and what these are."""

    points: np.ndarray
    names: tuple[str, str]


def draw(results: Results, /, *, projection: Literal["pca", "first_two"]) -> Figure:
    """Two panels: latents of the run with the lowest validation sse, and PCA's with as many components.

    Examples are those of the test split that the run kept. Each panel is centred, and in units of the root of the mean
    squared distance from there, so that both have the same scale; one unit is as long in both directions. Up to ten
    labels have a colour and a marker each, and their value stands at the median of their examples, or near it;
    otherwise all examples have one colour. Where there are labels, the title has the share of examples whose class is
    that of most of their five nearest neighbours among the others, in all latent numbers.

    Args:
        results: Runs, of which the best has at least two latent dimensions.
        projection: "pca": more than two latents are projected onto their two leading principal directions, of the
            shown examples; "first_two": the first two latents as they are. PCA's are principal directions as they are.

    Raises:
        UserError: If the best run has one latent dimension or its data one feature, or it did not keep latents.
    """
    results.require(what="a figure")
    found = configurations(results)
    run = best_run(found)
    latents = run.folder.latents
    if run.latent_size < 2:
        problem = f"the best by validation, {run.name}, has one latent dimension, which makes no plane"
        larger = any(one.latent_size > 1 for one in found)
        remedy = "train one with two: python scripts/train.py model.latent_size=2"
        raise UserError("runs", problem, 'choose others with where="model.latent_size > 1"' if larger else remedy)
    if latents["pca"].shape[1] < 2:
        raise UserError("figure", f"{run.dataset} has one feature, of which PCA makes no plane", "draw another figure")
    figure, panels = _panels()
    titles, notes = _titles(run)
    name = "direction" if projection == "pca" and run.latent_size > 2 else "latent"
    ours = _plane(_leading(latents["autoencoder"], projection), name)
    planes = [ours, _plane(latents["pca"], name, _explained(run))]
    labels, of_labels = _labels(latents.get("labels"))
    end = 1.05 * max(float(np.abs(plane.points).max()) for plane in planes)
    for axes, plane in zip(panels, planes, strict=True):
        _draw_points(axes, plane, labels)
        axes.set(xlim=(-end, end), ylim=(-end, end))
    _write_titles(figure, panels, titles)
    notes = [f"{results.datasets[0]}, {len(ours.points)} examples of the test split", *of_labels, *notes]
    shown = f"{run.latent_size} latent dimensions, seed {run.seed}"
    notes += ["axes: in units of the spread (share of the latents' variance)", shown]
    handles = _handles(labels) if labels is not None else []
    legend_above(figure, handles, [*notes, best_run_text([found]), *left_out_text(results)])
    figure.draw_without_rendering()  # once more, as a layout of squares takes several rounds
    for axes, plane in zip(panels, planes, strict=True):
        write_apart(figure, axes, _words(plane, labels))
    return figure


def _write_titles(figure: Figure, panels: Sequence[Axes], titles: Sequence[str]) -> None:
    """Titles in as many lines as they need, for which the figure grows: the panels keep their sizes."""
    wrapped = [wrap(figure, title, axes.get_window_extent().width) for axes, title in zip(panels, titles, strict=True)]
    for axes, title in zip(panels, wrapped, strict=True):
        axes.set_title(title)
    width, height = figure.get_size_inches()
    more = max(title.count("\n") for title in wrapped) - 1  # beyond two lines
    rows = 2 if width < _NARROW else 1
    figure.set_size_inches(width, height + 1.3 * rows * more * text_size(figure, "Ag")[1] / figure.dpi)


def _panels() -> tuple[Figure, Sequence[Axes]]:
    width, _ = figure_size()
    if width < _NARROW:
        figure = Figure(figsize=(width, 1.7 * width))
        return figure, tuple(figure.subplots(2, 1))
    figure = Figure(figsize=(width, width / 2 + _WORDS))
    return figure, tuple(figure.subplots(1, 2))


def _titles(run: Run) -> tuple[list[str], list[str]]:
    """The same numbers of both methods, and a note on what they are."""
    latents = run.folder.latents
    labels, names = latents.get("labels"), [f"{run.settings['model']} autoencoder", "PCA"]
    sse = aligned([run.measure("sse", "test"), run.pca("sse", "test")])
    parts = [f"{name}\ntest sse {number}" for name, number in zip(names, sse, strict=True)]
    if labels is None or len(labels) < _NUMBERED * len(np.unique(labels)):
        return parts, []
    shares = [
        neighbour_accuracy(latents[method], labels, num_neighbours=_NEIGHBOURS) for method in ("autoencoder", "pca")
    ]
    if None in shares:
        return parts, []
    titles = [f"{part}, {_NEIGHBOURS}-NN {100 * (share or 0):.1f} %" for part, share in zip(parts, shares, strict=True)]
    return titles, [f"{_NEIGHBOURS}-NN accuracy: leave-one-out, in all dimensions"]


def _labels(labels: np.ndarray | None) -> tuple[np.ndarray | None, list[str]]:
    """Labels that can be told apart, and a note on what the figure makes of them."""
    if labels is None:
        return None, []
    number = len(np.unique(labels))
    if number > len(COLOURS):
        return None, [f"{number} different labels, not shown"]
    return labels, ["labels at their medians"]


def _leading(latents: np.ndarray, projection: str) -> np.ndarray:
    """All latents, in an order in which those to be shown come first: turned to their principal directions, or not."""
    if latents.shape[1] == 2 or projection != "pca":
        return latents
    centred = latents.astype(np.float64) - latents.mean(axis=0, dtype=np.float64)
    _, directions = np.linalg.eigh(centred.T @ centred)
    leading = directions[:, ::-1]
    # Directions have no sign: their largest entry is made positive, so that the figure is the same everywhere.
    return np.asarray(centred @ (leading * np.sign(leading[np.abs(leading).argmax(axis=0), range(len(leading))])))


def _plane(latents: np.ndarray, name: str, of_data: Sequence[float] = ()) -> _Plane:
    """The first two of latents; `of_data` are the shares of the variance of the data along them, where known."""
    size = latents.shape[1]
    centred = latents.astype(np.float64) - latents.mean(axis=0, dtype=np.float64)
    points, total = centred[:, :2], max(float((centred**2).sum()), np.finfo(float).tiny)
    shares = [f"{100 * share:.0f} %" for share in (points**2).sum(axis=0) / total]
    if of_data:
        shares = [f"{one}; {100 * data:.0f} % of the data's" for one, data in zip(shares, of_data, strict=True)]
    of = "" if size == 2 else f" of {size}"
    first, second = (f"{name} {number}{of} ({share})" for number, share in enumerate(shares, start=1))
    return _Plane(points / (float(np.sqrt((points**2).sum(axis=1).mean())) or 1.0), (first, second))


def _explained(run: Run) -> list[float]:
    """The shares of the test split's variance, about the training mean, that PCA's first two components explain."""
    sse = run.summary["pca"]["test_sse_by_components"]
    return [(sse[index] - sse[index + 1]) / sse[0] for index in range(2)] if sse[0] > 0 else []


def _draw_points(axes: Axes, plane: _Plane, labels: np.ndarray | None) -> None:
    x, y = plane.points.T
    area = min(12.0, 6000 / max(len(x), 1)) * figure_size()[0] / 5.5
    style: dict[str, Any] = {"s": area, "alpha": 0.8, "linewidth": 0.25}
    if labels is None:
        axes.scatter(x, y, color=AUTOENCODER, marker="o", **style | {"linewidth": 0})
    else:
        for label, colour, marker in zip(np.unique(labels), COLOURS, _MARKERS, strict=False):
            inside = labels == label
            edge = tuple(_EDGE * part for part in to_rgb(colour))
            axes.scatter(x[inside], y[inside], color=colour, edgecolor=edge, marker=marker, label=str(label), **style)
    axes.set_aspect("equal", adjustable="box")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.set(xlabel=plane.names[0], ylabel=plane.names[1])


def _handles(labels: np.ndarray) -> list[Line2D]:
    return [
        Line2D([], [], linestyle="", color=colour, marker=marker, label=str(label))
        for label, colour, marker in zip(np.unique(labels), COLOURS, _MARKERS, strict=False)
    ]


def _words(plane: _Plane, labels: np.ndarray | None) -> list[Word]:
    classes = [] if labels is None else np.unique(labels).tolist()
    middles = [np.median(plane.points[labels == label], axis=0) for label in classes]
    return [Word(plain(str(label)), float(x), float(y)) for label, (x, y) in zip(classes, middles, strict=True)]
