"""How well the nearest neighbours of examples tell their classes."""

import numpy as np


def neighbour_accuracy(points: np.ndarray, labels: np.ndarray, *, num_neighbours: int) -> float | None:
    """The share of examples whose class is that of most of their nearest neighbours among the others (leave one out).

    Args:
        points: Of shape "examples dimensions"; distances are Euclidean.
        labels: Classes, shape "examples"; where several have as many neighbours, the first in order is taken.
        num_neighbours: How many neighbours vote.

    Returns:
        From 0 to 1; None where there are no more examples than neighbours.
    """
    if len(points) <= num_neighbours:
        return None
    centred = points.astype(np.float64) - points.mean(axis=0, dtype=np.float64)
    squares = (centred**2).sum(axis=1)
    distances = squares[:, None] + squares[None, :] - 2 * centred @ centred.T
    np.fill_diagonal(distances, np.inf)
    classes, of_examples = np.unique(labels, return_inverse=True)
    nearest = of_examples[np.argsort(distances, axis=1, kind="stable")[:, :num_neighbours]]
    votes = (nearest[:, :, None] == np.arange(len(classes))).sum(axis=1)
    return float((votes.argmax(axis=1) == of_examples).mean())
