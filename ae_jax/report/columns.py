"""Columns of the page's table and axes of its charts: settings, measures and costs, a value for each run."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from ae_jax.results import Results
from ae_jax.results.configurations import setting_text
from ae_jax.results.measures import MEASURES, Measure
from ae_jax.results.runs import Run

_SHOWN_MEASURES = ("sse", "explained_variance")
_COSTS = (
    ("parameters", "model", "num_parameters", True),
    ("flops per example", "model", "flops_per_example", False),
    ("PCA components to match", "pca", "components_to_match", False),
    ("epochs", "training", "epochs", True),
    ("best epoch", "training", "best_epoch", False),
    ("group size", "time", "group_size", True),
    ("train seconds / group size", "time", "train_seconds", True),
    ("train seconds of the group", "time", "group_train_seconds", False),
    ("total seconds of the group", "time", "total_seconds", False),
    ("memory of the group's program, bytes", "memory", "program_bytes", False),
)


class Column(NamedTuple):
    """A value for each run.

    Attributes:
        key: Its name, unique.
        label: For the table.
        title: For an axis, with the unit.
        kind: What it is.
        number: Whether all values are numbers or absent (None); else they are text or absent.
        values: One for each run.
        swept: Whether it is a setting with more than one value.
        shown: Whether it is in the table, or for charts only.
        pca: Key of the column with PCA's value of the same measure.
    """

    key: str
    label: str
    title: str
    kind: Literal["setting", "measure", "cost"]
    number: bool
    values: list[Any]
    swept: bool = False
    shown: bool = True
    pca: str | None = None


def columns(results: Results) -> list[Column]:
    """The columns: what varies, then measures of the splits, then costs. Those without any value are left out."""
    return [*_settings(results), *_measures(results.runs), *_costs(results.runs)]


def _settings(results: Results) -> list[Column]:
    runs = results.runs
    keys = [key for key in results.varying if key not in ("seed", "dataset", "model.latent_size")]
    made = []
    for key in ("dataset", *keys, "model.latent_size", "seed"):
        present = [key == "dataset" or key in run.settings for run in runs]
        raw = [run.dataset if key == "dataset" else run.settings.get(key) for run in runs]
        number = all(_is_number(value) for value, there in zip(raw, present, strict=True) if there)
        texts = [setting_text(value) if there else None for value, there in zip(raw, present, strict=True)]
        swept = len(set(texts)) > 1
        values = raw if number else texts
        made.append(Column(key, key, key, "setting", number, values, swept, swept or key != "dataset"))
    return made


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _measures(runs: Sequence[Run]) -> list[Column]:
    made = []
    for split in ("test", "corrupted", "validation", "train"):
        for measure in MEASURES.values():
            ours = [run.measure(measure.name, split) for run in runs]
            if any(value is not None for value in ours):
                theirs = [run.pca(measure.name, split) for run in runs]
                made += _against_pca(split, measure, ours, theirs)
    return made


def _against_pca(split: str, measure: Measure, ours: list[float | None], theirs: list[float | None]) -> list[Column]:
    """The autoencoder's column, PCA's, and of errors their ratio."""
    key, title = f"{split}.{measure.name}", f"{split} {measure.label}"
    shown = (split == "test" and measure.name in _SHOWN_MEASURES) or (measure.name == "sse" and split != "train")
    label = f"{split} {measure.name.replace('_', ' ')}"
    pca = "PCA, fitted to clean inputs" if split == "corrupted" else "PCA"
    with_pca = shown and split != "validation"
    made = [
        Column(key, label, title, "measure", True, ours, shown=shown, pca=f"pca.{key}"),
        Column(f"pca.{key}", f"PCA {label}", f"{pca}: {title}", "measure", True, theirs, shown=with_pca),
    ]
    if measure.name == "sse":
        ratio = [a / b if a is not None and b else None for a, b in zip(ours, theirs, strict=True)]
        title = f"{split} sse, autoencoder / PCA"
        made.append(Column(f"ratio.{key}", f"{label} / PCA", title, "measure", True, ratio, shown=with_pca))
    return made


def _costs(runs: Sequence[Run]) -> list[Column]:
    made = []
    for label, part, name, shown in _COSTS:
        values = [(run.summary.get(part) or {}).get(name) for run in runs]
        if any(value is not None for value in values):
            made.append(Column(f"{part}.{name}", label, label, "cost", True, values, shown=shown))
    return made
