"""How a command ends: its exit code, and one line for a mistake or an interruption."""

import logging
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

from ae_jax.errors import UserError

EXIT_COMPLETED, EXIT_MISTAKE, EXIT_DIVERGED, EXIT_DIFFERS, EXIT_INTERRUPTED, EXIT_TERMINATED = 0, 2, 3, 4, 130, 143


def guard(command: Callable[[], int]) -> int:
    """Run a command, and turn what it raises into one line and an exit code. A bug keeps its traceback."""
    from dotenv import find_dotenv, load_dotenv

    load_dotenv(find_dotenv(usecwd=True))
    # As exceptions, so that open runs are marked interrupted and their checkpoints are completed on the way out.
    _raise_on(signal.SIGTERM, SystemExit(EXIT_TERMINATED))
    _raise_on(signal.SIGINT, KeyboardInterrupt())
    logging.getLogger("absl").setLevel(logging.CRITICAL)
    try:
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


def _raise_on(number: signal.Signals, error: BaseException) -> None:
    """Raise an exception when a signal comes.

    A little later if it comes while JAX's callback of the garbage collector runs, where Python would swallow it.
    """

    def handler(_: int, frame: FrameType | None) -> None:
        if frame is not None and frame.f_code.co_name == "_xla_gc_callback" and hasattr(signal, "setitimer"):
            signal.signal(signal.SIGALRM, handler)
            signal.setitimer(signal.ITIMER_REAL, 0.01)
        else:
            raise error

    signal.signal(number, handler)


def print_mistake(error: UserError) -> int:
    """Print a mistake as one line, and return its exit code."""
    print(f"error: {error}", file=sys.stderr)
    return EXIT_MISTAKE
