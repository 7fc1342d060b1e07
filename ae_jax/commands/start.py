"""What `scripts/` and the installed programs begin with: imported in no time, it answers Ctrl-C while all else is."""

import atexit
import functools
import importlib
import io
import os
import shutil
import signal
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

# Folders of a home that libraries write to, and the variables that name them.
_IN_HOME = {".cache": ("XDG_CACHE_HOME",), ".config": ("XDG_CONFIG_HOME", "WANDB_CONFIG_DIR", "MPLCONFIGDIR")}


def start(module: str) -> None:
    """Import a command, which takes up to seconds, and run it; Ctrl-C meanwhile ends it with one line as well."""
    signal.signal(signal.SIGINT, _end)  # `guard` replaces it before there is anything to save
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="replace")  # a letter that the terminal lacks ends no command
    _keep_libraries_quiet()
    importlib.import_module(module).main()


def _keep_libraries_quiet() -> None:
    """Give libraries another home for caches and settings where they have none, or none that can be written.

    W&B, Matplotlib and JAX work without, but take tens of lines to say so. W&B's process does not even look a home up.
    """
    for name, variables in _IN_HOME.items():
        folder = Path(os.environ.get(variables[0]) or os.path.join(os.path.expanduser("~"), name))  # noqa: PTH111, PTH118 - no home is no error
        if _is_writable(folder):
            os.environ.setdefault(variables[0], str(folder))
            continue
        with suppress(OSError):  # nothing can be written anywhere: the command says so when it has to write
            substitute = tempfile.mkdtemp(prefix="ae_jax_home_")
            atexit.register(shutil.rmtree, substitute, ignore_errors=True)
            os.environ[variables[0]] = substitute
            for variable in variables[1:]:
                os.environ.setdefault(variable, substitute)


def _is_writable(folder: Path) -> bool:
    with suppress(OSError):
        if not folder.is_absolute():  # nobody knows where the user's home is
            return False
        folder.mkdir(parents=True, exist_ok=True)
        return os.access(folder, os.W_OK | os.X_OK)
    return False


def _end(*_: Any) -> None:
    os.write(2, b"interrupted\n")
    os._exit(130)


train = functools.partial(start, "ae_jax.commands.train")
evaluate = functools.partial(start, "ae_jax.commands.evaluate")
report = functools.partial(start, "ae_jax.commands.report")
figures = functools.partial(start, "ae_jax.commands.figures")
tables = functools.partial(start, "ae_jax.commands.tables")
paper = functools.partial(start, "ae_jax.commands.paper")
