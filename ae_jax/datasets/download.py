"""Find the files of a public data set on this machine, or download them whole and verified, or not at all.

The places, in order: ``$AE_JAX_DATA_DIR/<name>``, the user's cache, the folder of the system's package, the mirrors.
A file counts only if its decompressed bytes have the right SHA-256, since mirrors compress differently. A damaged file
is an error wherever it lies: to pass over it in silence would hide the damage.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from ae_jax.datasets.idx import read_decompressed
from ae_jax.errors import StorageError, UserError
from ae_jax.locks import exclusive
from ae_jax.terminal import console, say

CONNECT_SECONDS, READ_SECONDS = 10.0, 30.0
CHUNK_BYTES = 1 << 16


class RemoteFile(NamedTuple):
    """A file by the size and SHA-256 of its decompressed bytes."""

    name: str
    num_bytes: int
    sha256: str


class Collection(NamedTuple):
    """Files that belong together, and where they can be had."""

    name: str
    files: tuple[RemoteFile, ...]
    mirrors: tuple[str, ...]
    system_folder: str | None = None


class Located(NamedTuple):
    """A verified file: where it lies, and its decompressed bytes."""

    path: Path
    content: bytes


def locate(collection: Collection) -> dict[str, Located]:
    """Every file of a collection, verified.

    Raises:
        UserError: If a file is damaged, or missing from the folder the user named, or cannot be downloaded.
    """
    chosen = os.environ.get("AE_JAX_DATA_DIR")
    if chosen and (folder := Path(chosen).expanduser() / collection.name).is_dir():
        return {file.name: _verified(_required(folder, file), file) for file in collection.files}
    cache = cache_folder(collection.name)
    for folder in [cache] + ([Path(collection.system_folder)] if collection.system_folder else []):
        if all(_find(folder, file) for file in collection.files):
            return {file.name: _verified(_required(folder, file), file) for file in collection.files}
    _download_missing(collection, cache)
    return {file.name: _verified(_required(cache, file), file) for file in collection.files}


def cache_folder(name: str) -> Path:
    """Where downloads of a data set are kept for this user."""
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("ae_jax")) / "datasets" / name


def _find(folder: Path, file: RemoteFile) -> Path | None:
    candidates = folder / file.name, folder / f"{file.name}.gz"
    return next((path for path in candidates if path.is_file()), None)


def _required(folder: Path, file: RemoteFile) -> Path:
    if path := _find(folder, file):
        return path
    remedy = f"place it there, or unset AE_JAX_DATA_DIR or remove {folder} to download all files"
    raise UserError(folder / f"{file.name}.gz", "is missing", remedy)


def _verified(path: Path, file: RemoteFile) -> Located:
    remedy = "delete it to download it again, or put the original in its place"
    try:
        content = read_decompressed(path, max_bytes=file.num_bytes)
    except UserError as error:
        raise UserError(path, error.problem, remedy) from error
    if len(content) < file.num_bytes:
        raise UserError(path, f"is truncated: {len(content)} of {file.num_bytes} bytes once decompressed", remedy)
    digest = sha256(content).hexdigest()
    if digest != file.sha256:
        raise UserError(path, f"checksum mismatch: SHA-256 {digest[:12]}…, expected {file.sha256[:12]}…", remedy)
    return Located(path, content)


def _download_missing(collection: Collection, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with exclusive(folder / ".lock"):
            for file in collection.files:
                if _find(folder, file) is None:
                    _download(collection, file, folder)
    except (OSError, StorageError) as error:
        remedy = "make room or make it writable, or set AE_JAX_DATA_DIR to a folder with the files"
        raise StorageError(folder, error.__cause__ or error, remedy) from error


def _download(collection: Collection, file: RemoteFile, folder: Path) -> None:
    from requests import RequestException

    target, part = folder / f"{file.name}.gz", folder / f"{file.name}.gz.part"
    problems = []
    for mirror in collection.mirrors:
        url = f"{mirror.rstrip('/')}/{target.name}"
        try:
            _download_verified(url, part, file)
        except RequestException as error:
            problems.append(f"{url}: {_reason(error)}")
        except UserError as error:
            problems.append(f"{url}: {error.problem}")
        else:
            part.replace(target)
            return
    names = ", ".join(f"{each.name}.gz" for each in collection.files)
    problem = f"{target.name} is not in {folder} and no mirror gave it ({'; '.join(problems)})"
    remedy = f"try again later, or place {names} in that folder or in $AE_JAX_DATA_DIR/{collection.name}"
    raise UserError(f"dataset {collection.name}", problem, remedy)


def _download_verified(url: str, part: Path, file: RemoteFile) -> None:
    """Complete the part file; if what was there before spoils it, start over once."""
    resumed = part.exists()
    try:
        _transfer(url, part, max_bytes=file.num_bytes + file.num_bytes // 1000 + 4096)
        _verified(part, file)
    except UserError:
        part.unlink(missing_ok=True)
        if not resumed:
            raise
        _download_verified(url, part, file)


def _transfer(url: str, part: Path, *, max_bytes: int) -> None:
    import requests

    start = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    with requests.get(url, headers=headers, stream=True, timeout=(CONNECT_SECONDS, READ_SECONDS)) as response:
        if start and response.status_code == requests.codes.requested_range_not_satisfiable:
            return  # there is nothing after the part: it is whole or wrong, which its checksum tells
        response.raise_for_status()
        resumes = response.headers.get("Content-Range", "").startswith(f"bytes {start}-")
        if response.status_code == requests.codes.partial_content and not resumes:
            raise UserError(url, "answered with another range than was asked for")
        start = start if resumes else 0
        length = response.headers.get("Content-Length", "")
        total = start + int(length) if length.isdecimal() else None
        with part.open("ab" if resumes else "wb") as out, _progress(url, start, total) as advance:
            for chunk in response.iter_content(CHUNK_BYTES):
                out.write(chunk)
                advance(len(chunk))
                if out.tell() > max_bytes:
                    raise UserError(url, f"sends more than the expected {max_bytes} bytes")


@contextmanager
def _progress(url: str, start: int, total: int | None) -> Iterator[Callable[[int], None]]:
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    output = console(errors=True)
    if not output.is_live:
        size = f" ({total / 1e6:.1f} MB)" if total else ""
        say(output, f"Downloading {url}{size}")
        yield lambda num_bytes: None
        return
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    with Progress(*columns, TimeRemainingColumn(), console=output) as bar:
        task = bar.add_task(url.rsplit("/", 1)[-1], completed=start, total=total)
        yield lambda num_bytes: bar.advance(task, num_bytes)


def _reason(error: Exception) -> str:
    from requests import ConnectionError, HTTPError, Timeout

    if isinstance(error, HTTPError):
        return f"HTTP {error.response.status_code}"
    if isinstance(error, Timeout) or "timed out" in str(error):
        return "timed out"
    return "no connection" if type(error) is ConnectionError else f"transfer broke off ({type(error).__name__})"
