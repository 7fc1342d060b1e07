"""Test error of PCA at every number of components, with the autoencoder as a point."""

from matplotlib.figure import Figure

from ae_jax.figures.style import AUTOENCODER, NEUTRAL, PCA, plain_log_ticks
from ae_jax.results.run_folder import RunFolder


def draw(run: RunFolder) -> Figure:
    """Error against latent size; the distance between the point and the curve is what the autoencoder gains."""
    pca, latent_size = run.summary["pca"], run.summary["model"]["latent_size"]
    curve, error = pca["test_sse_by_components"], run.summary["test"]["sse"]
    figure = Figure()
    axes = figure.subplots()
    shown = [(size, sse) for size, sse in enumerate(curve) if size > 0 and sse > 1e-9 * curve[0]]
    axes.plot(*zip(*shown, strict=True), color=PCA, label="PCA")
    axes.plot(latent_size, error, "o", color=AUTOENCODER, markersize=8, label="autoencoder")
    match = pca["components_to_match"]
    if match is not None and match > latent_size:
        axes.plot([latent_size, match], [error, error], color=NEUTRAL, linestyle=":", linewidth=1)
        axes.annotate(
            f"PCA needs {match}", (match, error), xytext=(6, 2), textcoords="offset points", va="bottom", ha="left"
        )
    smallest = min(sse for sse in [*curve, error] if sse > 1e-9 * curve[0])
    axes.set(
        xlabel="latent size (number of components)",
        ylabel="squared error per example (sse)",
        title=f"{run.summary['dataset']['name']}, test split, {run.summary['dataset']['counts']['test']} examples",
        xscale="log",
        yscale="log",
        ylim=(max(smallest, error / 100) * 0.7, max(curve[0], error) * 1.4),
    )
    plain_log_ticks(axes.xaxis)
    plain_log_ticks(axes.yaxis)
    axes.legend(loc="lower left")
    return figure
