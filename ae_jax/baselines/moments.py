"""Mean and scatter of a stream of batches, in float64 on the host; memory grows with features only."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from ae_jax.errors import UserError

_CHUNK = 2048  # rows a matrix product takes at once: enough to be fast, and what bounds the memory of huge batches


class Moments(NamedTuple):
    """Number of examples, their mean, and ``sum (x - mean)(x - mean)'`` (a sum, not yet an average)."""

    num_examples: int
    mean: Float64[np.ndarray, " features"]
    scatter: Float64[np.ndarray, "features features"]


def second_moments(batches: Iterable[np.ndarray]) -> Moments:
    """One pass over the batches, merged chunk by chunk without cancellation, also for data far from zero.

    Two parts of m and n examples whose means differ by d merge as ``scatter_m + scatter_n + mn/(m + n) dd'`` (Chan,
    Golub & LeVeque 1983, *The American Statistician* 37:242). That last term is one more row of the matrix product.

    Args:
        batches: Arrays of shape "examples features", any real dtype and any sizes.

    Raises:
        ValueError: The batches are not of that shape, or differ in features.
        UserError: No examples, or a value is NaN, infinite or too large to be squared.
    """
    chunks = _chunks(batches)
    first = next(chunks, None)
    if first is None:
        raise UserError("data", "PCA got no examples")
    num_features = first.shape[1]
    count, mean, scatter = 0, np.zeros(num_features), np.zeros((num_features, num_features))
    product, buffer = np.empty_like(scatter), np.empty((_CHUNK + 1, num_features))
    with np.errstate(invalid="ignore", over="ignore"):  # found, and reported by feature, below
        for chunk in chain([first], chunks):
            size = len(chunk)
            if chunk.shape[1] != num_features:
                raise ValueError(f"batches differ in features: {num_features} and {chunk.shape[1]}")
            rows = buffer[: size + 1]
            rows[:size] = chunk
            chunk_mean = rows[:size].mean(axis=0)
            rows[:size] -= chunk_mean
            rows[size] = (chunk_mean - mean) * np.sqrt(count * size / (count + size))
            scatter += np.matmul(rows.T, rows, out=product)  # of an array with itself: half of the work (syrk)
            count += size
            mean += (chunk_mean - mean) * (size / count)
    broken = np.flatnonzero(~np.isfinite(mean + scatter.diagonal()))
    if broken.size:
        problem = f"feature {broken[0]} has a value that is NaN, infinite or too large to be squared"
        raise UserError("data", problem, "PCA needs finite values")
    return Moments(count, mean, scatter)


def _chunks(batches: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    for batch in batches:
        if batch.ndim != 2 or batch.shape[1] == 0:
            raise ValueError(f"expected batches of shape (examples, features), got {batch.shape}")
        for start in range(0, len(batch), _CHUNK):
            yield batch[start : start + _CHUNK]
