"""Rows of the table `runs`: what a run's config and summary say, and of which type each column is."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from ae_jax.results.runs import Run, Setting
from ae_jax.runs.folder import RunFolder
from ae_jax.runs.measures import MEASURES, SPLITS, measure_named

PLAIN: dict[str, Any] = {"name": "VARCHAR", "tags": ["VARCHAR"], "notes": "VARCHAR"}
"""Types of the columns of what a config says of itself."""

_TIMES = (
    *(
        f"{method}latency_per_{what}_seconds{end}"
        for method in ("", "pca_")
        for what in ("example", "batch")
        for end in ("", "_low", "_high")
    ),
    "group_size",
    "group_train_seconds",
    "train_seconds",
    "compile_seconds",
    "total_seconds",
    "pca_fit_seconds",
    "examples_per_second",
)


def plain(folder: RunFolder) -> dict[str, Any]:
    """What a config says of itself."""
    config = folder.config
    tags = config.get("tags")
    return {
        "name": str(config.get("name", "")),
        "tags": [str(tag) for tag in tags] if isinstance(tags, list) else [],
        "notes": str(config.get("notes") or ""),
    }


def rows_of(run: Run, keys: Sequence[str], terms: Mapping[str, str] = MappingProxyType({})) -> Iterator[dict[str, Any]]:
    """A row per split, with a column for each key, and for each term the one that `terms` names."""
    training, model, pca = run.summary["training"], run.summary["model"], run.summary["pca"]
    time, memory = run.summary.get("time", {}), run.summary.get("memory", {})
    for split in SPLITS:
        if run.measure("sse", split) is None:
            continue
        first = {"run": run.name, "experiment": run.experiment, "folder": str(run.folder.path), "seed": run.seed}
        yield {
            **first,
            "split": split,
            **{key: run.settings.get(key) for key in keys if key not in first and key != "split"},
            "dataset": run.dataset,
            **plain(run.folder),
            **{name: run.measure(name, split) for name in MEASURES},
            **{f"pca_{name}": run.pca(name, split) for name in MEASURES},
            **{column: run.measure(term, split) for term, column in terms.items()},
            **{f"pca_{column}": run.pca(term, split) for term, column in terms.items() if measure_named(term).has_pca},
            "num_components": pca.get("num_components"),
            "components_to_match": pca.get("components_to_match"),
            "best_validation_loss": training.get("best_validation_loss"),
            "monitor": run.settings.get("trainer.monitor"),
            "best_monitored": training.get("best_monitored", training.get("best_validation_loss")),
            "best_epoch": training.get("best_epoch"),
            "num_epochs": training.get("epochs"),
            "stopped": training.get("stopped"),
            "num_parameters": model.get("num_parameters"),
            "flops_per_example": model.get("flops_per_example"),
            "pca_num_parameters": pca.get("num_parameters"),
            "pca_flops_per_example": pca.get("flops_per_example"),
            **{name: time.get(name) for name in _TIMES},
            "program_bytes": memory.get("program_bytes"),
            "process_host_peak_bytes": memory.get("host_peak_bytes"),
            "process_device_peak_bytes": memory.get("device_peak_bytes"),
            "config_hash": run.summary["config_hash"],
            "git_commit": run.status.get("git_commit"),
            "started": run.status.get("started"),
            "ended": run.status.get("ended"),
        }


def term_columns(terms: Sequence[str], taken: Iterable[str]) -> dict[str, str]:
    """The column of each term: its name, after `terms.` where another column has it; case tells no columns apart."""
    names, used = dict[str, str](), {name.casefold() for name in taken}
    for term in terms:
        column = term
        while column.casefold() in used:
            column = f"terms.{column}"
        used.add(column.casefold())
        names[term] = column
    return names


def column_type(values: Sequence[Setting]) -> str:
    """The type of a column: whole numbers, numbers, truth values, or text (lists as JSON)."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return "BOOLEAN"
    if kinds == {int} and all(value is None or -(2**63) <= value < 2**63 for value in values):  # type: ignore[operator]
        return "BIGINT"
    return "DOUBLE" if kinds <= {int, float} else "VARCHAR"


def as_text(row: dict[str, Any], types: dict[str, str]) -> dict[str, Any]:
    """The row with text where its column has text but the value is none."""
    return {
        name: json.dumps(value) if types[name] == "VARCHAR" and not isinstance(value, str | None) else value
        for name, value in row.items()
    }
