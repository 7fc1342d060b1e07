"""Accuracy of nearest neighbours: of what is apart 1, of what is mixed as scikit-learn has it."""

import numpy as np
import pytest
from sklearn.model_selection import LeaveOneOut, cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from ae_jax.results.neighbours import neighbour_accuracy


@pytest.mark.parametrize("num_neighbours", [1, 5])
def test_as_scikit_learn(num_neighbours):
    rng = np.random.default_rng(0)
    points, labels = rng.normal(size=(80, 3)), rng.integers(4, size=80)
    points[:, 0] += labels
    scores = cross_val_score(KNeighborsClassifier(num_neighbours), points, labels, cv=LeaveOneOut())
    assert neighbour_accuracy(points, labels, num_neighbours=num_neighbours) == pytest.approx(scores.mean())


def test_classes_that_are_apart_are_told_wherever_they_are():
    points = np.repeat([[1e6, 0.0], [1e6, 9.0]], 10, axis=0) + np.linspace(0, 1, 20)[:, None]
    assert neighbour_accuracy(points.astype(np.float32), np.repeat([7, 3], 10), num_neighbours=5) == 1.0


def test_fewer_examples_than_neighbours_tell_nothing():
    assert neighbour_accuracy(np.zeros((5, 2)), np.arange(5), num_neighbours=5) is None
