r"""Probabilistic PCA in closed form: the normal distribution that PCA is the most likely one of.

    z \sim N(0, I), \quad x | z \sim N(W z + \mu, \sigma^2 I), \qquad
    C = W W^\top + \sigma^2 I = U_q^\top (\Lambda_q - \sigma^2 I) U_q + \sigma^2 I, \qquad
    \sigma^2 = \frac{1}{d - q} \sum_{j > q} \lambda_j

with q components, and the eigenvalues of the covariance that divides by n, as maximum likelihood has it: every number
follows from a fitted `PCA`.

Reference: Tipping & Bishop 1999, *Journal of the Royal Statistical Society* B 61:611, equations 4 to 8.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Real

from ae_jax.baselines.pca import PCA
from ae_jax.errors import UserError


@dataclass(frozen=True, eq=False)
class ProbabilisticPCA:
    """A normal distribution of examples, with a latent of a few dimensions.

    Attributes:
        pca: The fitted PCA.
        num_components: q, at least none, and fewer than the data have: else nothing is left to be noise.

    Raises:
        UserError: If there are not that many, or none is left.
    """

    pca: PCA
    num_components: int

    def __post_init__(self) -> None:
        if not 0 <= self.num_components < self.pca.rank:
            problem = f"got {self.num_components}, and the training data have {self.pca.rank} components"
            raise UserError("num_components", problem, "ask for fewer: what is left is the noise")

    @property
    def variances(self) -> Float64[np.ndarray, " components"]:
        """The leading eigenvalues of the covariance that divides by the number of examples."""
        return self._all_variances[: self.num_components]

    @property
    def noise_variance(self) -> float:
        """σ², the mean of all other eigenvalues, those that are 0 among them."""
        return float(self._all_variances[self.num_components :].mean())

    def log_likelihood(self, x: Real[np.ndarray, "examples features"]) -> Float64[np.ndarray, " examples"]:
        r"""The log density of each example, in nats, of examples in the units that PCA was fitted in.

        .. math::
            -\tfrac12 \left( d \log 2 \pi + \sum_{j \le q} \log \lambda_j + (d - q) \log \sigma^2
            + \sum_{j \le q} \frac{z_j^2}{\lambda_j} + \frac{\lVert x - \mu \rVert^2 - \lVert z \rVert^2}{\sigma^2}
            \right)

        with z the coordinates along the components.

        Raises:
            ValueError: `x` has other features.
        """
        num_features = len(self.pca.mean)
        coordinates = self.pca.encode(x, self.num_components)
        rest = x - self.pca.mean - coordinates @ self.pca.components[: self.num_components]
        log_determinant = np.log(self.variances).sum()
        log_determinant += (num_features - self.num_components) * math.log(self.noise_variance)
        squares = (coordinates**2 / self.variances).sum(axis=1) + (rest**2).sum(axis=1) / self.noise_variance
        return -0.5 * (num_features * math.log(2 * math.pi) + log_determinant + squares)

    def encode(self, x: Real[np.ndarray, "examples features"]) -> Float64[np.ndarray, "examples components"]:
        r"""The mean of z given each example, :math:`M^{-1} W^\top (x - \mu)` with :math:`M = W^\top W + \sigma^2 I`.

        It is :math:`\sqrt{\lambda_j - \sigma^2} / \lambda_j` times coordinate j of PCA.

        Raises:
            ValueError: `x` has other features.
        """
        shrinkage = np.sqrt(self.variances - self.noise_variance) / self.variances
        return self.pca.encode(x, self.num_components) * shrinkage

    def sample(self, num_examples: int, *, seed: int) -> Float64[np.ndarray, "examples features"]:
        """Means W z + μ of latents drawn from the prior, without the noise, as those of an autoencoder are shown.

        Args:
            num_examples: How many.
            seed: Of the draws.
        """
        drawn = np.random.default_rng(seed).normal(size=(num_examples, self.num_components))
        return self.pca.decode(drawn * np.sqrt(self.variances - self.noise_variance))

    @property
    def _all_variances(self) -> Float64[np.ndarray, " features"]:
        return self.pca.variances * ((self.pca.num_examples - 1) / self.pca.num_examples)
