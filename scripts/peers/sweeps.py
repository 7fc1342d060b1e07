"""Sweeps as whole processes, timed from start to exit, with all that they leave; each in a fresh folder of its own."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from itertools import zip_longest
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from peers.contest import ON_CPU, Contest, Measured
from peers.torch_run import MISSING

RATES = [1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2]
"""Learning rates of a sweep."""
DIGITS_MODEL = ["model.hidden_sizes=[128]", "model.latent_size=16", "trainer.batch_size=128"]
"""Overrides for what `peers.torch_run` trains."""
_SCRIPTS = Path(__file__).resolve().parents[1]


class Point(NamedTuple):
    """A run of a sweep."""

    learning_rate: float
    seed: int


class Timed(NamedTuple):
    """Seconds that a command took, the test error of every run that it trained, and the version that did it."""

    seconds: float
    test_sse: dict[Point, float]
    about: str


Command = Callable[[], Timed]


class FailedError(Exception):
    """A command that failed, or did not train what it was asked to."""


class MissingError(FailedError):
    """A command that needs a package which is not installed."""


class Way(NamedTuple):
    """A way to run a sweep: all of it by one command, or a sample of it by a command for each run.

    Attributes:
        name: What it is called.
        commands: What a round takes.
        scale: How many times the work of all commands is the whole sweep.
        warm_up: What is run before the first round and not counted; None: the first of the commands.
    """

    name: str
    commands: Sequence[Command]
    scale: float = 1
    warm_up: Command | None = None


class Commands:
    """The commands that train runs.

    All share a compile cache, which is empty at first.

    Args:
        folder: Where everything goes.
        common: Overrides of all runs of this project.
        device: The environment that chooses where they compute.
        torch_device: What PyTorch calls that.
    """

    def __init__(
        self, folder: Path, common: Sequence[str], device: Mapping[str, str] = ON_CPU, *, torch_device: str = "cpu"
    ):
        self._folder, self._common, self._torch_device = folder, list(common), torch_device
        # The user's own settings could keep the compile cache elsewhere, or name a folder from where this was started.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")}
        if data_dir := inherited.get("AE_JAX_DATA_DIR"):
            inherited["AE_JAX_DATA_DIR"] = str(Path(data_dir).expanduser().resolve())
        self._environment = {
            **inherited,
            **device,
            "WANDB_MODE": "offline",
            "XDG_CACHE_HOME": str(folder / "cache"),
            "PYTHONPATH": os.pathsep.join(filter(None, [str(_SCRIPTS), os.environ.get("PYTHONPATH")])),
        }

    def together(self, rates: Sequence[float], seeds: Sequence[int], *more: str) -> Timed:
        """All combinations by one multirun."""
        axes = {"optimizer.learning_rate": rates, "seed": seeds}
        overrides = [f"{key}={','.join(map(str, values))}" for key, values in axes.items()]
        return self._train("-m", *overrides, *more, num_runs=len(rates) * len(seeds))

    def alone(self, point: Point) -> Timed:
        """One run in a process of its own."""
        return self._train(f"optimizer.learning_rate={point.learning_rate}", f"seed={point.seed}", num_runs=1)

    def torch(self, point: Point, *, epochs: int) -> Timed:
        """One run of `peers.torch_run` in a process of its own."""
        options = {"learning-rate": point.learning_rate, "seed": point.seed, "epochs": epochs}
        arguments = [f"--device={self._torch_device}", *(f"--{name}={value}" for name, value in options.items())]
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            seconds = self._run(["-m", "peers.torch_run", *arguments], folder)
            metrics = json.loads(Path(folder, "run", "metrics.json").read_text())
        return Timed(seconds, {point: metrics["test_sse"]}, f"torch {metrics['torch']}")

    def _train(self, *arguments: str, num_runs: int) -> Timed:
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            seconds = self._run([str(_SCRIPTS / "train.py"), *arguments, *self._common], folder)
            test_sse = dict(_test_sse(path.parent) for path in Path(folder).glob("outputs/*/*/summary.json"))
        if len(test_sse) != num_runs:
            raise FailedError(f"{len(test_sse)} of {num_runs} runs have a summary")
        return Timed(seconds, test_sse, f"jax {version('jax')}")

    def _run(self, arguments: Sequence[str], folder: str) -> float:
        command = [sys.executable, *arguments]
        start = time.perf_counter()
        finished = subprocess.run(command, cwd=folder, env=self._environment, capture_output=True, text=True)
        seconds = time.perf_counter() - start
        if finished.returncode:
            lines = (finished.stderr or finished.stdout).strip().splitlines()
            last = lines[-1] if lines else f"ended with exit code {finished.returncode}"
            _, missing, package = last.partition(MISSING)
            raise MissingError(package) if missing else FailedError(last)
        return seconds


def digits_ways(
    commands: Commands, rates: Sequence[float], seeds: Sequence[int], *, epochs: int
) -> tuple[list[Way], list[Point]]:
    """Ways to train runs at all rates and seeds: as one program, and a process for each, here and in PyTorch.

    Returns:
        The ways, and the runs that all of them train.
    """
    sample = [Point(rate, number % len(seeds)) for number, rate in enumerate(rates[::-2])]
    num_runs = len(rates) * len(seeds)
    scale = num_runs / len(sample)
    each = [partial(commands.alone, point) for point in sample]
    torch = [partial(commands.torch, point, epochs=epochs) for point in sample]
    ways = [
        Way(f"ae_jax, {num_runs} runs", [partial(commands.together, rates, seeds)]),
        Way("ae_jax, a process for each run", each, scale),
        Way("PyTorch, eager, fused Adam, a process for each run", torch, scale),
    ]
    return ways, sample


def take_turns(ways: Sequence[Way], sample: Sequence[Point], *, repeats: int) -> Contest:
    """Measure ways to run the same sweep in turn, `repeats` rounds after a warm-up.

    Args:
        ways: Who takes part, in this order.
        sample: Runs that all of them train; the result of each is their mean test error.
        repeats: Rounds, at least one.
    """
    failed: dict[str, FailedError] = {}
    _round([way._replace(commands=[way.warm_up or way.commands[0]]) for way in ways], failed)
    rounds = [_round(ways, failed) for _ in range(repeats)]
    measured = {}
    for way in ways:
        if way.name not in failed:
            turns = [done[way.name] for done in rounds]
            seconds = [way.scale * sum(timed.seconds for timed in turn) for turn in turns]
            test_sse = {point: sse for timed in turns[-1] for point, sse in timed.test_sse.items()}
            measured[way.name] = Measured(seconds, fmean(test_sse[point] for point in sample), turns[-1][-1].about)
    missing = {name: str(error) for name, error in failed.items() if isinstance(error, MissingError)}
    return Contest(measured, missing, {name: str(error) for name, error in failed.items() if name not in missing})


def _round(ways: Sequence[Way], failed: dict[str, FailedError]) -> dict[str, list[Timed]]:
    """The first command of each way, then the second of those that have more: samples alternate."""
    done: dict[str, list[Timed]] = {way.name: [] for way in ways}
    for commands in zip_longest(*(way.commands for way in ways)):
        for way, command in zip(ways, commands, strict=True):
            if command is not None and way.name not in failed:
                try:
                    done[way.name].append(command())
                except FailedError as error:
                    failed[way.name] = error
    return done


def _test_sse(run: Path) -> tuple[Point, float]:
    config, summary = (json.loads((run / name).read_text()) for name in ("config.json", "summary.json"))
    return Point(config["optimizer"]["learning_rate"], config["seed"]), summary["test"]["sse"]
