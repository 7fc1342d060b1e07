"""How a run stands that has not completed: in training, killed, interrupted, failed, diverged, or not begun."""

import os
from typing import NamedTuple

from ae_jax.locks import is_held
from ae_jax.runs.folder import RunFolder

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
        if is_held(run.path / ".lock"):
            return Progress("running", "has not ended (it is about to begin)", _WAIT)
        why = "its sweep has not come to it, or was ended before it did"
        return Progress("waiting", f"has not begun: {why}", "the same command begins it")
    if state == "running" and is_held(run.path / ".lock") is False:
        return Progress("interrupted", "has not ended: no process trains in it any more", _GOES_ON)
    known = {
        "running": Progress(state, "has not ended (running)", _WAIT),
        "interrupted": Progress(state, "was interrupted", _GOES_ON),
        "failed": Progress(state, "failed", "mend what made it fail, and type the same command again"),
        "diverged": Progress(state, "diverged", "train with a smaller learning rate"),
    }
    return known.get(state)
