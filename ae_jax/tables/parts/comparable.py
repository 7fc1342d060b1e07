"""Which rows can be compared with each other, and which of their numbers are best."""

import json
from collections.abc import Sequence

from ae_jax.results.configurations import Configuration
from ae_jax.results.statistics import Estimate

_SPLIT_SEED = "dataset.split_seed"


def block(configuration: Configuration, split: str) -> tuple[str, int]:
    """The same for two configurations whose measures can be compared: same data in the same units, same latent size.

    Inputs that were corrupted are other data with every corruption.
    """
    data = set()
    for run in configuration.runs:
        seen = {key: value for key, value in run.settings.items() if _is_of(key, "corruption")}
        data.add(json.dumps([run.data, seen if split == "corrupted" else None]))
    return json.dumps(sorted(data)), configuration.latent_size


def in_blocks(configurations: Sequence[Configuration], split: str) -> list[list[Configuration]]:
    """Comparable configurations together: data in the order in which they come, latent sizes ascending."""
    blocks: dict[tuple[str, int], list[Configuration]] = {}
    for one in configurations:
        blocks.setdefault(block(one, split), []).append(one)
    order = list(dict.fromkeys(data for data, _ in blocks))
    return [blocks[key] for key in sorted(blocks, key=lambda key: (order.index(key[0]), key[1]))]


def best(entries: Sequence[Estimate | None], *, more_is_better: bool) -> list[bool]:
    """Which entries are best: the one with the best mean, and all whose interval shares a point with the best's.

    So an entry is left out only where the intervals say that it is worse. PCA has no seed: it takes part as the point
    that it is. An autoencoder of one or two seeds has no interval either, though it would have one: it counts as the
    point that was seen, and whoever's interval covers that point is as good. It can be best alone only where no
    interval reaches it; whether it would stay so with more seeds nobody knows, and the table says so. An entry without
    a competitor is best of nothing.
    """
    measured = [entry for entry in entries if entry is not None]
    if len(measured) < 2:
        return [False] * len(entries)
    first = (max if more_is_better else min)(measured, key=lambda entry: entry.mean)
    return [entry is not None and entry.overlaps(first) for entry in entries]


def pools_splits(configuration: Configuration) -> bool:
    """Whether its runs have several random splits of the data."""
    return len({repr(run.settings.get(_SPLIT_SEED)) for run in configuration.runs}) > 1


def _is_of(key: str, part: str) -> bool:
    return key == part or key.startswith(f"{part}.")
