"""Analysis of variance by least squares, in any design: balanced or not, with cells missing, factors nested.

    y = mean + main effects + two-way interactions + chance

A main effect is tested by how much the squared error rises when it is dropped from the model of all main effects, an
interaction by how much it rises when it is dropped from the whole model; the error is that of the whole model. These
are sums of squares of type II (Langsrud 2003, *Statistics and Computing* 13:163), and in a balanced design those of the
textbook's table.

Factors are coded so that their effects sum to 0 over their levels, and a run without a factor has 0 there. So the mean
of a level, with all other factors at 0, is averaged over their levels equally, however often each was run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ae_jax.results.shares import share_interval
from ae_jax.results.statistics import t_quantile

_RANK = 1e-8  # singular values of codes, as far as they are no rounding
FEWEST_LEFT = 5
"""Degrees of freedom that interactions leave to the error."""


class Test(NamedTuple):
    """An F test of one term.

    Attributes:
        sum_of_squares: By how much the squared error rises without the term.
        df: Degrees of freedom of the term, as far as other terms leave it any.
        df_error: Those of the error.
        f: The F ratio; infinite where there is no error at all.
        p: How often chance alone gives such an F or a larger one.
        eta_squared: Partial eta^2, SS / (SS + SS_error).
        omega_squared: Partial omega^2, df (F - 1) / (df (F - 1) + n): the same less what chance gives, at least 0.
        low: Lower end of the 95 % interval of the share that omega^2 estimates, see `share_interval`.
        high: Its upper end.
    """

    sum_of_squares: float
    df: int
    df_error: int
    f: float
    p: float
    eta_squared: float
    omega_squared: float
    low: float
    high: float


class Marginal(NamedTuple):
    """An estimated marginal mean with its 95 % t interval, which needs an error; None where there is none."""

    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True, eq=False)
class Analysis:
    """What `analyse` found.

    Attributes:
        mains: A test for each factor; None where the other factors, or too few runs, leave nothing to test.
        dfs: Degrees of freedom of each factor that the other factors leave it.
        interactions: A test for each pair of factors whose interaction is in the model.
        df_error: Degrees of freedom of the error.
        mean_square: Of the error.
    """

    mains: list[Test | None]
    dfs: list[int]
    interactions: dict[tuple[int, int], Test]
    df_error: int
    mean_square: float
    _coefficients: np.ndarray
    _rows: np.ndarray  # orthonormal basis of what can be estimated
    _scales: np.ndarray

    def marginal(self, codes: Sequence[np.ndarray]) -> Marginal | None:
        """The mean at a code of each factor, of shape "columns"; None where the design cannot tell it."""
        row = np.concatenate([[1.0], *codes])
        within = self._rows @ row
        if np.linalg.norm(row - within @ self._rows) > 1e-6 * np.linalg.norm(row):
            return None
        mean = float(row @ self._coefficients)
        if self.df_error == 0:
            return Marginal(mean, None, None)
        error = float(np.sqrt(self.mean_square) * np.linalg.norm(within / self._scales))
        half = t_quantile(float(self.df_error)) * error
        return Marginal(mean, mean - half, mean + half)


def effect_columns(levels: np.ndarray, num: int) -> np.ndarray:
    """Codes of a factor that sum to 0 over its levels, of shape "runs num-1".

    Args:
        levels: The level of each run, from 0; -1 for a run that lacks the factor.
        num: How many levels there are.
    """
    codes = np.vstack([np.eye(num - 1), -np.ones((1, num - 1)), np.zeros((1, num - 1))])
    return codes[np.asarray(levels, int)]


def analyse(
    y: np.ndarray, factors: Sequence[np.ndarray], pairs: Sequence[tuple[int, int]] = (), *, rounding: float = 0.0
) -> Analysis:
    """Test every factor, and every interaction as far as the runs allow.

    Args:
        y: A number for each run.
        factors: Their codes, each of shape "runs columns".
        pairs: Interactions to look for. Those leave the model that other terms imitate, and the largest ones until
            `FEWEST_LEFT` degrees of freedom are left for the error.
        rounding: Numbers that differ by less are equal.
    """
    ones = np.ones((len(y), 1))
    design = np.hstack([ones, *factors])
    left, scales, rows = np.linalg.svd(design, full_matrices=False)
    known = scales > _RANK * np.sqrt(len(y))
    left, scales, rows = left[:, known], scales[known], rows[known]
    chosen = _told_apart(_interactions(left, factors, pairs))
    whole = np.hstack([left, *chosen.values()])
    residual = y - whole @ np.linalg.lstsq(whole, y, rcond=None)[0]
    df_error, floor = len(y) - whole.shape[1], len(y) * rounding**2
    error = _above(float(residual @ residual), floor) if df_error else 0.0

    def test(total: float, df: int) -> Test | None:
        return _test(_above(total, floor), df, error, df_error, len(y))

    mains, dfs = list[Test | None](), list[int]()
    for at, codes in enumerate(factors):
        added = _basis(codes, _basis(np.hstack([ones, *factors[:at], *factors[at + 1 :]])))
        dfs.append(added.shape[1])
        mains.append(test(float(((added.T @ y) ** 2).sum()), dfs[-1]))
    crossed = {pair: test(total, chosen[pair].shape[1]) for pair, total in _dropped(y, chosen).items()}
    return Analysis(
        mains,
        dfs,
        {pair: made for pair, made in crossed.items() if made is not None},
        df_error,
        error / df_error if df_error else 0.0,
        rows.T @ ((left.T @ y) / scales),
        rows,
        scales,
    )


def lost_to(factors: Sequence[np.ndarray], at: int) -> list[int]:
    """The factors without any one of which more of a factor could be told: those that it is confounded with."""

    def told(others: Sequence[np.ndarray]) -> int:
        return _basis(factors[at], _basis(np.hstack([np.ones((len(factors[at]), 1)), *others]))).shape[1]

    others = [other for other in range(len(factors)) if other != at]
    now = told([factors[other] for other in others])
    return [one for one in others if told([factors[other] for other in others if other != one]) > now]


def _interactions(
    additive: np.ndarray, factors: Sequence[np.ndarray], pairs: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], np.ndarray]:
    """What each interaction adds to the main effects, the largest left out until enough is left for the error."""
    room = len(additive) - additive.shape[1] - FEWEST_LEFT
    found: dict[tuple[int, int], np.ndarray] = {}
    for a, b in pairs:
        if factors[a].shape[1] and factors[b].shape[1] and room > 0:
            products = factors[a][:, :, None] * factors[b][:, None, :]
            basis = _basis(products.reshape(len(additive), -1), additive)
            if basis.shape[1]:
                found[a, b] = basis
    while found and sum(basis.shape[1] for basis in found.values()) > room:
        most = max(basis.shape[1] for basis in found.values())
        found = {pair: basis for pair, basis in found.items() if basis.shape[1] < most}
    return found


def _told_apart(bases: dict[tuple[int, int], np.ndarray]) -> dict[tuple[int, int], np.ndarray]:
    """Interactions without those that imitate each other: the null space of all of them has a part in theirs."""
    if not bases:
        return {}
    together = np.hstack(list(bases.values()))
    values, vectors = np.linalg.eigh(together.T @ together)
    null = np.linalg.norm(vectors[:, values < _RANK], axis=1)
    ends = np.cumsum([basis.shape[1] for basis in bases.values()])[:-1]
    parts = np.split(null, ends)
    return {pair: bases[pair] for pair, part in zip(bases, parts, strict=True) if part.max(initial=0.0) < 1e-6}


def _dropped(y: np.ndarray, bases: Mapping[tuple[int, int], np.ndarray]) -> dict[tuple[int, int], float]:
    """By how much the squared error rises without each interaction.

    It is b' inv(C) b of its coefficients and their part of C, the inverse of the products of all columns.
    """
    if not bases:
        return {}
    together = np.hstack(list(bases.values()))
    inverse = np.linalg.inv(together.T @ together)
    coefficients = inverse @ (together.T @ y)
    sums, start = {}, 0
    for pair, basis in bases.items():
        own = slice(start, start + basis.shape[1])
        start = own.stop
        sums[pair] = float(coefficients[own] @ np.linalg.solve(inverse[own, own], coefficients[own]))
    return sums


def _basis(columns: np.ndarray, given: np.ndarray | None = None) -> np.ndarray:
    """Orthonormal basis of columns, or of what they add to the orthonormal columns that are given."""
    for _ in range(0 if given is None else 2):  # a second time, as the first leaves rounding
        columns = columns - given @ (given.T @ columns)  # type: ignore[union-attr] # not None
    if columns.shape[1] == 0:
        return columns
    left, scales, _ = np.linalg.svd(columns, full_matrices=False)
    return left[:, scales > _RANK * np.sqrt(len(columns))]


def _above(total: float, floor: float) -> float:
    return total if total > floor else 0.0


def _test(total: float, df: int, error: float, df_error: int, num: int) -> Test | None:
    if df == 0 or df_error == 0:
        return None
    if total == 0:
        return Test(
            0.0, df, df_error, 0.0, 1.0, 0.0, 0.0, 0.0, share_interval(0.0, df, df_error, num)[1] if error else 0.0
        )
    if error == 0:
        return Test(total, df, df_error, float("inf"), 0.0, 1.0, 1.0, 1.0, 1.0)
    from scipy.special import fdtrc

    f = (total / df) / (error / df_error)
    beyond = max(0.0, df * (f - 1))
    low, high = share_interval(f, df, df_error, num)
    return Test(
        total,
        df,
        df_error,
        f,
        float(fdtrc(df, df_error, f)),
        total / (total + error),
        beyond / (beyond + num),
        low,
        high,
    )
