r"""How quantised latents use their codes.

With f_c the share of all choices from a codebook that fall on code c, and T parts of a latent that choose from it,

    H = -\sum_c f_c \log f_c, \qquad \text{perplexity} = \exp \overline{H}, \qquad
    \text{code\_rate\_bits} = \sum T H / \log 2

with the mean over all parts and the sum over all codebooks: what an entropy coder with a table for each codebook needs.
It is at most the `rate_bits` of a run, and that where all codes are as likely. Few examples cannot use many codes: the
numbers of a small split are too small.
"""

import functools
import math
from typing import Any

import numpy as np
from jaxtyping import Float64, Integer

from ae_jax.datasets import Dataset
from ae_jax.errors import UserError
from ae_jax.evaluation.base import Evaluation, Found, Subject
from ae_jax.evaluation.measure import SPLITS, batches
from ae_jax.evaluation.method import BASELINE, Method
from ae_jax.experiment.build import Experiment
from ae_jax.runs.measures import Measure

_MEASURES = (
    Measure("codes_used_fraction", "codes in use", "share of codes that are in use", True),
    Measure("perplexity", "perplexity", "perplexity of codes", True),
    Measure("code_rate_bits", "entropy of codes, bits", "entropy of codes per example, bits", False, unit="bits"),
)


def codes() -> Evaluation:
    """The share of codes that are chosen at all, their perplexity, and the entropy of a latent, on every split.

    A vector codebook that several parts share counts once (the usage and perplexity of VQ-VAEs); of finite scalar
    quantisation, and of PCA's quantised coordinates, the levels of each dimension are a codebook of their own. With
    several codebooks the share is of the codes of all, and the perplexity their geometric mean, weighted by parts.

    Reference:
        van den Oord, Vinyals & Kavukcuoglu, Neural Discrete Representation Learning, 2017 (perplexity).
    """

    def ask(subject: Subject) -> Found:
        _check(subject.experiment)
        return Found(
            {
                method.name: (_once if method.name == BASELINE else usage)(subject.dataset, method)
                for method in subject.methods
                if method.indices is not None
            }
        )

    return Evaluation(_MEASURES, ask, check=_check)


def _check(experiment: Experiment) -> None:
    if experiment.bottleneck.indices is None:
        problem = "needs quantised latents, which the run's bottleneck does not make"
        raise UserError("evaluation=codes", problem, "train with bottleneck=vq, residual_vq or fsq")


def usage(dataset: Dataset, method: Method) -> dict[str, dict[str, float | None]]:
    """The measures of a method with `indices`, by split."""
    found = {}
    for split in SPLITS:
        assert method.indices is not None  # or it is not asked
        rows = [np.asarray(method.indices(x)) for x in batches(dataset, split)]
        found[split] = measured(np.concatenate([one.reshape(len(one), -1) for one in rows]), method.codebooks)
    return found


_once: Any = functools.lru_cache(maxsize=256)(usage)


def measured(
    indices: Integer[np.ndarray, "examples parts"], codebooks: tuple[tuple[int, int], ...]
) -> dict[str, float | None]:
    """The measures of codes.

    Args:
        indices: Which code each part is.
        codebooks: Codes of each codebook, and how many consecutive parts choose from it. Empty: every part has one of
            its own, of unknown size.
    """
    num_parts = indices.shape[1]
    if num_parts == 0:
        return {"codes_used_fraction": None, "perplexity": 1.0, "code_rate_bits": 0.0}
    parts = [count for _, count in codebooks] or [1] * num_parts
    counts = [np.unique(own, return_counts=True)[1] for own in np.split(indices, np.cumsum(parts)[:-1], axis=1)]
    entropies = [_entropy(own) for own in counts]
    total = math.fsum(number * entropy for number, entropy in zip(parts, entropies, strict=True))
    num_codes = sum(size for size, _ in codebooks)
    return {
        "codes_used_fraction": sum(map(len, counts)) / num_codes if num_codes else None,
        "perplexity": math.exp(total / num_parts),
        "code_rate_bits": total / math.log(2),
    }


def _entropy(counts: Float64[np.ndarray, " codes"] | Integer[np.ndarray, " codes"]) -> float:
    """In nats."""
    shares = counts / counts.sum()
    return float(-(shares * np.log(shares)).sum())
