"""Ask evaluations about runs that have ended, and write the answers into their folders."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from ae_jax.config.naming import structure_of
from ae_jax.errors import UserError
from ae_jax.evaluation.asked import answers, asked, merged, subject_of
from ae_jax.evaluation.measure import Spare, comparison, fit_dataset_pca, limits_of
from ae_jax.evaluation.method import ModelFunctions
from ae_jax.evaluation.restore import TrainedRun, restore, stored_config
from ae_jax.files import write_json
from ae_jax.runs.check import checked_summary
from ae_jax.runs.folder import RunFolder
from ae_jax.runs.progress import progress_of
from ae_jax.runs.recorder import held

Nodes = Mapping[str, dict[str, Any]]


class Asked(NamedTuple):
    """What became of a run that was asked.

    Attributes:
        folder: Its folder.
        answers: What was answered, as in `evaluations` of summary.json.
        summary: All of summary.json.
    """

    folder: Path
    answers: dict[str, Any]
    summary: dict[str, Any]


def ask(folder: Path, nodes: Nodes, functions: dict[str, ModelFunctions], spare: Spare) -> Asked:
    """Ask evaluations about a run, and write the answers.

    Args:
        folder: Its folder.
        nodes: Checked configs of evaluations, by name.
        functions: The compiled functions of runs that were asked before, by structure; added to.
        spare: Where each evaluation is asked: one that fails leaves summary.json as it is.

    Raises:
        UserError: If the run has not completed, its folder is damaged, another process writes there, or it or its data
            lack what is needed.
    """
    if (progress := progress_of(RunFolder(folder))) is not None:
        raise UserError(folder, f"{progress.words}, so that it has no measures", progress.remedy)
    checked_summary(RunFolder(folder))
    config = stored_config(folder)
    structure = json.dumps(structure_of(config), sort_keys=True)
    trained = restore(folder, config, functions.get(structure))
    functions.setdefault(structure, trained.functions)
    return ask_restored(trained, nodes, spare)


def ask_restored(trained: TrainedRun, nodes: Nodes, spare: Spare) -> Asked:
    """Ask evaluations about a run that has completed and was restored. See `ask`."""
    experiment, model, folder = trained.experiment, trained.model, trained.folder
    evaluations, pca = asked(nodes, experiment), fit_dataset_pca(experiment.dataset)
    compare = cache(lambda: comparison(experiment, model, pca))
    about = subject_of(experiment, model, pca, limits_of(experiment, model, pca), compare)
    with held(folder):
        found = answers(about, evaluations, nodes, folder, spare=spare)
        summary = RunFolder(folder).summary
        whole = {**summary, "evaluations": merged(summary.get("evaluations", {}), found)}
        if whole != summary:
            write_json(folder / "summary.json", whole)
    return Asked(folder, found, whole)
