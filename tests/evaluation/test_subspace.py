import numpy as np
import pytest
from jaxtyping import TypeCheckError
from scipy.linalg import subspace_angles

from ae_jax.evaluation.subspace import principal_angles

RNG = np.random.default_rng(0)


def test_known_angles():
    """The planes {e1, e2} and {e1, cos 30 e2 + sin 30 e3} share a line and meet at 30 degrees."""
    a = np.array([[1.0, 0, 0], [0, 1, 0]])
    b = np.array([[1.0, 0, 0], [0, np.cos(np.pi / 6), np.sin(np.pi / 6)]])
    np.testing.assert_allclose(principal_angles(a, b), [0, np.pi / 6], atol=1e-15)
    np.testing.assert_allclose(principal_angles(a, np.array([[0, 0, 5.0]])), [np.pi / 2])


def test_equals_scipy_and_is_symmetric():
    a, b = RNG.normal(size=(3, 10)), RNG.normal(size=(5, 10))
    angles = principal_angles(a, b)
    np.testing.assert_allclose(angles, np.sort(subspace_angles(a.T, b.T)))
    np.testing.assert_allclose(angles, principal_angles(b, a), atol=1e-12)
    assert (np.diff(angles) >= 0).all()


def test_depends_on_the_row_space_only():
    a, b = RNG.normal(size=(3, 10)), RNG.normal(size=(3, 10))
    np.testing.assert_allclose(principal_angles(RNG.normal(size=(3, 3)) @ a, b), principal_angles(a, b), atol=1e-12)
    np.testing.assert_allclose(principal_angles(a, RNG.normal(size=(3, 3)) @ a), 0, atol=1e-12)


def test_small_angles_keep_their_digits():
    angles = principal_angles(np.array([[1.0, 0]]), np.array([[1.0, 1e-9]]))
    np.testing.assert_allclose(angles, [1e-9], rtol=1e-6)


def test_dependent_rows_and_zero_matrices():
    a = np.array([[1.0, 0, 0], [2, 0, 0]])
    np.testing.assert_allclose(principal_angles(a, np.eye(3, dtype=np.float32)), [0], atol=1e-15)
    assert principal_angles(np.zeros((2, 3)), a).shape == (0,)


def test_errors():
    with pytest.raises((ValueError, TypeCheckError), match="features"):  # the second from the hook of the tests
        principal_angles(np.ones((1, 4)), np.ones((1, 3)))
    with pytest.raises(ValueError, match="infs or NaNs"):
        principal_angles(np.array([[np.nan, 1]]), np.ones((1, 2)))
