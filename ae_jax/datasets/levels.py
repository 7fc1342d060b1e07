"""Whether features are levels, such as those of bytes."""

import functools

import numpy as np

from ae_jax.datasets.base import SPLITS, Dataset, chunks

_ROUNDING = 0.01  # of a level: more than float32 leaves at 2^16 of them


@functools.lru_cache(maxsize=32)
def has_levels(dataset: Dataset, num_levels: int) -> bool:
    """Whether the inputs of all splits are 0, 1 / (num_levels - 1), …, 1, and nothing between them."""
    return all(_are_levels(dataset, getattr(dataset, split), num_levels) for split in SPLITS)


def _are_levels(dataset: Dataset, raw: np.ndarray, num_levels: int) -> bool:
    if raw.dtype == np.uint8 and np.ndim(dataset.scale) == np.ndim(dataset.offset) == 0:
        held = np.zeros(256, bool)  # it takes a hundredth of the time to look at those bytes that there are
        for rows in chunks(*raw.shape):
            held[raw[rows]] = True
        inputs = np.flatnonzero(held) * dataset.scale + dataset.offset
        return _is_whole(inputs * (num_levels - 1), num_levels)
    return all(_is_whole(dataset.scaled(raw[rows]) * (num_levels - 1), num_levels) for rows in chunks(*raw.shape))


def _is_whole(values: np.ndarray, num_levels: int) -> bool:
    nearest = np.clip(np.round(values), 0, num_levels - 1)
    return bool((np.abs(values - nearest) <= _ROUNDING).all())
