"""Which PCA stands beside an autoencoder, by what limits its latent; and what rates and likelihoods follow.

| the bottleneck limits | PCA has | called |
|---|---|---|
| the latent size alone | as many components | PCA, 16 components |
| how many numbers are not 0 | as many components, the largest coordinates of each example | PCA-16, 4 of 16 |
| bits | quantised coordinates, in as many bits | PCA, quantised, 20 bits |

Beside a likelihood of densities stands that of probabilistic PCA with as many components as the latent has dimensions.
"""

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from ae_jax.baselines.pca import PCA
from ae_jax.baselines.probabilistic_pca import ProbabilisticPCA
from ae_jax.baselines.squeezed import Quantiser, keep_largest, quantiser
from ae_jax.bottlenecks import Bottleneck
from ae_jax.losses import Loss
from ae_jax.runs.measures import DISTORTION

_LOG_2 = math.log(2)


class Competitor(NamedTuple):
    """What PCA is limited to.

    Attributes:
        num_components: Its components.
        num_active: Coordinates that an example keeps; None: all.
        quantiser: What they are rounded to; None: they are not.
    """

    num_components: int
    num_active: int | None = None
    quantiser: Quantiser | None = None

    def squeeze(self, coordinates: np.ndarray) -> np.ndarray:
        """Coordinates as it may use them."""
        if self.quantiser is not None:
            return self.quantiser(coordinates)
        return coordinates if self.num_active is None else keep_largest(coordinates, self.num_active)

    @property
    def summary(self) -> dict[str, int | float]:
        """What summary.json says of it beside its components, where they are not all."""
        if self.quantiser is not None:
            return {"rate_bits": self.quantiser.rate}
        return {} if self.num_active is None else {"num_active": self.num_active}


def competitor(pca: PCA, bottleneck: Bottleneck, latent_size: int, measured: Callable[[], int]) -> Competitor:
    """The one that stands beside an autoencoder.

    Args:
        pca: PCA of its training data.
        bottleneck: Its bottleneck.
        latent_size: Its latent dimensions.
        measured: How many numbers of a latent are not 0, where that is for training to find out.
    """
    most = min(latent_size, pca.rank)
    if bottleneck.rate is not None and not isinstance(bottleneck.rate, str):
        allotted = quantiser(pca.variances[: len(pca.components)], float(bottleneck.rate))
        return Competitor(len(allotted.num_levels), quantiser=allotted)
    if bottleneck.num_active is None:
        return Competitor(most)
    num_active = measured() if bottleneck.num_active == "measured" else bottleneck.num_active
    # What turns out to use all it has is not sparse.
    return Competitor(most, num_active=None if num_active >= latent_size else min(num_active, most))


def rate_bits(bottleneck: Bottleneck, terms: dict[str, float]) -> float | None:
    """Bits of an example; None where the bottleneck has no rate, or the objective lacks the term that it is.

    Args:
        bottleneck: The bottleneck.
        terms: Means of the objective's terms.
    """
    rate = bottleneck.rate
    if isinstance(rate, str):
        return terms[rate] / _LOG_2 if rate in terms else None
    return None if rate is None else float(rate)


def bounds(loss: Loss, terms: dict[str, float], rate: float | None, num_features: int) -> dict[str, float]:
    r"""What a rate and a likelihood say together of log p(x): nothing where either is missing.

    .. math:: \log p(x) \ge \mathbb{E} \log p(x|z) - \text{rate}

    for a rate that is the divergence from a prior, and for one of a finite number of latents, each as likely.

    Args:
        loss: What the distortion is measured by.
        terms: Means of the objective's terms.
        rate: Bits of an example.
        num_features: Features of an example.

    Returns:
        `log_likelihood` in nats an example, and of data that are levels `bits_per_dimension`, its negative in bits for
        each feature.
    """
    if rate is None or not loss.is_likelihood or DISTORTION not in terms:
        return {}
    bound = -terms[DISTORTION] - rate * _LOG_2
    per_dimension = {"bits_per_dimension": -bound / (_LOG_2 * num_features)}
    return {"log_likelihood": bound, **({} if loss.num_levels is None else per_dimension)}


def mean_log_likelihood(
    pca: PCA, num_components: int, splits: dict[str, Callable[[], Iterable[np.ndarray]]]
) -> dict[str, float]:
    """Probabilistic PCA's log-likelihood of each split, nats an example; empty where no variance is left for noise."""
    if not num_components < pca.rank:
        return {}
    model = ProbabilisticPCA(pca, num_components)
    values = {split: np.concatenate([model.log_likelihood(x) for x in made()]) for split, made in splits.items()}
    return {split: float(found.mean()) for split, found in values.items()}
