"""SIGINT and SIGTERM: the first ends the program in order, the second at once.

In order means: an epoch that is being trained is finished and recorded, a checkpoint is written, and every run is
marked interrupted. What takes longer than `GRACE_SECONDS` is given up, as by a second signal; the last checkpoint is
whole in any case.

Python calls its handlers between two of its own instructions, and an epoch is one call of a compiled program. So the
clock is kept, and the second signal received, by a thread that reads the numbers of signals where C writes them.
"""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

GRACE_SECONDS = 8.0
EXIT_INTERRUPTED, EXIT_TERMINATED = 130, 143
_ENDING = {signal.SIGINT: EXIT_INTERRUPTED, signal.SIGTERM: EXIT_TERMINATED}


class _Interruption:
    """What has been asked for by a signal, and is to be raised as soon as nothing is held."""

    pending: BaseException | None = None
    held = False


_now = _Interruption()


def end_in_order() -> None:
    """Let the first signal raise `KeyboardInterrupt` or `SystemExit` in the main thread, and a second one end all."""
    for number in _ENDING:
        signal.signal(number, _handle)
    receiver, sender = socket.socketpair()
    sender.setblocking(False)
    earlier = signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
    if earlier != -1:  # a command before this one, in the same process
        with suppress(OSError):
            os.close(earlier)
    sender.detach()
    threading.Thread(target=_watch, args=(receiver,), daemon=True, name="signals").start()


def is_asked() -> bool:
    """Whether a signal has come that waits for what is held."""
    return _now.pending is not None


@contextmanager
def finish_first() -> Iterator[None]:
    """A signal waits until the end of this context, which asks `is_asked` and ends soon; then it is raised."""
    _now.held = True
    try:
        yield
    finally:
        _now.held = False
    if _now.pending is not None:
        error, _now.pending = _now.pending, None
        raise error


def _handle(number: int, frame: FrameType | None) -> None:
    if number in _ENDING:
        is_int = number == signal.SIGINT
        _now.pending = KeyboardInterrupt() if is_int else SystemExit(EXIT_TERMINATED)
    if _now.held or _now.pending is None:
        return
    if frame is not None and frame.f_code.co_name == "_xla_gc_callback" and hasattr(signal, "setitimer"):
        # JAX's callback of the garbage collector runs, in which Python would swallow the exception: a little later.
        signal.signal(signal.SIGALRM, _handle)
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        return
    error, _now.pending = _now.pending, None
    raise error


def _watch(receiver: socket.socket) -> None:
    """End the process by the second signal, or when the time after the first is over."""
    number = _next_ending(receiver)
    if number is None:
        return
    if _now.held:
        os.write(2, b"finishing the epoch, and saving; once more to stop at once\n")
    receiver.settimeout(GRACE_SECONDS)
    with suppress(TimeoutError):  # as if it had come a second time
        number = _next_ending(receiver)
    if number is not None:
        os.write(2, b"stopped at once: the last checkpoint counts\n")
        os._exit(_ENDING[number])


def _next_ending(receiver: socket.socket) -> signal.Signals | None:
    """The next signal that ends the program; None when nobody sends any more."""
    while received := receiver.recv(1):
        if received[0] in _ENDING:
            return signal.Signals(received[0])
    return None
