"""Reader of .npy and .npz that unpickles nothing and allocates nothing that the file does not hold."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile, ZipInfo

import numpy as np

from ae_jax.errors import UserError, nearest
from ae_jax.reading import MAX_HEADER_BYTES, NUMBERS, NUMBERS_OR_TEXT, check_header, open_file, read_member


class Columns(NamedTuple):
    """Which parts of a file are what, by name.

    Attributes:
        keep: The columns of a table that are features, all others if None.
        exclude: Those that are left out.
        labels: A column, or an array of a .npz, with classes.
        split: One that says the split of each example.
    """

    keep: Sequence[str] | None
    exclude: Sequence[str] | None
    labels: str | None
    split: str | None


class Loaded(NamedTuple):
    """What a file of the user holds.

    Attributes:
        values: Examples first.
        labels: Of any type.
        split: Words, of any type.
        names: Of a table's columns.
    """

    values: np.ndarray
    labels: np.ndarray | None = None
    split: np.ndarray | None = None
    names: tuple[str, ...] | None = None


def read_array_file(path: Path, *, key: str | None, columns: Columns) -> Loaded:
    """Read one array, memory-mapped if it is a .npy, and for a .npz perhaps others with labels and splits.

    Args:
        path: A .npy or .npz file.
        key: The array's name in a .npz; not needed if it holds only one besides labels and splits.
        columns: The names of labels and splits in a .npz.

    Raises:
        UserError: If the file or the keys are wrong.
    """
    try:
        return _read_npz(path, key, columns) if path.suffix.lower() == ".npz" else _read_npy(path, key, columns)
    except UserError:
        raise
    except Exception as error:  # NumPy's and zipfile's parsers answer damage with a dozen kinds of error
        raise UserError(path, f"is damaged or not a {path.suffix} file ({error})", "write it again") from error


def _read_npy(path: Path, key: str | None, columns: Columns) -> Loaded:
    for name, value in {"key": key, "label_column": columns.labels, "split_column": columns.split}.items():
        if value is not None:
            raise UserError(
                f"dataset.{name}", f"{value!r} names a part of {path.name}, which holds a single array", "leave it null"
            )
    with open_file(path.resolve()) as file:
        size = path.stat().st_size
        try:
            check_header(file.read(MAX_HEADER_BYTES), size, NUMBERS)
        except ValueError as error:
            raise UserError(path, str(error), "save it as a numeric array") from error
    return Loaded(np.load(path, mmap_mode="r", allow_pickle=False))


def _read_npz(path: Path, key: str | None, columns: Columns) -> Loaded:
    with open_file(path.resolve()) as file, ZipFile(file) as archive:
        members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}

        def beside(name: str | None, option: str) -> np.ndarray | None:
            info = None if name is None else _named(members, name, option, path)
            return None if info is None else _member(archive, info, path, NUMBERS_OR_TEXT)

        labels, split = beside(columns.labels, "label_column"), beside(columns.split, "split_column")
        candidates = [name for name in members if name not in (columns.labels, columns.split)]
        if key is None and len(candidates) != 1:
            names = ", ".join(map(repr, candidates)) or "none"
            raise UserError("dataset.key", f"not given, but {path} holds {len(candidates)} arrays: {names}", "name one")
        info = _named(members, candidates[0] if key is None else key, "key", path)
        return Loaded(_member(archive, info, path, NUMBERS), labels, split)


def _named(members: dict[str, ZipInfo], name: str, key: str, path: Path) -> ZipInfo:
    if name not in members:
        raise UserError(f"dataset.{key}", f"{path} holds no array {name!r}", nearest(name, members))
    return members[name]


def _member(archive: ZipFile, info: ZipInfo, path: Path, kinds: str) -> np.ndarray:
    try:
        return read_member(archive, info, kinds)
    except ValueError as error:
        source = f"{path}, array {info.filename.removesuffix('.npy')!r}"
        raise UserError(source, str(error), "save it as a numeric array") from error
