"""The user's own data: a numeric table or a stack of images in .npy, .npz, .csv or .parquet."""

import os
from collections.abc import Sequence
from hashlib import file_digest
from pathlib import Path

import numpy as np
from jaxtyping import Int64, Shaped

from ae_jax.datasets.array_files import Loaded, read_array_file
from ae_jax.datasets.base import SPLITS, Dataset, Indices, Raw, SplitFraction, chunks, split_examples
from ae_jax.datasets.scaling import ScalingName, fit_scaling, in_unit_interval
from ae_jax.errors import UserError
from ae_jax.files import is_file, is_folder
from ae_jax.typing import Count

ARRAY_SUFFIXES, TABLE_SUFFIXES = (".npy", ".npz"), (".csv", ".parquet")


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
) -> Dataset:
    """Load a file with examples first; what follows is flattened to features.

    Scaling is fitted on the training split, so with ``unit_interval`` a held-out example may lie outside [0, 1]: then
    the data set's `unit_interval` is False, and cross-entropy cannot be used. Bytes divided by 255 never do.

    Args:
        path: A .npy, .npz, .csv or .parquet file.
        key: The array's name in a .npz that holds several.
        columns: The columns of a table to keep, all if None.
        label_column: A column of a table, or an array of a .npz, with classes; never part of the input.
        scaling: ``none``, ``unit_interval`` (min-max; 1/255 for bytes) or ``standardize`` (mean 0, variance 1).
        validation_fraction: Share of all examples held out for validation.
        test_fraction: Share of all examples held out for the test.
        split_seed: Seed of the split.

    Raises:
        UserError: If the file, a column or a value cannot be used.
    """
    file = _checked_path(path)
    loaded = _read(file, key, columns, label_column)
    _check_values(loaded, file)
    num_examples, per_feature = len(loaded.values), loaded.values.ndim == 2
    split = split_examples(num_examples, validation=validation_fraction, test=test_fraction, split_seed=split_seed)
    splits = {name: _take(loaded.values, getattr(split, name)) for name in SPLITS}
    scale, offset = fit_scaling(splits["train"], scaling=scaling, per_feature=per_feature, names=loaded.names)
    labels, classes = (None, None) if loaded.labels is None else _as_classes(loaded.labels, num_examples)
    if (splits["train"].min(axis=0) == splits["train"].max(axis=0)).all():
        raise UserError("dataset.path", f"all training examples of {file} are the same", "give data that vary")
    provenance = {"source": [str(file)], "sha256": {file.name: _digest(file)}, "scaling": scaling}
    return Dataset(
        name=file.stem,
        **splits,
        scale=scale,
        offset=offset,
        feature_shape=loaded.values.shape[1:],
        unit_interval=in_unit_interval(tuple(splits.values()), scaling=scaling, per_feature=per_feature),
        labels=None if labels is None else split.take(labels),
        feature_names=loaded.names,
        provenance=provenance | {"label_classes": classes} | split.provenance(split_seed=split_seed),
    )


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


def _read(file: Path, key: str | None, columns: Sequence[str] | None, label_column: str | None) -> Loaded:
    if file.suffix.lower() in TABLE_SUFFIXES:
        if key is not None:
            raise UserError("dataset.key", f"{key!r} is for .npz files, but the data is {file.name}", "leave it null")
        from ae_jax.datasets.table_files import read_table

        return read_table(file, columns=columns, label_column=label_column)
    if columns is not None:
        raise UserError("dataset.columns", f"is for tables, but the data is {file.name}", "leave it null")
    return read_array_file(file, key=key, label_key=label_column)


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


def _as_classes(
    labels: Shaped[np.ndarray, "..."], num_examples: int
) -> tuple[Int64[np.ndarray, " examples"], list[str] | None]:
    """Class numbers, and their names if the labels are text."""
    key = "dataset.label_column"
    if labels.shape != (num_examples,):
        raise UserError(key, f"labels have shape {labels.shape}, expected ({num_examples},)", "one for each example")
    if np.ma.is_masked(labels) or any(label is None for label in labels.tolist()):
        raise UserError(key, "some labels are missing", "fill them first")
    plain = np.ma.getdata(labels)
    if plain.dtype.kind in "biu":
        return plain.astype(np.int64), None
    if plain.dtype.kind == "f":
        if not (np.isfinite(plain).all() and (plain == np.round(plain)).all()):
            raise UserError(key, "holds fractions or NaN, expected classes", "name another column")
        return plain.astype(np.int64), None
    classes, numbers = np.unique(plain.astype(str), return_inverse=True)
    return numbers.astype(np.int64), classes.tolist()
