"""Test examples as pictures: which of those that runs keep, and what they have in common."""

import math
from collections.abc import Sequence

import numpy as np

from ae_jax.errors import UserError
from ae_jax.results.runs import Run


def is_image(examples: np.ndarray) -> bool:
    """Whether examples, shape "examples *feature_shape", are grey or colour images."""
    shape = examples.shape[1:]
    return len(shape) == 2 or (len(shape) == 3 and shape[-1] in (1, 3))


def require_same_images(runs: Sequence[Run]) -> None:
    """Refuse examples that are no images, or that are not the same in all runs.

    Raises:
        UserError: It says what to draw or choose instead.
    """
    first = runs[0].folder.reconstructions["x"]
    if not is_image(first):
        problem = f"{runs[0].dataset} has no images (feature_shape {list(first.shape[1:])})"
        raise UserError("figure", problem, "draw figure=latent_vs_pca or figure=learning_curves instead")
    for run in runs[1:]:
        if not np.array_equal(run.folder.reconstructions["x"], first):
            problem = f"{runs[0].name} and {run.name} have different test examples"
            cut = {len(one.folder.reconstructions.get("indices", ())) for one in (runs[0], run)}
            remedy = 'choose one split with where="dataset.split_seed=…"'
            if len(cut) > 1:  # of runs from before and since one of each class is kept
                remedy = "delete the older reconstructions.npz, and make it again with scripts/evaluate.py RUN --fill"
            raise UserError("runs", problem, remedy)


def one_of_each_class(run: Run, num_examples: int) -> tuple[np.ndarray, str]:
    """The places, among the examples that a run keeps, of the first of each class; of the first ones without labels.

    Args:
        run: A run with reconstructions.
        num_examples: How many places at most.

    Returns:
        The places, by class, and a note on what they are.
    """
    arrays, labels = run.folder.reconstructions, run.folder.latents.get("labels")
    num = len(arrays["x"])
    indices = arrays.get("indices", np.arange(num))
    if labels is None or indices.max() >= len(labels):
        return np.arange(min(num_examples, num)), ""
    classes, places = np.unique(labels[indices], return_index=True)
    shown, known = min(len(classes), num_examples), len(np.unique(labels))
    note = "one example of each class" if shown == known else f"one example of each of {shown} of {known} classes"
    if len(classes) == shown < known:
        note += ", as no others are kept"
    return places[:num_examples], note


def aligned(numbers: Sequence[float | None]) -> list[str]:
    """Numbers with the same decimals, so that their points stand below each other: three digits of the smallest.

    There are at most four decimals. A number that those would make 0 has its power of ten, as all have where they are
    too large or too small for that. Nothing for None.
    """
    sizes = [abs(number) for number in numbers if number]
    if sizes and (max(sizes) >= 1e5 or max(sizes) < 1e-2):
        return ["" if number is None else f"{number:.2e}" for number in numbers]
    decimals = min(max(2 - math.floor(math.log10(min(sizes))), 0), 4) if sizes else 0
    lost = 0.5 * 10**-decimals
    return [
        "" if number is None else f"{number:.0e}" if 0 < abs(number) < lost else f"{number:.{decimals}f}"
        for number in numbers
    ]


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
