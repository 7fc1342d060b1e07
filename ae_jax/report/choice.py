"""How certain the choice on validation is, in a sentence below what was chosen."""

from collections.abc import Callable, Sequence

from ae_jax.results.configurations import Configuration, ranked_by_validation
from ae_jax.results.selection import selection_shares, share_text
from ae_jax.results.statistics import FEWEST

_OF_RESAMPLES = "of the resamples of the seeds"
ONE_SEED = "one seed tells nothing of how certain the choice is"


def choice_text(groups: Sequence[Sequence[Configuration]], measure: str, name: Callable[[Configuration], str]) -> str:
    """A sentence; empty where there was nothing to choose from.

    Args:
        groups: Of each the best by validation is shown.
        measure: What chose.
        name: What a configuration is called.
    """
    rows = []
    for group in (group for group in groups if len(group) > 1):
        shares = selection_shares(group, measure)
        if shares is not None:
            first, *others = ranked_by_validation(group, measure)
            of = dict(zip(map(id, group), shares, strict=True))
            rows.append((first, of[id(first)], max(others, key=lambda one: of[id(one)]), of))
    if not rows:
        return ONE_SEED if any(len(group) > 1 for group in groups) else ""
    if len(groups) == 1:
        ((_, share, following, of),) = rows
        behind = f"; next: {name(following)} in {share_text(of[id(following)])}" if of[id(following)] else ""
        text = f"chosen in {share_text(share)} {_OF_RESAMPLES}{behind}"
    else:
        text = ", ".join(f"{share_text(share)} at latent size {first.latent_size}" for first, share, *_ in rows)
        text = f"chosen in so many {_OF_RESAMPLES}: {text}"
    fewest = min(first.num_seeds for first, *_ in rows)
    return text if fewest >= FEWEST else f"{text} ({fewest} seeds tell little of it)"
