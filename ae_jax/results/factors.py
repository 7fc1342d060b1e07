"""Swept keys as factors: which level each run has, which keys only some runs have, and which combinations were run."""

import json
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ae_jax.results.anova import effect_columns
from ae_jax.results.results import Results
from ae_jax.results.runs import Run, Setting, partition, varying

SEED = "seed"
NOT_SET: Setting = "not set"
"""The value of a key where a run lacks it, and nothing else tells why."""


class Level(NamedTuple):
    """A value of a key: what it is, in how many runs, and of how many of those that diverged."""

    value: Setting
    num_runs: int
    num_diverged: int


class Factor(NamedTuple):
    """A key as a factor.

    Attributes:
        key: The key, dotted.
        together: Other keys that always varied together with it: which of them did it cannot be told.
        parent: The component that decides whether a run has the key; None where all have it.
        levels: Its values in runs, then those of which all runs diverged.
        at: The level of each run; -1 where it lacks the key.
        lost_at: The same of each run that diverged.
    """

    key: str
    together: list[str]
    parent: str | None
    levels: list[Level]
    at: np.ndarray
    lost_at: np.ndarray

    @property
    def num_run(self) -> int:
        """How many of the levels have runs."""
        return sum(level.num_runs > 0 for level in self.levels)

    @property
    def columns(self) -> np.ndarray:
        """Its codes, see `anova.effect_columns`; of shape "runs 0" where there is one level only."""
        return effect_columns(self.at, max(1, self.num_run))

    @property
    def is_one_run_each(self) -> bool:
        """Whether no two runs have the same value, which leaves nothing to compare with."""
        return self.num_run > 1 and all(level.num_runs <= 1 for level in self.levels)


class Grid(NamedTuple):
    """Combinations of all values of all factors: how many there are, and how many have runs, or diverged ones only."""

    num: int
    num_run: int
    num_diverged: int

    def __str__(self) -> str:
        """What is missing: "of 12 combinations of values 9 have runs, of 2 all runs diverged, 1 was not run"."""
        absent = self.num - self.num_run - self.num_diverged
        lost = f", of {self.num_diverged} all runs diverged" if self.num_diverged else ""
        rest = f", {absent} {'was' if absent == 1 else 'were'} not run" if absent else ""
        return f"of {self.num} combinations of values {self.num_run} have runs{lost}{rest}"


def factors_of(results: Results, runs: Sequence[Run]) -> list[Factor]:
    """The keys that distinguish runs, or would if the others had not diverged; `seed` is not among them.

    Args:
        results: Runs of one dataset.
        runs: Those of them that were measured.
    """
    settings = [run.settings for run in runs]
    lost = [one.settings for one in results.diverged]
    keys = dict[str, list[str]]()
    for first, others in results.distinguishing.items():
        # A key that some lack, and that has one value, says less than those that go with it.
        name, *rest = [first, *others] if first in results.varying or not others else others
        keys[name] = rest
    known = {key for first, others in results.distinguishing.items() for key in (first, *others)} | {SEED}
    parts: dict[tuple[int, ...], str] = {}
    for key in varying([*settings, *lost]):
        if key not in known:
            first = parts.setdefault(partition([*settings, *lost], key), key)
            keys.setdefault(first, []).extend([key] if key != first else [])
    made = [_factor(key, together, keys, settings, lost) for key, together in keys.items()]
    # A key of which all that have it have the same value is the component's doing.
    return [one for one in made if len(one.levels) > 1]


def seed_factor(results: Results, runs: Sequence[Run]) -> Factor:
    """The seed as a factor."""
    return _factor(SEED, [], {}, [run.settings for run in runs], [one.settings for one in results.diverged])


def grid_of(factors: Sequence[Factor]) -> Grid:
    """The grid that the factors span. What only some runs have counts where its component is chosen."""
    roots = [one for one in factors if one.parent is None or not any(_is(one.parent, other) for other in factors)]
    run = set(zip(*(one.at.tolist() for one in factors), strict=True))
    lost = set(zip(*(one.lost_at.tolist() for one in factors), strict=True)) - run
    num = math.prod(sum(_weight(one, at, factors) for at in range(len(one.levels))) for one in roots)
    return Grid(max(num, len(run | lost)), len(run), len(lost))


def _weight(factor: Factor, at: int, factors: Sequence[Factor]) -> int:
    """In how many combinations of what it decides a level stands."""
    weight = 1
    for one in factors:
        if one.parent is not None and _is(one.parent, factor):
            has = np.concatenate([one.at[factor.at == at], one.lost_at[factor.lost_at == at]])
            if (has >= 0).any():
                weight *= sum(_weight(one, level, factors) for level in range(len(one.levels)))
    return weight


def _is(key: str, factor: Factor) -> bool:
    return key == factor.key or key in factor.together


def _factor(
    key: str,
    together: list[str],
    keys: dict[str, list[str]],
    settings: Sequence[dict[str, Setting]],
    lost: Sequence[dict[str, Setting]],
) -> Factor:
    parent = next(_deciders(key, keys, [*settings, *lost]), None)
    texts = [_text(one, key, parent) for one in settings]
    lost_texts = [_text(one, key, parent) for one in lost]
    order = [text for text in dict.fromkeys([*texts, *lost_texts]) if text is not None]
    values = {_text(one, key, parent): one.get(key, NOT_SET) for one in [*lost, *settings]}
    levels = [Level(values[text], texts.count(text), lost_texts.count(text)) for text in order]
    places = {text: at for at, text in enumerate(order)} | {None: -1}
    at, lost_at = (np.array([places[text] for text in part], int) for part in (texts, lost_texts))
    return Factor(key, together, parent, levels, at, lost_at)


def _text(settings: dict[str, Setting], key: str, parent: str | None) -> str | None:
    """A value as text, by which values are told apart; None where the key has no place."""
    if key in settings:
        return json.dumps(settings[key])
    return None if parent else ""


def _deciders(key: str, keys: dict[str, list[str]], settings: Sequence[dict[str, Setting]]) -> Iterator[str]:
    """Components above a key that some lack, of which each value always has it or never; the nearest first."""
    has = [key in one for one in settings]
    if all(has):
        return
    known = {name for first, others in keys.items() for name in (first, *others)}
    while "." in key:
        key = key.rpartition(".")[0]
        if key in known:
            pairs = set(zip(partition(settings, key), has, strict=True))
            if len({part for part, _ in pairs}) == len(pairs):
                yield key
