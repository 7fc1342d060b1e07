"""The columns of an affine decoder: what each latent number adds to a reconstruction."""

import math

import numpy as np
from matplotlib.figure import Figure

from ae_jax.figures.parts.about import write_about
from ae_jax.figures.parts.images import is_image
from ae_jax.figures.style import DPI
from ae_jax.runs.folder import RunFolder

_ACROSS, _EDGE, _GAP, _HIGHEST = 16, 10, 1, 1200  # columns in a row; dots around; pixels between; most dots


def fits(run: RunFolder) -> bool:
    """Whether its decoder is affine, of images of one channel."""
    if not (run.path / "columns.npz").exists():
        return False
    columns = run.columns["columns"]
    return is_image(columns) and columns.ndim == 3


def draw(run: RunFolder) -> Figure:
    """A grid of those that add most, the largest first; each from blue to red, white at 0, by its largest number."""
    columns = run.columns["columns"].astype(np.float64)
    largest = np.abs(columns).max(axis=(1, 2), keepdims=True)
    scaled = columns / np.where(largest > 0, largest, 1)
    across = min(_ACROSS, len(scaled))
    down = math.ceil(len(scaled) / across)
    filled = np.pad(scaled, [(0, across * down - len(scaled)), (0, 0), (0, 0)])
    framed = np.pad(filled, [(0, 0), (0, _GAP), (0, _GAP)], constant_values=np.nan)
    height, width = framed.shape[1:]
    picture = framed.reshape(down, across, height, width).swapaxes(1, 2).reshape(down * height, across * width)
    zoom = max(1, min(800 // picture.shape[1], _HIGHEST // picture.shape[0], 6))
    high, wide = (zoom * size for size in picture.shape)
    all_high, all_wide = high + 2 * _EDGE, max(wide, 4 * DPI) + 2 * _EDGE
    figure = Figure(figsize=(all_wide / DPI, all_high / DPI), dpi=DPI)
    axes = figure.add_axes((_EDGE / all_wide, _EDGE / all_high, wide / all_wide, high / all_high))
    axes.imshow(picture, cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest", aspect="auto")
    axes.set_axis_off()
    write_about(figure, run, f"decoder columns, the {len(columns)} that add most on the test split")
    return figure
