"""Columns of the page's table and axes of its charts: errors first, then settings and costs, a value for each run."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from ae_jax.report.names import short_values
from ae_jax.results import Results
from ae_jax.results.configurations import setting_text
from ae_jax.results.keys import key_names
from ae_jax.results.runs import Run, terms_of
from ae_jax.runs.measures import MEASURES, OBJECTIVE, Measure, measure_named

SEED, LATENT = "seed", "model.latent_size"
GROUPS = ("settings", "test", "corrupted test inputs", "validation", "train", "costs")
"""Headings of the menus of axes, in their order."""

# The one that chooses is first, as the table is sorted by it.
_SPLITS = {"validation": "validation", "test": "test", "corrupted": "corrupted test inputs", "train": "train"}
_SHOWN_LATER = "test.explained_variance"
_COSTS = (
    ("parameters", "model", "num_parameters", True),
    ("flops per example", "model", "flops_per_example", False),
    ("PCA components to match", "pca", "components_to_match", False),
    ("epochs", "training", "epochs", True),
    ("best epoch", "training", "best_epoch", False),
    ("group size", "time", "group_size", True),
    ("train\u00a0seconds /\u00a0group\u00a0size", "time", "train_seconds", True),
    ("train seconds of the group", "time", "group_train_seconds", False),
    ("total seconds of the group", "time", "total_seconds", False),
    ("memory of the group's program, bytes", "memory", "program_bytes", False),
)


class Column(NamedTuple):
    """A value for each run.

    Attributes:
        key: Its name, unique.
        label: For the table and menus.
        title: For an axis, with the unit.
        kind: What it is.
        group: Of `GROUPS`.
        number: Whether all values are numbers or absent (None); else they are text or absent.
        values: One for each run.
        texts: Of a setting, what to show of each run's value.
        swept: Whether it is a setting with more than one value, and none of those that go with another.
        together: Settings that always vary together with it, and are not in the table.
        shown: Whether it is in the table, or for charts only.
        measure: Name of the measure whose unit it has; its columns share their decimals in a row.
        pca: Key of the column with PCA's value of the same measure.
    """

    key: str
    label: str
    title: str
    kind: Literal["setting", "measure", "ratio", "cost"]
    group: str
    number: bool
    values: list[Any]
    texts: list[str | None] | None = None
    swept: bool = False
    together: Sequence[str] = ()
    shown: bool = True
    measure: str | None = None
    pca: str | None = None


def columns(results: Results, chosen_by: Measure = MEASURES["sse"]) -> list[Column]:
    """Errors that decide, what varies, then other measures and costs. Those without any value are left out."""
    measures = _measures(results.runs)
    key = f"validation.{chosen_by.name}"
    measures.sort(key=lambda one: one.key != key)
    measures = [one._replace(shown=True) if one.key == key else one for one in measures]
    first = [one for one in measures if one.shown and not one.key.endswith(_SHOWN_LATER)]
    return [*first, *_settings(results), *(one for one in measures if one not in first), *_costs(results.runs)]


def _settings(results: Results) -> list[Column]:
    """Those that always vary together are one in the table; the others of them are axes only."""
    runs, leading = results.runs, results.distinguishing
    followers = {key: first for first, others in leading.items() for key in others if key != LATENT}
    keys = [key for key in [*leading, *results.varying] if key not in ("dataset", LATENT, SEED)]
    keys = ["dataset", *dict.fromkeys(keys), LATENT, SEED]
    names = key_names(keys, [run.settings for run in runs])
    made = []
    for key in keys:
        raw = [run.dataset if key == "dataset" else run.settings.get(key) for run in runs]
        present = [key == "dataset" or key in run.settings for run in runs]
        number = all(_is_number(value) for value, there in zip(raw, present, strict=True) if there)
        texts = [setting_text(value) if there else None for value, there in zip(raw, present, strict=True)]
        swept = len(set(texts)) > 1 and key not in followers
        short = short_values(value for value, there in zip(raw, present, strict=True) if there)
        title = "latent size (number of components)" if key == LATENT else names[key]
        made.append(
            Column(
                key, names[key], title, "setting", "settings", number, raw if number else texts,
                texts=[None if text is None else short[text] for text in texts],
                swept=swept,
                together=[names[other] for other in leading.get(key, ()) if other != LATENT],
                shown=swept or key in (LATENT, SEED),
            )
        )  # fmt: skip
    return made


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _measures(runs: Sequence[Run]) -> list[Column]:
    made = []
    for split in _SPLITS:
        for measure in MEASURES.values():
            ours = [run.measure(measure.name, split) for run in runs]
            if any(value is not None for value in ours):
                theirs = [run.pca(measure.name, split) for run in runs]
                made += _against_pca(split, measure, ours, theirs)
        for name in (*terms_of(runs), OBJECTIVE):
            ours = [run.measure(name, split) for run in runs]
            if any(value is not None for value in ours):
                named, theirs = measure_named(name), [run.pca(name, split) for run in runs]
                pair = _against_pca(split, named, ours, theirs) if named.has_pca else []
                made += pair or [_of_objective(split, named, ours)]
    return made


def _of_objective(split: str, measure: Measure, ours: list[float | None]) -> Column:
    """A term of the objective, or all of it, which PCA has not."""
    key, title = f"{split}.{measure.name}", f"{split} {measure.label}"
    label = f"{split} {measure.short}"
    return Column(key, label, title, "measure", _SPLITS[split], True, ours, shown=False, measure=measure.name)


def _against_pca(split: str, measure: Measure, ours: list[float | None], theirs: list[float | None]) -> list[Column]:
    """The autoencoder's column, PCA's, and of errors their ratio."""
    key, group = f"{split}.{measure.name}", _SPLITS[split]
    title, label = f"{split} {measure.label}", f"{split} {measure.name.replace('_', ' ')}"
    shown = (measure.name == "sse" and split != "train") or key == _SHOWN_LATER
    with_pca = shown and split != "validation"
    pca = "PCA, fitted to clean inputs" if split == "corrupted" else "PCA"
    made = [
        Column(
            key, label, title, "measure", group, True, ours, shown=shown, measure=measure.name, pca=f"pca.{key}"
        ),
        Column(
            f"pca.{key}", f"PCA {label}", f"{pca}: {title}", "measure", group, True, theirs,
            shown=with_pca, measure=measure.name,
        ),
    ]  # fmt: skip
    if measure.name == "sse":
        ratio = [a / b if a is not None and b else None for a, b in zip(ours, theirs, strict=True)]
        title = f"{split} sse, autoencoder / PCA"
        made.append(Column(f"ratio.{key}", f"{label} / PCA", title, "ratio", group, True, ratio, shown=with_pca))
    return made


def _costs(runs: Sequence[Run]) -> list[Column]:
    made = []
    for label, part, name, shown in _COSTS:
        values = [(run.summary.get(part) or {}).get(name) for run in runs]
        if any(value is not None for value in values):
            made.append(Column(f"{part}.{name}", label, label, "cost", "costs", True, values, shown=shown))
    return made
