"""The user's own data: a numeric table or a stack of images in .npy, .npz, .csv or .parquet."""

import logging
import os
from collections.abc import Sequence
from hashlib import file_digest
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from ae_jax.datasets.array_files import Columns, Loaded, read_array_file
from ae_jax.datasets.base import (
    SPLITS,
    Dataset,
    Indices,
    Labels,
    Raw,
    Split,
    SplitFraction,
    SplitName,
    chunks,
    split_examples,
)
from ae_jax.datasets.binarisation import Binarisation, binarised
from ae_jax.datasets.classes import KeepLabels, keep_classes, kept_provenance
from ae_jax.datasets.labels import as_classes, named_split, says_split
from ae_jax.datasets.scaling import ScalingName, check_source, clip, fit_scaling, in_unit_interval
from ae_jax.errors import UserError
from ae_jax.files import is_file, is_folder
from ae_jax.typing import Count

ARRAY_SUFFIXES, TABLE_SUFFIXES = (".npy", ".npz"), (".csv", ".parquet")
_FEW = 10
_log = logging.getLogger(__name__)


def array(
    *,
    path: str | None,
    key: str | None,
    columns: Sequence[str] | None,
    label_column: str | None,
    scaling: ScalingName,
    validation_fraction: SplitFraction,
    test_fraction: SplitFraction,
    split_seed: Count,
    exclude_columns: Sequence[str] | None = None,
    header: bool | None = None,
    split_column: str | None = None,
    binarisation: Binarisation = "none",
    keep_labels: KeepLabels = None,
) -> Dataset:
    """Load a file with examples first; what follows is flattened to features.

    Scaling is fitted on the training split, so with ``unit_interval`` a held-out example may lie outside [0, 1]: then
    the data set's `unit_interval` is False, and cross-entropy cannot be used. Bytes divided by 255 never do, and
    ``unit_interval_clipped`` clips held-out examples to the training split's range.

    Args:
        path: A .npy, .npz, .csv or .parquet file.
        key: The array's name in a .npz that holds several.
        columns: The columns of a table to keep, all if None.
        label_column: A column of a table, or an array of a .npz, with classes; never part of the input.
        scaling: ``none``, ``unit_interval`` (min-max; 1/255 for bytes), ``unit_interval_clipped`` or ``standardize``
            (mean 0, variance 1).
        validation_fraction: Share of all examples held out for validation.
        test_fraction: Share of all examples held out for the test.
        split_seed: Seed of the split, and of fixed draws.
        exclude_columns: Columns of a table that are left out.
        header: Whether the first line of a .csv holds names, None to find out.
        split_column: A column of a table, or an array of a .npz, that says train, validation or test for each example;
            where none says validation, the share `validation_fraction` of those that say train is held out for it.
        binarisation: Whether features are drawn to be 0 or 1, see `datasets.binarisation`.
        keep_labels: Classes of the training and the validation split, see `datasets.classes.KeepLabels`.

    Raises:
        UserError: If the file, a column or a value cannot be used.
    """
    file = _checked_path(path)
    loaded = _read(file, key, Columns(columns, exclude_columns, label_column, split_column), header)
    _check_values(loaded, file)
    labels, classes = _classes(loaded, str(label_column))
    per_feature = loaded.values.ndim == 2
    split = _dealt(loaded, validation=validation_fraction, test=test_fraction, split_seed=split_seed)
    split = keep_classes(split, labels, keep_labels, names=classes)
    splits = {name: _take(loaded.values, getattr(split, name)) for name in SPLITS}
    if not check_source(loaded.values, split.train, splits["train"], names=loaded.names):
        raise UserError("dataset.path", f"all training examples of {file} are the same", "give data that vary")
    scale, offset = fit_scaling(splits["train"], scaling=scaling, per_feature=per_feature, names=loaded.names)
    _note_doubtful(loaded)
    if scaling == "unit_interval_clipped":
        _clip(splits, per_feature=per_feature)
    provenance: dict[str, Any] = {"source": [str(file)], "sha256": {file.name: _digest(file)}, "scaling": scaling}
    provenance |= {"label_classes": classes, **split.provenance(split_seed=split_seed)}
    dataset = Dataset(
        name=file.stem,
        **splits,
        scale=scale,
        offset=offset,
        feature_shape=loaded.values.shape[1:],
        unit_interval=in_unit_interval(tuple(splits.values()), scaling=scaling, per_feature=per_feature),
        labels=None if labels is None else split.take(labels),
        feature_names=loaded.names,
        kept_labels=None if keep_labels is None else tuple(keep_labels),
        provenance=provenance | kept_provenance(keep_labels),
    )
    return binarised(dataset, binarisation, seed=split_seed)


def _classes(loaded: Loaded, name: str) -> tuple[Labels | None, list[str] | None]:
    """Class numbers, and their names if they have some; neither without labels."""
    return (None, None) if loaded.labels is None else as_classes(loaded.labels, len(loaded.values), name=name)


def _dealt(loaded: Loaded, *, validation: float, test: float, split_seed: int) -> Split:
    """The split that a column says, or a random one."""
    num_examples = len(loaded.values)
    if loaded.split is not None:
        return named_split(loaded.split, num_examples, validation=validation, split_seed=split_seed)
    return split_examples(num_examples, validation=validation, test=test, split_seed=split_seed)


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return file_digest(content, "sha256").hexdigest()


def _checked_path(path: str | None) -> Path:
    if path is None:
        raise UserError("dataset.path", "not given", "type dataset.path=/my/table.csv")
    try:
        file = Path(path).expanduser().absolute()
    except RuntimeError as error:  # there is no such user
        raise UserError("dataset.path", f"{path}: {error}", "write the whole path") from error
    if not is_file(file):
        is_there = f"{file} is a folder" if is_folder(file) else f"{file} is not a file"
        problem = is_there if os.path.lexists(file) else f"no file {file}"
        raise UserError("dataset.path", problem, "name a file")
    suffixes = ARRAY_SUFFIXES + TABLE_SUFFIXES
    if file.suffix.lower() not in suffixes:
        problem = f"{file} ends in {file.suffix!r}, expected one of {', '.join(suffixes)}"
        raise UserError("dataset.path", problem, "convert the file")
    try:
        with file.open("rb") as content:
            if not content.read(1):
                raise UserError("dataset.path", f"{file} is empty", "write it again")
    except OSError as error:
        raise UserError(
            "dataset.path", f"{file} cannot be read ({error.strerror or error})", "make it readable"
        ) from error
    return file


def _clip(splits: dict[SplitName, Raw], *, per_feature: bool) -> None:
    held_out = (splits["validation"], splits["test"])
    num_clipped = sum(clip(split, splits["train"], per_feature=per_feature) for split in held_out)
    if num_clipped:
        num_values = sum(split.size for split in held_out)
        _log.warning("%d of %d held-out values were clipped to the training range", num_clipped, num_values)


def _note_doubtful(loaded: Loaded) -> None:
    """Say which features are perhaps none: numbers that say a split, or count the examples."""
    values, names = loaded.values, loaded.names
    for name in filter(says_split, names or ()):
        way = "put train, validation or test into it, and name it in dataset.split_column"
        _log.warning("column %r is a feature; if it says which split an example is of, %s", name, way)
    if values.ndim != 2 or len(values) < _FEW or values.dtype.kind not in "iuf":
        return
    extent = values.max(axis=0).astype(np.float64) - values.min(axis=0)
    for index in np.flatnonzero(extent == len(values) - 1).tolist():
        held = np.unique(values[:, index])
        if len(held) == len(values) and (held == np.round(held)).all():
            column, way = (
                (repr(names[index]), f" with dataset.exclude_columns=[{names[index]}]") if names else (index, "")
            )
            _log.warning("column %s counts the examples; if it is an index, leave it out%s", column, way)


def _read(file: Path, key: str | None, columns: Columns, header: bool | None) -> Loaded:
    if file.suffix.lower() in TABLE_SUFFIXES:
        if key is not None:
            raise UserError("dataset.key", f"{key!r} is for .npz files, but the data is {file.name}", "leave it null")
        from ae_jax.datasets.table_files import read_table

        return read_table(file, columns=columns, header=header)
    for name, value in {"columns": columns.keep, "exclude_columns": columns.exclude, "header": header}.items():
        if value is not None:
            raise UserError(f"dataset.{name}", f"is for tables, but the data is {file.name}", "leave it null")
    return read_array_file(file, key=key, columns=columns)


def _check_values(loaded: Loaded, file: Path) -> None:
    values = loaded.values
    if values.ndim < 2:
        raise UserError(
            "dataset.path", f"{file} has shape {values.shape}, expected examples and then features", "reshape it"
        )
    if values.size == 0:
        raise UserError("dataset.path", f"{file} holds no values: its shape is {values.shape}", "give data")
    num_bad, first = 0, None
    for rows in chunks(len(values), values[0].size) if values.dtype.kind == "f" else []:
        with np.errstate(over="ignore"):
            bad = np.argwhere(~np.isfinite(np.asarray(values[rows], np.float32)))
        if first is None and len(bad):
            first = [rows.start + int(bad[0][0]), *bad[0][1:].tolist()]
        num_bad += len(bad)
    if first is not None:
        place = f"column {loaded.names[first[1]]!r}, row {first[0] + 1}" if loaded.names else f"index {first}"
        problem = f"{num_bad} values are missing, NaN, infinite or beyond float32; the first in {place}"
        raise UserError(file, problem, "fill or drop them first")


def _take(values: Shaped[np.ndarray, "..."], positions: Indices) -> Raw:
    """The flattened examples at these positions in their compact type, copied chunk by chunk."""
    taken = np.empty((len(positions), values[0].size), np.uint8 if values.dtype == np.uint8 else np.float32)
    for rows in chunks(*taken.shape):
        taken[rows] = values[positions[rows]].reshape(-1, taken.shape[1])
    return taken
