"""Files that are written whole or not at all: under a temporary name, to disk, then renamed."""

import json
import math
import os
import re
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any

from ae_jax.errors import StorageError, UserError


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON file; numbers that are not finite become null. Raises like `write_bytes`."""
    write_text(path, dump_json(content, indent=2) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8, with the line ends that it has. Raises like `write_bytes`."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file. Its folder must exist.

    Raises:
        StorageError: If it cannot be written; what was there before is still there.
    """
    temporary = part_of(path)
    try:
        with temporary.open("xb") as file:  # made anew: a link of this name would be written through
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):  # it may not have been made
            temporary.unlink(missing_ok=True)
        raise StorageError(path, error, remedy="free space, or choose another folder") from error


def part_of(path: Path) -> Path:
    """A temporary name beside a file, which nobody else uses: neither a thread nor a process of another machine."""
    return path.with_name(f".{path.name[:50]}.{secrets.token_hex(8)}.part")


def check_file_name(key: str, name: str) -> None:
    """Refuse what cannot name a file everywhere.

    Raises:
        UserError: The name is not letters, digits, `.`, `-` and `_`, or begins with a point.
    """
    if not re.fullmatch(r"\w[\w.-]*", name):
        raise UserError(key, f"{name!r} cannot name a file", "use letters, digits, - and _")


def is_folder(path: str | Path) -> bool:
    """Whether there is a folder; not where the system cannot tell, as for a name that is too long."""
    try:
        return Path(path).is_dir()
    except OSError:
        return False


def is_file(path: str | Path) -> bool:
    """Whether there is a file; not where the system cannot tell, as for a name that is too long."""
    try:
        return Path(path).is_file()
    except OSError:
        return False


def make_folder(folder: Path) -> None:
    """Make a folder and those above it.

    Raises:
        StorageError: If it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(folder, error, remedy="choose another folder") from error


def dump_json(content: Any, indent: int | None = None) -> str:
    """JSON text, with null for numbers that JSON cannot express."""
    try:
        return json.dumps(content, indent=indent, allow_nan=False)
    except ValueError:  # which is rare, and looking for it takes longer than writing
        return json.dumps(_finite(content), indent=indent, allow_nan=False)


def _finite(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _finite(item) for key, item in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(item) for item in content]
    if isinstance(content, float) and not math.isfinite(content):
        return None
    return content
