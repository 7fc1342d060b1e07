"""Trains small sweeps one after another in one process, with delays before what is done to their files.

A request is a JSON object a line, `{"folder": …, "names": [size-seed, …], "delays": seed}`, answered by the states of
the runs. Programs are compiled for the first sweep and used by all others; figures are not drawn, but written.
"""

import json
import random
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from ae_jax.config import compose as composition
from ae_jax.evaluation.method import ModelFunctions
from ae_jax.experiment import build
from ae_jax.figures.run import Drawn
from ae_jax.jobs import train, train_fitting
from ae_jax.jobs.drawing import Drawing
from ae_jax.jobs.sweep import launch

SMALL = (
    "tracking.mode=disabled", "trainer.num_epochs=1", "trainer.batch_size=32", "trainer.max_train_examples=64",
    "model.hidden_sizes=[]", "runtime.compile_cache=false",
)  # fmt: skip
DELAYED = {"open", "os.listdir", "os.scandir", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "shutil.rmtree"}

# What more than one thread or process looks at.
SHARED = (".groups", "group.json", "sweep.json", ".sweep.lock")


class Delays:
    """An audit hook that sleeps before some of what is done to files below a folder."""

    folder: str | None = None
    draw = random.Random()

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """See `sys.addaudithook`."""
        if self.folder and event in DELAYED and (path := str(arguments[0])).startswith(self.folder):
            is_shared = any(name in path for name in SHARED)
            time.sleep(self.draw.choice((0, 0, 1e-3, 0.01, 0.03) if is_shared else (0, 0, 0, 1e-4, 1e-3)))


class Job(NamedTuple):
    """What the launcher would know of a job."""

    overrides: list[str]
    config: dict[str, Any]
    folder: Path


@cache
def _config(size: str, seed: str) -> dict[str, Any]:
    return composition.checked(composition.compose([*SMALL, f"model.latent_size={size}", f"seed={seed}"]))


def _sweep(folder: Path, names: list[str]) -> list[str]:
    """A sweep with a group for each size; returns what became of its runs."""
    sweep = launch.Sweep(lambda config: config, lambda error: error)
    jobs = [Job([name], _config(*name.split("-")), folder / name) for name in names]
    _, groups = sweep.plan(jobs, folder, max_runs=8, max_gib=None, dry_run=False, retry_failed=False)
    for group in groups:
        sweep.train(group)
    sweep.end()
    return [f"{run.state}: {run.result!r}" if isinstance(run.result, Exception) else run.state for run in sweep.runs]


def _compile_once() -> None:
    lock, built, functions = threading.Lock(), dict[int, Any](), dict[int, ModelFunctions]()
    programs: dict[str, Future[Any]] = {}
    build_anew, begin_anew = build.build, launch.Sweep.__init__

    def build_once(config: dict[str, Any]) -> Any:
        with lock:
            size = config["model"]["latent_size"]
            if size not in built:
                built[size] = build_anew(config)
            return build.build_alike(built[size], config)

    def functions_once(structure: Any) -> ModelFunctions:
        return functions.setdefault(id(structure.model), ModelFunctions(structure))

    def begin(self: launch.Sweep, *given: Callable[..., Any]) -> None:
        begin_anew(self, *given)
        self._compiled = programs

    train.build, launch.build, train_fitting.ModelFunctions = build_once, build_once, functions_once
    launch.Sweep.__init__ = begin


class _Drawing(Drawing):
    """Draws without a process."""

    def __init__(self, num_workers: int):
        pass

    def draw(self, folder: Path) -> "Future[Drawn]":
        """See `Drawing`."""
        drawn: Future[Drawn] = Future()
        drawn.set_result(Drawn({"pca_curve": b"png"}, {}))
        return drawn

    def close(self) -> None:
        """See `Drawing`."""


def main() -> None:
    """Answer requests until standard input ends."""
    delays, answers, sys.stdout = Delays(), sys.stdout, sys.stderr
    _compile_once()
    train_fitting.Drawing = _Drawing
    sys.addaudithook(delays)
    sys.setswitchinterval(1e-5)
    for line in sys.stdin:
        request = json.loads(line)
        delays.folder, delays.draw = request["folder"], random.Random(request["delays"])
        states = _sweep(Path(request["folder"]), request["names"])
        print(json.dumps(states), file=answers, flush=True)


if __name__ == "__main__":
    main()
