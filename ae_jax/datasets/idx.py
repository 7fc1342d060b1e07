"""Reader of the idx format, gzip-compressed or not, that trusts nothing the file says about itself.

An idx file is two zero bytes, a type byte, the number of dimensions, each dimension as a big-endian uint32, and the
values in C order. Only unsigned bytes (type 8) are read. Format: http://yann.lecun.com/exdb/mnist/
"""

import gzip
import zlib
from math import prod
from pathlib import Path
from struct import unpack_from

import numpy as np
from jaxtyping import UInt8

from ae_jax.errors import UserError

GZIP_MAGIC = b"\x1f\x8b"
UNSIGNED_BYTE = 8
MAX_DIMENSIONS = 4
CHUNK_BYTES = 1 << 20


def read_idx(path: Path, *, max_bytes: int = 1 << 32) -> UInt8[np.ndarray, "..."]:
    """Read one idx or idx.gz file.

    Args:
        path: The file.
        max_bytes: Refuse content that is larger than this once decompressed.

    Raises:
        UserError: If the file cannot be read, is damaged, or is no idx file of unsigned bytes.
    """
    return parse_idx(read_decompressed(path, max_bytes=max_bytes), source=path)


def read_decompressed(path: Path, *, max_bytes: int) -> bytes:
    """The content of a file, decompressed if it is gzip, and never more than `max_bytes` of it.

    Raises:
        UserError: If the file cannot be read, is truncated, is not valid gzip, or holds more than `max_bytes`.
    """
    content = bytearray()
    try:
        with path.open("rb") as probe:
            compressed = probe.read(2) == GZIP_MAGIC
        with gzip.open(path) if compressed else path.open("rb") as stream:
            while chunk := stream.read(min(CHUNK_BYTES, max_bytes + 1 - len(content))):
                content += chunk
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(path, f"is truncated or damaged ({error})", "replace the file") from error
    except OSError as error:
        raise UserError(path, f"cannot be read ({error.strerror or error})") from error
    if len(content) > max_bytes:
        raise UserError(path, f"holds more than the expected {max_bytes} bytes", "replace the file")
    return bytes(content)


def parse_idx(content: bytes, *, source: Path) -> UInt8[np.ndarray, "..."]:
    """A read-only view of idx content, after its header has been checked against its actual size.

    Args:
        content: The decompressed file.
        source: Where it came from, for messages.

    Raises:
        UserError: If the header is wrong, or promises more or fewer values than there are.
    """
    if len(content) < 4 or content[:2] != b"\0\0":
        found = content[:4].hex() or "nothing"
        raise UserError(source, f"is not an idx file (it starts with {found})", "replace the file")
    value_type, num_dimensions = content[2], content[3]
    if value_type != UNSIGNED_BYTE:
        raise UserError(source, f"holds idx values of type {value_type:#04x}, expected unsigned bytes (0x08)")
    if not 1 <= num_dimensions <= MAX_DIMENSIONS:
        raise UserError(source, f"has {num_dimensions} idx dimensions, expected 1 to {MAX_DIMENSIONS}")
    start = 4 + 4 * num_dimensions
    if len(content) < start:
        raise UserError(source, "ends inside its idx header", "replace the file")
    shape = unpack_from(f">{num_dimensions}I", content, 4)
    if prod(shape) != len(content) - start:
        problem = f"its idx header says {' x '.join(map(str, shape))} values, but it holds {len(content) - start}"
        raise UserError(source, problem, "replace the file")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
