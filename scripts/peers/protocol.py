"""How a contender talks with the benchmark, one JSON object a line.

    contender -> benchmark    {"ready": about}, once it is warm, or {"missing": package} instead
    benchmark -> contender    any line: do it once more; end of file: stop
    contender -> benchmark    {"seconds": time, "result": number, "bytes": peak of its memory until now}

All contenders stay alive and are asked in turn, so that each round meets the machine in the same mood, and only one of
them computes at a time.
"""

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

PEER_PACKAGES = ("keras", "torch")
"""What the extra `benchmark` installs."""


class Task(NamedTuple):
    """What a contender is to work on.

    Attributes:
        images: A .npy file of bytes, of shape "examples features".
        width: Units of the hidden layer.
        batch_size: Examples per update.
        library: Which library does it, for contenders that know several.
    """

    images: Path
    width: int
    batch_size: int
    library: str


class Prepared(NamedTuple):
    """A contender ready for the clock.

    Attributes:
        repeat: Does the work once, and returns a number by which a reader sees that all did the same.
        about: What answers: a version, say.
    """

    repeat: Callable[[], float]
    about: str


class Channel:
    """The contender's end. What libraries print goes to standard error, so that it cannot mix with the answers."""

    def __init__(self) -> None:
        self._answers = os.fdopen(os.dup(1), "w", buffering=1)
        os.dup2(2, 1)

    def send(self, **message: Any) -> None:
        """Send one line."""
        self._answers.write(json.dumps(message) + "\n")

    def wait(self) -> bool:
        """Whether there is more to do."""
        return bool(sys.stdin.readline())


def serve(prepare: Callable[[Task], Prepared]) -> None:
    """Prepare, warm up with one repetition, and repeat for as long as the benchmark asks."""

    def loop(task: Task, channel: Channel) -> None:
        repeat, about = prepare(task)
        repeat()
        channel.send(ready=about)
        while channel.wait():
            start = time.perf_counter()
            result = repeat()
            channel.send(seconds=time.perf_counter() - start, result=result, bytes=_peak_bytes())

    run(loop)


def _peak_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # macOS counts in bytes, Linux in KiB


def run(loop: Callable[[Task, Channel], None]) -> None:
    """Run a contender that keeps the loop itself; says so if the package it needs is not installed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--library", default="")
    task, channel = Task(**vars(parser.parse_args())), Channel()
    try:
        loop(task, channel)
    except ModuleNotFoundError as error:
        if error.name not in PEER_PACKAGES:
            raise
        channel.send(missing=error.name)
