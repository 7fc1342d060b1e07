r"""How sparse latents are: how many numbers of a latent are not 0, and how many are 0 whatever is encoded.

\text{num\_active} = \frac1n \sum_i \#\{j : |z_{ij}| > t\}, \qquad
\text{dead\_fraction} = \frac1m \#\{j : \max_{i \in \text{train}} |z_{ij}| \le t\}
"""

import functools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from ae_jax.datasets import Dataset
from ae_jax.evaluation.base import Evaluation, Found, Subject
from ae_jax.evaluation.measure import SPLITS, batches
from ae_jax.evaluation.method import BASELINE, Method
from ae_jax.runs.measures import Measure
from ae_jax.typing import NonNegative

_MEASURES = (
    Measure("num_active", "active latents", "active latents per example", False),
    Measure("dead_fraction", "dead latents", "share of latents that no training example activates", False),
)


class Activity(NamedTuple):
    """What a method's latents do.

    Attributes:
        num_active: How many numbers of an example are active, a mean over each split.
        frequency: The share of training examples in which each number is.
    """

    num_active: dict[str, float]
    frequency: Float64[np.ndarray, " latent"]


def sparsity(*, threshold: NonNegative) -> Evaluation:
    """How many numbers of a latent are active, and which share of them never is.

    Dead is what no *training* example activates: the number stands at every split. PCA is as it stands beside the run:
    next to a sparse latent with as many coordinates of each example, the largest. Arrays: of each method the share of
    training examples in which each number is active, shape "latent".

    Args:
        threshold: The magnitude above which a number is active; 0: what is not 0.

    Reference:
        Bricken et al., Towards Monosemanticity, 2023 (L0 and dead latents); Gao et al., Scaling and Evaluating Sparse
        Autoencoders, 2024.
    """
    least = float(threshold)

    def ask(subject: Subject) -> Found:
        values, arrays = {}, {}
        for method in subject.methods:
            found = (_once if method.name == BASELINE else activity)(subject.dataset, method, least)
            dead = float(np.mean(found.frequency == 0))
            values[method.name] = {
                split: {"num_active": number, "dead_fraction": dead} for split, number in found.num_active.items()
            }
            arrays[method.name] = found.frequency
        return Found(values, arrays=arrays)

    return Evaluation(_MEASURES, ask)


def activity(dataset: Dataset, method: Method, threshold: float) -> Activity:
    """Count what is active in each split."""
    counts = {}
    for split in SPLITS:
        active = (np.abs(method.encode(x)) > threshold for x in batches(dataset, split))
        counts[split] = sum((one.sum(axis=0) for one in active), np.zeros(method.latent_size, np.int64))
    sizes = {split: len(getattr(dataset, split)) for split in SPLITS}
    means = {split: float(count.sum() / sizes[split]) for split, count in counts.items()}
    return Activity(means, counts["train"] / sizes["train"])


_once = functools.lru_cache(maxsize=256)(activity)
