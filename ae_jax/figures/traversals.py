"""Traversals: what decoders make of a latent of which one dimension moves."""

from typing import Annotated

from annotated_types import Ge
from matplotlib.figure import Figure

from ae_jax.figures.parts.generated import chosen, examples_of, rows_of, table
from ae_jax.figures.parts.image_table import Cell, Row
from ae_jax.results import Results

_MOVES = "from 2.5 standard deviations below the mean of training latents to as many above, others at their means"


def draw(results: Results, /, *, num_dimensions: Annotated[int, Ge(1)], rows: list[str]) -> Figure:
    """A row for each latent dimension of each autoencoder, and for each component of its PCA, below test examples.

    Those dimensions are shown that move the image most.

    Args:
        results: Runs that were asked: `scripts/evaluate.py RUNS evaluation=generation`.
        num_dimensions: How many dimensions of each, at most 16.
        rows: Keys of the config whose values make rows of their own.

    Raises:
        UserError: If no run was asked, or examples are no images.
    """
    shown, notes = chosen(results, ["traversals", "dimensions"], rows)
    num_steps = shown[0].array("traversals").shape[1]
    inputs = examples_of(shown, num_steps)
    made = [Row((inputs,), (Cell("test examples"), Cell()), (Cell(),))]
    for one in shown:
        numbers = [(Cell(f"{place + 1}", one.colour),) for place in one.array("dimensions").tolist()]
        made += rows_of(one, list(one.array("traversals")[:num_dimensions]), numbers)
    return table(made, (Cell("latent\ndimension"),), [f"{results.datasets[0]}, training split", _MOVES, *notes])
