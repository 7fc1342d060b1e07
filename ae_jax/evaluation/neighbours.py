"""Nearest neighbours, exact, in blocks: distances of all pairs are never in memory at once.

Euclidean distances by scikit-learn, which computes those of float32 in float64, block by block.
"""

from typing import NamedTuple

import numpy as np
from sklearn.neighbors import NearestNeighbors

from ae_jax.evaluation.method import Host


class Neighbours(NamedTuple):
    """The nearest of some points to each of some queries.

    Attributes:
        distances: Shape "queries neighbours", ascending.
        places: Of those points.
    """

    distances: Host
    places: Host


def nearest(points: Host, queries: Host, num_neighbors: int) -> Neighbours:
    """The nearest points to each query.

    Args:
        points: Shape "points features".
        queries: Shape "queries features".
        num_neighbors: How many, at most as many as there are points.
    """
    kind = np.result_type(points, queries, np.float32)
    index = NearestNeighbors(n_neighbors=num_neighbors, algorithm="brute").fit(points.astype(kind, copy=False))
    return Neighbours(*index.kneighbors(queries.astype(kind, copy=False)))


def nearest_labels(train: Host, labels: Host, queries: Host, num_neighbors: int, num_classes: int) -> Host:
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
