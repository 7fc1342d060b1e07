"""What the terminal and the page say of a comparison with PCA, in the same words."""

from collections.abc import Sequence

from ae_jax.results.compare import MOST_SEEDS, Comparison
from ae_jax.results.configurations import Configuration
from ae_jax.results.digits import change_text, printed
from ae_jax.results.statistics import FEWEST, Estimate, interval_words
from ae_jax.runs.measures import Measure

COLOURS = {"better": "green", "worse": "red"}
"""Of verdicts on the terminal; the others have none."""


def needed_text(found: Comparison) -> str:
    """How many seeds, or splits where there are several, might tell: "17 seeds might"; empty where it is told."""
    if found.verdict not in ("not told apart", "too few seeds to tell") or found.separation is None:
        return ""
    number = found.num_needed
    return f"{number or f'over {MOST_SEEDS:,}'} {'splits' if found.difference.num_splits > 1 else 'seeds'} might"


def verdict_text(found: Comparison) -> str:
    """How far the autoencoder is from PCA, and what of it the seeds tell: "better by 13.1% [10.7, 14.5]"."""
    if found.verdict == "equal":
        return "equal"
    if found.verdict == "too few seeds to tell":
        return f"{change_text(found)}, too few seeds to tell"
    if found.verdict == "not told apart":
        needed = needed_text(found)
        return f"not told apart ({needed})" if needed else "not told apart"
    return change_text(found, word=found.verdict)


def estimate_text(estimate: Estimate | None, *beside: Estimate | None) -> str:
    """A mean and its interval, at the decimals of what it stands beside; empty for None."""
    if estimate is None:
        return ""
    value, interval = printed(estimate, beside=[one for one in beside if one is not None])
    return f"{value} {interval}".strip()


def reading_text(shown: Sequence[Configuration], measure: Measure) -> str:
    """What the brackets are, and what they cannot say."""
    where = ", symmetric in logarithms" if measure.has_ratio else ""
    against = "ratio" if measure.has_ratio else "difference"
    text = f"means over seeds [{interval_words()}{where}; of the {against} to PCA, run by run]; test examples as given"
    if min(one.num_seeds for one in shown) < FEWEST:
        text += "; fewer than five seeds are too few to call anything better"
    return text
