"""What `scripts/` and the installed programs begin with: imported in no time, it answers Ctrl-C while all else is."""

import functools
import importlib
import os
import signal
from typing import Any


def start(module: str) -> None:
    """Import a command, which takes up to seconds, and run it; Ctrl-C meanwhile ends it with one line as well."""
    signal.signal(signal.SIGINT, _end)  # `guard` replaces it before there is anything to save
    importlib.import_module(module).main()


def _end(*_: Any) -> None:
    os.write(2, b"interrupted\n")
    os._exit(130)


train = functools.partial(start, "ae_jax.experiments.cli")
evaluate = functools.partial(start, "ae_jax.experiments.evaluate")
report = functools.partial(start, "ae_jax.commands.report")
figures = functools.partial(start, "ae_jax.commands.figures")
tables = functools.partial(start, "ae_jax.commands.tables")
paper = functools.partial(start, "ae_jax.commands.paper")
