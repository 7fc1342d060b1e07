"""Which rows can be compared with each other, and which of their numbers are best."""

import json
from collections.abc import Sequence
from statistics import fmean

from ae_jax.results.compare import Values, compare_values
from ae_jax.results.configurations import SPLIT_SEED, Configuration, data_of
from ae_jax.results.statistics import FEWEST, Interval, same
from ae_jax.runs.measures import Measure


def block(configuration: Configuration, split: str) -> tuple[str, int]:
    """The same for two configurations whose measures can be compared: same data in the same units, same latent size."""
    return json.dumps(sorted(data_of(configuration, split))), configuration.latent_size


def in_blocks(configurations: Sequence[Configuration], split: str) -> list[list[Configuration]]:
    """Comparable configurations together: data in the order in which they come, latent sizes ascending."""
    blocks: dict[tuple[str, int], list[Configuration]] = {}
    for one in configurations:
        blocks.setdefault(block(one, split), []).append(one)
    order = list(dict.fromkeys(data for data, _ in blocks))
    return [blocks[key] for key in sorted(blocks, key=lambda key: (order.index(key[0]), key[1]))]


def best(entries: Sequence[Values], measure: Measure, *, interval: Interval = "t") -> list[bool]:
    """Which entries are best: the one with the best mean, and all that are not told to be worse than it.

    An entry with fewer than five values is neither, as too few seeds tell nothing; PCA, which has no seed, competes
    with what does have them. An entry without a competitor is best of nothing.

    Args:
        entries: The values of each; none where it does not compete.
        measure: What was measured.
        interval: How it is told.
    """
    seeded = [_has_seeds(entry) for entry in entries]
    competing = [
        bool(entry) and (not has_seeds or len(entry) >= FEWEST)
        for entry, has_seeds in zip(entries, seeded, strict=True)
    ]
    if sum(competing) < 2 or not any(takes_part and seeds for takes_part, seeds in zip(competing, seeded, strict=True)):
        return [False] * len(entries)
    means = [fmean(entry.values()) if entry else 0.0 for entry in entries]
    choose = max if measure.more_is_better else min
    first = choose((at for at, takes_part in enumerate(competing) if takes_part), key=means.__getitem__)
    return [
        takes_part and (at == first or not _is_worse(entry, entries[first], measure, interval))
        for at, (entry, takes_part) in enumerate(zip(entries, competing, strict=True))
    ]


def _is_worse(entry: Values, first: Values, measure: Measure, interval: Interval) -> bool:
    if not _has_seeds(entry) and not _has_seeds(first):  # PCA and PCA, at one size: the same, or there is no telling
        return not all(same(*pair) for pair in zip(entry.values(), first.values(), strict=False))
    comparison = compare_values(entry, first, measure, interval=interval)
    return comparison is not None and comparison.verdict == "worse"


def _has_seeds(entry: Values) -> bool:
    return any(seed is not None for _, seed in entry)


def pools_splits(configuration: Configuration) -> bool:
    """Whether its runs have several random splits of the data."""
    return len({repr(run.settings.get(SPLIT_SEED)) for run in configuration.runs}) > 1
