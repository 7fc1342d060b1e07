"""Reader of .npy and .npz that unpickles nothing and allocates nothing that the file does not hold."""

from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile, ZipInfo

import numpy as np

from ae_jax.errors import UserError, nearest
from ae_jax.reading import MAX_HEADER_BYTES, NUMBERS, NUMBERS_OR_TEXT, check_header, open_file, read_member


class Loaded(NamedTuple):
    """What a file of the user holds: examples first, labels as they are, column names of a table."""

    values: np.ndarray
    labels: np.ndarray | None = None
    names: tuple[str, ...] | None = None


def read_array_file(path: Path, *, key: str | None, label_key: str | None) -> Loaded:
    """Read one array, memory-mapped if it is a .npy, and for a .npz perhaps a second one with labels.

    Args:
        path: A .npy or .npz file.
        key: The array's name in a .npz; not needed if it holds only one besides the labels.
        label_key: The name of the labels in a .npz.

    Raises:
        UserError: If the file or the keys are wrong.
    """
    try:
        return _read_npz(path, key, label_key) if path.suffix.lower() == ".npz" else _read_npy(path, key, label_key)
    except UserError:
        raise
    except Exception as error:  # NumPy's and zipfile's parsers answer damage with a dozen kinds of error
        raise UserError(path, f"is damaged or not a {path.suffix} file ({error})", "write it again") from error


def _read_npy(path: Path, key: str | None, label_key: str | None) -> Loaded:
    for name, value in {"key": key, "label_column": label_key}.items():
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


def _read_npz(path: Path, key: str | None, label_key: str | None) -> Loaded:
    with open_file(path.resolve()) as file, ZipFile(file) as archive:
        members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        labels = None
        if label_key is not None:
            labels = _member(archive, _named(members, label_key, "label_column", path), path, NUMBERS_OR_TEXT)
        candidates = [name for name in members if name != label_key]
        if key is None and len(candidates) != 1:
            names = ", ".join(map(repr, candidates)) or "none"
            raise UserError("dataset.key", f"not given, but {path} holds {len(candidates)} arrays: {names}", "name one")
        info = _named(members, candidates[0] if key is None else key, "key", path)
        return Loaded(_member(archive, info, path, NUMBERS), labels)


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
