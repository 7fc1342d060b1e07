r"""What PCA's coordinates are squeezed to, so that it competes under the limits of a sparse or a quantised code.

- **Sparse**: of each example the k coordinates of the largest magnitude are kept, the rest is 0. No other k coordinates
  of an orthonormal basis have a smaller squared error.
- **Quantised**: coordinate j is one of L_j numbers, a step apart and symmetric around 0,

      q(z) = \Delta_j \left( \min(\max(\lfloor z / \Delta_j + L_j / 2 \rfloor, 0), L_j - 1) - \frac{L_j - 1}{2} \right)

  with the step that has the smallest squared error for a normal distribution of the coordinate's variance (Max 1960).
  Whole bits go one by one to the coordinate whose error falls most by it, which is reverse water-filling in whole bits
  (Cover & Thomas 2006, section 10.3.3); what is left of a fraction makes one L_j larger. Coordinates beside those of
  the latent size may get some: at a rate it is bits that are limited.
"""

import functools
import heapq
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int64
from scipy.optimize import minimize_scalar
from scipy.stats import norm

_MOST_LEVELS = 1 << 32  # of a coordinate: what is left then is rounding, and bits beyond it have no use
_MOST_EXACT = 1 << 14  # numbers of a quantiser for which the best step is searched; beyond, its asymptote is as good


class Quantiser(NamedTuple):
    """Uniform quantisers of the leading coordinates.

    Attributes:
        num_levels: How many numbers each can be.
        steps: How far they are apart.
    """

    num_levels: tuple[int, ...]
    steps: tuple[float, ...]

    @property
    def rate(self) -> float:
        """Bits of an example, each number as likely as the others of its coordinate."""
        return float(np.log2(self.num_levels).sum()) if self.num_levels else 0.0

    def __call__(
        self, coordinates: Float[np.ndarray, "examples components"]
    ) -> Float64[np.ndarray, "examples components"]:
        """The nearest of their numbers."""
        return np.array(self.steps) * (self.indices(coordinates) - (np.array(self.num_levels) - 1) / 2)

    def indices(
        self, coordinates: Float[np.ndarray, "examples components"]
    ) -> Int64[np.ndarray, "examples components"]:
        """Which of its numbers the nearest is, counted from the lowest."""
        counts, steps = np.array(self.num_levels), np.array(self.steps)
        return np.clip(np.floor(coordinates / steps + counts / 2), 0, counts - 1).astype(np.int64)


def quantiser(variances: Sequence[float] | Float64[np.ndarray, " components"], rate: float) -> Quantiser:
    """The quantisers of coordinates for a number of bits; those that get no bit, the last ones, are left out.

    Args:
        variances: Of the coordinates, descending, and positive.
        rate: Bits of an example; of those that no coordinate has a use for, none are allotted.
    """
    counts = [1] * len(variances)
    gains = [(-variance * (_error(1) - _error(2)), at) for at, variance in enumerate(variances)]
    heapq.heapify(gains)
    for _ in range(math.floor(rate)):
        if not gains:
            break
        _, at = heapq.heappop(gains)
        counts[at] *= 2
        if counts[at] < _MOST_LEVELS:
            heapq.heappush(gains, (-variances[at] * (_error(counts[at]) - _error(2 * counts[at])), at))
    more = [min(math.floor(count * 2 ** (rate % 1)), _MOST_LEVELS) for count in counts]
    gained = [v * (_error(n) - _error(m)) for v, n, m in zip(variances, counts, more, strict=True)]
    if gained:
        best = int(np.argmax(gained))
        counts[best] = more[best]
    used = sum(count > 1 for count in counts)
    steps = [math.sqrt(variance) * _best_step(n)[0] for variance, n in zip(variances, counts, strict=True)]
    return Quantiser(tuple(counts[:used]), tuple(steps[:used]))


def keep_largest(
    coordinates: Float[np.ndarray, "examples components"], num_active: int
) -> Float[np.ndarray, "examples components"]:
    """The coordinates of largest magnitude of each example, the rest 0; of equal ones the first are kept."""
    order = np.argsort(-np.abs(coordinates), axis=1, kind="stable")[:, :num_active]
    kept = np.zeros_like(coordinates)
    np.put_along_axis(kept, order, np.take_along_axis(coordinates, order, axis=1), axis=1)
    return kept


def _error(num_levels: int) -> float:
    """The squared error that is left of a standard normal number."""
    return _best_step(num_levels)[1]


@functools.cache
def _best_step(num_levels: int) -> tuple[float, float]:
    """The step with the smallest squared error for a standard normal distribution, and that error.

    Of many numbers the asymptote of Hui & Neuhoff 2001, *IEEE Transactions on Information Theory* 47:957.
    """
    if num_levels == 1:
        return 1.0, 1.0
    if num_levels > _MOST_EXACT:
        step = 4 * math.sqrt(math.log(num_levels)) / num_levels
        return step, step**2 / 12
    found = minimize_scalar(lambda step: _normal_error(num_levels, step), bounds=(1e-3, 4.0), method="bounded")
    return float(found.x), float(found.fun)


def _normal_error(num_levels: int, step: float) -> float:
    r"""\sum_i \int (t - r_i)^2 \phi(t) dt over the cells of a uniform quantiser, in closed form."""
    centres = step * (np.arange(num_levels) - (num_levels - 1) / 2)
    inner = step * (np.arange(1, num_levels) - num_levels / 2)
    low, high = np.append(-np.inf, inner), np.append(inner, np.inf)
    masses = norm.cdf(high) - norm.cdf(low)
    density = [norm.pdf(ends) for ends in (low, high)]
    moment = [np.where(np.isfinite(ends), ends, 0) * at for ends, at in zip((low, high), density, strict=True)]
    return float((masses * (1 + centres**2) + moment[0] - moment[1] - 2 * centres * (density[0] - density[1])).sum())
