"""Which measures and terms of an objective runs have, and which of their numbers compare."""

import json
from collections.abc import Iterable, Sequence

from ae_jax.errors import UserError, nearest
from ae_jax.results.results import Results
from ae_jax.results.runs import Run, Setting, terms_of, varying
from ae_jax.runs.measures import DISTORTION, MEASURES, OBJECTIVE, SPLITS, Measure, measure_named

# What a number is measured by, where it is measured in units of the config: groups that must agree for it to compare.
_UNITS = {OBJECTIVE: ("loss", "bottleneck", "objective"), DISTORTION: ("loss",)}


def measure_of(runs: Sequence[Run], name: str, *, option: str = "measure") -> Measure:
    """The measure of that name, or the term, which one run has at least. Of no runs, any.

    Args:
        runs: What is compared.
        name: Of `MEASURES`, a term of an objective, or `objective`.
        option: Who gives it, for the message.

    Raises:
        UserError: If there is none; it says what there is.
    """
    known = [*MEASURES, OBJECTIVE, *terms_of(runs)]
    if name not in known and (runs or name in MEASURES):
        raise UserError(option, f"there is no {name!r} in these runs", nearest(name, known))
    return measure_named(name)


def comparable_measure_of(runs: Sequence[Run], name: str, *, option: str = "measure") -> Measure:
    """As `measure_of`; refuses what runs have in different units.

    Raises:
        UserError: Also if it is the objective and runs have different ones, or distortion by different losses.
    """
    found, keys = measure_of(runs, name, option=option), differing_units(runs, name)
    if keys:
        problem = f"{name} is in other units wherever {', '.join(keys)} differs, and does not compare"
        values = dict.fromkeys(json.dumps(run.settings.get(keys[0])).replace('"', "'") for run in runs)
        raise UserError(option, problem, f'choose one with where="{keys[0]} = {next(iter(values))}", or measure by sse')
    return found


def differing_units(runs: Iterable[Run], name: str) -> list[str]:
    """Keys by whose values the runs measure it in different units."""
    return varying([_units(run, name) for run in runs if run.measure(name, "validation") is not None])


def by_unit(results: Results, name: str) -> dict[str, Results]:
    """The runs parted into those that have a measure in the same units, by what tells those apart; mostly all in one.

    Each part has what is excluded of its settings.
    """
    keys = differing_units(results.runs, name)
    parts: dict[str, list[Run]] = {}
    for run in results.runs:
        parts.setdefault(_label(run.settings, keys), []).append(run)
    order = sorted(parts.items(), key=lambda part: [_place(part[1][0].settings.get(key)) for key in keys])
    return {
        label: Results(
            runs, [one for one in results.excluded if len(parts) == 1 or _label(one.settings, keys) == label]
        )
        for label, runs in order
    }


def having(results: Results, measure: Measure, splits: Sequence[str], *, option: str = "split") -> Results:
    """The runs that have a term on some splits, or a measure that not all runs have; with all that is excluded.

    Raises:
        UserError: If none has it there.
    """
    if measure.name in MEASURES:
        return results
    kept = [run for run in results.runs if all(run.measure(measure.name, split) is not None for split in splits)]
    if not kept:
        there = [split for split in SPLITS if any(run.measure(measure.name, split) is not None for run in results.runs)]
        problem = f"{measure.name} was not measured on {' and '.join(splits)}, but on {', '.join(there) or 'none'}"
        raise UserError(option, problem, "choose another split, or sse")
    return Results(kept, results.excluded)


def lacking_text(results: Results, measure: Measure, split: str = "validation") -> list[str]:
    """A note on the runs that have no such term, where there are any: "2 of 6 runs have no kl (bottleneck=none)"."""
    lacking = [run for run in results.runs if run.measure(measure.name, split) is None]
    if measure.name in MEASURES or not lacking:
        return []
    number = len(lacking)
    why = ", ".join(sorted({f"bottleneck={run.settings.get('bottleneck')}" for run in lacking}))
    if asked := next((run.answered_by(measure.name) for run in results.runs if measure.name in run.described), None):
        why = f"scripts/evaluate.py RUN evaluation={asked} adds it"
    elif measure.name == DISTORTION:  # which every objective has, and the first runs did not record
        why = "scripts/evaluate.py RUN --fill adds it"
    return [f"{number} of {len(results.runs)} runs {'has' if number == 1 else 'have'} no {measure.name} ({why})"]


def _units(run: Run, name: str) -> dict[str, Setting]:
    groups = _UNITS.get(name, ())
    return {key: value for key, value in run.settings.items() if key.partition(".")[0] in groups}


def _place(value: Setting) -> tuple[bool, float, str]:
    """Sorts numbers before words."""
    return (False, float(value), "") if isinstance(value, int | float) else (True, 0.0, str(value))


def _label(settings: dict[str, Setting], keys: Sequence[str]) -> str:
    return ", ".join(f"{key}={json.dumps(settings[key])}".replace('"', "") for key in keys if key in settings)
