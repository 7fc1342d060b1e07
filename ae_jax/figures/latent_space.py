"""Test examples in the latent space of the autoencoder and in that of PCA, side by side."""

from typing import Any, Literal, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from ae_jax.errors import UserError
from ae_jax.figures.parts.common import left_out_text, legend_above, plain
from ae_jax.figures.parts.selection import best_run, best_run_text
from ae_jax.figures.style import AUTOENCODER, figure_size
from ae_jax.results import Results
from ae_jax.results.configurations import configurations

# The ten colours of Petroff 2021, arXiv:2107.02270, which can be told apart with any colour vision. Without colour,
# markers differ, and each class has its name at its middle.
_COLOURS = (
    "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd",
)  # fmt: skip
_MARKERS = "os^Dv<>pPX"
# Inches: a figure in which panels stand one below the other; the height of titles and names of axes.
_NARROW, _WORDS = 4.5, 0.3


class _Plane(NamedTuple):
    """Latents in two dimensions, shape "examples 2", and what these are."""

    points: np.ndarray
    names: tuple[str, str]


def draw(results: Results, /, *, projection: Literal["pca", "first_two"]) -> Figure:
    """Two panels: latents of the run with the lowest validation sse, and PCA's with as many components.

    Examples are those of the test split that the run kept. Up to ten labels have a colour and a marker each, and their
    value stands at the median of their examples; otherwise all examples have one colour.

    Args:
        results: Runs, of which the best has at least two latent dimensions.
        projection: "pca": more than two latents are projected onto their two leading principal directions, of the
            shown examples; "first_two": the first two latents as they are.

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
    labels, notes = _labels(latents.get("labels"))
    width, _ = figure_size()
    if width < _NARROW:
        figure = Figure(figsize=(width, 1.5 * width))
        first, second = figure.subplots(2, 1)
    else:
        figure = Figure(figsize=(width, width / 2 + _WORDS))
        first, second = figure.subplots(1, 2)
    _draw_panel(first, _autoencoder(latents["autoencoder"], projection), labels)
    first.set_title(f"{plain(str(run.settings['model']))} autoencoder, test sse {run.summary['test']['sse']:.3g}")
    _draw_panel(second, _pca(latents["pca"]), labels)
    second.set_title(f"PCA, test sse {run.summary['pca']['test']['sse']:.3g}")
    shown = f"{run.latent_size} latent dimensions, seed {run.seed}"
    notes = [f"{results.datasets[0]}, {len(latents['autoencoder'])} examples of the test split", shown, *notes]
    legend_above(figure, [], [*notes, best_run_text([found]), *left_out_text(results)])
    return figure


def _labels(labels: np.ndarray | None) -> tuple[np.ndarray | None, list[str]]:
    """Labels that can be told apart, and a note on what the figure makes of them."""
    if labels is None:
        return None, []
    number = len(np.unique(labels))
    if number > len(_COLOURS):
        return None, [f"{number} different labels, not shown"]
    return labels, ["labels stand at the median of their examples"]


def _autoencoder(latents: np.ndarray, projection: str) -> _Plane:
    size = latents.shape[1]
    if size == 2:
        return _Plane(latents, ("latent 1", "latent 2"))
    if projection == "first_two":
        return _Plane(latents[:, :2], (f"latent 1 of {size}", f"latent 2 of {size}"))
    centred = latents.astype(np.float64) - latents.mean(axis=0)
    variances, directions = np.linalg.eigh(centred.T @ centred)
    leading = directions[:, [-1, -2]]
    # Directions have no sign: their largest entry is made positive, so that the figure is the same everywhere.
    leading = leading * np.sign(leading[np.abs(leading).argmax(axis=0), [0, 1]])
    points = centred @ leading
    shares = 100 * variances[[-1, -2]] / max(float(variances.sum()), np.finfo(float).tiny)
    first, second = (f"principal direction ({share:.0f} % of variance)" for share in shares)
    return _Plane(points, (f"1st {first}", f"2nd {second}"))


def _pca(latents: np.ndarray) -> _Plane:
    """PCA's latents are projections onto principal directions as they are."""
    size = latents.shape[1]
    of = "" if size == 2 else f" of {size}"
    return _Plane(latents[:, :2], (f"component 1{of}", f"component 2{of}"))


def _draw_panel(axes: Axes, plane: _Plane, labels: np.ndarray | None) -> None:
    """One unit is as long in both directions, so that distances are what they are."""
    x, y = plane.points.T
    area = min(12.0, 6000 / max(len(x), 1)) * figure_size()[0] / 5.5
    style: dict[str, Any] = {"s": area, "alpha": 0.7, "linewidth": 0}
    if labels is None:
        axes.scatter(x, y, color=AUTOENCODER, marker="o", **style)
    else:
        classes = np.unique(labels)
        for label, colour, marker in zip(classes, _COLOURS, _MARKERS, strict=False):
            inside = labels == label
            axes.scatter(x[inside], y[inside], color=colour, marker=marker, label=str(label), **style)
        for label in classes:
            middle_x, middle_y = np.median(plane.points[labels == label], axis=0)
            outline = [withStroke(linewidth=2, foreground="white")]
            axes.text(middle_x, middle_y, plain(str(label)), ha="center", va="center", path_effects=outline, zorder=3)
    axes.set_aspect("equal", adjustable="datalim")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.set(xlabel=plane.names[0], ylabel=plane.names[1])
