"""The page's overview: a verdict, what was run and swept, what is best against PCA, and what is left out."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ae_jax.errors import path_text
from ae_jax.report.columns import LATENT
from ae_jax.report.names import settings_words, short_values
from ae_jax.report.words import COLOURS, estimate_text, reading_text, verdict_text
from ae_jax.results import Results
from ae_jax.results.commits import commit_notes
from ae_jax.results.configurations import (
    Configuration,
    behind_text,
    configurations,
    ranked_by_validation,
    setting_text,
)
from ae_jax.results.factors import Factor, factors_of
from ae_jax.results.keys import key_names
from ae_jax.results.measured import by_unit, lacking_text
from ae_jax.results.outliers import outlier_notes
from ae_jax.results.runs import Setting, varying
from ae_jax.results.selection import selection_shares, share_text
from ae_jax.results.statistics import Estimate, interval_words
from ae_jax.results.verdict import needed, verdicts
from ae_jax.runs.measures import MEASURES, TOLERANCE, Measure
from ae_jax.terminal import count

_Names = tuple[dict[str, str], dict[str, dict[str, str]]]
"""Names of keys, and of each key its values as they are shown."""

_MOST_VALUES = 12


class _Best(NamedTuple):
    """Rows of the table of the best, how to read their numbers, and what one must know of them."""

    rows: list[dict[str, Any]]
    reading: str
    notes: list[str]


def overview(results: Results, chosen_by: Measure = MEASURES["sse"]) -> dict[str, Any]:
    """Counts, verdicts, what varies with its values, the best configurations, and the folders that are left out."""
    names = _names(results)
    best = _best(results, names, chosen_by)
    excluded = sorted(results.excluded, key=lambda one: (one.state, str(one.path)))
    return {
        "num_runs": len(results.runs),
        "num_configurations": len(configurations(results)),
        "datasets": results.datasets,
        "seeds": sorted({run.seed for run in results.runs}),
        "verdicts": _verdicts(results),
        "swept": [_swept(one, results, names) for one in factors_of(results, results.runs)],
        "best": best.rows,
        "chosen_by": f"validation {chosen_by.name.replace('_', ' ')}",
        "order": [f"validation.{chosen_by.name}", "desc" if chosen_by.more_is_better else "asc"],
        "reading": best.reading,
        "tolerance": f"{100 * TOLERANCE:g} %",
        "notes": [*best.notes, *lacking_text(results, chosen_by), *commit_notes(results)],
        "states": [f"{number} {state}" for state, number in Counter(one.state for one in excluded).items()],
        "excluded": [{"folder": path_text(one.path), "state": one.state, "reason": one.reason} for one in excluded],
    }


def _names(results: Results) -> _Names:
    settings = _settings(results)
    keys = list(dict.fromkeys([*results.distinguishing, *varying(settings), "dataset", "model", LATENT]))
    return key_names(keys, settings), {key: short_values(one[key] for one in settings if key in one) for key in keys}


def _settings(results: Results) -> list[dict[str, Setting]]:
    """Those of the runs, then those of what diverged."""
    return [run.settings for run in results.runs] + [one.settings for one in results.diverged]


def _verdicts(results: Results) -> list[str]:
    """A sentence for each model, on each data."""
    parts = results.by_data()
    said = {data: verdicts(configurations(part)) for data, part in parts.items()}
    return [f"{data}: {text}." if len(parts) > 1 else f"{text}." for data, texts in said.items() for text in texts]


def _swept(factor: Factor, results: Results, names: _Names) -> dict[str, Any]:
    """A key with its values in their order, each with those of the keys that always vary together with it.

    It is said of which values runs diverged. Of many values there are the first and the last only.
    """
    settings = _settings(results)
    at = [*factor.at.tolist(), *factor.lost_at.tolist()]
    levels = sorted(enumerate(factor.levels), key=lambda item: _order(item[1].value))
    shown = []
    for place, level in levels if len(levels) <= _MOST_VALUES else levels[:: len(levels) - 1]:
        one = settings[at.index(place)]
        together = {key: one[key] for key in factor.together if key in one}
        beside = f" with {settings_words(together, *names)}" if together else ""
        lost = f" ({level.num_diverged if level.num_runs else 'all'} diverged)" if level.num_diverged else ""
        shown.append(names[1][factor.key].get(setting_text(level.value), "none") + beside + lost)
    return {"key": names[0][factor.key], "values": shown, "num_values": len(levels), "together": bool(factor.together)}


def _order(value: Setting) -> tuple[int, float, str]:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return (0, float(value), "") if is_number else (1, 0.0, setting_text(value))  # type: ignore[arg-type] # a number


def _parts(results: Results, measure: str) -> Iterator[tuple[str, Results]]:
    """The runs whose numbers compare, by what tells them apart."""
    for data, part in sorted(results.by_data().items()):
        for units, one in by_unit(part, measure).items():
            if any(run.measure(measure, "validation") is not None for run in one.runs):
                yield ", ".join(filter(None, (data, units))), one


def _best(results: Results, names: _Names, chosen_by: Measure) -> _Best:
    """The best on each data at each latent size, chosen on validation; on each data one is best of all."""
    rows, shown, behind = list[dict[str, Any]](), list[Configuration](), list[str]()
    measure = chosen_by.name
    for data, part in _parts(results, measure):
        ranked = ranked_by_validation(configurations(part), measure)
        of_size: dict[int, list[Configuration]] = {}
        for one in ranked:
            of_size.setdefault(one.latent_size, []).append(one)
        most = max(one.num_seeds for one in ranked)
        for size, group in sorted(of_size.items()):
            best = group[0] is ranked[0]
            about = {"dataset": data, "latent_size": size, "best": best, "most_seeds": most}
            chosen = {"chosen": _chosen(group, measure), "chosen_of_all": _chosen(ranked, measure) if best else None}
            rows.append({**about, **chosen, **_row(group[0], names)})
            shown.append(group[0])
            if text := behind_text(group, measure):
                behind.append(f"latent size {size}: {text}" if len(of_size) > 1 else text)
    reading = reading_text(shown, MEASURES["sse"]) if shown else ""
    return _Best(rows, reading, [*outlier_notes(shown), *behind])


def _chosen(ranked: Sequence[Configuration], measure: str) -> str | None:
    """In how many resamples of the seeds the first is chosen; None where there is no choice, or it is unknown."""
    shares = selection_shares(ranked, measure) if len(ranked) > 1 else None
    return None if shares is None else share_text(shares[0])


def _row(one: Configuration, names: _Names) -> dict[str, Any]:
    """A configuration; `rest` names it by what varies beside the latent size."""
    against, ours, pca = one.against_pca("sse"), one.estimate("sse"), one.pca("sse")
    settings = one.runs[0].settings
    shown = one.settings or {key: settings[key] for key in ("model", LATENT) if key in settings}
    return {
        "label": settings_words(shown, *names),
        "rest": settings_words({key: value for key, value in one.settings.items() if key != LATENT}, *names),
        "num_seeds": one.num_seeds,
        "lost": one.lost_text,
        "over": _over(ours) if ours else "",
        "autoencoder": _estimate(ours, pca),
        "pca": _estimate(pca, ours),
        "needed": needed(one).text,
        "told": against.verdict if against and against.verdict in COLOURS else "",
        "verdict": verdict_text(against) if against else "",
    }


def _over(estimate: Estimate) -> str:
    """What the numbers of a configuration are."""
    if estimate.num == 1:
        return "1 seed, no interval"
    interval = ", too few for an interval" if estimate.low is None else f" [{interval_words()}]"
    return f"mean of {count(estimate.num, 'seed')}{interval}"


def _estimate(value: Estimate | None, *beside: Estimate | None) -> dict[str, float | str | None] | None:
    """Numbers, and the text of those that are compared, at like decimals."""
    if value is None:
        return None
    return {"mean": value.mean, "low": value.low, "high": value.high, "text": estimate_text(value, *beside)}
