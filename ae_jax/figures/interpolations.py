"""Interpolations: what decoders make of latents on the line between those of two test images."""

from typing import Annotated

import numpy as np
from annotated_types import Ge
from matplotlib.figure import Figure

from ae_jax.figures.parts.generated import chosen, table
from ae_jax.figures.parts.image_table import Cell, Row
from ae_jax.results import Results


def draw(results: Results, /, *, num_pairs: Annotated[int, Ge(1)], rows: list[str]) -> Figure:
    """For each pair of test images a row of their means, pixel by pixel, and one for each autoencoder and for its PCA.

    Ends of the first row are the images themselves, those of the others their reconstructions.

    Args:
        results: Runs that were asked: `scripts/evaluate.py RUNS evaluation=generation`.
        num_pairs: How many pairs.
        rows: Keys of the config whose values make a row of their own.

    Raises:
        UserError: If no run was asked, or examples are no images.
    """
    shown, notes = chosen(results, ["interpolations"], rows)
    inputs, num_steps = shown[0].arrays["interpolations_inputs"], shown[0].array("interpolations").shape[1]
    made = list[Row]()
    for pair in range(min(num_pairs, len(shown[0].array("interpolations")))):
        blend = _blend(inputs[2 * pair], inputs[2 * pair + 1], num_steps)
        made.append(Row((blend,), (Cell("pixels"), Cell()), (), apart=pair > 0))
        made += [Row((one.array("interpolations")[pair],), one.cells(), ()) for one in shown]
    return table(made, (), [f"{results.datasets[0]}, test split", *notes])


def _blend(first: np.ndarray, second: np.ndarray, num_steps: int) -> np.ndarray:
    """Means of two images with weights from 0 to 1."""
    weights = np.linspace(0, 1, num_steps).reshape(-1, *(1,) * first.ndim)
    return (1 - weights) * first[None] + weights * second[None]
