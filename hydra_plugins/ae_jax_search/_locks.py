"""Which trials of a study are being trained, by whatever process: each holds a byte of a file until it ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from ae_jax.errors import StorageError
from ae_jax.files import make_folder

try:
    import fcntl
except ImportError:  # Windows has no such module, and so no lock
    fcntl = None  # type: ignore[assignment]


def lock_file(storage: Any, folder: Path) -> Path | None:
    """Beside the file of the study, or in the sweep's folder where it is on a server; None for a study in memory."""
    from sqlalchemy.engine import make_url

    if storage is None:
        return None
    url = make_url(storage) if isinstance(storage, str) else None
    if url is not None and url.drivername.startswith("sqlite"):
        return None if url.database in (None, "", ":memory:") else Path(f"{url.database}.lock")
    make_folder(folder)
    return folder / ".search.lock"


class Locks:
    """Locks that end with the process, however it ends.

    Args:
        path: The file; None: nothing is shared, and all can be had.

    Raises:
        StorageError: If the file cannot be made.
    """

    def __init__(self, path: Path | None):
        self._file: IO[bytes] | None = None
        if path is not None and fcntl is not None:
            try:
                self._file = path.open("a+b")
            except OSError as error:
                raise StorageError(path, error, "name another place with hydra.sweeper.storage=…") from error

    def take(self, number: int) -> bool:
        """Hold a trial from now on; False if another process does."""
        if self._file is not None:
            try:
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number + 1)
            except OSError:
                return False
        return True

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Wait until no other process looks for trials; the first byte stands for that."""
        if self._file is not None:
            fcntl.lockf(self._file, fcntl.LOCK_EX, 1, 0)
        yield
        if self._file is not None:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, 0)

    def __enter__(self) -> "Locks":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()
