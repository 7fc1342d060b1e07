r"""How well a score tells examples that are to be detected, the positive ones, from all others.

    AUROC = P(s^+ > s^-) + P(s^+ = s^-) / 2,        AP = \sum_t (R_t - R_{t-1}) P_t

over the thresholds t from the highest score down, with precision P and recall R of what has that score or a higher one.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Real
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from ae_jax.evaluation.intervals import Interval, delong, logit_interval

_FEWEST, _DIGITS = 2, 12  # of a sum that rounding may carry beyond 1


class Detection(NamedTuple):
    """How well examples are detected.

    Attributes:
        auroc: Area under the ROC curve: 1 where all that is to be detected scores above all else, 1/2 by chance.
        average_precision: 1 likewise; by chance the share of what is to be detected.
        auroc_interval: Of 95 %, see `intervals.delong`.
        average_precision_interval: Of 95 %, see `intervals.logit_interval`.
        roc: The curve, shape "2 points": of each threshold the rates of false and of true alarms, ascending.
    """

    auroc: float
    average_precision: float
    auroc_interval: Interval
    average_precision_interval: Interval
    roc: Float32[np.ndarray, "2 points"]


def detection(scores: Real[np.ndarray, " examples"], positive: Bool[np.ndarray, " examples"]) -> Detection | None:
    """Measure a score; examples of the same score are of one threshold, so that their order does not matter.

    Args:
        scores: Of each example, higher the more it is of those.
        positive: Whether it is to be detected.

    Returns:
        None where there are fewer than two of either.
    """
    if min(positive.sum(), (~positive).sum()) < _FEWEST:
        return None
    precision = round(float(average_precision_score(positive, scores)), _DIGITS)
    rates = roc_curve(positive, scores)[:2]
    return Detection(
        auroc=float(roc_auc_score(positive, scores)),
        average_precision=precision,
        auroc_interval=delong(scores[positive], scores[~positive]),
        average_precision_interval=logit_interval(precision, int(positive.sum())),
        roc=np.stack(rates).astype(np.float32),
    )
