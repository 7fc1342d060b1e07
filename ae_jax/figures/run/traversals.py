"""What the decoder makes of the mean latent of which one dimension moves, and PCA's components beside."""

from matplotlib.figure import Figure

from ae_jax.figures.parts.about import write_about
from ae_jax.figures.parts.images import is_image
from ae_jax.figures.run.reconstructions import draw_rows
from ae_jax.runs.folder import RunFolder

_DIMENSIONS = 5


def fits(run: RunFolder) -> bool:
    """Whether the run was asked to generate, and makes images."""
    arrays = run.answered("generation")
    return bool(arrays) and is_image(arrays["samples_real"])


def draw(run: RunFolder) -> Figure:
    """A row for test examples, and one for each of the dimensions, and of PCA's components, that move images most."""
    arrays = run.answered("generation")
    number = arrays["traversals_autoencoder"].shape[1]
    rows = {"input": arrays["samples_real"][:number]}
    for method, name in (("autoencoder", "dimension"), ("pca", "PCA component")):
        pairs = zip(arrays[f"traversals_{method}"], arrays[f"dimensions_{method}"].tolist(), strict=True)
        rows |= {f"{name} {place + 1}": images for images, place in list(pairs)[:_DIMENSIONS]}
    figure = draw_rows(rows)
    write_about(figure, run, "2.5 standard deviations of training latents to both sides of their mean")
    return figure
