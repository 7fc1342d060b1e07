"""What the page shows, as JSON: columns with a value for each run, the runs, and an overview.

Numbers have six significant digits; a run's config is text, and exact.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ae_jax.report.columns import GROUPS, LATENT, SEED, Column, columns
from ae_jax.report.overview import overview
from ae_jax.report.pictures import reconstructions
from ae_jax.results import Results
from ae_jax.results.configurations import setting_text
from ae_jax.results.digits import difference_text
from ae_jax.results.keys import key_names
from ae_jax.results.measured import measure_of
from ae_jax.results.runs import Run, terms_of
from ae_jax.runs.measures import MEASURES, OBJECTIVE, Measure, measure_named

MOST_PICTURES, _PICTURE_BYTES = 200, 5_000_000
MOST_POINTS = 200
_CURVES = ("validation_sse", "validation_loss", "train_loss")


def page_data(results: Results, measure: str = "sse") -> dict[str, Any]:
    """All that the page shows; the measure chooses the best."""
    chosen_by, terms = measure_of(results.runs, measure, option="--measure"), terms_of(results.runs)
    made = columns(results, chosen_by)
    pictures = _pictures(results.runs)
    names = [run.name for run in results.runs]
    data = {id(run): place for place, part in enumerate(results.by_data().values()) for run in part.runs}
    curves: dict[tuple[float, ...], dict[str, Any]] = {}
    runs = []
    for run, picture in zip(results.runs, pictures, strict=True):
        # A name can stand in two folders, with data that differ; then the path tells them apart.
        identity = run.name if names.count(run.name) == 1 else str(run.folder.path)
        about = {"id": identity, "data": data[id(run)], "reconstructions": picture}
        runs.append(_run(run) | about | {"pca_curve": _pca_curve(run, curves)})
    return rounded(
        {
            "overview": overview(results, chosen_by)
            | {"num_pictures": sum(picture is not None for picture in pictures)},
            "columns": [one._asdict() for one in made],
            "groups": GROUPS,
            "names": _names(results.runs),
            "measures": {name: measure_named(name).short for name in (*MEASURES, OBJECTIVE, *terms)},
            "curves": {name: name.replace("_", " ") for name in (*_CURVES, *_term_curves(terms))},
            "runs": runs,
            "pca_curves": list(curves.values()),
            "defaults": _defaults(made, results),
        }
    )


def _names(runs: Sequence[Run]) -> dict[str, str]:
    """What all keys of the configs are called."""
    settings = [run.settings for run in runs]
    return key_names(dict.fromkeys(key for one in settings for key in one), settings)


def rounded(content: Any) -> Any:
    """The content with floats rounded to six significant digits; those that are not finite are None."""
    if isinstance(content, dict):
        return {key: rounded(item) for key, item in content.items()}
    if isinstance(content, list | tuple):
        return [rounded(item) for item in content]
    if isinstance(content, float):
        return float(f"{content:.6g}") if math.isfinite(content) else None
    return content


def thinned(records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """At most `MOST_POINTS` records, evenly spaced, with the first and the last."""
    if len(records) <= MOST_POINTS:
        return list(records)
    return [records[index] for index in np.linspace(0, len(records) - 1, MOST_POINTS).round().astype(int)]


def _run(run: Run) -> dict[str, Any]:
    records = thinned(run.folder.metrics)
    names = ("epoch", *_CURVES, *_term_curves(run.terms))
    about = {key: run.folder.config.get(key) for key in ("name", "tags", "notes")}
    splits = ("test", "validation", *(["corrupted"] if run.summary.get("corrupted") else []))
    return {
        "name": run.name,
        "folder": str(run.folder.path),
        "dataset": run.dataset,
        "latent_size": run.latent_size,
        "num_components": run.summary["pca"].get("num_components"),
        "components_to_match": run.summary["pca"].get("components_to_match"),
        "measures": {split: _measures(run, split) for split in splits},
        "curve": {name: [record.get(name) for record in records] for name in names},
        "config": {key: setting_text(value) for key, value in run.settings.items()},
        "about": {key: setting_text(value) for key, value in about.items() if value},
    }


def _measures(run: Run, split: str) -> dict[str, list[float | str | None]]:
    """Autoencoder's and PCA's, and how far they are apart, by measure; then terms, which PCA has not."""
    names = (*MEASURES, *run.terms, *run.others, OBJECTIVE)
    taken = {name: (run.measure(name, split), run.pca(name, split)) for name in names}
    return {name: [*pair, _apart(*pair, measure_named(name))] for name, pair in taken.items() if pair[0] is not None}


def _term_curves(terms: Sequence[str]) -> list[str]:
    return [f"{split}_{term}" for term in terms for split in ("validation", "train")]


def _apart(ours: float | None, theirs: float | None, measure: Measure) -> str:
    if ours is None or theirs is None:
        return ""
    return difference_text(ours, theirs, has_ratio=measure.has_ratio)


def _pca_curve(run: Run, curves: dict[tuple[float, ...], dict[str, Any]]) -> int:
    """Index of PCA's test sse by number of components: runs on the same data share it."""
    values = tuple(run.summary["pca"]["test_sse_by_components"])
    if values not in curves:
        twins = sum(curve["dataset"] == run.dataset for curve in curves.values())
        label = f"PCA, {run.dataset}" + (f" ({twins + 1})" if twins else "")
        curves[values] = {"dataset": run.dataset, "label": label, "values": values}
    return list(curves).index(values)


def _pictures(runs: Sequence[Run]) -> list[dict[str, Any] | None]:
    """Reconstructions of the runs that are best on the validation split, as many as a page can bear; else None."""

    def error(index: int) -> float:
        value = runs[index].measure("sse", "validation")
        return math.inf if value is None else value

    pictures: list[dict[str, Any] | None] = [None] * len(runs)
    size = 0
    for index in sorted(range(len(runs)), key=error)[:MOST_PICTURES]:
        picture = rounded(reconstructions(runs[index]))
        size += len(picture.get("png", "")) + sum(9 * len(line) for row in picture.get("profiles", ()) for line in row)
        if size > _PICTURE_BYTES:
            break
        pictures[index] = picture
    return pictures


def _defaults(made: Sequence[Column], results: Results) -> dict[str, str | None]:
    """To begin with: over the latent size or the number swept most finely, coloured by what else varies."""
    swept = {one.key: one for one in made if one.swept and one.key != SEED}
    numbers = {key: len({repr(value) for value in one.values}) for key, one in swept.items() if one.number}
    x = LATENT if LATENT in swept else max(numbers, key=numbers.__getitem__, default=next(iter(swept), SEED))
    if len(results.runs) == 1:
        x = LATENT
    others = [key for key in swept if key != x]
    texts = [key for key in others if not swept[key].number]
    return {"x": x, "y": "test.sse", "colour": next(iter([*texts, *others]), None)}
