"""The interval of a share of variance, from the noncentral F distribution."""

import math
from collections.abc import Callable

from ae_jax.results.statistics import CONFIDENCE

_TAIL = (1 - CONFIDENCE) / 2
_LARGE = 1e7  # noncentralities from which on the numerator is known, next to the error


def share_interval(f: float, df: int, df_error: int, num: int) -> tuple[float, float]:
    """The 95 % interval of a term's partial share of the variance, lambda / (lambda + n).

    lambda is the noncentrality of F: n times the variance between the term's expected values, divided by the error's.
    Its ends are those at which 2.5 % of the distribution are above the observed F, and below it; 0 where none is.

    Args:
        f: The observed F.
        df: Degrees of freedom of the term.
        df_error: Of the error, at least 1.
        num: Number of runs.

    Reference: Steiger 2004, *Psychological Methods* 9:164.
    """
    from scipy.special import chdtri, fdtr, ncfdtr

    if df * f > _LARGE:
        ends = [df * f * float(chdtri(df_error, tail)) / df_error for tail in (1 - _TAIL, _TAIL)]
        return ends[0] / (ends[0] + num), ends[1] / (ends[1] + num)

    def below(share: float) -> float:
        noncentrality = num * share / (1 - share)
        return float(ncfdtr(df, df_error, noncentrality, f) if noncentrality else fdtr(df, df_error, f))

    return _where(below, 1 - _TAIL), _where(below, _TAIL)


def _where(below: Callable[[float], float], probability: float) -> float:
    """The share at which the falling function has a value; 0 where it is lower from the start."""
    from scipy.optimize import brentq

    if below(0.0) <= probability:
        return 0.0
    most = 0.5
    while below(most) > probability:
        most = (1 + most) / 2
        if 1 - most < 1e-9:
            return 1.0
    return float(brentq(lambda share: below(share) - probability, 0.0, most, xtol=math.ulp(1.0)))
