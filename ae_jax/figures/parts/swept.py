"""What figures of a sweep share: its points with those that diverged, its keys and their values."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from ae_jax.errors import UserError, nearest
from ae_jax.figures.parts.common import Kind, plain
from ae_jax.results import Results
from ae_jax.results.configurations import Configuration, configurations, setting_text
from ae_jax.results.runs import Run, Setting, partition, varying


class Point(NamedTuple):
    """A point of a sweep.

    Attributes:
        settings: Its config without the seed.
        configuration: Its completed runs; None where all of them diverged.
        num_lost: How many those are.
    """

    settings: dict[str, Setting]
    configuration: Configuration | None
    num_lost: int = 0


def points(results: Results) -> list[Point]:
    """The points of a sweep: configurations, and then what none was made of, as all its runs diverged."""
    made = [Point(_without_seed(one.runs[0].settings), one) for one in configurations(results)]
    seen = {json.dumps(point.settings, sort_keys=True) for point in made}
    lost: dict[str, Point] = {}
    for one in results.diverged:
        settings = _without_seed(one.settings)
        key = json.dumps(settings, sort_keys=True)
        if key not in seen:
            lost[key] = Point(settings, None, lost[key].num_lost + 1 if key in lost else 1)
    return [*made, *lost.values()]


def lost_points(results: Results, kind: Kind, lines: Sequence[str]) -> list[Point]:
    """The points of a kind of which all runs diverged; `lines` are the keys that make kinds."""
    first = kind.configurations[0].runs[0].settings
    lost = [point for point in points(results) if point.configuration is None]
    return [point for point in lost if all(point.settings.get(key) == first.get(key) for key in lines)]


def completed(sweep: Sequence[Point]) -> list[Configuration]:
    """The configurations of the points."""
    return [point.configuration for point in sweep if point.configuration is not None]


def swept_keys(sweep: Sequence[Point]) -> list[str]:
    """Keys with more than one value, in the order of the config."""
    return varying([point.settings for point in sweep])


def distinguishing_keys(sweep: Sequence[Point]) -> list[str]:
    """The swept keys without those that always vary together with an earlier one."""
    settings = [point.settings for point in sweep]
    parted = {partition(settings, key): key for key in reversed(swept_keys(sweep))}
    return [key for key in swept_keys(sweep) if key in parted.values()]


def check_key(key: str, sweep: Sequence[Point], *, option: str) -> None:
    """Refuse a key that has one value only, or none.

    Raises:
        UserError: With the nearest key, or those that vary.
    """
    swept = swept_keys(sweep)
    if key in swept:
        return
    if key == "seed":
        raise UserError(option, "seed is no key to compare: figures show means over seeds", f"choose of {swept}")
    if not any(key in point.settings for point in sweep):
        raise UserError(option, f"there is no key {key!r}", nearest(key, swept))
    remedy = f"choose of {', '.join(swept)}" if swept else "give the runs of a sweep"
    raise UserError(option, f"{key} has one value only in these runs", remedy)


def values_of(key: str, sweep: Sequence[Point]) -> list[Setting]:
    """The values of a key, each once: None where a config lacks the key, then numbers, then the rest."""
    distinct = {setting_text(point.settings.get(key)): point.settings.get(key) for point in sweep}
    return sorted(distinct.values(), key=order_of)


def value_label(value: Setting) -> str:
    """What a value of a key is called."""
    return "none" if value is None else plain(setting_text(value))


def require_one_pca(runs: Sequence[Run]) -> None:
    """Refuse runs of several latent sizes.

    Raises:
        UserError: It says how to choose one.
    """
    sizes = sorted({run.latent_size for run in runs})
    if len(sizes) > 1:
        problem = f"have the latent sizes {', '.join(map(str, sizes))}, each with a PCA of its own"
        raise UserError("runs", problem, f'choose one with where="model.latent_size={sizes[-1]}"')


def _without_seed(settings: dict[str, Setting]) -> dict[str, Setting]:
    return {key: value for key, value in settings.items() if key != "seed"}


def order_of(value: Setting) -> tuple[int, list[float], str]:
    """Sorts values of any type: absent, numbers and lists of numbers, the rest as text."""
    if value is None:
        return 0, [], ""
    numbers = value if isinstance(value, list) else [value]
    if all(isinstance(number, int | float) for number in numbers):
        return 1, [float(number) for number in numbers], ""
    return 2, [], setting_text(value)
