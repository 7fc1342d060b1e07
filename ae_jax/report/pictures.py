"""Reconstructions for the page: images as one small PNG, anything else as values to draw lines from."""

import base64
import io
from typing import Any

import numpy as np

from ae_jax.errors import UserError
from ae_jax.results.runs import Run
from ae_jax.runs.measures import competitor_name, is_limited

_MOST_EXAMPLES, _MOST_PROFILES, _MOST_FEATURES = 10, 4, 200
_MOST_VALUES = 30_000  # of one row of a picture; large images have fewer examples


def reconstructions(run: Run) -> dict[str, Any]:
    """Test examples and what the autoencoder and PCA make of them.

    Returns:
        `labels` of the rows, and either `png` (base64) with the number of its `columns`, or `profiles`: for each row
        the values of some examples, over `features`. Where there is nothing to show, only `problem`, which says why.
    """
    try:
        arrays = run.folder.reconstructions
    except UserError as error:
        return {"problem": f"{run.folder.path.name}/{error.subject.rpartition('/')[2]}: {error.problem}"}
    pca = run.summary["pca"]
    competitor = competitor_name(pca) if is_limited(pca) else "PCA"
    names = {"x": "input", "corrupted": "corrupted", "autoencoder": "autoencoder", "pca": competitor}
    if not run.summary.get("corrupted"):
        del names["corrupted"]
    rows = {label: np.nan_to_num(arrays[name]) for name, label in names.items() if name in arrays}
    if len(rows) < len(names) or len({row.shape for row in rows.values()}) > 1 or not next(iter(rows.values())).size:
        return {"problem": "reconstructions.npz does not hold the same examples for each method"}
    stacked = np.stack(list(rows.values())).astype(np.float32)
    shown = _image(stacked) if _are_images(stacked.shape[2:]) else _profiles(stacked)
    return {"labels": list(rows), **shown}


def _are_images(shape: tuple[int, ...]) -> bool:
    return len(shape) == 2 or (len(shape) == 3 and shape[-1] in (1, 3))


def _image(rows: np.ndarray) -> dict[str, Any]:
    """Rows of shape "rows examples height width [colours]", from black to white as the inputs in the first row."""
    from PIL import Image

    examples = min(max(_MOST_VALUES // rows[0, 0].size, 2), _MOST_EXAMPLES, rows.shape[1])
    rows = rows[:, :examples].astype(np.float64)
    low, high = float(rows[0].min()), float(rows[0].max())
    # Zero is kept for the space between the examples, which is transparent.
    pixels = 1 + np.rint(254 * (np.clip(rows, low, high) - low) / ((high - low) or 1.0)).astype(np.uint8)
    pixels = pixels.reshape(*pixels.shape[:4], -1)
    gap = max(1, max(pixels.shape[2:4]) // 10)
    spaced = np.pad(pixels, [(0, 0), (0, 0), (0, gap), (0, gap), (0, 0)])
    num_rows, columns, height, width, colours = spaced.shape
    picture = spaced.swapaxes(1, 2).reshape(num_rows * height, columns * width, colours)
    grey = colours == 1
    file = io.BytesIO()
    Image.fromarray(picture[..., 0] if grey else picture).save(file, "PNG", transparency=0 if grey else (0, 0, 0))
    return {"png": base64.b64encode(file.getvalue()).decode(), "columns": columns}


def _profiles(rows: np.ndarray) -> dict[str, Any]:
    flat = rows.reshape(*rows.shape[:2], -1)[:, :_MOST_PROFILES]
    features = np.unique(np.linspace(0, flat.shape[2] - 1, _MOST_FEATURES).round().astype(int))
    return {"features": features.tolist(), "profiles": flat[..., features].tolist()}
