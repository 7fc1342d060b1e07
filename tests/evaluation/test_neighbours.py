"""Nearest neighbours against scikit-learn's other algorithm, and their votes."""

import numpy as np
import pytest
from sklearn.neighbors import KDTree, KNeighborsClassifier

from ae_jax.evaluation.neighbours import nearest, nearest_labels


def test_neighbours_are_those_of_a_tree():
    rng = np.random.default_rng(0)
    points, queries = rng.normal(size=(2000, 3)), rng.normal(size=(500, 3))
    found = nearest(points, queries, 4)
    distances, places = KDTree(points).query(queries, k=4)
    np.testing.assert_array_equal(found.places, places)
    np.testing.assert_allclose(found.distances, distances, rtol=3e-6)


@pytest.mark.parametrize("num_neighbors", [1, 5])
def test_classes_are_those_of_scikit_learn(num_neighbors):
    rng = np.random.default_rng(1)
    train, queries = (rng.normal(size=(size, 4)).astype(np.float32) for size in (900, 400))
    labels = rng.integers(7, size=900)
    found = nearest_labels(train, labels, queries, num_neighbors, 7)
    np.testing.assert_array_equal(found, KNeighborsClassifier(num_neighbors).fit(train, labels).predict(queries))


def test_of_as_many_votes_the_smaller_class_has_it():
    train = np.array([[0.0], [1.0], [2.0], [3.0]])
    assert nearest_labels(train, np.array([2, 1, 1, 2]), np.array([[1.4]]), 4, 3).tolist() == [1]
    assert nearest_labels(train, np.array([2, 1, 1, 2]), np.array([[0.0]]), 9, 3).tolist() == [1]  # all that there are
