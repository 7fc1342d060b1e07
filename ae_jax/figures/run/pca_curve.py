"""Test error of PCA at every number of components, with the autoencoder as a point."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ae_jax.figures.parts.about import write_about
from ae_jax.figures.style import AUTOENCODER, NEUTRAL, PCA, plain_log_ticks, set_margins
from ae_jax.runs.folder import RunFolder

_NO_TITLE = 0.97  # of the height: above it is a line of words
_FEW = 20  # numbers of components that are told apart on a linear axis
_ROUNDING = 1e-9  # part of the error of the mean alone


def draw(run: RunFolder) -> Figure:
    """Error against latent size; the distance between the point and the curve is what the autoencoder gains.

    The axis of errors is logarithmic, without what is rounding; linear and whole, from the mean alone on, where nothing
    else is left of PCA's curve or the autoencoder's error is 0.
    """
    pca, latent_size = run.summary["pca"], run.summary["model"]["latent_size"]
    curve, error = pca["test_sse_by_components"], run.summary["test"]["sse"]
    figure = Figure()
    axes = figure.subplots()
    set_margins(figure)
    figure.subplots_adjust(top=_NO_TITLE)
    few = len(curve) <= _FEW
    shown = [(size, sse) for size, sse in enumerate(curve) if size > 0 and sse > _ROUNDING * curve[0]]
    logarithmic = bool(shown) and error > 0
    if not logarithmic:
        shown = [(size, sse) for size, sse in enumerate(curve) if size > 0 or few]
    axes.plot(*zip(*shown, strict=True), color=PCA, linestyle=":", marker="." if few else "", label="PCA")
    axes.plot(latent_size, error, "o", color=AUTOENCODER, markersize=8, label="autoencoder", zorder=3)
    match = pca["components_to_match"]
    # Two decades below the autoencoder, PCA's curve falls to rounding and says nothing: cut both axes there.
    floor = max(min(sse for _, sse in shown), error / 100) if logarithmic else 0.0
    lowest, highest = 0.7 * min(floor, error), 1.4 * max(curve[0], error)
    last = max([size for size, sse in shown if sse >= lowest] + [latent_size, match or 0])
    axes.set(
        xlabel="latent size (number of components)",
        ylabel="squared error per example (sse)",
    )
    if few:
        axes.set(xlim=(shown[0][0] - 0.5, last + 0.5))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    else:
        axes.set(xscale="log", xlim=(0.9, last * 1.15))
        plain_log_ticks(axes.xaxis)
    if logarithmic:
        axes.set(yscale="log", ylim=(lowest, highest))
        plain_log_ticks(axes.yaxis)
    else:
        axes.set(ylim=(-0.05 * (highest or 1.0), highest or 1.0))
    if match is not None and match > latent_size:
        _draw_match(axes, latent_size, match, error)
    axes.legend(loc="lower left" if logarithmic else "upper right")
    write_about(figure, run, f"test split, {run.summary['dataset']['counts']['test']} examples")
    return figure


def _draw_match(axes: Axes, latent_size: int, match: int, error: float) -> None:
    """A line from the autoencoder to the curve, and what it means, on the side where there is room for it."""
    axes.plot([latent_size, match], [error, error], color=NEUTRAL, linewidth=1)
    right_end = axes.transAxes.inverted().transform(axes.transData.transform((match, error)))[0]
    offset, va, ha = ((6, 2), "bottom", "left") if right_end < 0.75 else ((0, -6), "top", "right")
    axes.annotate(f"PCA needs {match}", (match, error), xytext=offset, textcoords="offset points", va=va, ha=ha)
