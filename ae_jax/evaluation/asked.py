"""Which evaluations a config asks for, and how their answers become a part of summary.json.

    "evaluations": {NAME: {"options": …, "measures": {MEASURE: what it is}, METHOD: {SPLIT: {MEASURE: number}},
                           "intervals": {METHOD: {SPLIT: {MEASURE: [low, high]}}}}}

Arrays of an answer are in `evaluations/NAME.npz` of the run folder.
"""

import math
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from ae_jax.baselines.pca import PCA
from ae_jax.config.targets import bind
from ae_jax.errors import UserError
from ae_jax.evaluation.base import Evaluation, Found, Subject
from ae_jax.evaluation.competitor import Competitor
from ae_jax.evaluation.measure import Comparison, Spare, nothing_is_spared
from ae_jax.evaluation.method import Method, leading
from ae_jax.experiment.build import Experiment
from ae_jax.experiment.check import made
from ae_jax.files import make_folder
from ae_jax.images import has_image_shape
from ae_jax.runs.folder import RunFolder
from ae_jax.runs.measures import described
from ae_jax.runs.recorder import write_npz
from ae_jax.training.streams import Stream, run_key

_REMEDY = "leave it out, or choose other data"
_LACKING = {
    "classes": ("two classes or more, and dataset.keep_labels keeps one", "leave it out, or keep others as well"),
    "keep_labels": ("classes that training lacks, and it has all", "choose those to keep with dataset.keep_labels=[…]"),
}


def asked(nodes: Mapping[str, dict[str, Any]], experiment: Experiment) -> dict[str, Evaluation]:
    """Evaluations by name, of their nodes in a checked config.

    Args:
        nodes: `evaluations` of the config.
        experiment: What they are to be asked of, with its data.

    Raises:
        UserError: If a target makes something else, or data or experiment lack what a question needs.
    """
    found = {name: made("evaluation", node["_target_"], bind(node)()) for name, node in nodes.items()}
    dataset = experiment.dataset
    kept = dataset.kept_labels
    there = {
        "labels": dataset.labels is not None,
        "images": has_image_shape(dataset.feature_shape),
        "classes": kept is None or len(kept) > 1,
        "keep_labels": kept is not None,
        "inputs in [0, 1]": dataset.unit_interval,
    }
    for name, evaluation in found.items():
        for need in evaluation.needs:
            if not there[need]:
                lacking, remedy = _LACKING.get(need, (f"{need}, and dataset={dataset.name} has none", _REMEDY))
                raise UserError(f"evaluation={name}", f"needs {lacking}", remedy)
        if evaluation.check is not None:
            evaluation.check(experiment)
    return found


def subject_of(
    experiment: Experiment, model: Method, pca: PCA, limits: Competitor, compare: Callable[[], Comparison]
) -> Subject:
    """What evaluations are asked about.

    Args:
        experiment: The config as objects.
        model: The trained model.
        pca: PCA of its training data, with all components.
        limits: What PCA is limited to beside it.
        compare: Gives what is measured of every run.
    """
    baseline = leading(pca, limits, experiment.structure.matmul_precision)
    key = run_key(experiment.run.seed, Stream.EVALUATION)
    return Subject(experiment, experiment.dataset, (model, baseline), pca, compare, key)


def answer(name: str, evaluation: Evaluation, asked_about: Subject) -> Found:
    """Ask, with a key of the evaluation's own, whatever else is asked.

    Raises:
        ValueError: If it answers what it did not say that it measures.
    """
    key = jax.random.fold_in(asked_about.key, zlib.crc32(name.encode()))
    found = evaluation.ask(asked_about._replace(key=key))
    known = {measure.name for measure in evaluation.measures}
    answered = {measure for splits in found.values.values() for one in splits.values() for measure in one}
    if answered - known:
        raise ValueError(f"evaluation={name} measured {sorted(answered - known)}, which it does not name")
    return found


def answers(
    about: Subject,
    evaluations: Mapping[str, Evaluation],
    nodes: Mapping[str, dict[str, Any]],
    folder: Path,
    *,
    spare: Spare = nothing_is_spared,
) -> dict[str, Any]:
    """Ask evaluations about a run, and write their arrays.

    Args:
        about: The run.
        evaluations: By name.
        nodes: The config of each.
        folder: The run folder.
        spare: Where each is asked: one that fails is left out.

    Returns:
        `evaluations` of summary.json.
    """
    found = {}
    for name, evaluation in evaluations.items():
        with spare(f"evaluation={name}"):
            answered = answer(name, evaluation, about)
            write_answer_arrays(folder, name, answered)
            found[name] = as_summary(nodes[name], evaluation, answered)
    return found


def merged(recorded: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """`evaluations` of a summary with answers that came later: a measure that was not asked again stays."""
    whole = dict(recorded)
    for name, value in found.items():
        there = whole.get(name)
        whole[name] = merged(there, value) if isinstance(there, dict) and name != "options" else value
    return whole


def as_summary(node: Mapping[str, Any], evaluation: Evaluation, found: Found) -> dict[str, Any]:
    """An answer as its part of summary.json; a number that is not finite is null, as JSON has none."""
    numbers = {
        method: {split: {name: _finite(value) for name, value in one.items()} for split, one in splits.items()}
        for method, splits in found.values.items()
    }
    intervals = {
        method: {split: {name: [*map(_finite, pair)] for name, pair in one.items()} for split, one in splits.items()}
        for method, splits in found.intervals.items()
    }
    return {
        "options": {name: value for name, value in node.items() if name != "_target_"},
        "measures": {measure.name: described(measure) for measure in evaluation.measures},
        **numbers,
        **({"intervals": intervals} if intervals else {}),
    }


def write_answer_arrays(folder: Path, name: str, found: Found) -> None:
    """Write the arrays of an answer, where it has some, beside earlier ones: floats in float32, integers as are."""
    if not found.arrays:
        return
    run = RunFolder(folder)
    make_folder(run.evaluation(name).parent)
    try:
        earlier = run.answered(name)
    except UserError:  # damaged: nothing of it can be kept
        earlier = {}
    arrays = {**earlier, **found.arrays}
    integers = {key: rows for key, rows in arrays.items() if np.issubdtype(rows.dtype, np.integer)}
    write_npz(run.evaluation(name), {key: rows for key, rows in arrays.items() if key not in integers}, **integers)


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)
