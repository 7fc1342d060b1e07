"""Runs that differ in the seed only are one configuration: what is compared, selected and reported."""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ae_jax.errors import UserError
from ae_jax.results.compare import Comparison, Values, compare_values, partner
from ae_jax.results.results import Results
from ae_jax.results.runs import Excluded, Run, Setting
from ae_jax.results.statistics import FEWEST, Estimate, Interval, estimate
from ae_jax.runs.measures import competitor_size, measure_named

SPLIT_SEED = "dataset.split_seed"
_SEED = "seed"


@dataclass(frozen=True, eq=False)
class Configuration:
    """Runs of one config over seeds.

    Attributes:
        settings: What distinguishes it: keys that vary among all runs, without the seed, as far as it has them. Of keys
            that always vary together only the first; `runs` have them all.
        runs: Its completed runs, by seed.
        excluded: Its runs that are not counted, such as diverged ones.
    """

    settings: dict[str, Setting]
    runs: tuple[Run, ...]
    excluded: tuple[Excluded, ...] = ()

    @property
    def num_seeds(self) -> int:
        """How many runs are counted."""
        return len(self.runs)

    @property
    def num_diverged(self) -> int:
        """How many runs diverged. An estimate from the others alone is better than the configuration is."""
        return sum(one.state == "diverged" for one in self.excluded)

    @property
    def num_failed(self) -> int:
        """How many seeds failed or left a damaged folder, and did not complete in another one."""
        completed = {run.seed for run in self.runs}
        lost = {one.settings.get(_SEED) for one in self.excluded if one.state in ("failed", "damaged")}
        return len(lost - completed)

    @property
    def lost_text(self) -> str:
        """What stands beside its number of seeds: "(+1 diverged, 2 failed)"; nothing where none is lost."""
        counts = {"diverged": self.num_diverged, "failed": self.num_failed}
        lost = ", ".join(f"{number} {state}" for state, number in counts.items() if number)
        return f"(+{lost})" if lost else ""

    @property
    def dataset(self) -> str:
        """Name of its dataset."""
        return self.runs[0].dataset

    @property
    def latent_size(self) -> int:
        """Size of its latent."""
        return self.runs[0].latent_size

    @property
    def pcas(self) -> list[dict[str, Any]]:
        """What summary.json says of the PCA beside each of its runs."""
        return [run.summary["pca"] for run in self.runs]

    @cached_property
    def label(self) -> str:
        """Its settings as one would type them; its components where nothing varies."""
        shown = self.settings or {key: self.runs[0].settings[key] for key in ("dataset", "model")}
        return settings_label(shown)

    def values(self, measure: str, split: str = "test") -> Values:
        """The autoencoder's measure by what tells the data and their split apart, and seed; as far as it was taken."""
        taken = {(run.data, run.seed): run.measure(measure, split) for run in self.runs}
        return {key: value for key, value in taken.items() if value is not None}

    def pca_values(self, measure: str, split: str = "test") -> Values:
        """PCA's measure, which has no seed: one for each random split.

        Of corrupted inputs it does, as their noise has; and where it is limited to what each seed's latents use.
        """
        seeded = split == "corrupted" or len(set(map(competitor_size, self.pcas))) > 1
        taken = {(run.data, run.seed if seeded else None): run.pca(measure, split) for run in self.runs}
        return {key: value for key, value in taken.items() if value is not None}

    def beside_pca(self, measure: str, split: str = "test") -> tuple[Values, Values]:
        """The autoencoder's measure where PCA's was taken, and PCA's; `compare.partner` tells which goes with which."""
        pca = self.pca_values(measure, split)
        return {place: value for place, value in self.values(measure, split).items() if partner(place, pca)}, pca

    def estimate(self, measure: str, split: str = "test", *, interval: Interval = "t") -> Estimate | None:
        """The autoencoder's measure over seeds, and over splits where it has several; None where it was not taken."""
        return estimate_of(self.values(measure, split), measure, interval)

    def pca(self, measure: str, split: str = "test", *, interval: Interval = "t") -> Estimate | None:
        """PCA's measure: of one split a number without interval; of corrupted inputs over the seeds of their noise."""
        return estimate_of(self.pca_values(measure, split), measure, interval)

    def against_pca(self, measure: str, split: str = "test", *, interval: Interval = "t") -> Comparison | None:
        """Autoencoder against PCA, each run with the PCA of its own split; None where one of them was not measured."""
        ours, theirs = self.beside_pca(measure, split)
        return compare_values(ours, theirs, measure_named(measure), interval=interval)


def estimate_of(values: Values, measure: str, interval: Interval = "t") -> Estimate | None:
    """What seeds and splits tell of a measure, on its own scale; None of no values."""
    if not values:
        return None
    splits = [data for data, _ in values]
    return estimate(values.values(), scale=measure_named(measure).scale, interval=interval, splits=splits)


def configurations(results: Results) -> list[Configuration]:
    """The configurations of all runs, in the order of what varies: components first, then their keys.

    Runs of one config on data that changed behind the same name are two configurations.
    """
    groups: dict[tuple[str, str], list[Run]] = {}
    for run in results.runs:
        groups.setdefault((_key(run.settings), run.data), []).append(run)
    excluded: dict[str, list[Excluded]] = {}
    for one in results.excluded:
        if one.settings and one.state != "repeated":
            excluded.setdefault(_key(one.settings), []).append(one)
    keys = list(results.distinguishing)
    made = []
    for (key, _), runs in groups.items():
        settings = {name: runs[0].settings[name] for name in keys if name in runs[0].settings}
        by_seed = tuple(sorted(runs, key=lambda run: run.seed))
        lost = tuple(one for one in excluded.get(key, ()) if one.is_on_data_of(runs[0]))
        made.append(Configuration(settings, by_seed, lost))
    return sorted(made, key=lambda one: [_order(one.settings.get(name)) for name in keys])


def pooled(group: Sequence[Configuration], settings: dict[str, Setting]) -> Configuration:
    """Configurations as one, such as those that differ in the random split only."""
    runs = tuple(run for one in group for run in one.runs)
    return Configuration(settings, runs, tuple(lost for one in group for lost in one.excluded))


def data_of(one: Configuration, split: str) -> set[str]:
    """What the data of its runs are, equal where errors compare: corrupted inputs differ with every corruption."""
    found = set()
    for run in one.runs:
        seen = {key: value for key, value in run.settings.items() if key.partition(".")[0] == "corruption"}
        found.add(json.dumps([run.data, seen if split == "corrupted" else None]))
    return found


def best_by_validation(
    candidates: Sequence[Configuration], measure: str, *, against_pca: bool = False
) -> Configuration:
    """The first by `ranked_by_validation`. What it is reported on is the test split.

    Raises:
        UserError: If the measure was not taken.
    """
    return ranked_by_validation(candidates, measure, against_pca=against_pca)[0]


def ranked_by_validation(
    candidates: Sequence[Configuration], measure: str, *, against_pca: bool = False
) -> list[Configuration]:
    """Configurations by their mean on the validation split, or by its ratio to PCA's, best first.

    Those of which runs diverged come last: their mean is that of the seeds that went well, and nobody would choose what
    diverges for a third of them. Before them come those with fewer than five seeds where others have more: of many
    that were tried once, the best was lucky.

    Raises:
        UserError: If the measure was not taken in any of them.
    """
    sign = -1 if measure_named(measure).more_is_better else 1
    means = {id(one): one.estimate(measure, "validation") for one in candidates}
    measured = [one for one in candidates if means[id(one)] is not None]
    if not measured:
        raise UserError("measure", f"{measure} was not taken in these runs", "choose sse or mse")
    enough = enough_seeds(measured)

    def order(one: Configuration) -> tuple[bool, bool, float]:
        mean = means[id(one)].mean  # type: ignore[union-attr] # not None
        if against_pca:
            compared = one.against_pca(measure, "validation")
            mean = compared.ratio.mean if compared and compared.ratio else math.inf
        return *_standing(one, enough), sign * mean

    return sorted(measured, key=order)


def competing(candidates: Sequence[Configuration], measure: str) -> list[Configuration]:
    """Those of which one is best for its mean: the others come after them whatever theirs is. In the given order.

    Raises:
        UserError: If the measure was not taken in any of them.
    """
    ranked = ranked_by_validation(candidates, measure)
    enough = enough_seeds(ranked)
    return [one for one in candidates if one in ranked and _standing(one, enough) == _standing(ranked[0], enough)]


def behind_text(candidates: Sequence[Configuration], measure: str) -> str:
    """What comes after the others whatever its mean, in a sentence; empty where all compete.

    Raises:
        UserError: If the measure was not taken in any of them.
    """
    ranked, rivals = ranked_by_validation(candidates, measure), competing(candidates, measure)
    behind = [one for one in ranked if one not in rivals]
    diverged = sum(one.num_diverged > 0 for one in behind)
    reasons = [f"{diverged} of which runs diverged"] if diverged else []
    if len(behind) > diverged:
        reasons.append(f"{len(behind) - diverged} with fewer than {enough_seeds(ranked)} seeds")
    what = f"configuration{' comes' if len(behind) == 1 else 's come'}"
    return f"{len(behind)} {what} after the others whatever the mean: {', '.join(reasons)}" if behind else ""


def _standing(one: Configuration, enough: int) -> tuple[bool, bool]:
    """What ranks before the mean."""
    return one.num_diverged > 0, one.num_seeds < enough


def enough_seeds(candidates: Sequence[Configuration]) -> int:
    """How many seeds a configuration needs to be ranked with the others: five, or as many as any has."""
    return min(FEWEST, max((one.num_seeds for one in candidates), default=0))


def settings_label(settings: dict[str, Setting]) -> str:
    """Settings as one would type them."""
    return " ".join(f"{key}={setting_text(value)}" for key, value in settings.items())


def short_keys(keys: Iterable[str]) -> dict[str, str]:
    """Keys by their last part, where that tells them apart."""
    every = list(keys)
    last = [key.rpartition(".")[2] for key in every]
    return {key: name if last.count(name) == 1 else key for key, name in zip(every, last, strict=True)}


def setting_text(value: Setting) -> str:
    """A setting as one would type it."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _key(settings: dict[str, Setting]) -> str:
    return json.dumps({key: value for key, value in settings.items() if key != _SEED}, sort_keys=True)


def _order(value: Setting) -> tuple[int, float, str]:
    """Sorts values of any type: absent, numbers, the rest as text."""
    if value is None:
        return (0, 0.0, "")
    if isinstance(value, int | float):
        return (1, float(value), "")
    return (2, 0.0, setting_text(value))
