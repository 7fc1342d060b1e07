"""The verdict first, in words: how many components PCA needs to do what so many latent numbers do."""

from collections.abc import Sequence
from statistics import fmean
from typing import NamedTuple

import numpy as np

from ae_jax.results.compare import Verdict
from ae_jax.results.configurations import Configuration, ranked_by_validation
from ae_jax.results.keys import component_name
from ae_jax.results.statistics import FEWEST
from ae_jax.runs.measures import components_to_match
from ae_jax.terminal import count


class Needed(NamedTuple):
    """How many components PCA needs for the test sse of a configuration.

    Attributes:
        num: For its mean; None where PCA cannot, with all components that are known.
        low: For the upper end of the mean's 95 % interval, None as well; equal to `num` where there is no interval.
        high: For its lower end.
        num_known: Components up to which PCA's error is known.
    """

    num: int | None
    low: int | None
    high: int | None
    num_known: int

    @property
    def text(self) -> str:
        """The number and what seeds say of it: "15 [14, 15]"; one number where they all agree."""
        beyond = f"over {self.num_known}"
        num, low, high = (beyond if one is None else str(one) for one in (self.num, self.low, self.high))
        return num if low == high else f"{num} [{low}, {high}]"


def needed(one: Configuration) -> Needed:
    """How many components PCA needs on the same test examples; of several splits, with the mean of their curves."""
    curves = sorted({tuple(run.summary["pca"]["test_sse_by_components"]) for run in one.runs})
    curve = np.array([fmean(errors) for errors in zip(*curves, strict=False)])
    ours = one.estimate("sse")
    if ours is None:
        raise ValueError("a completed run has a test sse")
    low, high = (ours.mean if end is None else end for end in (ours.low, ours.high))
    return Needed(
        num=components_to_match(curve, ours.mean),
        low=components_to_match(curve, high),
        high=components_to_match(curve, low),
        num_known=len(curve) - 1,
    )


def sentence(one: Configuration) -> str:
    """What a configuration does, in numbers of PCA: "8 numbers of the dense autoencoder do what PCA does with 15"."""
    found, size = needed(one), one.latent_size
    ours = f"{count(size, 'number')} of the {component_name(str(one.runs[0].settings['model']))} autoencoder"
    do = "does" if size == 1 else "do"
    if found.num is None and found.num_known == one.runs[0].summary["dataset"]["num_features"]:
        return f"{ours} {do} what PCA cannot do with all its {found.num_known}"
    if found.num == 0 and found.text == "0":
        return f"{ours} {do} what the mean alone does, which is PCA without a component"
    seeds = f" ({count(one.num_seeds, 'seed')})" if one.num_seeds < FEWEST else ""
    return f"{ours} {do} what PCA does with {found.text}{seeds}"


def verdicts(candidates: Sequence[Configuration]) -> list[str]:
    """A sentence for each model: what it does at the latent size where it gains most, and how often it is ahead.

    Of each latent size that configuration counts which is best on the validation split, and the size is the one where
    its validation sse is the smallest part of PCA's: what is reported on the test split chooses nothing.

    Args:
        candidates: Completed configurations on one data set.
    """
    models: dict[str, list[Configuration]] = {}
    for one in ranked_by_validation(candidates, "sse"):
        models.setdefault(str(one.runs[0].settings["model"]), []).append(one)
    return [_verdict(ranked) for _, ranked in sorted(models.items())]


def gaining_most(candidates: Sequence[Configuration]) -> Configuration:
    """The one whose validation sse is the smallest part of PCA's; one of which seeds diverged comes last."""
    return min(candidates, key=lambda one: (one.num_diverged > 0, _validation_ratio(one)))


def _verdict(ranked: Sequence[Configuration]) -> str:
    best: dict[int, Configuration] = {}
    for one in ranked:
        best.setdefault(one.latent_size, one)
    return f"{sentence(gaining_most(list(best.values())))}{_ahead(list(best.values()))}"


def _ahead(best: Sequence[Configuration]) -> str:
    """At how many latent sizes it is better than PCA, and at how many worse."""
    found = [against.verdict for one in best if (against := one.against_pca("sse"))]
    said: list[tuple[Verdict, str]] = [("better", "better than PCA"), ("worse", "worse")]
    told = [(words, found.count(verdict)) for verdict, words in said if verdict in found]
    if not told or len(best) == 1:
        return ""
    parts = [f"{words} at {'all' if number == len(best) else number}" for words, number in told]
    return f"; {' and '.join(parts)} of {len(best)} latent sizes".replace("all of", "all")


def _validation_ratio(one: Configuration) -> float:
    ours, theirs = one.estimate("sse", "validation"), one.pca("sse", "validation")
    return ours.mean / theirs.mean if ours and theirs and theirs.mean > 0 else float("inf")
