"""What is shown of many runs: selected by validation, and said so in the figure."""

import math
from collections.abc import Iterable, Sequence

from ae_jax.figures.parts.common import range_text, seeds_text
from ae_jax.results.configurations import Configuration, best_by_validation
from ae_jax.results.runs import Run


def selection_text(what: str, numbers: Iterable[int], measure: str) -> list[str]:
    """A note on how many configurations each of what is shown was selected from, where it was from more than one."""
    found = sorted(set(numbers))
    if found == [1]:
        return []
    return [f"each {what} the best of {range_text(found)} configurations by validation {measure.replace('_', ' ')}"]


def beyond_text(num_beyond: int, num: int) -> list[str]:
    """A note on points that are not drawn, where there are any."""
    return [f"{num_beyond} of {num} points are worse than the axis shows"] if num_beyond else []


def best_run(group: Sequence[Configuration]) -> Run:
    """The seed with the lowest validation sse, of the best configuration: not a lucky one of any other.

    What it is reported on is the test split.
    """
    runs = best_by_validation(group, "sse").runs
    measured = {run: run.measure("sse", "validation") for run in runs}
    return min(measured, key=lambda run: math.inf if (sse := measured[run]) is None else sse)


def best_run_text(groups: Sequence[Sequence[Configuration]]) -> str:
    """How `best_run` chose: "one run: the best of 3 seeds of the best of 5 configurations, by validation sse"."""
    seeds, numbers = seeds_text(best_by_validation(group, "sse") for group in groups), {len(group) for group in groups}
    among = "" if numbers == {1} else f" of the best of {range_text(numbers)} configurations"
    if not among and seeds == "1 seed":
        return seeds
    one = "one run" if len(groups) == 1 else "one run each"
    return f"{one}: {'1 seed' if seeds == '1 seed' else f'the best of {seeds}'}{among}, by validation sse"
