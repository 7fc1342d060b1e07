"""Test examples, and what the autoencoder and PCA make of them, side by side."""

import math

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ae_jax.figures.parts.about import write_about
from ae_jax.figures.parts.images import is_image, mosaic
from ae_jax.figures.style import AUTOENCODER, DPI, NEUTRAL, PCA, set_margins
from ae_jax.runs.folder import RunFolder
from ae_jax.runs.measures import competitor_name

_LABELS, _EDGE = 192, 10  # dots: width of the labels, empty space on the other sides and beside the labels


def draw(run: RunFolder) -> Figure:
    """A row for inputs, for corrupted inputs if there are any, and for each method; a column for each example."""
    arrays, pca = run.reconstructions, run.summary["pca"]
    latent_size = run.summary["model"]["latent_size"]
    rows = {"input": arrays["x"]}
    if run.summary["corrupted"]:
        rows["corrupted"] = arrays["corrupted"]
    rows[f"autoencoder\n{latent_size} latent"] = arrays["autoencoder"]
    rows["\n".join(competitor_name(pca).split(", ", 1))] = arrays["pca"]
    figure = draw_rows(rows)
    write_about(figure, run, "test split")
    return figure


def draw_rows(rows: dict[str, np.ndarray]) -> Figure:
    """Rows of examples by their labels, of which the first is the inputs: as images, or as lines over features."""
    return _images(rows) if is_image(rows["input"]) else _profiles(rows)


def _images(rows: dict[str, np.ndarray]) -> Figure:
    """One picture of all examples, in which a pixel is a whole number of dots wide, unless the examples are large."""
    height, width = rows["input"].shape[1:3]
    longest = max(height, width)
    zoom = min(math.ceil(96 / longest), 192 / longest)
    gap = math.ceil(longest / 10)
    picture = mosaic(np.stack(list(rows.values())), gap)
    high, wide = (round(zoom * size) for size in picture.shape[:2])
    all_high, all_wide = high + 2 * _EDGE, _LABELS + wide + _EDGE
    figure = Figure(figsize=(all_wide / DPI, all_high / DPI), dpi=DPI)
    axes = figure.add_axes((_LABELS / all_wide, _EDGE / all_high, wide / all_wide, high / all_high))
    axes.imshow(picture, vmin=0, vmax=1, interpolation="nearest", aspect="auto")
    axes.set_axis_off()
    beside = axes.get_yaxis_transform()
    for index, label in enumerate(rows):
        middle = (height - 1) / 2 + index * (height + gap)
        axes.text(-_EDGE / wide, middle, label, transform=beside, ha="right", va="center", fontsize="small")
    return figure


def _profiles(rows: dict[str, np.ndarray]) -> Figure:
    """Examples that are no images: each method's values over the features, in one panel an example."""
    examples = {label: values.reshape(len(values), -1)[:4] for label, values in rows.items()}
    num_panels = len(next(iter(examples.values())))
    figure = Figure(figsize=(6.5, 1.3 * num_panels + 0.6))
    grid = figure.subplots(num_panels, 1, sharex=True, squeeze=False)[:, 0]
    set_margins(figure)
    colours = {"input": NEUTRAL, "autoencoder": AUTOENCODER, "PCA": PCA}
    marker = "o" if examples["input"].shape[1] == 1 else ""
    for index, axes in enumerate(grid):
        for label, values in examples.items():
            kind = label.split("\n")[0]
            style = {"input": "-", "autoencoder": "--", "PCA": ":"}.get(kind, "-.")
            axes.plot(
                values[index], style, marker=marker, color=colours.get(kind, "#999999"), label=label.replace("\n", ", ")
            )
        axes.set_ylabel(f"example {index + 1}")
    grid[-1].set_xlabel("feature")
    grid[-1].xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    grid[0].legend(ncols=len(examples), loc="lower right", bbox_to_anchor=(1.0, 1.0), fontsize="small")
    return figure
