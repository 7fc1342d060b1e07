r"""A linear probe: ridge regression of one-hot classes, in closed form for every penalty at once.

    \min_{W, b} \; \frac1n \sum_i \lVert y_i - W (z_i - \mu) - b \rVert^2 + a \, s \, \lVert W \rVert^2,
    \qquad s = \operatorname{tr} C / d, \qquad \hat c(z) = \arg\max_c \, (W (z - \mu) + b)_c

with the covariance C = V L V^T of the latents z, of d dimensions: W = Y^T Z V (L + a s)^{-1} V^T / n. The penalty a is
in units of the mean variance, so that a common factor of all latents changes nothing. They are not standardised: a
dimension of little variance counts little, for all methods alike.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int, Real

from ae_jax.baselines.moments import second_moments


class Probe(NamedTuple):
    """A fitted probe.

    Attributes:
        mean: Of the training latents.
        directions: V, eigenvectors of their covariance as columns.
        variances: The diagonal of L.
        targets: ``V^T Z^T Y / n``.
        shares: b, the share of each class.
    """

    mean: Float64[np.ndarray, " latent"]
    directions: Float64[np.ndarray, "latent latent"]
    variances: Float64[np.ndarray, " latent"]
    targets: Float64[np.ndarray, "latent classes"]
    shares: Float64[np.ndarray, " classes"]

    def classes(
        self, latents: Real[np.ndarray, "examples latent"], penalties: Sequence[float]
    ) -> list[Int[np.ndarray, " examples"]]:
        """The class of each example, for each penalty; of equal scores the first class."""
        turned = (latents - self.mean) @ self.directions
        unit = float(self.variances.mean()) or 1.0
        weights = [self.targets / (self.variances + penalty * unit)[:, None] for penalty in penalties]
        return [(turned @ one + self.shares).argmax(axis=1) for one in weights]


def fit_probe(
    latents: Real[np.ndarray, "examples latent"], classes: Int[np.ndarray, " examples"], num_classes: int
) -> Probe:
    """Fit to training latents, in float64.

    Args:
        latents: In any units.
        classes: From 0 to `num_classes - 1`.
        num_classes: How many there are.

    Reference:
        Alain & Bengio, Understanding intermediate layers using linear classifier probes, 2016 (with logistic
        regression); Hoerl & Kennard, Ridge regression, 1970.
    """
    num, mean, scatter = second_moments([latents])
    variances, directions = np.linalg.eigh(scatter / num)
    shares = np.bincount(classes, minlength=num_classes) / num
    sums = np.zeros((num_classes, len(mean)))
    for number in range(num_classes):
        sums[number] = latents[classes == number].sum(axis=0, dtype=np.float64)
    deviations = sums / num - shares[:, None] * mean
    return Probe(mean, directions, np.maximum(variances, 0.0), directions.T @ deviations.T, shares)
