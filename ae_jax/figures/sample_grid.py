"""Samples: what decoders make of latents drawn from a density, of autoencoders and of PCA."""

from typing import Annotated, Literal

from annotated_types import Ge
from matplotlib.figure import Figure

from ae_jax.figures.parts.generated import Shown, answered_number, chosen, examples_of, rows_of, table
from ae_jax.figures.parts.image_table import Cell, Row
from ae_jax.figures.parts.images import aligned
from ae_jax.results import Results

_SUFFIXES = {"mixture": "", "gaussian": "_gaussian", "prior": "_prior"}
_WORDS = {
    "mixture": "latents drawn from a mixture of Gaussians, fitted to training latents",
    "gaussian": "latents drawn from a Gaussian, fitted to training latents",
    "prior": "latents drawn from the prior, of PCA that of probabilistic PCA",
}


def draw(
    results: Results,
    /,
    *,
    density: Literal["mixture", "gaussian", "prior"],
    num_examples: Annotated[int, Ge(1)],
    num_rows: Annotated[int, Ge(1)],
    nearest: bool,
    rows: list[str],
) -> Figure:
    """Rows of samples for each autoencoder, and for its PCA, below test examples.

    Beside them stands the Fréchet distance of all samples from the training split, in features of a small classifier;
    that of the test examples is the floor.

    Args:
        results: Runs that were asked: `scripts/evaluate.py RUNS evaluation=generation`.
        density: What latents are drawn from.
        num_examples: Columns.
        num_rows: Rows of each method.
        nearest: Whether the training example that is nearest to each sample of the mixture stands below it.
        rows: Keys of the config whose values make rows of their own.

    Raises:
        UserError: If no run was asked, none has such a density, or examples are no images.
    """
    name = f"samples{_SUFFIXES[density]}"
    shown, notes = chosen(results, [name], rows)
    measure = f"frechet_lenet{_SUFFIXES[density]}"
    floor = answered_number(shown[0].run, "real", "frechet_lenet")
    first, *numbers = aligned([floor, *(answered_number(one.run, one.method, measure) for one in shown)])
    inputs = examples_of(shown, num_examples)
    made = [Row((inputs,), (Cell("test examples"), Cell()), (Cell(first),))]
    with_nearest = nearest and density == "mixture"
    for one, number in zip(shown, numbers, strict=True):
        made += _rows(one, name, number, len(inputs), num_rows, with_nearest)
    said = [f"{results.datasets[0]}, test split", _WORDS[density]]
    said += ["below each sample the nearest training example"] if with_nearest else []
    return table(made, (Cell("Frechet\ndistance"),), [*said, *notes])


def _rows(one: Shown, name: str, number: str, columns: int, num_rows: int, with_nearest: bool) -> list[Row]:
    samples = one.array(name)
    num_rows = max(1, min(num_rows, len(samples) // columns))
    strips = []
    for at in range(num_rows):
        place = slice(at * columns, (at + 1) * columns)
        strips += [samples[place], *([one.array("nearest")[place]] if with_nearest else [])]
    return rows_of(one, strips, [(Cell(number, one.colour),), *[(Cell(),)] * (len(strips) - 1)])
