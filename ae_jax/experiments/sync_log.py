"""What wandb's log of sending says of files that were not sent whole.

Where a server or the storage behind it refuses a figure or the history, `wandb sync` goes on, and marks the file as
sent all the same. Only its log tells. It also says every second of each run that it waits for more, so what has been
read is given back to the disk: a hole is left in its place, since wandb goes on writing where it was.
"""

import json
import threading
from contextlib import suppress
from pathlib import Path

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
                    lines = file.read().splitlines()
                    self._position = file.tell()
                    file.truncate(0)
                for line in lines:
                    self._take(line)

    def _take(self, line: bytes) -> None:
        with suppress(ValueError, KeyError):  # half a line
            entry = json.loads(line.lstrip(b"\0"))
            if entry["level"].startswith("ERROR") and not entry["msg"].startswith(_HARMLESS):
                self.failed.setdefault(Path(entry["sync_path"]), entry["msg"])
