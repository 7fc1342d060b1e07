"""What a loader returned, checked once: a mistake in a loader of one's own is told here, and not by what uses it."""

import json
import logging
import math
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any

import numpy as np

from ae_jax.datasets.base import SPLITS, Dataset, chunks
from ae_jax.errors import UserError

_log = logging.getLogger(__name__)
_MOST_NAMED = 5


def checked(dataset: Any, loader: str) -> Dataset:
    """A data set that can be used; of its provenance, digests and counts are worked out where they are missing.

    Args:
        dataset: What the loader returned.
        loader: Its dotted name, for messages.

    Raises:
        UserError: It says which part is not as `Dataset` has it.
    """
    if not isinstance(dataset, Dataset):
        raise UserError(loader, f"returned {_kind(dataset)}, expected an ae_jax.datasets.Dataset", "return one")
    for check in (_check_splits, _check_numbers, _check_scaling, _check_labels, _check_names):
        problem = check(dataset)
        if problem is not None:
            what, remedy = problem
            raise UserError(loader, f"returned a Dataset {what}", remedy)
    try:
        json.dumps(dataset.provenance)
    except (TypeError, ValueError) as error:
        raise UserError(loader, f"returned a provenance that is not JSON ({error})", "use plain types") from error
    return _with_provenance(dataset)


def note_absent_classes(dataset: Dataset) -> None:
    """Say which classes some split has no example of: what is measured there says nothing of them."""
    if dataset.labels is None:
        return
    everything = np.concatenate([dataset.labels[split] for split in SPLITS])
    classes, counts = np.unique(everything, return_counts=True)
    names = dataset.provenance.get("label_classes")
    for split in SPLITS:
        expected = classes if split == "test" or dataset.kept_labels is None else dataset.kept_labels
        absent = np.flatnonzero(np.isin(classes, expected) & ~np.isin(classes, dataset.labels[split]))
        if not len(absent):
            continue
        told = [
            f"{repr(names[classes[index]]) if names else classes[index]} ({counts[index]} of {len(everything)})"
            for index in absent[:_MOST_NAMED]
        ]
        more = f" and {len(absent) - _MOST_NAMED} more" if len(absent) > _MOST_NAMED else ""
        classes_are = "class" if len(absent) == 1 else "classes"
        remedy = "give the splits other sizes, or choose another dataset.split_seed"
        _log.warning("no %s example of %s %s%s; %s", split, classes_are, ", ".join(told), more, remedy)


def _check_splits(dataset: Dataset) -> tuple[str, str] | None:
    for split in SPLITS:
        examples = getattr(dataset, split)
        if not isinstance(examples, np.ndarray):
            return f"whose {split} is {_kind(examples)}", f"return np.asarray({split})"
        if examples.dtype not in (np.uint8, np.float32):
            return f"whose {split} is of {examples.dtype}, expected float32 or uint8", "convert it with astype"
        if examples.ndim != 2 or not examples.size:
            return f"whose {split} has shape {examples.shape}, expected (examples, features)", "flatten each example"
        if examples.shape[1] != dataset.train.shape[1]:
            return (
                f"whose {split} has {examples.shape[1]} features, train {dataset.train.shape[1]}",
                "give both the same",
            )
        if examples.dtype != dataset.train.dtype:
            return f"whose {split} is of {examples.dtype}, train of {dataset.train.dtype}", "give both the same"
    shape = dataset.feature_shape
    is_shape = isinstance(shape, tuple) and shape and all(isinstance(size, int) for size in shape)
    if not is_shape or math.prod(shape) != dataset.num_features:
        return (
            f"whose feature_shape is {shape!r}, but an example has {dataset.num_features} features",
            "make them agree",
        )
    return None


def _check_numbers(dataset: Dataset) -> tuple[str, str] | None:
    for split in SPLITS:
        examples = getattr(dataset, split)
        for rows in chunks(*examples.shape) if examples.dtype != np.uint8 else []:
            bad = np.argwhere(~np.isfinite(examples[rows]))
            if len(bad):
                place = f"row {rows.start + int(bad[0][0])}, feature {int(bad[0][1])}"
                return f"whose {split} is NaN or infinite in {place}", "fill or drop such values"
    return None


def _check_scaling(dataset: Dataset) -> tuple[str, str] | None:
    for name in ("scale", "offset"):
        value = getattr(dataset, name)
        is_array = (
            isinstance(value, np.ndarray) and value.dtype == np.float32 and value.shape == (dataset.num_features,)
        )
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not (is_number or is_array) or not np.isfinite(value).all():
            expected = f"expected a finite number or float32 of shape ({dataset.num_features},)"
            return f"whose {name} is {_kind(value)}, {expected}", "return one of them"
    if not isinstance(dataset.unit_interval, bool):
        return f"whose unit_interval is {_kind(dataset.unit_interval)}, expected True or False", "return a bool"
    if dataset.unit_interval:
        for split in SPLITS:
            raw = getattr(dataset, split)
            ends = dataset.scaled(np.stack([raw.min(axis=0), raw.max(axis=0)]))
            if ends.min() < -1e-3 or ends.max() > 1 + 1e-3:
                told = f"whose inputs in {split} reach from {ends.min():.4g} to {ends.max():.4g}"
                return told, "return unit_interval=False, or scale and offset that bring them into [0, 1]"
    return None


def _check_labels(dataset: Dataset) -> tuple[str, str] | None:
    if dataset.labels is None:
        return None
    if not isinstance(dataset.labels, Mapping) or set(dataset.labels) != set(SPLITS):
        return "whose labels are no mapping of train, validation and test", "return one, or None"
    for split in SPLITS:
        labels, expected = dataset.labels[split], (len(getattr(dataset, split)),)
        if not isinstance(labels, np.ndarray) or labels.dtype.kind not in "iu" or labels.shape != expected:
            return f"whose labels of {split} are {_kind(labels)}, expected integers of shape {expected}", "return those"
    return None


def _check_names(dataset: Dataset) -> tuple[str, str] | None:
    names = dataset.feature_names
    if names is not None:
        is_texts = isinstance(names, tuple) and all(isinstance(name, str) for name in names)
        if not is_texts or len(names) != dataset.num_features:
            return f"whose feature_names are no tuple of {dataset.num_features} texts", "return one, or None"
    if not isinstance(dataset.name, str) or not dataset.name:
        return f"whose name is {dataset.name!r}, expected a text", "return a short one"
    if not isinstance(dataset.provenance, dict):
        return f"whose provenance is {_kind(dataset.provenance)}, expected a dict", "return {} if there is none"
    return None


def _with_provenance(dataset: Dataset) -> Dataset:
    """The same, with counts, and digests of the content that tell whether two runs had the same data."""
    given = dataset.provenance
    missing: dict[str, Any] = {}
    if not (given.get("sha256") and isinstance(given["sha256"], dict)):
        missing["sha256"] = {split: _digest(getattr(dataset, split)) for split in SPLITS}
    if not isinstance(given.get("counts"), dict):
        missing["counts"] = {split: len(getattr(dataset, split)) for split in SPLITS}
    return replace(dataset, provenance={**given, **missing}) if missing else dataset


def _digest(examples: np.ndarray) -> str:
    digest = sha256(str((examples.dtype.name, examples.shape)).encode())
    for rows in chunks(*examples.shape):
        digest.update(examples[rows].tobytes())
    return digest.hexdigest()


def _kind(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} of shape {value.shape}"
    return f"{value!r:.40}" if isinstance(value, bool | int | float | str | None) else f"a {type(value).__name__}"
