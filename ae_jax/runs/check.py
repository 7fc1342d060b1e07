"""What a completed run has to say, so that what is damaged in its folder shows where it is read, and nowhere else."""

import math
from collections.abc import Mapping
from typing import Any

from ae_jax.errors import UserError
from ae_jax.runs.folder import RunFolder
from ae_jax.runs.measures import MEASURES, OF_SOME, methods_of

_PARTS = ("training", "model", "time", "memory", "pca")
_SPLITS = ("train", "validation", "test")
_TEXTS = ("training loss", "training stopped", "training monitor")
# Of PCA, beside numbers.
_OTHERS = (*(f"pca {split}" for split in _SPLITS), "pca test_sse_by_components", "pca principal_angles_degrees")
_WORDS = {"short": str, "label": str, "more_is_better": bool, "has_ratio": bool, "unit": str}
_COUNTS = (("seed",), ("model", "latent_size"), ("dataset", "num_features"), ("pca", "num_components"))


def check_summary(summary: Mapping[str, Any]) -> None:
    """Refuse a summary of which a part is missing, or of another kind than it is written as.

    Raises:
        ValueError: It names the part.
        KeyError, TypeError, AttributeError: A part is missing, or no object where one is needed.
    """
    for split in _SPLITS:
        _check_measures(split, summary[split])
        _check_terms(split, summary[split])
        _check_measures(f"pca {split}", summary["pca"][split])
    if summary.get("corrupted") is not None:
        for method in ("autoencoder", "pca"):
            _check_measures(f"corrupted {method}", summary["corrupted"][method])
    curve = summary["pca"]["test_sse_by_components"]
    if not (isinstance(curve, list) and curve and all(map(is_finite, curve))):
        raise ValueError("pca test_sse_by_components is no list of finite numbers")
    for name, answer in summary.get("evaluations", {}).items():
        _check_answer(f"evaluations {name}", answer)
    for name in _PARTS:
        _check_part(name, summary[name])
    for *parents, name in _COUNTS:
        value = (summary[parents[0]] if parents else summary)[name]
        if not (is_finite(value) and isinstance(value, int) and value >= 0):
            raise ValueError(f"{' '.join([*parents, name])} is {value!r}, which is no count")
    for place, value in {"config_hash": summary["config_hash"], "dataset name": summary["dataset"]["name"]}.items():
        if not isinstance(value, str):
            raise ValueError(f"{place} is {value!r}, which is no text")
    if not isinstance(summary["dataset"]["provenance"], dict):
        raise ValueError("dataset provenance is no object")
    if not isinstance(summary["dataset"]["counts"]["test"], int):
        raise ValueError("dataset counts test is no count")


def checked_summary(run: RunFolder) -> dict[str, Any]:
    """The summary of a completed run.

    Raises:
        UserError: If it cannot be read, or is not as it was written.
    """
    try:
        check_summary(run.summary)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        problem = f"cannot be understood ({type(error).__name__}: {error})"
        raise UserError(run.path / "summary.json", problem, "delete the run folder and train again") from error
    return run.summary


def is_finite(value: Any) -> bool:
    """Whether it is a finite number that tables can hold."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and (isinstance(value, float) or abs(value) < 2**63)


def _check_measures(place: str, measured: Mapping[str, Any]) -> None:
    for measure in MEASURES:
        value, needed = measured[measure], measure in ("sse", "mse")
        if not (is_finite(value) or (value is None and not needed)):
            raise ValueError(f"{place} {measure} is {value!r}, which is no finite number")


def _check_answer(place: str, answer: Mapping[str, Any]) -> None:
    """Described measures, and numbers of methods and splits that are finite or null."""
    for name, words in answer["measures"].items():
        if not all(isinstance(words[key], kind) for key, kind in _WORDS.items()) or words.keys() != _WORDS.keys():
            raise ValueError(f"{place} measures {name} is {words!r}, which describes none")
    for method in methods_of(answer):
        for split, measured in answer[method].items():
            for name, value in measured.items():
                if name not in answer["measures"] or not (value is None or is_finite(value)):
                    raise ValueError(f"{place} {method} {split} {name} is {value!r}, which is no number of a measure")


def _check_terms(split: str, measured: Mapping[str, Any]) -> None:
    """Terms of the objective, which the first runs did not record: finite numbers, or null where one was not finite."""
    terms = measured.get("terms", {})
    if not isinstance(terms, dict):
        raise ValueError(f"{split} terms is {terms!r}, not an object")
    others = {name: measured[name] for name in OF_SOME if name in measured}
    for name, value in {**terms, **others}.items():
        if not (value is None or is_finite(value)):
            raise ValueError(f"{split} terms {name} is {value!r}, which is no finite number")


def _check_part(name: str, part: Any) -> None:
    """Texts where there are texts, and else numbers that may be missing."""
    if not isinstance(part, dict):
        raise ValueError(f"{name} is {part!r}, not an object")
    for key, value in part.items():
        place = f"{name} {key}"
        expected = isinstance(value, str) if place in _TEXTS else value is None or is_finite(value)
        if place not in _OTHERS and not expected:
            raise ValueError(f"{place} is {value!r}, which is no {'text' if place in _TEXTS else 'finite number'}")
