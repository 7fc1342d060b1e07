"""Scalings of a table or an image stack, fitted on the training split in float64.

    unit_interval:         (x - min) / (max - min),  x / 255 for bytes
    unit_interval_clipped: the same, of x clipped to [min, max]: held-out examples may lie outside
    standardize:           (x - mean) / std

Columns of a table are scaled each by itself; an image stack is scaled as a whole, since its pixels share one unit. What
is constant in training is only shifted, to zero.
"""

from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Float64, Shaped

from ae_jax.datasets.base import Indices, Raw, chunks
from ae_jax.errors import UserError

ScalingName = Literal["none", "unit_interval", "unit_interval_clipped", "standardize"]
RESOLUTION = 2.0**-24  # of float32, relative
PRECISION = 0.01
_NOISE = 2.0**-48  # of computing in float64, relative


class Scaling(NamedTuple):
    """Inputs are ``raw * scale + offset``."""

    scale: float | Float32[np.ndarray, " features"]
    offset: float | Float32[np.ndarray, " features"]


def fit_scaling(train: Raw, *, scaling: ScalingName, per_feature: bool, names: tuple[str, ...] | None) -> Scaling:
    """Fit a scaling to raw training examples.

    Args:
        train: Raw training examples.
        scaling: Which one.
        per_feature: Scale every feature by itself, else all by the same numbers.
        names: Column names, for messages.

    Raises:
        UserError: If a column varies so little beside its size that float32 cannot tell its values apart.
    """
    if scaling == "none":
        return Scaling(1.0, 0.0)
    if scaling != "standardize" and train.dtype == np.uint8:
        return Scaling(1 / 255, 0.0)
    low, high = _range(train, per_feature=per_feature)
    origin, spread = _moments(train, per_feature=per_feature) if scaling == "standardize" else (low, high - low)
    varies = high > low
    _check_precision(varies & (PRECISION * spread < RESOLUTION * np.maximum(abs(low), abs(high))), names)
    scale = 1 / np.where(varies, spread, 1.0)
    offset = -origin * scale
    if not per_feature:
        return Scaling(float(scale[0]), float(offset[0]))
    return Scaling(scale.astype(np.float32), offset.astype(np.float32))


def check_source(
    values: Shaped[np.ndarray, "examples *shape"],
    train: Indices,
    stored: Shaped[np.ndarray, "train features"],
    *,
    names: tuple[str, ...] | None,
) -> bool:
    """Compare the training examples as the source has them, since float32 may have made equal what differs.

    Args:
        values: All examples, in the type of the source.
        train: Positions of the training examples.
        stored: The training examples as they are kept.
        names: Column names, for messages.

    Returns:
        Whether they differ at all.

    Raises:
        UserError: If a column of a table, or a whole image stack, varies so little beside its size that float32 cannot
            tell its values apart.
    """
    if values.dtype == bool or np.can_cast(values.dtype, np.float32):
        return bool((stored.min(axis=0) != stored.max(axis=0)).any())
    low = high = values[train[:1]].reshape(-1)
    for rows in chunks(*stored.shape):
        piece = values[train[rows]].reshape(-1, stored.shape[1])
        low, high = np.minimum(low, piece.min(axis=0)), np.maximum(high, piece.max(axis=0))
    differs = bool((low != high).any())
    if values.ndim > 2:
        low, high = low.min(keepdims=True), high.max(keepdims=True)
    size = np.maximum(abs(low.astype(np.float64)), abs(high.astype(np.float64)))
    # The difference of whole numbers is exact, whatever their size.
    spread = (high - low).astype(np.float64)
    noise = _NOISE * size if values.dtype.kind == "f" else np.zeros_like(size)
    _check_precision((spread > noise) & (PRECISION * spread < RESOLUTION * size), names)
    return differs


def in_unit_interval(splits: tuple[np.ndarray, ...], *, scaling: ScalingName, per_feature: bool) -> bool:
    """Whether the scaled examples of all splits lie in [0, 1], up to the rounding of float32.

    Args:
        splits: Raw examples, the training split first.
        scaling: The scaling that was fitted on the training split.
        per_feature: As it was fitted.
    """
    if scaling == "standardize":
        return False
    if scaling == "none":
        return all(split.min() >= 0 and split.max() <= 1 for split in splits)
    if splits[0].dtype == np.uint8 or scaling == "unit_interval_clipped":
        return True
    low, high = _range(splits[0], per_feature=per_feature)
    high = np.where(high > low, high, low + 1)
    ranges = [_range(split, per_feature=per_feature) for split in splits[1:]]
    return all(bool((lowest >= low).all() and (highest <= high).all()) for lowest, highest in ranges)


def clip(
    held_out: Shaped[np.ndarray, "held_out features"], train: Shaped[np.ndarray, "train features"], *, per_feature: bool
) -> int:
    """Clip held-out examples to the range of the training examples, in place; how many values that has changed."""
    if train.dtype == np.uint8:
        return 0
    low, high = (bound.astype(train.dtype) for bound in _range(train, per_feature=per_feature))
    num_clipped = 0
    for rows in chunks(*held_out.shape):
        outside = (held_out[rows] < low) | (held_out[rows] > high)
        num_clipped += int(outside.sum())
        np.clip(held_out[rows], low, high, out=held_out[rows])
    return num_clipped


def _range(raw: Raw, *, per_feature: bool) -> tuple[Float64[np.ndarray, " scaled"], Float64[np.ndarray, " scaled"]]:
    low, high = raw.min(axis=0).astype(np.float64), raw.max(axis=0).astype(np.float64)
    return (low, high) if per_feature else (low.min(keepdims=True), high.max(keepdims=True))


def _moments(raw: Raw, *, per_feature: bool) -> tuple[Float64[np.ndarray, " scaled"], Float64[np.ndarray, " scaled"]]:
    """Mean and standard deviation in two passes over chunks."""
    mean = _streamed_mean(raw, np.zeros(raw.shape[1]), power=1, per_feature=per_feature)
    return mean, np.sqrt(_streamed_mean(raw, mean, power=2, per_feature=per_feature))


def _streamed_mean(
    raw: Raw, center: Float64[np.ndarray, " _"], *, power: int, per_feature: bool
) -> Float64[np.ndarray, " _"]:
    total = np.zeros(raw.shape[1])
    for rows in chunks(*raw.shape):
        total += ((raw[rows].astype(np.float64) - center) ** power).sum(axis=0)
    mean = total / len(raw)
    return mean if per_feature else mean.mean(keepdims=True)


def _check_precision(blurred: Bool[np.ndarray, " _"], names: tuple[str, ...] | None) -> None:
    if not blurred.any():
        return
    first = int(blurred.argmax())
    column = repr(names[first]) if names else str(first)
    problem = f"column {column} varies so little beside its size that float32 cannot tell its values apart"
    way = f" with dataset.exclude_columns=[{names[first]}]" if names else ""
    raise UserError("dataset.scaling", problem, f"subtract a constant from it first, or leave it out{way}")
