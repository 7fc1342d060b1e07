"""Test examples as pictures."""

import numpy as np


def is_image(examples: np.ndarray) -> bool:
    """Whether examples, shape "examples *feature_shape", are grey or colour images."""
    shape = examples.shape[1:]
    return len(shape) == 2 or (len(shape) == 3 and shape[-1] in (1, 3))


def mosaic(examples: np.ndarray, gap: int) -> np.ndarray:
    """Examples of shape "rows columns height width [colours]" as one picture, from 0 to 1 as the inputs in row 0."""
    examples = examples.astype(np.float64)  # in which no difference of two float32 is too large
    low, high = float(examples[0].min()), float(examples[0].max())
    # Scaled here, as colour images are not scaled by imshow.
    shown = (np.clip(examples, low, high) - low) / ((high - low) or 1.0)
    shown = shown.reshape(*shown.shape[:4], -1)
    white = np.pad(shown, [(0, 0), (0, 0), (0, gap), (0, gap), (0, 0)], constant_values=1)
    rows, columns, height, width, colours = white.shape
    picture = white.swapaxes(1, 2).reshape(rows * height, columns * width, colours)[:-gap, :-gap]
    return picture[..., 0] if colours == 1 else picture
