r"""Nearest neighbours, exactly: candidates by products, their order by differences.

    \lVert q - r \rVert^2 = \lVert q \rVert^2 - 2 \langle q, r \rangle + \lVert r \rVert^2

The right side is a matrix product, and loses digits where distances are short beside norms. So some more candidates are
taken by it than are asked for, and those are ordered by the left side, which loses none.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Integer, Real

_SPARE = 8  # candidates beside the neighbours: as many as rounding may confuse
_QUERIES = 256  # at once: with 60,000 references that is 60 MB of products


class Neighbours(NamedTuple):
    """The nearest of some points to each of some queries.

    Attributes:
        distances: Ascending.
        places: Of those points.
    """

    distances: Float[np.ndarray, "queries neighbors"]
    places: Int[np.ndarray, "queries neighbors"]


def nearest(
    points: Real[np.ndarray, "points features"],
    queries: Real[np.ndarray, "queries features"],
    num_neighbors: int,
    *,
    num_rows: int = _QUERIES,
) -> Neighbours:
    """The nearest points to each query by the Euclidean distance; of those equally far away, the first first.

    Args:
        points: In any units, at least as many as neighbours.
        queries: In the same.
        num_neighbors: How many are wanted.
        num_rows: Queries in one call of the compiled program; it changes no result.

    Raises:
        ValueError: If there are fewer points.
    """
    if not 1 <= num_neighbors <= len(points):
        raise ValueError(f"expected 1 to {len(points)} neighbours, got {num_neighbors}")
    centre = points.mean(axis=0, dtype=np.float64)
    near, asked = (jnp.asarray((rows - centre[None]).astype(np.float32)) for rows in (points, queries))
    squares = jnp.sum(near**2, axis=1)
    num_candidates, found = min(num_neighbors + _SPARE, len(points)), []
    for start in range(0, len(queries), num_rows):
        rows = asked[start : start + num_rows]
        padded = jnp.pad(rows, ((0, num_rows - len(rows)), (0, 0)))
        made = _nearest(padded, near, squares, num_candidates=num_candidates, num_neighbors=num_neighbors)
        found.append([np.asarray(one)[: len(rows)] for one in made])
    if not found:
        return Neighbours(np.zeros((0, num_neighbors), np.float32), np.zeros((0, num_neighbors), np.int32))
    return Neighbours(*map(np.concatenate, zip(*found, strict=True)))


def nearest_labels(
    train: Real[np.ndarray, "train features"],
    labels: Integer[np.ndarray, " train"],
    queries: Real[np.ndarray, "queries features"],
    num_neighbors: int,
    num_classes: int,
) -> Integer[np.ndarray, " queries"]:
    """The class that most of the nearest training points of each query have; of several as frequent the smallest.

    Args:
        train: Shape "train features".
        labels: Their classes, from 0, shape "train".
        queries: Shape "queries features".
        num_neighbors: How many neighbours have a vote, each the same.
        num_classes: How many classes there are.

    Returns:
        Classes, shape "queries".
    """
    voters = labels[nearest(train, queries, min(num_neighbors, len(train))).places]
    votes = np.zeros((len(queries), num_classes), np.int64)
    np.add.at(votes, (np.arange(len(queries))[:, None], voters), 1)
    return votes.argmax(axis=1)


@partial(jax.jit, static_argnames=("num_candidates", "num_neighbors"))
def _nearest(
    queries: Float[Array, "queries features"],
    points: Float[Array, "points features"],
    squares: Float[Array, " points"],
    *,
    num_candidates: int,
    num_neighbors: int,
) -> tuple[Float[Array, "queries neighbors"], Int[Array, "queries neighbors"]]:
    """`jax.lax.top_k` puts the first of equal ones first, so candidates stand in the order of the points."""
    with jax.default_matmul_precision("highest"):
        closeness = 2 * queries @ points.T - squares[None]
    candidates = jnp.sort(jax.lax.top_k(closeness, num_candidates)[1], axis=1)
    distances = jnp.sum((points[candidates] - queries[:, None]) ** 2, axis=2)
    nearest, order = jax.lax.top_k(-distances, num_neighbors)
    return jnp.sqrt(-nearest), jnp.take_along_axis(candidates, order, axis=1)
