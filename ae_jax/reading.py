"""Files that may be anybody's: regular ones only, within their folder, and nothing allocated that they do not hold."""

import io
import json
import os
import re
import stat
from math import prod
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import numpy as np

DEFLATE_MAX_RATIO = 1032  # the most that one byte of a deflate stream can expand to
NUMBERS, NUMBERS_OR_TEXT = "buif", "buifU"  # kinds of dtypes
_MOST_JSON, _MOST_ARRAYS = 1 << 28, 1 << 32  # bytes; a sparse file can claim any size
MAX_HEADER_BYTES = 1 << 14  # NumPy refuses longer ones
_MOST_LEVELS, _MOST_DIGITS = 100, 300  # of JSON
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def open_file(path: Path) -> IO[bytes]:
    """A regular file, opened for reading. A pipe or device is not waited for.

    Raises:
        OSError: Also if it is no regular file, or a link that leads out of the folder that it is in.
    """
    place = path
    if path.is_symlink():
        place = Path(os.path.realpath(path))
        if not place.is_relative_to(os.path.realpath(path.parent)):
            raise OSError("is a link that leads out of its folder")
    flags = (getattr(os, name, 0) for name in ("O_NONBLOCK", "O_CLOEXEC", "O_NOFOLLOW", "O_BINARY"))
    file = os.fdopen(os.open(place, sum(flags) | os.O_RDONLY), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError("is not a file")
    return file


def read_json_bytes(path: Path) -> bytes:
    """The content of a file of JSON.

    Raises:
        OSError: See `open_file`.
        ValueError: If it is far larger than any that is written here.
    """
    with open_file(path) as file:
        if os.fstat(file.fileno()).st_size > _MOST_JSON:
            raise ValueError(f"it is larger than {_MOST_JSON} bytes")
        return file.read(_MOST_JSON)


def parse_json(content: bytes) -> Any:
    """What JSON says; characters that would steer a terminal are replaced.

    Raises:
        ValueError: If it is no JSON, is nested deeply, or holds what is no text or no number of float64.
    """
    try:
        parsed = json.loads(content.decode(), parse_int=_int)
        # Most files have none of what has to be looked for.
        if re.search(rb"\\u|[\x7f\xc2]", content) or content.count(b"[") + content.count(b"{") > _MOST_LEVELS:
            return _plain(parsed, 0)
        return parsed
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _int(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise ValueError("it holds a number beyond float64")
    return int(text)


def _plain(item: Any, level: int) -> Any:
    if level > _MOST_LEVELS:
        raise ValueError("it is nested too deeply")
    if isinstance(item, dict):
        return {_plain(key, level): _plain(value, level + 1) for key, value in item.items()}
    if isinstance(item, list):
        return [_plain(value, level + 1) for value in item]
    if isinstance(item, str):
        item.encode()  # refuses half a surrogate pair
        return _CONTROL.sub("\ufffd", item)
    return item


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a .npz file that NumPy wrote without compression: numbers only.

    Raises:
        OSError, ValueError, …: If it cannot be read; NumPy and zipfile answer damage with a dozen types.
    """
    with open_file(path) as file, ZipFile(file) as archive:
        held = os.fstat(file.fileno()).st_size
        infos = archive.infolist()
        if any(info.compress_type != ZIP_STORED for info in infos):
            raise ValueError("it is compressed")
        if sum(info.file_size for info in infos) > min(held, _MOST_ARRAYS):
            raise ValueError("it claims more than it holds")
        return {info.filename.removesuffix(".npy"): read_member(archive, info, NUMBERS) for info in infos}


def read_member(archive: ZipFile, info: ZipInfo, kinds: str) -> np.ndarray:
    """An array of a .npz file, of these kinds of values.

    Raises:
        ValueError, …: If it is of another kind, or claims what the archive does not hold.
    """
    if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise ValueError("is compressed in a way that NumPy does not write")
    if info.file_size > DEFLATE_MAX_RATIO * (info.compress_size + 64):
        raise ValueError("claims a size that its compressed bytes cannot hold")
    with archive.open(info) as file:
        check_header(file.read(MAX_HEADER_BYTES), info.file_size, kinds)
    with archive.open(info) as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def check_header(head: bytes, num_bytes: int, kinds: str) -> None:
    """Refuse other kinds of values than these, and a shape that does not agree with the size of the file.

    Args:
        head: The first bytes of a .npy file.
        num_bytes: The size of it all.
        kinds: Kinds of dtypes.

    Raises:
        ValueError: It says what is wrong.
    """
    file = io.BytesIO(head)
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    try:
        version = np.lib.format.read_magic(file)
        shape, _, dtype = readers[version](file)
    except KeyError:
        raise ValueError(f"is damaged, or of a version that is not for numeric arrays: {version}") from None
    except Exception as error:  # of the parser of Python's syntax, in which headers are written
        raise ValueError(f"is damaged ({error})") from error
    if dtype.hasobject:
        raise ValueError("holds pickled Python objects, which are never loaded")
    if dtype.kind not in kinds or not dtype.itemsize:
        raise ValueError(f"holds values of type {dtype}, expected numbers")
    expected, held = prod(shape) * dtype.itemsize, num_bytes - file.tell()
    if any(size < 0 for size in shape) or expected != held:
        raise ValueError(f"is truncated or damaged: shape {shape} of {dtype} takes {expected} bytes, it holds {held}")
