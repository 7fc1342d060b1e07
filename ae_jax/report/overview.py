"""The page's overview: what was run and swept, what is best against PCA, and what is left out."""

from collections.abc import Sequence
from typing import Any

from ae_jax.errors import path_text
from ae_jax.report.words import COLOURS, estimate_text, reading_text, verdict_text
from ae_jax.results import Results
from ae_jax.results.configurations import (
    Configuration,
    configurations,
    ranked_by_validation,
    setting_text,
    settings_label,
)
from ae_jax.results.measures import measure_named
from ae_jax.results.runs import Run
from ae_jax.results.selection import selection_shares, share_text
from ae_jax.results.statistics import Estimate, interval_words
from ae_jax.terminal import count


def overview(results: Results) -> dict[str, Any]:
    """Counts, what varies with its values, the best configurations, and the folders that are left out."""
    made = configurations(results)
    best, reading = _best(results)
    return {
        "num_runs": len(results.runs),
        "num_configurations": len(made),
        "datasets": results.datasets,
        "seeds": sorted({run.seed for run in results.runs}),
        "swept": [{"key": key, "values": _values(results.runs, key)} for key in results.varying if key != "seed"],
        "best": best,
        "reading": reading,
        "excluded": [
            {"folder": path_text(one.path), "state": one.state, "reason": one.reason}
            for one in sorted(results.excluded, key=lambda one: (one.state, str(one.path)))
        ],
    }


def _values(runs: Sequence[Run], key: str) -> list[str]:
    """Values of a key as text, numbers in their order."""
    raw = {setting_text(run.settings[key]): run.settings[key] for run in runs if key in run.settings}

    def order(text: str) -> tuple[int, float, str]:
        value = raw[text]
        return (0, float(value), "") if isinstance(value, int | float) else (1, 0.0, text)

    return sorted(raw, key=order)


def _best(results: Results) -> tuple[list[dict[str, Any]], str]:
    """The best on each data at each latent size, chosen by validation sse, and how to read their numbers.

    On each data one is best of all.
    """
    rows, shown = list[dict[str, Any]](), list[Configuration]()
    for data, part in sorted(results.by_data().items()):
        ranked = ranked_by_validation(configurations(part), "sse")
        of_size: dict[int, list[Configuration]] = {}
        for one in ranked:
            of_size.setdefault(one.latent_size, []).append(one)
        most = max(one.num_seeds for one in ranked)
        for size, group in sorted(of_size.items()):
            best = group[0] is ranked[0]
            about = {"dataset": data, "latent_size": size, "best": best, "most_seeds": most}
            chosen = {"chosen": _chosen(group), "chosen_of_all": _chosen(ranked) if best else None}
            rows.append({**about, **chosen, **_row(group[0])})
            shown.append(group[0])
    return rows, reading_text(shown, measure_named("sse")) if shown else ""


def _chosen(ranked: Sequence[Configuration]) -> str | None:
    """In how many resamples of the seeds the first is chosen; None where there is no choice, or it is unknown."""
    shares = selection_shares(ranked, "sse") if len(ranked) > 1 else None
    return None if shares is None else share_text(shares[0])


def _row(one: Configuration) -> dict[str, Any]:
    """A configuration; `rest` names it by what varies beside the latent size."""
    against, ours, pca = one.against_pca("sse"), one.estimate("sse"), one.pca("sse")
    return {
        "label": one.label,
        "rest": settings_label({key: value for key, value in one.settings.items() if key != "model.latent_size"}),
        "num_seeds": one.num_seeds,
        "lost": one.lost_text,
        "over": _over(ours) if ours else "",
        "autoencoder": _estimate(ours, pca),
        "pca": _estimate(pca, ours),
        "ratio": _estimate(against.ratio if against else None),
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
