"""What the decoder makes of latents that are drawn from the prior, beside what probabilistic PCA makes of its own."""

from matplotlib.figure import Figure

from ae_jax.figures.parts.about import write_about
from ae_jax.figures.run.reconstructions import draw_rows
from ae_jax.runs.folder import RunFolder


def fits(run: RunFolder) -> bool:
    """Whether the run has a prior."""
    return (run.path / "samples.npz").exists()


def draw(run: RunFolder) -> Figure:
    """A row for test examples, and one for the means of each method, which have no noise of their own."""
    samples, inputs = run.samples, run.reconstructions["x"]
    number = min(len(inputs), len(samples["autoencoder"]))
    rows = {"input": inputs[:number], "autoencoder\nsamples": samples["autoencoder"][:number]}
    if "pca" in samples:
        rows["PCA\nsamples"] = samples["pca"][:number]
    figure = draw_rows(rows)
    write_about(figure, run, "means of samples")
    return figure
