"""What the decoder makes of latents drawn from a mixture of Gaussians fitted to training latents, and PCA's beside."""

from matplotlib.figure import Figure

from ae_jax.figures.parts.about import write_about
from ae_jax.figures.run.reconstructions import draw_rows
from ae_jax.runs.folder import RunFolder

_COLUMNS = 10


def fits(run: RunFolder) -> bool:
    """Whether the run was asked to generate."""
    return run.evaluation("generation").exists()


def draw(run: RunFolder) -> Figure:
    """A row for test examples, and two for the samples of each method."""
    arrays, rows = run.answered("generation"), {}
    rows["input"] = arrays["samples_real"][:_COLUMNS]
    number = len(rows["input"])
    for method, name in (("autoencoder", "autoencoder"), ("pca", "PCA")):
        samples = arrays[f"samples_{method}"]
        rows[f"{name}\nsamples"] = samples[:number]
        if len(samples) >= 2 * number:
            rows[f"{name}\nmore samples"] = samples[number : 2 * number]
    figure = draw_rows(rows)
    write_about(figure, run, "samples from a mixture of Gaussians fitted to training latents")
    return figure
