"""Densities of latents after training: a Gaussian, and a mixture of as many Gaussians as validation asks for."""

import warnings
from collections.abc import Sequence

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from ae_jax.evaluation.method import Host

_TINY = 1e-6
"""Of the mean variance, which is added to all: latents may be constant in a dimension."""
_ITERATIONS = 50


class Density:
    """A mixture of Gaussians with full covariances.

    Args:
        fitted: From scikit-learn.
    """

    def __init__(self, fitted: GaussianMixture):
        self._fitted = fitted

    @property
    def num_components(self) -> int:
        """How many Gaussians there are."""
        return int(self._fitted.n_components)

    def sample(self, num: int, rng: np.random.Generator) -> Host:
        """Draws, shape "num latent"."""
        fitted = self._fitted
        which = rng.choice(len(fitted.weights_), size=num, p=fitted.weights_ / fitted.weights_.sum())
        noise = rng.normal(size=(num, fitted.means_.shape[1]))
        roots = np.linalg.cholesky(fitted.covariances_)
        drawn = np.empty_like(noise)
        for place, (mean, root) in enumerate(zip(fitted.means_, roots, strict=True)):
            drawn[which == place] = mean + noise[which == place] @ root.T
        return drawn

    def bic(self, latents: Host) -> float:
        """-2 log likelihood + parameters · log examples, of examples that it was not fitted to."""
        with threadpool_limits(1):
            return float(self._fitted.bic(latents))


def fit_density(latents: Host, num_components: int, *, seed: int = 0) -> Density:
    """A mixture of so many Gaussians, by expectation-maximisation from k-means.

    Args:
        latents: Shape "examples latent".
        num_components: How many.
        seed: Of k-means.

    Raises:
        ValueError: If a covariance cannot be had.
    """
    latents = latents.astype(np.float64)
    floor = _TINY * float(latents.var(axis=0).mean()) or _TINY
    mixture = GaussianMixture(num_components, reg_covar=floor, max_iter=_ITERATIONS, random_state=seed)
    # On one thread: products are so small that threads mostly wait for each other, for thirty times as long.
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)  # 50 steps are as many as are wanted
        return Density(mixture.fit(latents))


def fit_mixture(latents: Host, validation: Host, numbers: Sequence[int]) -> Density:
    """The first mixture, of rising numbers of components, after which the BIC on validation gets worse.

    Args:
        latents: What is fitted, shape "examples latent".
        validation: What the numbers are compared on.
        numbers: Of components, rising.
    """
    best = fit_density(latents, numbers[0])
    least = best.bic(validation.astype(np.float64))
    for number in numbers[1:]:
        if 2 * number > len(latents):
            break
        try:
            more = fit_density(latents, number)
        except ValueError:  # a covariance of too few examples
            break
        if (bic := more.bic(validation.astype(np.float64))) >= least:
            break
        best, least = more, bic
    return best
