r"""What a run says of log p(x): by its evidence lower bound, and by many latents for each example.

    \log p(x) \ge \mathbb{E} \log \frac1K \sum_k \frac{p(x|z_k) \, p(z_k)}{q(z_k|x)} \ge \text{ELBO}

Beside it, where the loss is a density, stands probabilistic PCA with as many components, whose likelihood is exact.
"""

import functools
import math
from collections.abc import Sequence

import jax
import numpy as np

from ae_jax.baselines.pca import PCA
from ae_jax.baselines.probabilistic_pca import ProbabilisticPCA
from ae_jax.datasets import Dataset
from ae_jax.datasets.base import SplitName
from ae_jax.errors import UserError
from ae_jax.evaluation.base import Evaluation, Found, Subject
from ae_jax.evaluation.importance import has_density
from ae_jax.evaluation.measure import SPLITS, pca_likelihoods
from ae_jax.experiment.build import Experiment
from ae_jax.runs.measures import Measure
from ae_jax.typing import NonNegative, Size

_LOG_2 = math.log(2)
_MEASURES = (
    Measure("nll_nats", "nll, nats", "negative log-likelihood per example (nll), nats", False, unit="nats"),
    Measure("nll_elbo_nats", "nll by the elbo, nats", "negative evidence lower bound, nats", False, unit="nats"),
    Measure("bits_per_dimension", "bits per dimension", "nll in bits per dimension", False, unit="bits"),
    Measure("active_units", "active units", "latent dimensions that are used", True),
    Measure("collapsed_fraction", "collapsed latents", "share of latent dimensions that are not used", False),
)


def likelihood(*, num_samples: Size, splits: Sequence[SplitName], activity_threshold: NonNegative) -> Evaluation:
    """Negative log-likelihood, by bounds, and which latent dimensions the posterior uses.

    `nll_nats` is the negative of the importance-weighted bound, which falls to -log p(x) as `num_samples` grows;
    `nll_elbo_nats` that of the evidence lower bound, a mean over the same latents, which no number of them tightens.
    `bits_per_dimension` is `nll_nats` in bits for each feature; of a density they depend on the units of the inputs,
    and may be negative. A latent dimension is active where the mean of q(z|x) varies over the examples, with a variance
    above `activity_threshold`; the others have collapsed to the prior. The rest are means over examples.

    Args:
        num_samples: Latents that are drawn for an example, K. Published protocols have 5,000.
        splits: Where it is measured.
        activity_threshold: Of the variance, 0.01 in the paper.

    Reference:
        Burda, Grosse & Salakhutdinov, Importance Weighted Autoencoders, 2016, theorem 1 and section 5.2 (active units);
        Tipping & Bishop, Probabilistic Principal Component Analysis, 1999.
    """
    threshold = float(activity_threshold)

    def ask(subject: Subject) -> Found:
        _check(subject.experiment)
        model, dataset, pca = subject.autoencoder, subject.dataset, subject.pca
        ours, theirs = dict[str, dict[str, float]](), dict[str, dict[str, float]]()
        for split in splits:
            x, key = dataset.scaled(split), jax.random.fold_in(subject.key, SPLITS.index(split))
            assert model.bounds is not None  # of an autoencoder it is not
            bounds = model.bounds(key, x, num_samples)
            means = (model.mean or model.encode)(x)
            ours[split] = {
                **_nll(-float(bounds.importance.mean()), dataset.num_features),
                "nll_elbo_nats": -float(bounds.elbo.mean()),
                **_active(means, threshold),
            }
            theirs[split] = _of_pca(dataset, pca, model.latent_size, split, threshold)
            if subject.experiment.loss.is_density and theirs[split]:
                exact = -pca_likelihoods(dataset, pca, model.latent_size)[split]
                theirs[split] |= {**_nll(exact, dataset.num_features), "nll_elbo_nats": exact}
        return Found({"autoencoder": ours, "pca": theirs})

    return Evaluation(_MEASURES, ask, check=_check)


def _check(experiment: Experiment) -> None:
    lacking = {"loss is none": not experiment.loss.is_likelihood, "latent is not": not has_density(experiment)}
    if not any(lacking.values()):
        return
    which = " has neither" if all(lacking.values()) else f"'s {next(name for name, lacks in lacking.items() if lacks)}"
    problem = f"needs a loss that is a likelihood and a latent that is drawn from a density; this run{which}"
    remedy = (
        "train with loss=gaussian_nll, bernoulli_nll, beta_binomial or discretised_logistic, and bottleneck=gaussian"
    )
    raise UserError("evaluation=likelihood", problem, f"{remedy} or bernoulli")


def _nll(nats: float, num_features: int) -> dict[str, float]:
    return {"nll_nats": nats, "bits_per_dimension": nats / (_LOG_2 * num_features)}


def _active(means: np.ndarray, threshold: float) -> dict[str, float]:
    active = float(np.count_nonzero(means.var(axis=0, dtype=np.float64) > threshold))
    return {"active_units": active, "collapsed_fraction": 1 - active / means.shape[1]}


@functools.lru_cache(maxsize=256)
def _of_pca(dataset: Dataset, pca: PCA, num_components: int, split: SplitName, threshold: float) -> dict[str, float]:
    """Of the posterior of probabilistic PCA; nothing where no variance is left for its noise."""
    if not num_components < pca.rank:
        return {}
    return _active(ProbabilisticPCA(pca, num_components).encode(dataset.scaled(split)), threshold)
