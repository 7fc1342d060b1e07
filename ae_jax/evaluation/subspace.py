"""How far apart two linear subspaces are: whether a linear autoencoder found PCA's."""

import numpy as np
from jaxtyping import Float, Float64
from scipy.linalg import subspace_angles


def principal_angles(
    a: Float[np.ndarray, "a_rows features"], b: Float[np.ndarray, "b_rows features"]
) -> Float64[np.ndarray, " angles"]:
    """Principal angles between the row spaces of two matrices: how far one must turn to lie in the other.

    ``cos(angle_k)`` is the k-th singular value of ``Qa' Qb``, with Q orthonormal bases of the two row spaces; small
    angles come from the sine, which keeps their digits (Knyazev & Argentati 2002, *SIAM J. Sci. Comput.* 23:2008).

    Args:
        a: Rows that span the first subspace, such as a decoder's weights; they may depend on each other.
        b: Rows that span the second, such as `PCA.components`.

    Returns:
        Angles in radians in [0, pi/2], ascending; as many as the smaller of the two ranks, none for a zero matrix. All
        are zero if one subspace contains the other.

    Raises:
        ValueError: A value is NaN or infinite, or the numbers of features differ.
    """
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"subspaces of different spaces: {a.shape[1]} and {b.shape[1]} features")
    if not (a.any() and b.any()):
        return np.zeros(0)
    return subspace_angles(a.T.astype(np.float64), b.T.astype(np.float64))[::-1].copy()
