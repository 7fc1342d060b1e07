"""Training and validation loss, validation error against PCA's, and what the objective is made of, over epochs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ae_jax.config.naming import short_target
from ae_jax.figures.parts.about import write_about
from ae_jax.figures.parts.epochs import scale_epochs
from ae_jax.figures.style import AUTOENCODER, LOOKS, NEUTRAL, PCA, plain_log_ticks, set_margins
from ae_jax.runs.folder import RunFolder
from ae_jax.runs.measures import competitor_name, is_distortion_alone

_ROUNDING = 1e-9  # part of the autoencoder's error


def draw(run: RunFolder) -> Figure:
    """Panels of the objective in its own units, of the squared error in those of the comparison, and of the terms.

    Where the objective is the loss alone, there are no terms to show.
    """
    epochs = [record["epoch"] for record in run.metrics]
    terms, name = _terms(run), short_target(run.config["objective"]["_target_"])
    alone = is_distortion_alone(terms, name)
    figure = Figure(figsize=(8 if alone else 12, 3.2))
    panels = figure.subplots(1, 2 if alone else 3, gridspec_kw={"wspace": 0.33})
    loss_axes, error_axes, *others = panels
    set_margins(figure)
    marker = "o" if len(epochs) == 1 else ""
    for key, label, colour, line in (
        ("train_loss", "training", NEUTRAL, "--"),
        ("validation_loss", "validation", AUTOENCODER, "-"),
    ):
        loss_axes.plot(epochs, [r[key] for r in run.metrics], color=colour, linestyle=line, marker=marker, label=label)
    what = f"loss ({run.summary['training']['loss']})" if alone else "objective"
    loss_axes.set(xlabel="epoch", ylabel=what, title="training and validation split")
    sse = [record["validation_sse"] for record in run.metrics]
    error_axes.plot(epochs, sse, color=AUTOENCODER, marker=marker, label="autoencoder")
    error_axes.set(xlabel="epoch", ylabel="squared error per example (sse)", title="validation split")
    lowest = min((error for error in sse if error is not None), default=0.0)
    _draw_pca(error_axes, run.summary["pca"], lowest=lowest)
    if lowest > 0:
        error_axes.set_yscale("log")
        plain_log_ticks(error_axes.yaxis)
    for axes in others:
        _draw_terms(axes, run, terms, marker)
    for axes in panels:
        scale_epochs(axes, max(epochs, default=1))
        axes.legend()
    write_about(figure, run, "training and validation split")
    return figure


def _terms(run: RunFolder) -> list[str]:
    """Terms that metrics.jsonl has on the validation split; of a run that was trained before there were any, none."""
    names = [key.partition("_")[2] for key in (run.metrics or [{}])[-1] if key.startswith("validation_")]
    return [name for name in names if name not in ("loss", "sse")]


def _draw_terms(axes: Axes, run: RunFolder, terms: Sequence[str], marker: str) -> None:
    """A line for each term, logarithmic where all are positive."""
    epochs, drawn = [record["epoch"] for record in run.metrics], list[float]()
    for number, term in enumerate(terms):
        values = np.array([record.get(f"validation_{term}") for record in run.metrics], float)
        look = LOOKS[number % len(LOOKS)]
        axes.plot(epochs, values, color=look.colour, linestyle=look.line, marker=marker, label=term.replace("_", " "))
        drawn += values[np.isfinite(values)].tolist()
    axes.set(xlabel="epoch", ylabel="terms of the objective", title="validation split")
    if drawn and min(drawn) > 0:
        axes.set_yscale("log")
        plain_log_ticks(axes.yaxis)


def _draw_pca(axes: Axes, pca: dict[str, Any], *, lowest: float) -> None:
    """A line at PCA's error; beside positive errors, which are logarithmic, an error of 0 or rounding has no place."""
    error, label = pca["validation"]["sse"], competitor_name(pca)
    if lowest > 0 and error <= _ROUNDING * lowest:
        axes.plot([], [], color=PCA, linestyle=":", label=f"{label}, below the axis")
    else:
        axes.axhline(error, color=PCA, linestyle=":", label=label)
