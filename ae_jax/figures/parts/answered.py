"""Arrays of evaluations, which runs have that were asked."""

from collections.abc import Sequence

import numpy as np

from ae_jax.errors import UserError
from ae_jax.reading import read_npz
from ae_jax.results import Results
from ae_jax.runs.folder import RunFolder


def arrays_of(folder: RunFolder, evaluation: str) -> dict[str, np.ndarray]:
    """The arrays of an answer; none where it was not asked.

    Raises:
        UserError: If the file is damaged.
    """
    path = folder.evaluation(evaluation)
    if not path.exists():
        return {}
    try:
        return read_npz(path)
    except Exception as error:  # NumPy and zipfile answer damage with a dozen types
        raise UserError(path, f"cannot be read ({error})", f"delete it, and {_command(folder, evaluation)}") from error


def asked_alone(results: Results, evaluation: str, needed: Sequence[str]) -> tuple[Results, list[str]]:
    """The runs that were asked and have some arrays, and a note on how many were not.

    Args:
        results: The runs.
        evaluation: Its name.
        needed: Names of arrays.

    Raises:
        UserError: If none was; it says how to ask.
    """
    kept = [run for run in results.runs if set(needed) <= arrays_of(run.folder, evaluation).keys()]
    lacking = len(results.runs) - len(kept)
    if not kept:
        problem = f"have no {', '.join(needed)} of evaluation={evaluation}"
        raise UserError("runs", problem, _command(results.runs[0].folder, evaluation))
    notes = [f"{lacking} of {len(results.runs)} runs not asked"] if lacking else []
    return Results(kept, results.excluded), notes


def _command(folder: RunFolder, evaluation: str) -> str:
    return f"ask: python scripts/evaluate.py {folder.path} evaluation={evaluation}"
