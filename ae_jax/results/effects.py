"""What the swept values did: which key matters most, and which of its values does best."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ae_jax.results.configurations import setting_text
from ae_jax.results.measures import measure_named
from ae_jax.results.results import Results
from ae_jax.results.runs import Setting


class Effect(NamedTuple):
    """What one key did.

    Attributes:
        key: The key, dotted.
        together: Other keys that always varied together with it: which of them did it cannot be told.
        values: Its values, best first.
        means: The mean of the measure over all runs with that value; geometric where less is better.
        num_diverged: How many runs with that value diverged, which are in no mean.
        share: Share of the variance between runs that the key alone explains, from 0 to 1; see `effects`. None where
            each value has one run only, which leaves nothing to compare with.
    """

    key: str
    together: list[str]
    values: list[Setting]
    means: list[float]
    num_diverged: list[int]
    share: float | None


def effects(results: Results, measure: str, split: str = "validation") -> list[Effect]:
    """What each key that varies did to a measure, the one that matters most first; `seed` is among them.

    The share is ``epsilon^2 = 1 - (1 - SS_between / SS_total) (n - 1) / (n - k)``, at least 0: of n runs, the sum of
    squares between the k values of the key, corrected for what k groups explain by chance. Errors are taken as
    logarithms, as what is swept multiplies them. It is the main effect: in a full grid the shares do not overlap, and
    the rest belongs to interactions; where not all combinations were run, keys that go together share credit.

    Args:
        results: Runs of one dataset.
        measure: See `measures.MEASURES`.
        split: The split; validation, as what it shows is used to choose.

    Reference: Kelley 1935, *PNAS* 21:554 (epsilon squared).
    """
    named = measure_named(measure)
    pairs = [(run, value) for run in results.runs if (value := run.measure(measure, split)) is not None]
    in_logs = not named.more_is_better and all(value > 0 for _, value in pairs)
    found = []
    keys = {**results.distinguishing, **({"seed": []} if "seed" in results.varying else {})}
    for key, together in keys.items():
        having = [(run.settings[key], value) for run, value in pairs if key in run.settings]
        y = np.array([value for _, value in having])
        y = np.log(y) if in_logs else y
        groups = _groups([setting for setting, _ in having])
        means = np.array([y[rows].mean() for rows in groups.values()])
        order = np.argsort(-means if named.more_is_better else means, kind="stable")
        settings = [having[rows[0]][0] for rows in groups.values()]
        shown = np.exp(means) if in_logs else means
        share = _share(y, list(groups.values()))
        chosen = [settings[at] for at in order]
        lost = [one.settings.get(key) for one in results.excluded if one.state == "diverged" and key in one.settings]
        found.append(Effect(key, together, chosen, shown[order].tolist(), [lost.count(one) for one in chosen], share))
    return sorted(found, key=lambda effect: -1.0 if effect.share is None else -effect.share)


def _groups(settings: Sequence[Setting]) -> dict[str, list[int]]:
    """Positions of equal settings."""
    groups: dict[str, list[int]] = {}
    for at, setting in enumerate(settings):
        groups.setdefault(f"{type(setting).__name__} {setting_text(setting)}", []).append(at)
    return groups


def _share(y: np.ndarray, groups: Sequence[Sequence[int]]) -> float | None:
    free = len(y) - len(groups)
    if free == 0:
        return None
    total = float(((y - y.mean()) ** 2).sum())
    if total == 0:
        return 0.0
    between = float(sum(len(rows) * (y[rows].mean() - y.mean()) ** 2 for rows in groups))
    return max(0.0, 1 - (1 - between / total) * (len(y) - 1) / free)
