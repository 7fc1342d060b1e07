"""Sends the W&B files of runs to the server, from other processes, while the runs write them.

Nothing waits in memory: the file is the queue. What has not been sent at the end is in it, for `wandb sync` to send.
"""

import logging
import os
import shlex
import shutil
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

_log = logging.getLogger(__name__)

# How long the program may wait for the server after all else is done.
FINISH_SECONDS, INTERRUPTED_SECONDS = 15.0, 4.0
_ENDING_SECONDS = 1.0
# Runs that begin within this time of each other, such as a group, share a process. To start it takes 0.6 s of a core:
# of a run that lasts as long, a hundredth, and what is shorter is sent when it has ended.
GATHERING_SECONDS = 30.0
EXIT_REFUSED, EXIT_INCOMPLETE = 3, 4
# They would make the other process use the wandb-core of this one, keep silent, or append to the run on the server.
_NOT_INHERITED = ("WANDB_SERVICE", "WANDB_SILENT", "WANDB_QUIET", "WANDB_RESUME")
# A server that is out of reach is asked again at least every ten seconds, for a day.
_PATIENCE = {
    f"WANDB__{what}_RETRY_{limit}": number
    for what in ("GRAPHQL", "FILE_STREAM", "FILE_TRANSFER")
    for limit, number in (("MAX", "8640"), ("WAIT_MAX_SECONDS", "10"))
}


class Uploads:
    """What this process sends. Runs add their files; `close` is called when the process ends.

    Attributes:
        is_interrupted: Whether a run was interrupted, and the end has to come soon.
    """

    def __init__(self) -> None:
        self.is_interrupted = False
        self._is_refused, self._reason = False, ""
        self._lock, self._ending = threading.Lock(), threading.Event()
        self._waiting: list[Path] = []
        self._segments: list[Path] = []
        self._threads: list[threading.Thread] = []
        self._processes: list[tuple[subprocess.Popen[str], list[Path]]] = []

    def add(self, segment: Path) -> None:
        """Send a run's file, from its beginning to its end, which may not have come yet.

        Args:
            segment: The folder `offline-run-…` with the file.
        """
        with self._lock:
            self._segments.append(segment)
            self._waiting.append(segment)
            if len(self._waiting) == 1 and not self._is_refused:
                self._threads.append(threading.Thread(target=self._send, daemon=True, name="W&B"))
                self._threads[-1].start()

    def close(self) -> None:
        """Wait until all is sent, for a bounded time, and say what is not."""
        self._ending.set()
        end = time.monotonic() + (INTERRUPTED_SECONDS if self.is_interrupted else FINISH_SECONDS)
        with suppress(KeyboardInterrupt, SystemExit):  # whoever asks meanwhile need not wait
            for thread in self._threads:
                thread.join(max(0.0, end - time.monotonic()))
        for process, segments in self._processes:
            if not _end(process):
                _unmark(segments)
        for thread in self._threads:
            thread.join(_ENDING_SECONDS)
        unsent = [segment for segment in self._segments if not any(segment.glob("*.wandb.synced"))]
        if unsent and not self._is_refused:
            why = f" ({self._reason})" if self._reason else ""
            _log.warning("W&B could not be reached, or did not take all%s: send it later with %s", why, _sync(unsent))

    def _send(self) -> None:
        self._ending.wait(GATHERING_SECONDS)
        with self._lock:
            segments, self._waiting = self._waiting, []
        scratch = segments[0] / "logs"
        try:
            process = _start(segments, scratch)
        except OSError:  # no memory for it, for instance; `close` says what has not been sent
            return
        self._processes.append((process, segments))
        with process:
            assert process.stdout is not None
            last = deque(process.stdout, maxlen=1)
        code = process.returncode
        shutil.rmtree(scratch / "wandb", ignore_errors=True)
        if code:
            self._reason = "".join(last).strip()
        if code == EXIT_REFUSED and not self._is_refused:
            self._is_refused = True
            _log.warning(
                "W&B refuses the key (%s): mend WANDB_API_KEY, then send with %s", self._reason, _sync(segments)
            )


def _start(segments: Sequence[Path], scratch: Path) -> subprocess.Popen[str]:
    """Start `wandb_run.send`. It ends when its input does: with this process, however this one ends."""
    inherited = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
    return subprocess.Popen(
        [sys.executable, "-m", "ae_jax.tracking.wandb_run", *map(str, segments)],
        env={**_PATIENCE, **inherited, "WANDB_MODE": "online", "WANDB_DIR": str(scratch)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,  # Ctrl-C is not meant for it
    )


def _end(process: subprocess.Popen[str]) -> bool:
    """Let the other process put its marks right, and no more; returns whether it has."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(_ENDING_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        return False
    return True


def _unmark(segments: Sequence[Path]) -> None:
    """Take all marks away: they are made before it is known whether all was sent, and to send twice does no harm."""
    for segment in segments:
        for mark in segment.glob("*.wandb.synced"):
            mark.unlink(missing_ok=True)


def _sync(segments: Sequence[Path]) -> str:
    """The command that sends these, as one would type it here."""
    from ae_jax.terminal import short_path

    if len(segments) == 1:
        return f"wandb sync {shlex.quote(str(short_path(segments[0])))}"
    homes = dict.fromkeys(short_path(segment.parents[2]) for segment in segments)
    return " ".join(["wandb sync", *(f"{shlex.quote(str(home))}/*/wandb" for home in homes)])


uploads = Uploads()
