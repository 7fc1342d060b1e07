"""What wandb's log of sending says of files that were not sent whole.

Where a server or the storage behind it refuses a figure or the history, `wandb sync` goes on, and marks the file as
sent all the same. Only its log tells. It also says every second of each run that it waits for more, so what has been
read is given back to the disk: a hole is left in its place. Cutting the file short would also take what wandb writes
at that moment.
"""

import ctypes
import json
import threading
from contextlib import suppress
from pathlib import Path

# Of Linux' fallocate: keep the size, and make a hole.
_MAKE_HOLE = 0x01 | 0x02
# What begins so only announces another line, or is no loss.
_HARMLESS = ("api:",)


class SyncLog:
    """Reads the log while it is written.

    Args:
        folder: Where wandb writes it.

    Attributes:
        failed: The `.wandb` files that were not sent whole, each with the first reason.
    """

    def __init__(self, folder: Path):
        self.failed: dict[Path, str] = {}
        self._folder = folder
        self._position = 0
        self._lock = threading.Lock()

    def follow(self, seconds: float = 30.0) -> None:
        """Read from time to time, from another thread."""

        def forever() -> None:
            while True:
                pause.wait(seconds)
                self.read()

        pause = threading.Event()
        threading.Thread(target=forever, daemon=True).start()

    def settle(self) -> None:
        """Take the marks from files that were not sent whole, so that `wandb sync` does not skip them."""
        self.read()
        for path in list(self.failed):
            path.with_suffix(".wandb.synced").unlink(missing_ok=True)

    def read(self) -> None:
        """Read what is new."""
        with self._lock, suppress(OSError):
            for path in self._folder.glob("debug-sync.*.log"):
                with path.open("r+b") as file:
                    file.seek(self._position)
                    content = file.read()
                    # wandb may be in the middle of a line: the rest of it comes with the next reading
                    whole = content[: content.rfind(b"\n") + 1]
                    self._position += len(whole)
                    _give_back(file.fileno(), self._position)
                for line in whole.splitlines():
                    self._take(line)

    def _take(self, line: bytes) -> None:
        with suppress(ValueError, KeyError, TypeError, AttributeError):  # not one of those that tell of a file
            entry = json.loads(line)
            if entry["level"].startswith("ERROR") and not entry["msg"].startswith(_HARMLESS):
                self.failed.setdefault(Path(entry["sync_path"]), entry["msg"])


def _give_back(file: int, num_bytes: int) -> None:
    """Make a hole at the beginning of a file; where the system cannot, it stays as it is."""
    with suppress(AttributeError, TypeError, OSError):
        fallocate = ctypes.CDLL(None).fallocate
        fallocate(file, _MAKE_HOLE, ctypes.c_int64(0), ctypes.c_int64(num_bytes))
