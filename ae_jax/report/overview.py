"""The page's overview: what was run and swept, what is best against PCA, and what is left out."""

from collections.abc import Sequence
from typing import Any

from ae_jax.errors import UserError
from ae_jax.results import Results
from ae_jax.results.configurations import (
    Configuration,
    configurations,
    ranked_by_validation,
    setting_text,
    settings_label,
)
from ae_jax.results.runs import Run, varying
from ae_jax.results.statistics import Estimate


def overview(results: Results) -> dict[str, Any]:
    """Counts, what varies with its values, the best configurations, and the folders that are left out."""
    made = configurations(results)
    return {
        "num_runs": len(results.runs),
        "num_configurations": len(made),
        "datasets": results.datasets,
        "seeds": sorted({run.seed for run in results.runs}),
        "swept": [{"key": key, "values": _values(results.runs, key)} for key in results.varying if key != "seed"],
        "best": _best(made),
        "excluded": [
            {"folder": str(one.path), "state": one.state, "reason": one.reason}
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


def _best(made: Sequence[Configuration]) -> list[dict[str, Any]]:
    """The best of each dataset at each latent size, chosen by validation sse; of each dataset one is best of all."""
    units: dict[tuple[str, str], list[Configuration]] = {}
    for one in made:
        # Errors in different units are not compared.
        scaling = setting_text(one.runs[0].settings.get("dataset.scaling"))
        units.setdefault((one.dataset, scaling), []).append(one)
    rows = []
    for (dataset, _), members in sorted(units.items()):
        try:
            ranked = ranked_by_validation(members, "sse")
        except UserError:
            continue  # there is no validation split
        of_size: dict[int, Configuration] = {}
        for one in ranked:
            of_size.setdefault(one.latent_size, one)
        keys = varying([one.runs[0].settings for one in members])
        for size in sorted(of_size):
            best = of_size[size] is ranked[0]
            rows.append({"dataset": dataset, "latent_size": size, "best": best, **_row(of_size[size], keys)})
    return rows


def _row(one: Configuration, keys: Sequence[str]) -> dict[str, Any]:
    """A configuration; `rest` names it by what varies beside the latent size."""
    against = one.against_pca("sse")
    settings = {key: one.settings[key] for key in keys if key in one.settings}
    return {
        "label": settings_label(settings) or one.label,
        "rest": settings_label({key: value for key, value in settings.items() if key != "model.latent_size"}),
        "num_seeds": one.num_seeds,
        "num_diverged": one.num_diverged,
        "autoencoder": _estimate(one.estimate("sse")),
        "pca": _estimate(one.pca("sse")),
        "ratio": _estimate(against.ratio if against else None),
    }


def _estimate(value: Estimate | None) -> dict[str, float | None] | None:
    return None if value is None else {"mean": value.mean, "low": value.low, "high": value.high}
