"""Files that one thread or process holds at a time. The system frees them when the holder ends, however it ends."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from ae_jax.errors import StorageError
from ae_jax.reading import open_file

try:
    import fcntl
except ImportError:  # Windows has no such module, and so no lock
    fcntl = None  # type: ignore[assignment] # a module where there is one


class HeldError(Exception):
    """Another holds the lock.

    Args:
        holder: Which process, on which machine.
    """

    def __init__(self, holder: str):
        super().__init__(holder)
        self.holder = holder


# For whoever looks whether a lock is held, and has it for that moment.
_TRIES, _SECONDS_BETWEEN_TRIES = 10, 0.02


def hold(path: Path) -> IO[str]:
    """Hold a lock until the file that is returned is closed.

    Args:
        path: Made if it is missing, and never deleted: who waits for a file that is deleted holds another than who
            makes it anew. It says who has it, for messages.

    Raises:
        HeldError: If another has it.
        StorageError: If it cannot be written, or its disk knows no locks.
    """
    for _ in range(_TRIES - 1):
        with suppress(HeldError):
            return _hold(path, wait=False)
        time.sleep(_SECONDS_BETWEEN_TRIES)
    return _hold(path, wait=False)


def is_held(path: Path) -> bool | None:
    """Whether a thread or process has the lock; None where that cannot be told."""
    if fcntl is None:
        return None
    try:
        with open_file(path) as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: two that ask are not in each other's way
    except BlockingIOError:
        return True
    except OSError:
        return None
    return False


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Wait until no other thread or process is in such a context of this path; for what takes moments.

    Raises:
        StorageError: As `hold`.
    """
    with _hold(path, wait=True):
        yield


def _hold(path: Path, *, wait: bool) -> IO[str]:
    # Not through a link, which would let a folder from elsewhere have any file written to.
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        file = os.fdopen(os.open(path, flags, 0o666), "r+")
    except OSError as error:
        raise StorageError(path, error) from error
    try:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.flush()
    except BlockingIOError:
        with file:
            raise HeldError(file.read().strip() or "another process") from None
    except OSError as error:
        file.close()
        raise StorageError(path, error) from error
    except BaseException:  # a signal while waiting
        file.close()
        raise
    return file
