"""Intervals of 95 % over the examples of a split: of shares, of the area under a ROC curve, of average precision.

They say how much a number would differ with other test examples. What it would with another seed, they do not say.
"""

import math

import numpy as np
from jaxtyping import Float, Real
from scipy.special import expit
from scipy.stats import rankdata

Interval = tuple[float, float]
_Z = 1.959963984540054
"""The standard normal's quantile at 0.975."""


def wilson(share: float, num: int) -> Interval:
    r"""Of a share of independent examples, by the score test.

    .. math:: \frac{p + z^2 / 2n \pm z \sqrt{p (1 - p) / n + z^2 / 4 n^2}}{1 + z^2 / n}

    Args:
        share: Such as an accuracy, in [0, 1].
        num: Of how many examples.

    Reference:
        Wilson, Probable inference, the law of succession, and statistical inference, 1927.
    """
    square = _Z**2 / num
    centre = share + square / 2
    half = math.sqrt(square * (share * (1 - share) + square / 4))
    return max(0.0, (centre - half) / (1 + square)), min(1.0, (centre + half) / (1 + square))


def delong(positive: Real[np.ndarray, " positives"], negative: Real[np.ndarray, " negatives"]) -> Interval:
    r"""Of the area under a ROC curve, without any assumption on how scores are distributed.

    .. math:: \widehat{\mathrm{var}} = \mathrm{var}_i \, P(s_i > s^-) / m + \mathrm{var}_j \, P(s^+ > s_j) / n

    over m positive and n negative examples; the interval is the area ± 1.96 standard errors, cut at 0 and 1. Where the
    classes are parted without an error, the standard error is 0, and the interval one number.

    Args:
        positive: Scores of what is to be detected, at least two.
        negative: Scores of all others, at least two.

    Reference:
        DeLong, DeLong & Clarke-Pearson, Comparing the areas under two or more correlated receiver operating
        characteristic curves, 1988; by ranks as Sun & Xu, Fast implementation of DeLong's algorithm, 2014.
    """
    above, below = _placements(positive, negative)
    error = math.sqrt(above.var(ddof=1) / len(above) + below.var(ddof=1) / len(below))
    area = float(above.mean())
    return max(0.0, area - _Z * error), min(1.0, area + _Z * error)


def logit_interval(precision: float, num_positive: int) -> Interval:
    r"""Of average precision, by the logit.

    .. math:: \mathrm{logit}(p) \pm 1.96 \, / \sqrt{m \, p (1 - p)}

    Args:
        precision: The average precision, in [0, 1].
        num_positive: m, how many examples are to be detected.

    Reference:
        Boyd, Eng & Page, Area under the precision-recall curve: point estimates and confidence intervals, 2013.
    """
    if not 0 < precision < 1:
        return precision, precision
    centre, half = math.log(precision / (1 - precision)), _Z / math.sqrt(num_positive * precision * (1 - precision))
    return float(expit(centre - half)), float(expit(centre + half))


def _placements(
    positive: Real[np.ndarray, " positives"], negative: Real[np.ndarray, " negatives"]
) -> tuple[Float[np.ndarray, " positives"], Float[np.ndarray, " negatives"]]:
    """Of each positive example the share of negative ones below it, and of each negative one of positive ones above.

    Ties count half.
    """
    num, other = len(positive), len(negative)
    ranks = rankdata(np.concatenate([positive, negative]))
    return (ranks[:num] - rankdata(positive)) / other, 1 - (ranks[num:] - rankdata(negative)) / num
