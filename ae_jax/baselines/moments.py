"""Mean and scatter of a stream of batches, in float64 on the host; memory grows with features only."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Real

from ae_jax.errors import UserError

PerFeature = float | Real[np.ndarray, " features"]
"""One number, or one for each feature."""

_ROWS = 2048  # that a matrix product takes at once: enough to be fast, and it bounds the memory of huge batches
_BYTE_ROWS = 1024  # sums of as many products of integers in [-128, 127] stay within 2**24: exact in float32
_BYTE_CENTRE = np.float32(128)


class Moments(NamedTuple):
    """Number of examples, their mean, and ``sum (x - mean)(x - mean)'`` (a sum, not yet an average)."""

    num_examples: int
    mean: Float64[np.ndarray, " features"]
    scatter: Float64[np.ndarray, "features features"]


def second_moments(batches: Iterable[np.ndarray], *, scale: PerFeature = 1.0, offset: PerFeature = 0.0) -> Moments:
    """Moments of ``raw * scale + offset`` from one pass over raw batches, without cancellation far from zero.

    Bytes are summed exactly, in integers that single precision holds, at twice the speed: pass raw pixels as they are.

    Args:
        batches: Arrays of shape "examples features", any real dtype and any sizes; all uint8 if the first is.
        scale: Factor from raw values to inputs.
        offset: Added after scaling.

    Raises:
        ValueError: The batches are not of that shape, differ in features, or only some are bytes.
        UserError: No examples, or a value is NaN, infinite or too large to be squared.
    """
    batches = iter(batches)
    first = next(batches, None)
    if first is None:
        raise UserError("data", "PCA got no examples")
    gather = _of_bytes if first.dtype == np.uint8 else _of_numbers
    num_examples, mean, scatter = gather(chain([first], batches), first.shape[-1])
    if num_examples == 0:
        raise UserError("data", "PCA got no examples")
    broken = np.flatnonzero(~np.isfinite(mean + scatter.diagonal()))
    if broken.size:
        problem = f"feature {broken[0]} has a value that is NaN, infinite or too large to be squared"
        raise UserError("data", problem, "PCA needs finite values")
    factors = np.broadcast_to(np.asarray(scale, np.float64), mean.shape)
    return Moments(num_examples, mean * factors + offset, scatter * np.outer(factors, factors))


def _of_numbers(batches: Iterable[np.ndarray], num_features: int) -> Moments:
    """Two parts of m and n examples whose means differ by d merge as ``scatter_m + scatter_n + mn/(m + n) dd'``.

    That last term is one more row of the matrix product.

    Reference: Chan, Golub & LeVeque 1983, *The American Statistician* 37:242.
    """
    count, mean, scatter = 0, np.zeros(num_features), np.zeros((num_features, num_features))
    product, buffer = np.empty_like(scatter), np.empty((_ROWS + 1, num_features))
    with np.errstate(invalid="ignore", over="ignore"):  # found, and reported by feature, by the caller
        for chunk in _chunks(batches, num_features, rows=_ROWS):
            size = len(chunk)
            rows = buffer[: size + 1]
            rows[:size] = chunk
            chunk_mean = rows[:size].mean(axis=0)
            rows[:size] -= chunk_mean
            rows[size] = (chunk_mean - mean) * np.sqrt(count * size / (count + size))
            scatter += np.matmul(rows.T, rows, out=product)  # of an array with itself: half of the work (syrk)
            count += size
            mean += (chunk_mean - mean) * (size / count)
    return Moments(count, mean, scatter)


def _of_bytes(batches: Iterable[np.ndarray], num_features: int) -> Moments:
    """``sum yy' - (sum y)(sum y)' / n`` of y = x - 128, where both sums are exact."""
    count, total, scatter = 0, np.zeros(num_features), np.zeros((num_features, num_features))
    product, buffer = np.empty_like(scatter, np.float32), np.empty((_BYTE_ROWS, num_features), np.float32)
    for chunk in _chunks(batches, num_features, rows=_BYTE_ROWS):
        if chunk.dtype != np.uint8:
            raise ValueError(f"batches of bytes are followed by {chunk.dtype}; give all of them in the same units")
        rows = np.subtract(chunk, _BYTE_CENTRE, out=buffer[: len(chunk)])
        scatter += np.matmul(rows.T, rows, out=product)
        total += rows.sum(axis=0)
        count += len(chunk)
    examples = max(count, 1)
    return Moments(count, total / examples + _BYTE_CENTRE, scatter - np.outer(total, total) / examples)


def _chunks(batches: Iterable[np.ndarray], num_features: int, *, rows: int) -> Iterator[np.ndarray]:
    for batch in batches:
        if batch.ndim != 2 or batch.shape[1] == 0:
            raise ValueError(f"expected batches of shape (examples, features), got {batch.shape}")
        if batch.shape[1] != num_features:
            raise ValueError(f"batches differ in features: {num_features} and {batch.shape[1]}")
        for start in range(0, len(batch), rows):
            yield batch[start : start + rows]
