"""Sweeps as whole processes, from start to exit, with all that they leave; each in a folder of its own."""

import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

_SCRIPTS = Path(__file__).resolve().parents[1]


class Point(NamedTuple):
    """A run of a sweep."""

    learning_rate: float
    seed: int

    def overrides(self) -> list[str]:
        """What it is on the command line."""
        return [f"optimizer.learning_rate={self.learning_rate}", f"seed={self.seed}"]


class Timed(NamedTuple):
    """Seconds that a command took, and the mean test error of the runs that it trained."""

    seconds: float
    test_sse: float


class Sweeps:
    """Runs commands in a temporary folder, with a compile cache of their own that the first of each kind fills.

    Args:
        folder: Where everything goes.
        common: Overrides of all runs of this project.
    """

    def __init__(self, folder: Path, common: Sequence[str]):
        self._folder, self._common, self._number = folder, list(common), 0
        self._environment = {
            **os.environ,
            "JAX_PLATFORMS": "cpu",
            "CUDA_VISIBLE_DEVICES": "",
            "WANDB_MODE": "offline",
            "XDG_CACHE_HOME": str(folder / "cache"),
            "PYTHONPATH": os.pathsep.join(filter(None, [str(_SCRIPTS), os.environ.get("PYTHONPATH")])),
        }

    def together(self, rates: Sequence[float], seeds: Sequence[int], *more: str) -> Timed:
        """All combinations by one multirun."""
        axes = {"optimizer.learning_rate": rates, "seed": seeds}
        overrides = [f"{key}={','.join(map(str, values))}" for key, values in axes.items()]
        return self._train("-m", *overrides, *more)

    def alone(self, point: Point) -> Timed:
        """One run in a process of its own."""
        return self._train(*point.overrides())

    def torch(self, point: Point, *, epochs: int) -> Timed:
        """One run of PyTorch in a process of its own."""
        folder = self._next()
        arguments = ["--seed", str(point.seed), "--learning-rate", str(point.learning_rate), "--epochs", str(epochs)]
        seconds = self._run([sys.executable, "-m", "peers.torch_run", *arguments, "--folder", str(folder / "run")])
        return Timed(seconds, json.loads((folder / "run" / "metrics.json").read_text())["test_sse"])

    def _train(self, *arguments: str) -> Timed:
        folder = self._next()
        command = [sys.executable, str(_SCRIPTS / "train.py"), *arguments, *self._common]
        seconds = self._run([*command, f"hydra.run.dir={folder}/run", f"hydra.sweep.dir={folder}"])
        summaries = [json.loads(path.read_text()) for path in folder.glob("*/summary.json")]
        return Timed(seconds, fmean(summary["test"]["sse"] for summary in summaries))

    def _next(self) -> Path:
        self._number += 1
        return self._folder / str(self._number)

    def _run(self, command: Sequence[str]) -> float:
        start = time.perf_counter()
        finished = subprocess.run(command, cwd=self._folder, env=self._environment, capture_output=True, text=True)
        seconds = time.perf_counter() - start
        if finished.returncode:
            raise RuntimeError(f"{' '.join(command)} ended with {finished.returncode}: {finished.stderr[-500:]}")
        return seconds


def has_torch() -> bool:
    """Whether PyTorch can take part."""
    return importlib.util.find_spec("torch") is not None
