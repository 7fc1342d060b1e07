"""Which configurations of two sides are compared with each other, and what comes of it.

Two pair where all that varies within the sides agrees. Keys whose values differ between the sides wherever one looks,
such as the model of `model=dense` and `model=linear`, are what is compared.
"""

import json
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ae_jax.errors import UserError
from ae_jax.results.compare import Comparison, Values, common_places, compare_values, holm, partner
from ae_jax.results.configurations import SPLIT_SEED, Configuration, data_of, estimate_of, pooled
from ae_jax.results.examples import examples_interval
from ae_jax.results.runs import Setting
from ae_jax.results.sides import Side
from ae_jax.results.statistics import FEWEST_OF_INTERVAL, Estimate, Interval
from ae_jax.runs.measures import measure_named

_SEVERAL = "several of each side go together: say in the conditions what tells them apart"


class Pair(NamedTuple):
    """Two that are compared.

    Attributes:
        settings: What tells the pair from the others.
        ours: The configuration of side A; None: the PCA beside that of B.
        theirs: That of side B; None: the PCA beside that of A.
    """

    settings: dict[str, Setting]
    ours: Configuration | None
    theirs: Configuration | None

    @property
    def configurations(self) -> list[Configuration]:
        """Those of the two that are no PCA."""
        return [one for one in (self.ours, self.theirs) if one is not None]

    def values(self, measure: str, split: str) -> tuple[Values, Values]:
        """Those of both, as far as they pair; all of both where no two do."""
        if self.ours is None or self.theirs is None:
            seeded, pca = self.configurations[0].beside_pca(measure, split)
            return (seeded, pca) if self.ours else (pca, seeded)
        ours, theirs = self.ours.values(measure, split), self.theirs.values(measure, split)
        common = common_places(ours, theirs)
        if not common:
            return ours, theirs
        return {place: ours[place] for place in common}, {place: theirs[place] for place in common}


class Compared(NamedTuple):
    """A pair and what is told of it.

    Attributes:
        pair: The pair.
        ours: What A measured, over the seeds that are compared.
        theirs: What B measured.
        found: A against B.
        corrected: The p value, corrected for the number of comparisons by Holm's method.
        examples: The ratio over other test examples instead of other seeds; see `over_examples`.
    """

    pair: Pair
    ours: Estimate
    theirs: Estimate
    found: Comparison
    corrected: float | None
    examples: Estimate | None


class Paired(NamedTuple):
    """The pairs of two sides.

    Attributes:
        pairs: They.
        alone: What has no partner, with its side and the reason, a line each.
    """

    pairs: list[Pair]
    alone: list[str]


def pair_up(a: Side, b: Side, split: str = "test", *, one_each: bool = True) -> Paired:
    """Pair the configurations of two sides.

    Where one side has one configuration only, each of the others is compared with it. Random splits of the data, where
    both sides have at least three, are averaged over. PCA pairs with every configuration: it is the one beside it.
    What is on different data does not pair, as its errors do not compare.

    Args:
        a: One.
        b: The other.
        split: Where they are measured.
        one_each: Whether a single configuration of A, too, is compared with each of several of B.
    """
    ours, theirs = _pooled(a, b)
    if a.is_pca or b.is_pca:
        keys = _varying(ours or theirs)
        pairs = [
            Pair(_named(one, keys), None if a.is_pca else one, one if a.is_pca else None) for one in ours or theirs
        ]
        return Paired(pairs, [])
    everything = list(dict.fromkeys(key for one in (*ours, *theirs) for key in one.settings))
    apart = [key for key in everything if not _values(key, ours) & _values(key, theirs)]
    each = len(theirs) == 1 or (one_each and len(ours) == 1)
    groups: dict[str, tuple[list[Configuration], list[Configuration]]] = {}
    for at, side in enumerate((ours, theirs)):
        for one in side:
            same = "" if each else json.dumps([_value(key, one) for key in everything if key not in apart])
            groups.setdefault(same, ([], []))[at].append(one)
    pairs, alone = list[Pair](), list[str]()
    for first, second in groups.values():
        lonely = _SEVERAL if len(first) > 1 and len(second) > 1 else "" if first and second else "no partner"
        for one in first if not lonely else ():
            for other in second:
                if data_of(one, split) & data_of(other, split):
                    shown = {**_named(other, _varying(theirs)), **_named(one, _varying(ours))}
                    pairs.append(Pair({key: shown[key] for key in everything if key in shown}, one, other))
                else:
                    alone.append(f"A {one.label} and B {other.label}: on different data")
        if lonely:
            alone += [f"A {one.label}: {lonely}" for one in first] + [f"B {one.label}: {lonely}" for one in second]
    return Paired(pairs, alone)


def compare_pairs(
    pairs: Sequence[Pair], measure: str, split: str = "test", *, interval: Interval = "t", examples: bool = False
) -> list[Compared | None]:
    """Compare each pair; None where one side was not measured. P values are corrected over those that are given.

    Args:
        pairs: Whom.
        measure: What was measured.
        split: Where.
        interval: How intervals over seeds are made.
        examples: Whether intervals over test examples are made too, which read more of the run folders.
    """
    found = [_compared(pair, measure, split, interval, examples) for pair in pairs]
    corrected = holm([one.found.p if one else None for one in found])
    return [one._replace(corrected=p) if one else None for one, p in zip(found, corrected, strict=True)]


def over_examples(pair: Pair, measure: str, split: str) -> Estimate | None:
    """What other test examples would do to the ratio of two errors, seeds as they are, by paired bootstrap.

    None where it is another measure, several random splits, or a run that did not keep the error of each example.
    """
    prefix = {"test": "", "corrupted": "corrupted_"}.get(split)
    places = [set(values) for values in pair.values(measure, split)]
    if prefix is None or not measure_named(measure).has_ratio or len({data for data, _ in set().union(*places)}) != 1:
        return None
    errors = []
    for one, own in zip((pair.ours, pair.theirs), places, strict=True):
        runs = [run for run in (one or pair.configurations[0]).runs if partner((run.data, run.seed), own)]
        method = prefix + ("autoencoder" if one else "pca")
        try:
            errors.append(np.stack([run.folder.errors[method] for run in runs]))
        except (UserError, KeyError, ValueError):  # not kept, or of another number of examples
            return None
    if errors[0].shape[1] != errors[1].shape[1]:
        return None
    found = examples_interval(*errors)
    if found.ratio is None or found.ratio.low is None:
        return None
    return Estimate(found.num, found.ratio.value, found.ratio.value, found.ratio.low, found.ratio.high)


def _compared(pair: Pair, measure: str, split: str, interval: Interval, examples: bool) -> Compared | None:
    ours, theirs = pair.values(measure, split)
    found = compare_values(ours, theirs, measure_named(measure), interval=interval)
    if found is None:
        return None
    ours_mean, theirs_mean = (estimate_of(values, measure, interval) for values in (ours, theirs))
    assert ours_mean is not None  # as they were compared
    assert theirs_mean is not None
    told = over_examples(pair, measure, split) if examples else None
    return Compared(pair, ours_mean, theirs_mean, found, None, told)


def _pooled(a: Side, b: Side) -> tuple[list[Configuration], list[Configuration]]:
    """The configurations of both; as one those that differ in the random split only, where both have enough splits."""
    sides = [list(side.configurations) for side in (a, b)]
    splits = [{json.dumps(one.runs[0].settings.get(SPLIT_SEED)) for one in side} for side in sides if side]
    if len(set.intersection(*splits)) < FEWEST_OF_INTERVAL:
        return sides[0], sides[1]
    made = []
    for side in sides:
        groups: dict[str, list[Configuration]] = {}
        for one in side:
            groups.setdefault(json.dumps(_without_split(one.settings)), []).append(one)
        made.append([pooled(group, _without_split(group[0].settings)) for group in groups.values()])
    return made[0], made[1]


def _without_split(settings: dict[str, Setting]) -> dict[str, Setting]:
    return {key: value for key, value in settings.items() if key != SPLIT_SEED}


def _varying(side: Sequence[Configuration]) -> list[str]:
    keys = dict.fromkeys(key for one in side for key in one.settings)
    return [key for key in keys if len(_values(key, side)) > 1]


def _values(key: str, side: Sequence[Configuration]) -> set[str]:
    return {_value(key, one) for one in side}


def _value(key: str, one: Configuration) -> str:
    return json.dumps(one.settings[key]) if key in one.settings else ""


def _named(one: Configuration, keys: Sequence[str]) -> dict[str, Setting]:
    return {key: one.settings[key] for key in keys if key in one.settings}
