"""How a command ends: its exit code, and one line for a mistake or an interruption."""

import argparse
import gc
import logging
import os
import re
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from ae_jax.errors import UserError
from ae_jax.jobs.interruption import EXIT_INTERRUPTED, end_in_order

_FROM_ENV_FILE = ("WANDB_API_KEY", "WANDB_MODE", "WANDB_PROJECT", "WANDB_ENTITY", "WANDB_RUN_GROUP", "AE_JAX_DATA_DIR")
EXIT_COMPLETED, EXIT_MISTAKE, EXIT_DIVERGED, EXIT_DIFFERS = 0, 2, 3, 4


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
