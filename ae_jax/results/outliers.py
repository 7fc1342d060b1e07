"""Means that few test examples make: said wherever they are listed."""

from collections.abc import Sequence

from ae_jax.errors import UserError
from ae_jax.results.configurations import Configuration
from ae_jax.results.examples import outlier_warning


def outlier_notes(shown: Sequence[Configuration]) -> list[str]:
    """In how many runs few test examples carry the error, with one of them; nothing where there are none.

    Runs that did not keep the errors of their examples are passed over.
    """
    runs = [run for one in shown for run in one.runs]
    told = []
    for run in runs:
        try:
            words = outlier_warning(run.folder.errors["autoencoder"])
        except UserError:
            continue
        if words:
            told.append(f"{words} of {run.name}")
    if not told:
        return []
    return [f"outliers in {len(told)} of {len(runs)} runs, whose means tell of few examples: {told[0]}"]
