"""Which measure a figure shows, of which runs: a term of the objective is in some only, and PCA has none."""

from collections.abc import Sequence
from typing import NamedTuple

from ae_jax.results import Results
from ae_jax.results.measured import comparable_measure_of, having, lacking_text
from ae_jax.runs.measures import Measure


class Shown(NamedTuple):
    """What a figure shows.

    Attributes:
        unit: The measure.
        results: The runs that have it; of a measure that is no term all of them.
        notes: What is missing.
    """

    unit: Measure
    results: Results
    notes: list[str]


def shown_measure(results: Results, name: str, *splits: str) -> Shown:
    """The measure of that name, or the term, of the runs that have it on the validation split and these.

    Raises:
        UserError: If no run has it there, or runs have it in different units.
    """
    unit = comparable_measure_of(results.runs, name)
    kept = having(results, unit, list(dict.fromkeys(["validation", *splits])))
    return Shown(unit, kept, [*lacking_text(results, unit), *_no_pca(unit)])


def _no_pca(unit: Measure) -> Sequence[str]:
    return [] if unit.has_pca else [f"PCA has no {unit.name.replace('_', ' ')}"]
