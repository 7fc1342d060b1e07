"""Test examples, and what the autoencoder and PCA make of them, side by side."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ae_jax.figures.style import AUTOENCODER, NEUTRAL, PCA
from ae_jax.results.run_folder import RunFolder


def draw(run: RunFolder) -> Figure:
    """A row for inputs, for corrupted inputs if there are any, and for each method; a column for each example."""
    arrays, pca = run.reconstructions, run.summary["pca"]
    latent_size = run.summary["model"]["latent_size"]
    rows = {"input": arrays["x"]}
    if run.summary["corrupted"]:
        rows["corrupted"] = arrays["corrupted"]
    rows[f"autoencoder\n{latent_size} latent"] = arrays["autoencoder"]
    rows[f"PCA\n{pca['num_components']} component{'' if pca['num_components'] == 1 else 's'}"] = arrays["pca"]
    if _is_image(arrays["x"]):
        return _images(rows)
    return _profiles(rows)


def _is_image(examples: np.ndarray) -> bool:
    shape = examples.shape[1:]
    return len(shape) == 2 or (len(shape) == 3 and shape[-1] in (1, 3))


def _images(rows: dict[str, np.ndarray]) -> Figure:
    num_columns = len(next(iter(rows.values())))
    figure = Figure(figsize=(0.75 * num_columns + 1.2, 0.78 * len(rows) + 0.15))
    grid = figure.subplots(len(rows), num_columns, squeeze=False)
    low, high = (float(bound(rows["input"])) for bound in (np.min, np.max))
    for axes_row, (label, examples) in zip(grid, rows.items(), strict=True):
        for axes, example in zip(axes_row, examples, strict=True):
            # Scaled here, as colour images are not scaled by imshow.
            shown = (np.clip(example.squeeze(), low, high) - low) / max(high - low, 1e-12)
            axes.imshow(shown, vmin=0, vmax=1, interpolation="nearest")
            axes.set(xticks=[], yticks=[])
            axes.grid(visible=False)
            axes.spines[:].set_visible(False)
        _label(axes_row[0], label)
    return figure


def _profiles(rows: dict[str, np.ndarray]) -> Figure:
    """Examples that are no images: each method's values over the features, in one panel an example."""
    examples = {label: values.reshape(len(values), -1)[:4] for label, values in rows.items()}
    num_panels = len(next(iter(examples.values())))
    figure = Figure(figsize=(6.5, 1.3 * num_panels + 0.6))
    grid = figure.subplots(num_panels, 1, sharex=True, squeeze=False)[:, 0]
    colours = {"input": NEUTRAL, "autoencoder": AUTOENCODER, "PCA": PCA}
    for index, axes in enumerate(grid):
        for label, values in examples.items():
            kind = label.split("\n")[0]
            style = {"input": "-", "autoencoder": "--", "PCA": ":"}.get(kind, "-.")
            axes.plot(values[index], style, color=colours.get(kind, "#999999"), label=label.replace("\n", ", "))
        axes.set_ylabel(f"example {index + 1}")
    grid[-1].set_xlabel("feature")
    grid[0].legend(ncols=len(examples), loc="lower center", bbox_to_anchor=(0.5, 1.0), fontsize="small")
    return figure


def _label(axes: Axes, text: str) -> None:
    axes.set_ylabel(text, rotation=0, ha="right", va="center", fontsize="small")
