r"""How alike the latents of two methods are, whatever turns, shifts or scales them as a whole.

    \text{CKA}(X, Y) = \frac{\lVert Y^\top X \rVert_F^2}{\lVert X^\top X \rVert_F \, \lVert Y^\top Y \rVert_F}

of latents X and Y of the same examples, each column centred: 1 for latents that differ by a rotation, a shift and a
factor, 0 for those without any linear relation. Latents of different sizes compare. With few examples for the size of
the latents it is above 0 for independent ones: about the larger size divided by the number of examples.

Reference: Kornblith, Norouzi, Lee & Hinton, Similarity of Neural Network Representations Revisited, 2019, equation 3.
"""

import itertools
from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Float

from ae_jax.errors import UserError
from ae_jax.results.runs import Run

Latents = Float[np.ndarray, "examples _"]


def linear_cka(x: Latents, y: Latents) -> float | None:
    """Linear centred kernel alignment, in [0, 1]; None where a latent is the same for all examples.

    Args:
        x: Latents of examples.
        y: Other latents of the same examples, in the same order.
    """
    x, y = (_normalised(one) for one in (x, y))
    total = _alignment(x, x) * _alignment(y, y)
    return None if not total > 0 else float(min(_alignment(x, y) / np.sqrt(total), 1.0))


def between(ones: Sequence[Run], others: Sequence[Run]) -> list[float]:
    """CKA of the latents of each pair of different runs, one of each group; a pair counts once."""
    pairs = {tuple(sorted((id(one), id(other)))): (one, other) for one in ones for other in others if one is not other}
    return _known(linear_cka(_latents(one), _latents(other)) for one, other in pairs.values())


def beside_pca(runs: Sequence[Run]) -> list[float]:
    """CKA of the latents of each run, and the coordinates of the PCA beside it."""
    return _known(linear_cka(_latents(run), run.folder.latents["pca"]) for run in runs)


def require_same_examples(runs: Sequence[Run]) -> None:
    """Refuse runs whose latents are not of the same examples.

    Raises:
        UserError: It names two of them.
    """
    for one, other in itertools.pairwise(runs):
        if len(_latents(one)) != len(_latents(other)) or one.data != other.data:
            problem = f"have latents of other examples: {one.name} and {other.name}"
            raise UserError("runs", problem, "choose runs on the same data and split")


def _latents(run: Run) -> Latents:
    return run.folder.latents["autoencoder"]


def _known(found: Iterable[float | None]) -> list[float]:
    return [one for one in found if one is not None]


def _normalised(latents: Latents) -> Float[np.ndarray, "examples _"]:
    """Centred, and of a size at which squares of squares stay in float64."""
    centred = latents.astype(np.float64) - latents.mean(axis=0, dtype=np.float64)
    return centred / (np.abs(centred).max(initial=0) or 1.0)


def _alignment(x: Float[np.ndarray, "examples _"], y: Float[np.ndarray, "examples _"]) -> float:
    """||Y'X||² by features, or as a sum over pairs of examples where latents are larger than those are many."""
    if x.shape[1] * y.shape[1] > len(x) ** 2:
        return float(np.sum((x @ x.T) * (y @ y.T)))
    return float(np.sum((y.T @ x) ** 2))
