"""Runs commands in forks of one process that has imported everything, so that killing fifty of them takes minutes only.

A request is a JSON object a line: `{"start": [arguments], "cwd": …, "environment": …, "output": path, "fault": …}` is
answered by the number of the process, `{"wait": number}` by its exit code, negative for a signal. `settings` are values
of other names, as `{"module:name": value}`.

A fault happens at a certain moment: `{"at": "module:name", "call": 3, "when": "before"}` kills the process before its
third call of that function. `when` may also be `after`; with `"do": "fill"` the disk of the working folder is filled
instead, by a file `ballast`.
"""

import importlib
import itertools
import json
import os
import signal
import sys
import threading
from contextlib import suppress
from typing import Any

# What a command imports in the course of a run. It starts no threads but OpenBLAS's, which survive a fork.
_IMPORTED = (
    "jax", "flax.nnx", "optax", "hydra", "wandb", "sklearn.datasets", "matplotlib.figure",
    "matplotlib.backends.backend_agg", "ae_jax.jobs.train", "ae_jax.jobs.sweep.launch",
    "ae_jax.commands.train", "ae_jax.jobs.display", "ae_jax.figures.run.draw",
)  # fmt: skip
_MOST_SECONDS = 120


def main() -> None:
    """Answer requests until standard input ends."""
    for name in _IMPORTED:
        importlib.import_module(name)
    print(threading.active_count(), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if "wait" in request:
            _, status = os.waitpid(request["wait"], 0)
            answer = os.waitstatus_to_exitcode(status)
        else:
            answer = os.fork()
            if answer == 0:
                _run(request)
        print(json.dumps(answer), flush=True)


def _run(request: dict[str, Any]) -> None:
    """Be the command, and never return."""
    os.setsid()
    signal.alarm(_MOST_SECONDS)
    os.chdir(request["cwd"])
    os.environ.update(request["environment"])
    output = os.open(request["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, file in enumerate((nothing, output, output)):
        os.dup2(file, number)
    sys.argv = ["train.py", *request["start"]]
    code = 1
    try:
        for name, value in request["settings"].items():
            module, _, attribute = name.partition(":")
            setattr(importlib.import_module(module), attribute, value)
        if request["fault"]:
            _install(**request["fault"])
        from ae_jax.commands.train import main as train

        train()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _install(at: str, call: int, when: str, do: str = "kill") -> None:
    module, _, path = at.partition(":")
    *owners, name = path.split(".")
    owner = importlib.import_module(module)
    for part in owners:
        owner = getattr(owner, part)
    function, calls = getattr(owner, name), itertools.count(1)
    strike = _fill if do == "fill" else _kill

    def struck(*arguments: Any, **options: Any) -> Any:
        is_now = next(calls) == call
        if is_now and when == "before":
            strike()
        result = function(*arguments, **options)
        if is_now and when == "after":
            strike()
        return result

    setattr(owner, name, struck)


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _fill() -> None:
    with open("ballast", "ab", buffering=0) as file:  # noqa: PTH123 - what is patched may be a path's method
        for size in (1 << 20, 1 << 12, 1):
            with suppress(OSError):
                while True:
                    file.write(bytes(size))


if __name__ == "__main__":
    main()
