"""What a figure says of seeds: how many there are, what is drawn of them, and what they cannot tell."""

from collections.abc import Sequence
from typing import Literal

from ae_jax.figures.parts.common import seeds_text
from ae_jax.results.configurations import Configuration
from ae_jax.results.statistics import FEWEST, FEWEST_OF_INTERVAL, interval_words
from ae_jax.runs.measures import measure_named
from ae_jax.terminal import count


def spread_text(
    shown: Sequence[Configuration],
    measure: str = "",
    *,
    what: str = "point",
    spread: Literal["interval", "range", "none"] = "interval",
) -> str:
    """What is shown of how many seeds, and what those cannot tell: "mean and 95 % t interval over 5 seeds".

    Args:
        shown: The configurations, at least one.
        measure: What the intervals are of; it says on which scale they are.
        what: What each configuration is in the figure.
        spread: What is drawn around the means.
    """
    counts = [one.num_seeds for one in shown]
    if max(counts) == 1:
        text = "1 seed, no interval" if spread == "interval" else "1 seed"
    elif spread == "interval" and max(counts) < FEWEST_OF_INTERVAL:
        text = f"mean over {seeds_text(shown)}, too few for an interval"
    elif spread == "interval":
        scale = ", symmetric in logarithms," if measure and measure_named(measure).has_ratio else ""
        text = f"mean and {interval_words()}{scale} over {seeds_text(shown)}"
        text += f", from {FEWEST_OF_INTERVAL} on" if min(counts) < FEWEST_OF_INTERVAL else ""
    else:
        text = f"mean {'and range ' if spread == 'range' else ''}over {seeds_text(shown)}"
    return "; ".join([text, *_warnings(shown, what)])


def _warnings(shown: Sequence[Configuration], what: str) -> list[str]:
    """Where seeds are missing, and where there are too few."""
    counts = [one.num_seeds for one in shown]
    fewer = sum(number < max(counts) for number in counts)
    missing = sum(one.state != "diverged" for configuration in shown for one in configuration.excluded)
    notes = []
    if fewer:
        notes.append(f"{fewer} of {len(counts)} {what}s {'has' if fewer == 1 else 'have'} fewer seeds than the others")
    if missing:
        notes.append(f"{count(missing, 'run')} of these did not complete")
    if max(counts) < FEWEST:
        notes.append("too few seeds to tell what is better")
    elif min(counts) < FEWEST:
        notes.append(f"fewer than {FEWEST} are too few seeds to tell")
    return notes
