"""Training and validation loss, and validation error against PCA's, over epochs."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ae_jax.figures.parts.about import write_about
from ae_jax.figures.parts.epochs import scale_epochs
from ae_jax.figures.style import AUTOENCODER, NEUTRAL, PCA, plain_log_ticks, set_margins
from ae_jax.runs.folder import RunFolder

_ROUNDING = 1e-9  # part of the autoencoder's error


def draw(run: RunFolder) -> Figure:
    """Two panels: the objective in its own units, and the squared error in the units of the comparison."""
    epochs = [record["epoch"] for record in run.metrics]
    figure = Figure(figsize=(8, 3.2))
    loss_axes, error_axes = figure.subplots(1, 2, gridspec_kw={"wspace": 0.33})
    set_margins(figure)
    marker = "o" if len(epochs) == 1 else ""
    for key, label, colour, line in (
        ("train_loss", "training", NEUTRAL, "--"),
        ("validation_loss", "validation", AUTOENCODER, "-"),
    ):
        loss_axes.plot(epochs, [r[key] for r in run.metrics], color=colour, linestyle=line, marker=marker, label=label)
    loss_axes.set(
        xlabel="epoch", ylabel=f"loss ({run.summary['training']['loss']})", title="training and validation split"
    )
    sse = [record["validation_sse"] for record in run.metrics]
    error_axes.plot(epochs, sse, color=AUTOENCODER, marker=marker, label="autoencoder")
    error_axes.set(xlabel="epoch", ylabel="squared error per example (sse)", title="validation split")
    lowest = min((error for error in sse if error is not None), default=0.0)
    _draw_pca(error_axes, run.summary["pca"], lowest=lowest)
    if lowest > 0:
        error_axes.set_yscale("log")
        plain_log_ticks(error_axes.yaxis)
    for axes in (loss_axes, error_axes):
        scale_epochs(axes, max(epochs, default=1))
        axes.legend()
    write_about(figure, run, "training and validation split")
    return figure


def _draw_pca(axes: Axes, pca: dict[str, Any], *, lowest: float) -> None:
    """A line at PCA's error; beside positive errors, which are logarithmic, an error of 0 or rounding has no place."""
    number, error = pca["num_components"], pca["validation"]["sse"]
    label = f"PCA, {number} component{'' if number == 1 else 's'}"
    if lowest > 0 and error <= _ROUNDING * lowest:
        axes.plot([], [], color=PCA, linestyle=":", label=f"{label}, below the axis")
    else:
        axes.axhline(error, color=PCA, linestyle=":", label=label)
