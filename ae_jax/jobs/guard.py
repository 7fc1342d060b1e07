"""How a command ends: its exit code, and one line for a mistake or an interruption.

SIGINT and SIGTERM: the first ends the program in order, the second at once. In order means: an epoch that is being
trained is finished and recorded, a checkpoint is written, and every run is marked interrupted. What takes longer than
`GRACE_SECONDS` is given up, as by a second signal; the last checkpoint is whole in any case.

Python calls its handlers between two of its own instructions, and an epoch is one call of a compiled program. So the
clock is kept, and the second signal received, by a thread that reads the numbers of signals where C writes them.
"""

import argparse
import gc
import logging
import os
import re
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, NoReturn

from ae_jax.errors import UserError

_FROM_ENV_FILE = ("WANDB_API_KEY", "WANDB_MODE", "WANDB_PROJECT", "WANDB_ENTITY", "WANDB_RUN_GROUP", "AE_JAX_DATA_DIR")
EXIT_COMPLETED, EXIT_FAILED, EXIT_MISTAKE, EXIT_DIVERGED, EXIT_DIFFERS = 0, 1, 2, 3, 4
EXIT_INTERRUPTED, EXIT_TERMINATED = 130, 143
GRACE_SECONDS = 8.0
_ENDING = {signal.SIGINT: EXIT_INTERRUPTED, signal.SIGTERM: EXIT_TERMINATED}


def guard(command: Callable[[], int]) -> int:
    """Run a command, and turn what it raises into one line and an exit code. A bug keeps its traceback."""
    _read_env_file()
    end_in_order()
    sys.unraisablehook = _print_unraisable
    logging.raiseExceptions = False  # a library's log that finds no space is no news beside what says so
    for library in ("absl", "asyncio"):  # Orbax' event loop, where Python looks for slow steps of it
        logging.getLogger(library).setLevel(logging.CRITICAL)
    try:
        _check_letters(sys.argv)
        return command()
    except UserError as error:
        return print_mistake(error)
    except BrokenPipeError:
        # Whoever read the output has stopped, as `head` does; nothing more can be said.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_COMPLETED
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    finally:
        # A sweep sets its objects aside from the garbage collector. What a kept exception holds is freed only by it,
        # and DuckDB prints a page about each of its objects that outlives it.
        gc.unfreeze()


def _check_letters(arguments: list[str]) -> None:
    """Refuse bytes that are no letters here: no file of a run could hold them as a text."""
    for argument in arguments:
        if any("\ud800" <= letter <= "\udfff" for letter in argument):
            raise UserError(
                argument.encode(errors="backslashreplace").decode(),
                f"has bytes that are no {sys.getfilesystemencoding()}",
                "type it in UTF-8, under a locale such as LC_ALL=C.UTF-8",
            )


def _read_env_file() -> None:
    """Take from `.env`, in this folder or above, what it is for; a variable that is set already wins.

    Others, such as PYTHONPATH, WANDB_BASE_URL or AE_JAX_ALLOWED_TARGETS, would let whoever sends a folder decide what
    runs when somebody works in it, and who gets the key.
    """
    from dotenv import dotenv_values, find_dotenv

    for name, value in dotenv_values(find_dotenv(usecwd=True)).items():
        if name in _FROM_ENV_FILE and value is not None:
            os.environ.setdefault(name, value)


def _print_unraisable(unraisable: Any) -> None:
    # After a save has failed, threads of TensorStore report to an event loop of Orbax that is no more.
    if str(unraisable.exc_value) != "Event loop is closed":
        sys.__unraisablehook__(unraisable)


class Parser(argparse.ArgumentParser):
    """Of the options of a command; what is wrong with them is said in one line, as all else is."""

    def error(self, message: str) -> NoReturn:
        """See `argparse.ArgumentParser`; called by it."""
        option = re.match(r"argument ([^:/]+)[^:]*: (.*)", message)
        about, problem = option.groups() if option else (None, None)
        for said, meant in (("unrecognized arguments", "is no option here"), ("are required", "is missing")):
            if said in message:
                about, problem = message.partition(": ")[2].split(",")[0], meant
        mistake = UserError(about or "command", problem or message, "list the options with --help")
        raise SystemExit(print_mistake(mistake))


def print_mistake(error: UserError) -> int:
    """Print a mistake as one line, and return its exit code."""
    from ae_jax.terminal import console, say

    say(console(errors=True), f"error: {error}")
    return EXIT_MISTAKE


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
