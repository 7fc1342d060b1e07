"""Bold is by interval: the best, and whatever its interval does not set apart."""

import pytest

from ae_jax.results.statistics import Estimate
from ae_jax.tables.parts.comparable import best


def of(mean: float, half_width: float | None = None) -> Estimate:
    if half_width is None:
        return Estimate(1, mean, mean, None, None)
    return Estimate(3, mean, mean, mean - half_width, mean + half_width)


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([of(1.0, 0.1), of(2.0, 0.1), of(3.0)], [True, False, False]),
        ([of(1.0, 0.1), of(1.15, 0.1), of(3.0)], [True, True, False]),
        ([of(1.0, 0.1), of(1.2, 0.1 + 1e-9)], [True, True]),
        ([of(2.0, 0.1), of(3.0, 0.1), of(1.0)], [False, False, True]),  # PCA alone
        ([of(1.05, 0.1), of(3.0, 0.1), of(1.0)], [True, False, True]),  # PCA within an interval
        ([of(1.0), of(1.05, 0.1), of(2.0, 0.1)], [True, True, False]),  # one seed is not alone where one overlaps
        ([of(1.0), of(1.2, 0.1)], [True, False]),  # two points of view, and nothing between them
        ([of(1.0, 0.1), of(1.05), of(1.2)], [True, True, False]),  # one seed within the best's interval
        ([of(1.0), of(1.0), of(1.0 + 1e-12)], [True, True, False]),
        ([of(1.0, 0.1), of(1.15, 0.1), of(1.3, 0.1)], [True, True, False]),  # only the best's interval counts
        ([None, of(1.0, 0.1), of(2.0)], [False, True, False]),
        ([of(1.0, 0.1), None], [False, False]),  # best of nothing
        ([], []),
    ],
)
def test_bold_is_by_interval(entries, expected):
    assert best(entries, more_is_better=False) == expected
    mirrored = [entry and of(-entry.mean, entry.high and entry.high - entry.mean) for entry in entries]
    assert best(mirrored, more_is_better=True) == expected


def test_more_is_better_turns_it_round():
    entries = [of(1.0, 0.1), of(2.0, 0.1)]
    assert best(entries, more_is_better=True) == [False, True]
