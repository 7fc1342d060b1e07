"""Bold is by comparison: the best, and whatever is not told to be worse, seed by seed."""

import pytest

from ae_jax.runs.measures import MEASURES
from ae_jax.tables.parts.comparable import best

SSE, EXPLAINED = MEASURES["sse"], MEASURES["explained_variance"]
PCA_SEED = None


def of(*values: float, seeds: list[int | None] | None = None) -> dict:
    """Values of a split by seed."""
    return {("split", seed): value for seed, value in zip(seeds or range(len(values)), values, strict=True)}


def around(mean: float, half: float = 0.0) -> dict:
    """Five seeds."""
    return of(*(mean + half * step for step in (-1, -0.5, 0, 0.5, 1)))


def pca(value: float) -> dict:
    return of(value, seeds=[PCA_SEED])


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([around(1.0, 0.1), around(2.0, 0.1), pca(3.0)], [True, False, False]),
        # In every pair the same distance apart: their intervals overlap, and one is better.
        ([around(1.0, 0.1), around(1.01, 0.1), pca(3.0)], [True, False, False]),
        ([of(1.0, 1.1, 1.2, 1.3, 1.4), of(1.4, 1.3, 1.2, 1.1, 1.05), pca(3.0)], [True, True, False]),
        ([around(2.0, 0.1), around(3.0, 0.1), pca(1.0)], [False, False, True]),  # PCA alone
        ([around(1.05, 0.1), around(3.0, 0.1), pca(1.0)], [True, False, True]),  # PCA within the interval
        ([around(1.0), pca(1.0 + 1e-9)], [True, True]),  # rounding
        ([around(1.0), pca(1.00001)], [True, False]),
        # Too few seeds to tell are neither bold nor in the way.
        ([of(0.5), around(1.0, 0.1), pca(2.0)], [False, True, False]),
        ([of(0.5, 0.6, 0.7, 0.8), pca(2.0)], [False, False]),
        ([of(2.5, 2.6), pca(2.0)], [False, False]),
        ([{}, around(1.0, 0.1), pca(2.0)], [False, True, False]),  # diverged for some seeds
        ([around(1.0, 0.1)], [False]),  # best of nothing
        ([], []),
    ],
)
def test_bold_is_by_comparison(entries, expected):
    assert best(entries, SSE) == expected
    turned = [{key: -value for key, value in entry.items()} for entry in entries]
    assert best(turned, EXPLAINED) == expected


def test_splits_and_not_their_seeds_are_replicates():
    """An autoencoder that is ahead in all fifteen pairs is bold alone, however far apart the splits are."""
    levels = {"a": 1.0, "b": 2.0, "c": 4.0}
    ours = {(split, seed): 0.9 * levels[split] * (1 + seed / 500) for split in levels for seed in range(5)}
    theirs = {(split, PCA_SEED): level for split, level in levels.items()}
    assert best([ours, theirs], SSE) == [True, False]
