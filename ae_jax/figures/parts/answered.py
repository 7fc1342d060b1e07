"""Runs that were asked an evaluation, and left arrays."""

from collections.abc import Sequence

from ae_jax.errors import UserError
from ae_jax.results import Results


def asked_alone(results: Results, evaluation: str, needed: Sequence[str]) -> tuple[Results, list[str]]:
    """The runs that were asked and have some arrays, and a note on how many were not.

    Args:
        results: The runs.
        evaluation: Its name.
        needed: Names of arrays.

    Raises:
        UserError: If none was; it says how to ask. Or if the arrays of one are damaged.
    """
    kept = [run for run in results.runs if set(needed) <= run.folder.answered(evaluation).keys()]
    lacking = len(results.runs) - len(kept)
    if not kept:
        problem = f"have no {', '.join(needed)} of evaluation={evaluation}"
        ask = f"ask: python scripts/evaluate.py {results.runs[0].folder.path} evaluation={evaluation}"
        raise UserError("runs", problem, ask)
    notes = [f"{lacking} of {len(results.runs)} runs were not asked evaluation={evaluation}"] if lacking else []
    return Results(kept, results.excluded), notes
