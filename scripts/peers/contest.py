"""Start contenders, each in a process of its own, and ask them in turn."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, median
from typing import NamedTuple

_SCRIPTS = Path(__file__).resolve().parents[1]
ON_CPU = {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}
"""The environment in which everyone computes on the CPU, with whatever threads their library takes by default."""
# Of a contender that names no other.
_ENVIRONMENT = {
    **ON_CPU,
    "PYTHONPATH": os.pathsep.join(filter(None, [str(_SCRIPTS), os.environ.get("PYTHONPATH")])),
}
# OpenMP's threads go on spinning for some milliseconds after their work. Forbidding it (OMP_WAIT_POLICY=PASSIVE)
# would make PyTorch half as slow again, so the next in turn waits until they sleep.
_PAUSE_SECONDS = 0.05


class Contender(NamedTuple):
    """Who takes part: a module of `peers`, with its library and environment."""

    name: str
    module: str
    library: str = ""
    environment: Mapping[str, str] = {}


class Measured(NamedTuple):
    """What a contender did: seconds of each round, its last result, the version that did it, and its peak memory."""

    seconds: list[float]
    result: float
    about: str
    num_bytes: int = 0

    @property
    def median(self) -> float:
        """Seconds of the middle round."""
        return median(self.seconds)


class Contest(NamedTuple):
    """Who was measured, by name; which package each missing contender needs; and how the broken ones failed."""

    measured: dict[str, Measured]
    missing: dict[str, str]
    broken: dict[str, str]

    def ratio(self, above: str, below: str) -> float:
        """Median over the rounds of one contender's time divided by another's in the same round."""
        pairs = zip(self.measured[above].seconds, self.measured[below].seconds, strict=True)
        return median(one / other for one, other in pairs)


class _Process:
    """A contender's process; warm when constructed, unless a package is missing or it failed."""

    def __init__(self, contender: Contender, arguments: Sequence[str]):
        command = [sys.executable, "-m", f"peers.{contender.module}", "--library", contender.library, *arguments]
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 (open for as long as the process)
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env={**os.environ, **_ENVIRONMENT, **contender.environment},
        )
        self.seconds: list[float] = []
        self.result, self.num_bytes = float("nan"), 0
        self.failure = ""
        greeting = self._receive()
        self.about, self.missing = greeting.get("ready", ""), greeting.get("missing", "")

    @property
    def takes_part(self) -> bool:
        """Whether it can be asked."""
        return not self.missing and not self.failure

    def take_turn(self, repetitions: int) -> None:
        """One more round: the mean of some repetitions without a pause."""
        answers = [answer for _ in range(repetitions) if (answer := self._ask())]
        if self.takes_part:
            self.seconds.append(fmean(answer["seconds"] for answer in answers))
            self.result, self.num_bytes = answers[-1]["result"], answers[-1].get("bytes", 0)

    def _ask(self) -> dict:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write("again\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended, and says why below
        return self._receive()

    def close(self) -> None:
        """End it, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        self._errors.close()

    def _receive(self) -> dict:
        assert self._process.stdout is not None
        if line := self._process.stdout.readline():
            return json.loads(line)
        code = self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().strip().splitlines()
        self.failure = lines[-1] if lines else f"ended with exit code {code}"
        return {}


def compete(
    contenders: Sequence[Contender],
    *,
    repeats: int,
    images: Path,
    width: int = 256,
    batch_size: int = 256,
    repetitions: int = 1,
) -> Contest:
    """Measure contenders in turn, `repeats` rounds after the one that warms each up.

    Args:
        contenders: Who takes part, in this order.
        repeats: Rounds, at least one.
        images: A .npy file of bytes, of shape "examples features".
        width: Units of the hidden layer.
        batch_size: Examples per update.
        repetitions: Without a pause in each round. What takes milliseconds needs several: after a pause, the first is
            slow for reasons of the machine (threads asleep, caches cold).
    """
    arguments = ["--images", str(images), "--width", str(width), "--batch-size", str(batch_size)]
    processes: dict[str, _Process] = {}
    try:
        for contender in contenders:
            processes[contender.name] = _Process(contender, arguments)
        for _ in range(repeats):
            for process in processes.values():
                if process.takes_part:
                    time.sleep(_PAUSE_SECONDS)
                    process.take_turn(repetitions)
    finally:
        for process in processes.values():
            process.close()
    taking_part = {name: p for name, p in processes.items() if p.takes_part}
    return Contest(
        measured={name: Measured(p.seconds, p.result, p.about, p.num_bytes) for name, p in taking_part.items()},
        missing={name: p.missing for name, p in processes.items() if p.missing},
        broken={name: p.failure for name, p in processes.items() if p.failure},
    )
