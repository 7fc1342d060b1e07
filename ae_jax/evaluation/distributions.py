r"""How alike two sets of samples are: Fréchet distance, precision and recall.

d^2 = \lVert \mu - \mu' \rVert^2 + \mathrm{tr}\big(\Sigma + \Sigma' - 2 (\Sigma^{1/2} \Sigma' \Sigma^{1/2})^{1/2}\big)
"""

from typing import NamedTuple

import numpy as np

from ae_jax.evaluation.method import Host
from ae_jax.evaluation.neighbours import nearest

_BLOCK = 512


class PrecisionRecall(NamedTuple):
    """Precision: the share of generated samples that are among real ones; recall: of real ones among generated."""

    precision: float
    recall: float


def frechet_distance(real: Host, generated: Host) -> float:
    """The squared Fréchet distance of the normal distributions with the moments of two sets, in float64.

    It grows with the size of the smaller set: sets are compared at the same sizes.

    Args:
        real: Shape "examples features".
        generated: Shape "samples features".

    Reference:
        Heusel et al., GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium, 2017 (in the
        features of another network).
    """
    (mean, covariance), (other_mean, other) = _moments(real), _moments(generated)
    root = _root(covariance)
    values = np.linalg.eigvalsh(root @ other @ root)
    cross = np.sqrt(np.maximum(values, 0)).sum()
    distance = np.sum((mean - other_mean) ** 2) + np.trace(covariance) + np.trace(other) - 2 * cross
    return max(0.0, float(distance))


def precision_recall(real: Host, generated: Host, num_neighbors: int) -> PrecisionRecall:
    """Shares of each set within the manifold of the other: balls around all of its points.

    Each ball reaches as far as its point's neighbour of number `num_neighbors` in the same set.

    Args:
        real: Shape "examples features".
        generated: Shape "samples features".
        num_neighbors: k of the reference, which has 3.

    Reference:
        Kynkäänniemi et al., Improved Precision and Recall Metric for Assessing Generative Models, 2019.
    """
    return PrecisionRecall(_share_within(real, generated, num_neighbors), _share_within(generated, real, num_neighbors))


def _share_within(points: Host, queries: Host, num_neighbors: int) -> float:
    """The share of queries that lie in a ball around any of the points."""
    points, queries = points.astype(np.float64), queries.astype(np.float64)
    within = nearest(points, points, min(num_neighbors + 1, len(points))).distances[:, -1]  # the first is itself
    squares = np.sum(points**2, axis=1)
    found = 0
    for start in range(0, len(queries), _BLOCK):
        block = queries[start : start + _BLOCK]
        distances = squares[None] - 2 * block @ points.T + np.sum(block**2, axis=1)[:, None]
        found += int(np.any(distances <= within[None] ** 2 + 1e-9 * squares[None], axis=1).sum())
    return found / len(queries)


def _moments(rows: Host) -> tuple[Host, Host]:
    rows = rows.astype(np.float64)
    return rows.mean(axis=0), np.atleast_2d(np.cov(rows, rowvar=False))


def _root(matrix: Host) -> Host:
    """The symmetric square root of a covariance."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
