"""How runs were made: versions, hardware, seeds, what was fixed and swept, data, commits, time."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from ae_jax.errors import UserError
from ae_jax.results.configurations import setting_text
from ae_jax.results.results import Results
from ae_jax.results.runs import Run, Setting

_SEED = "seed"
_HARDWARE = ("devices", "num_cpus", "system")
NOT_RECORDED = "not recorded"


def provenance(results: Results) -> dict[str, Any]:
    """How completed runs were made, as JSON has it. The same runs give the same.

    Where runs may differ, there is an object of what they have and how many have it.

    Returns:
        `runs` by their states; `versions` of Python and of each package; `hardware`; `seeds`; the values of each key
        that was `swept`, and of each that was `fixed`; `data`, with digests; `commits`, those of a changed checkout
        with a plus; `seconds` from start to end, see `_seconds`, None where it is not recorded.
    """
    environments = [_environment(run) for run in results.runs]
    packages = [_dict(one.get("packages")) for one in environments]
    names = dict.fromkeys(name for one in packages for name in one)
    states = ["completed"] * len(results.runs) + [one.state for one in results.excluded]
    return {
        "runs": _counts(states),
        "versions": {
            "python": _counts(one.get("python") for one in environments),
            **{name: _counts(one.get(name) for one in packages) for name in names},
        },
        "hardware": {name: _counts(_hardware(one.get(name)) for one in environments) for name in _HARDWARE},
        "seeds": sorted({run.seed for run in results.runs}),
        "swept": {key: _values(results.runs, key) for key in results.varying if key != _SEED},
        "fixed": {key: value for key, value in _settings(results.runs).items() if key not in (*results.varying, _SEED)},
        "data": _data(results.runs),
        "commits": _counts(_commit(run) for run in results.runs),
        "seconds": _seconds(results.runs, environments),
    }


def _environment(run: Run) -> dict[str, Any]:
    try:
        return run.folder.read("environment.json")
    except UserError:
        return {}


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _hardware(value: Any) -> str | None:
    """Devices with their number: "2 cpu:cpu"."""
    if not isinstance(value, list):
        return None if value is None else str(value)
    return ", ".join(f"{value.count(one)} {one}" for one in dict.fromkeys(map(str, value)))


def _counts(values: Iterable[Any]) -> dict[str, int]:
    """How many have which, most first."""
    texts = [NOT_RECORDED if value is None else str(value) for value in values]
    found = {text: texts.count(text) for text in sorted(set(texts))}
    return dict(sorted(found.items(), key=lambda one: -one[1]))


def _settings(runs: Iterable[Run]) -> dict[str, Setting]:
    return {key: value for run in runs for key, value in run.settings.items()}


def _values(runs: Iterable[Run], key: str) -> list[Setting]:
    """All values of a key: numbers in their order, others as they come."""
    found = {json.dumps(run.settings[key]): run.settings[key] for run in runs if key in run.settings}
    numbers = sorted(value for value in found.values() if type(value) in (int, float))  # type: ignore[type-var]
    return [*numbers, *(value for value in found.values() if type(value) not in (int, float))]


def _data(runs: Iterable[Run]) -> list[dict[str, Any]]:
    """What each dataset is, with the digests of its content and of its split."""
    found: dict[str, dict[str, Any]] = {}
    for run in runs:
        about = run.summary["dataset"]
        recorded = {name: about["provenance"].get(name) for name in ("sha256", "split_sha256")}
        one = {"dataset": run.dataset, "counts": about["counts"], **recorded}
        found.setdefault(json.dumps(one, sort_keys=True), {**one, "num_runs": 0})["num_runs"] += 1
    return [found[key] for key in sorted(found)]


def _commit(run: Run) -> str | None:
    commit = run.status.get("git_commit")
    return f"{commit}{'+' if run.status.get('git_changed') else ''}" if commit else None


def _seconds(runs: Iterable[Run], environments: Iterable[dict[str, Any]]) -> float | None:
    """Time of training: of what a machine did at once, as all runs of a group, counted once; machines are added.

    What was trained before an interruption is not in it.
    """
    spans: dict[str, list[tuple[datetime, datetime]]] = {}
    for run, environment in zip(runs, environments, strict=True):
        try:
            started, ended = (datetime.fromisoformat(run.status[name]) for name in ("started", "ended"))
            spans.setdefault(str(environment.get("host")), []).append((started, max(started, ended)))
        except (KeyError, TypeError, ValueError):
            return None
    total = 0.0
    for of_host in spans.values():
        until = min(of_host)[0]
        for started, ended in sorted(of_host):
            total += max(0.0, (ended - max(started, until)).total_seconds())
            until = max(until, ended)
    return total


def counts_text(counts: dict[str, int]) -> str:
    """What runs have: the one value of all, or each with the number of its runs."""
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{text} ({number} run{'' if number == 1 else 's'})" for text, number in counts.items())


def values_text(values: Iterable[Setting]) -> str:
    """Settings, as one would type them to a sweep."""
    return ", ".join(map(setting_text, values))
