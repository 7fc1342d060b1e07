"""Reader of .npy and .npz that unpickles nothing and allocates nothing that the file does not hold."""

from io import BytesIO, UnsupportedOperation
from math import prod
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import numpy as np

from ae_jax.errors import UserError, nearest

DEFLATE_MAX_RATIO = 1032  # the most that one byte of a deflate stream can expand to

NUMBERS, NUMBERS_OR_TEXT = "buif", "buifU"  # kinds of dtypes
MAX_HEADER_BYTES = 1 << 14  # NumPy refuses longer ones


class Loaded(NamedTuple):
    """What a file of the user holds: examples first, labels as they are, column names of a table."""

    values: np.ndarray
    labels: np.ndarray | None = None
    names: tuple[str, ...] | None = None


class Header(NamedTuple):
    """What a .npy file says about itself, and how many bytes it takes to say so."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    num_bytes: int


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
            raise UserError(f"dataset.{name}", f"{value!r} names a part of {path.name}, which holds a single array")
    with path.open("rb") as file:
        _check_header(file.read(MAX_HEADER_BYTES), path.stat().st_size, f"{path}", NUMBERS)
    return Loaded(np.load(path, mmap_mode="r", allow_pickle=False))


def _read_npz(path: Path, key: str | None, label_key: str | None) -> Loaded:
    with ZipFile(path) as archive:
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
    source = f"{path}, array {info.filename.removesuffix('.npy')!r}"
    if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise UserError(source, "is compressed in a way that NumPy does not write", "write it with numpy.savez")
    if info.file_size > DEFLATE_MAX_RATIO * (info.compress_size + 64):
        raise UserError(source, "claims a size that its compressed bytes cannot hold", "write it again")
    with archive.open(info) as file:
        _check_header(file.read(MAX_HEADER_BYTES), info.file_size, source, kinds)
    with archive.open(info) as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def _check_header(head: bytes, num_bytes: int, source: str, kinds: str) -> None:
    """Refuse other kinds of values than these, and a shape that does not agree with the file's size."""
    shape, dtype, size = _header(head)
    if dtype.hasobject:
        raise UserError(source, "holds pickled Python objects, which are never loaded", "save it as a numeric array")
    if dtype.kind not in kinds:
        raise UserError(source, f"holds values of type {dtype}, expected numbers", "save it as a numeric array")
    expected, held = prod(shape) * dtype.itemsize, num_bytes - size
    if expected != held:
        problem = f"is truncated or damaged: shape {shape} of {dtype} takes {expected} bytes, it holds {held}"
        raise UserError(source, problem, "write it again")


def _header(head: bytes) -> Header:
    file = BytesIO(head)
    version = np.lib.format.read_magic(file)
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in readers:
        raise UnsupportedOperation(f"format version {version} is not for numeric arrays")
    shape, _, dtype = readers[version](file)
    if any(size < 0 for size in shape):
        raise ValueError(f"negative size in shape {shape}")
    return Header(shape, dtype, file.tell())
