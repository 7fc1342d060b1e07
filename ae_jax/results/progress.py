"""How a run stands that has not completed: in training, killed, interrupted, failed, diverged, or not begun."""

import os
from pathlib import Path
from typing import NamedTuple

from ae_jax.reading import open_file
from ae_jax.results.run_folder import RunFolder

try:
    import fcntl
except ImportError:  # Windows has no such module, and so no lock
    fcntl = None  # type: ignore[assignment] # a module where there is one

# What training writes beside its status.
_OF_TRAINING = ("metrics.jsonl", "summary.json", "checkpoint")
_GOES_ON = "the same command goes on with it"
_WAIT = "wait for it"


class Progress(NamedTuple):
    """How a run stands.

    Attributes:
        state: As in status.json, but `interrupted` where the process of a running one is gone, and `waiting` where
            none has begun.
        words: The same in a few words, for a sentence that begins with the run.
        remedy: What to do about it.
    """

    state: str
    words: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.words}; {self.remedy}"


def is_held(folder: Path) -> bool | None:
    """Whether a process trains in a run folder, as its lock tells; None where that cannot be told."""
    if fcntl is None:
        return None
    try:
        with open_file(folder / ".lock") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: two that ask are not in each other's way
            except BlockingIOError:
                return True
            return False
    except OSError:
        return None


def progress_of(run: RunFolder) -> Progress | None:
    """How a run stands that has not completed; None if it has.

    Raises:
        UserError: If its status is missing, though it has begun, or cannot be read.
    """
    state = run.state
    if state is None:
        there = [name for name in (*_OF_TRAINING, ".hydra") if os.path.lexists(run.path / name)]
        if there != [".hydra"]:
            run.read("status.json")  # which says what is missing
        if is_held(run.path):
            return Progress("running", "has not ended (it is about to begin)", _WAIT)
        why = "its sweep has not come to it, or was ended before it did"
        return Progress("waiting", f"has not begun: {why}", "the same command begins it")
    if state == "running" and is_held(run.path) is False:
        return Progress("interrupted", "has not ended: no process trains in it any more", _GOES_ON)
    known = {
        "running": Progress(state, "has not ended (running)", _WAIT),
        "interrupted": Progress(state, "was interrupted", _GOES_ON),
        "failed": Progress(state, "failed", "mend what made it fail, and type the same command again"),
        "diverged": Progress(state, "diverged", "train with a smaller learning rate"),
    }
    return known.get(state)
