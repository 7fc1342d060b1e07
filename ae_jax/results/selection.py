"""How certain the choice of a configuration is, and what the best of few tried ones would have been."""

from collections.abc import Hashable, Mapping, Sequence

import numpy as np

from ae_jax.errors import UserError
from ae_jax.results.configurations import Configuration, competing
from ae_jax.results.statistics import NUM_RESAMPLES, SAME, resamples
from ae_jax.runs.measures import measure_named

_ROUNDING = 1e-9
_NEVER = ("test", "corrupted")  # it would be an optimist's estimate of what is reported


def selection_shares(
    candidates: Sequence[Configuration], measure: str, split: str = "validation"
) -> list[float] | None:
    """In which share of resamples of the seeds each configuration would be the one that is selected.

    The bootstrap over seeds, jointly for all configurations, so that a seed that is lucky for all favours none; of
    several random splits of the data, splits are what is drawn. Up to five seeds are enumerated. Where configurations
    have different seeds, each seed has a random weight (gamma) with which a mean has the bootstrap's variance. Those
    that come after the others whatever their mean, see `ranked_by_validation`, are never selected.

    Args:
        candidates: Of which one is selected, on the same data.
        measure: What selects.
        split: Where it was measured: validation, or train.

    Returns:
        A share for each, in their order; together they are 1, ties share. None where one of those that compete has one
        seed only, which tells nothing of the choice.

    Raises:
        UserError: If it is the test split, which never selects, or the measure was not taken.

    Reference: Efron 1979, *Ann. Statist.* 7:1; Rubin 1981, *Ann. Statist.* 9:130 (random weights).
    """
    if split in _NEVER:
        raise UserError("split", f"{split} never selects: it is what is reported", "choose validation")
    rivals = competing(candidates, measure)
    units = [_units(one, measure, split) for one in rivals]
    if min(map(len, units)) < 2:
        return None
    means, weights = _resampled(units)
    if measure_named(measure).more_is_better:
        means = -means
    lowest = means.min(axis=1, keepdims=True)
    won = means <= lowest + SAME * np.abs(lowest)
    shares = (weights / won.sum(axis=1)) @ won
    of_rival = dict(zip(map(id, rivals), shares.tolist(), strict=True))
    return [of_rival.get(id(one), 0.0) for one in candidates]


def share_text(share: float) -> str:
    """A share in percent; all and none only where it is all and none."""
    percent = f"{100 * share:.0f}"
    if percent == "100" and share < 1 - _ROUNDING:
        return "over 99 %"
    return "under 1 %" if percent == "0" and share > _ROUNDING else f"{percent} %"


def best_of_weights(num_configurations: int, num_tried: int) -> np.ndarray:
    """With which probability each configuration, best first, is the best of 1, 2, … tried ones; "tried configurations".

    Configurations are drawn at random with replacement, as in the reference: of n, the i-th is the best of k with
    probability ``((n - i + 1)^k - (n - i)^k) / n^k``.

    Reference: Dodge et al. 2019, EMNLP, arXiv:1909.03004, section 3.
    """
    after = np.arange(num_configurations, -1, -1) / num_configurations  # share of those that are no better
    powers = after ** np.arange(1, num_tried + 1)[:, None]
    return powers[:, :-1] - powers[:, 1:]


def _units(one: Configuration, measure: str, split: str) -> dict[Hashable, float]:
    """What varies independently: seeds, or means of random splits where there are several."""
    values = one.values(measure, split)
    of_data: dict[Hashable, list[float]] = {}
    for (data, _), value in values.items():
        of_data.setdefault(data, []).append(value)
    return (
        dict(values.items()) if len(of_data) == 1 else {data: float(np.mean(found)) for data, found in of_data.items()}
    )


def _resampled(units: Sequence[Mapping[Hashable, float]]) -> tuple[np.ndarray, np.ndarray]:
    """Means, shape "resamples configurations", and the probability of each resample."""
    places = sorted({place for unit in units for place in unit}, key=repr)
    values = np.array([[unit.get(place, np.nan) for unit in units] for place in places])
    has = ~np.isnan(values)
    if has.all():
        counts, weights = resamples(len(places))
        return counts @ values / len(places), weights
    fewest = min(map(len, units))
    drawn = np.random.default_rng(0).gamma(1 - 1 / fewest, size=(NUM_RESAMPLES, len(places)))
    means = (drawn @ np.where(has, values, 0.0)) / (drawn @ has.astype(float))
    return means, np.full(NUM_RESAMPLES, 1 / NUM_RESAMPLES)
