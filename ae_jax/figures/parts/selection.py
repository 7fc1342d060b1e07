"""What is shown of many runs: selected by validation, and said so in the figure."""

import math
from collections.abc import Iterable, Sequence

from ae_jax.figures.parts.common import range_text, seeds_text
from ae_jax.results.configurations import Configuration
from ae_jax.results.runs import Run


def selection_text(what: str, numbers: Iterable[int], measure: str) -> list[str]:
    """A note on how many configurations each of what is shown was selected from, where it was from more than one."""
    found = sorted(set(numbers))
    if found == [1]:
        return []
    return [f"each {what} the best of {range_text(found)} configurations by validation {measure.replace('_', ' ')}"]


def best_run(group: Sequence[Configuration]) -> Run:
    """The run with the lowest validation sse. What it is reported on is the test split."""
    measured = {run: run.measure("sse", "validation") for one in group for run in one.runs}
    return min(measured, key=lambda run: math.inf if (sse := measured[run]) is None else sse)


def best_run_text(groups: Sequence[Sequence[Configuration]]) -> str:
    """How `best_run` chose: "best of 15 runs by validation sse, 3 seeds"."""
    numbers = sorted({sum(one.num_seeds for one in group) for group in groups})
    seeds = seeds_text(one for group in groups for one in group)
    return seeds if numbers == [1] else f"best of {range_text(numbers)} runs by validation sse, {seeds}"
