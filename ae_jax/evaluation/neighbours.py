r"""Nearest neighbours, exactly: candidates by products, their order by differences.

    \lVert q - r \rVert^2 = \lVert q \rVert^2 - 2 \langle q, r \rangle + \lVert r \rVert^2

The right side is a matrix product, and loses digits where distances are short beside norms. So some more candidates are
taken by it than are asked for, and those are ordered by the left side, which loses none.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Real

_SPARE = 8  # candidates beside the neighbours: as many as rounding may confuse
_QUERIES = 256  # at once: with 60,000 references that is 60 MB of products


def nearest(
    queries: Real[np.ndarray, "queries features"],
    references: Real[np.ndarray, "references features"],
    *,
    num_neighbors: int,
    num_rows: int = _QUERIES,
) -> Int[np.ndarray, "queries neighbors"]:
    """The nearest references of each query by the Euclidean distance, the nearest first.

    Of references that are equally far away, those that stand first come first.

    Args:
        queries: In any units.
        references: In the same, at least as many as neighbours.
        num_neighbors: How many are wanted.
        num_rows: Queries in one call of the compiled program; it changes no result.

    Returns:
        Their positions in `references`.

    Raises:
        ValueError: If there are fewer references.
    """
    if not 1 <= num_neighbors <= len(references):
        raise ValueError(f"expected 1 to {len(references)} neighbours, got {num_neighbors}")
    centre = references.mean(axis=0, dtype=np.float64)
    near, asked = (jnp.asarray((rows - centre).astype(np.float32)) for rows in (references, queries))
    squares = jnp.sum(near**2, axis=1)
    num_candidates, found = min(num_neighbors + _SPARE, len(references)), []
    for start in range(0, len(queries), num_rows):
        rows = asked[start : start + num_rows]
        padded = jnp.pad(rows, ((0, num_rows - len(rows)), (0, 0)))
        places = _nearest(padded, near, squares, num_candidates=num_candidates, num_neighbors=num_neighbors)
        found.append(np.asarray(places)[: len(rows)])
    return np.concatenate(found) if found else np.zeros((0, num_neighbors), np.int32)


@partial(jax.jit, static_argnames=("num_candidates", "num_neighbors"))
def _nearest(
    queries: Float[Array, "queries features"],
    references: Float[Array, "references features"],
    squares: Float[Array, " references"],
    *,
    num_candidates: int,
    num_neighbors: int,
) -> Int[Array, "queries neighbors"]:
    """`jax.lax.top_k` puts the first of equal ones first, so candidates stand in the order of the references."""
    with jax.default_matmul_precision("highest"):
        closeness = 2 * queries @ references.T - squares[None]
    candidates = jnp.sort(jax.lax.top_k(closeness, num_candidates)[1], axis=1)
    distances = jnp.sum((references[candidates] - queries[:, None]) ** 2, axis=2)
    order = jax.lax.top_k(-distances, num_neighbors)[1]
    return jnp.take_along_axis(candidates, order, axis=1)
