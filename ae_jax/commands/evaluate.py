"""Measure a trained run again, on its own data or on other data of the same shape."""

import dataclasses
import json
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np

from ae_jax.config import compose as composition
from ae_jax.errors import UserError
from ae_jax.jobs.guard import EXIT_COMPLETED, EXIT_DIFFERS, Parser, guard
from ae_jax.runs.check import checked_summary
from ae_jax.runs.folder import RunFolder
from ae_jax.runs.measures import OF_SOME
from ae_jax.runs.progress import progress_of
from ae_jax.terminal import console, count, say

_CAME_LATER = ("terms", *OF_SOME)
_MEASURED = ("train", "validation", "test", "corrupted", "pca")


def main() -> None:
    """Entry point of `scripts/evaluate.py`, installed as ae-evaluate."""
    parser = Parser(description="Restore a run's best checkpoint and measure it again, against PCA.")
    parser.add_argument("folder", type=Path, help="run folder that training printed")
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="other data, such as dataset=mnist")
    parser.add_argument("--json", type=Path, help="write the measures to this file")
    parser.add_argument("--fill", action="store_true", help="write what the run lacks: measures, arrays, figures")
    parser.add_argument("--config-dir", metavar="FOLDER", help="a folder with options of yours, as dataset/NAME.yaml")
    given = parser.parse_intermixed_args()
    if given.fill and given.overrides:
        parser.error("argument --fill: is for the run's own data: leave out what names others")
    raise SystemExit(guard(lambda: _evaluate(given)))


def evaluate(folder: Path, overrides: list[str], config_dir: str | None = None) -> dict[str, Any]:
    """The measures of summary.json, computed anew from checkpoint and data.

    Args:
        folder: The run folder.
        overrides: Overrides of `dataset` in Hydra's grammar; none: the run's own data.
        config_dir: A folder with options of the user's own.

    Raises:
        UserError: If the folder is damaged, or the data do not fit the model.
    """
    from ae_jax.evaluation.restore import restore, stored_config

    return _summary(*_measure(restore(folder, stored_config(folder)), overrides, config_dir))


def _summary(experiment: Any, compared: Any) -> dict[str, Any]:
    from ae_jax.evaluation.summary import describe_dataset

    return {"dataset": describe_dataset(experiment.dataset), **compared.summary}


def _measure(trained: Any, overrides: list[str], config_dir: str | None) -> tuple[Any, Any]:
    """The experiment on the data that are asked for, and its `measure.Comparison`."""
    from ae_jax.evaluation.measure import comparison

    experiment = trained.experiment
    if overrides:
        experiment = _on_other_data(experiment, trained.config, _other_dataset(overrides, config_dir))
    pca = _pca(trained, may_be_stored=bool(overrides))
    return experiment, comparison(experiment, trained.model, pca)


def _on_other_data(original: Any, config: dict[str, Any], node: dict[str, Any]) -> Any:
    """The experiment with the data of another node."""
    from ae_jax.experiment.check import check_levels
    from ae_jax.experiment.data import load_dataset

    trainer = {**config["trainer"], "max_train_examples": None}
    dataset = load_dataset({**config, "dataset": node, "trainer": trainer})
    if dataset.num_features != original.inputs.num_features:
        raise UserError(
            "dataset",
            f"has {dataset.num_features} features, the run was trained on {original.inputs.num_features}",
            "choose data of the same shape",
        )
    scaled = _scaled_alike(dataset, original.inputs)
    check_levels(original.loss, scaled)
    return original.on(scaled)


def _pca(trained: Any, *, may_be_stored: bool) -> Any:
    """PCA as it was trained, on the run's own training split; the components that the run kept where that is gone."""
    from ae_jax.evaluation.measure import fit_dataset_pca

    try:
        return fit_dataset_pca(trained.experiment.dataset)
    except UserError as error:
        if not may_be_stored:
            raise
        kept = count(len(trained.pca.components), "component")
        problem = f"its own data are not at hand ({error.subject}: {error.problem})"
        say(console(errors=True), f"PCA is compared with the {kept} that the run kept, as {problem}")
        return trained.pca


def _fill(folder: Path) -> None:
    """Make again what failed when the run ended, and say what was made."""
    from ae_jax.evaluation.restore import restore, stored_config
    from ae_jax.jobs.fill import fill

    trained = restore(folder, stored_config(folder))
    made = fill(trained, _pca(trained, may_be_stored=False), _measure(trained, [], None)[1])
    say(console(), f"made: {', '.join(made)}" if made else "nothing is missing")


def _evaluate(given: Namespace) -> int:
    from ae_jax.evaluation.restore import restore, stored_config
    from ae_jax.files import write_json
    from ae_jax.jobs.display import print_comparison

    folder, overrides = given.folder, given.overrides
    if (progress := progress_of(RunFolder(folder))) is not None:
        raise UserError(folder, f"{progress.words}, so that it has no measures", progress.remedy)
    if given.fill:
        _fill(folder)
    recorded = None if overrides else checked_summary(RunFolder(folder))
    trained = restore(folder, stored_config(folder))
    experiment, compared = _measure(trained, overrides, given.config_dir)
    measured = _summary(experiment, compared)
    print_comparison(measured, compared.errors, config=trained.config)
    if given.json is not None:
        write_json(given.json, measured)
    if recorded is not None:
        same = all(_as_json(recorded[name]) == _as_json(_as_far(recorded, measured, name)) for name in _MEASURED)
        say(console(), f"{'equal to' if same else 'DIFFERS from'} summary.json")
        return EXIT_COMPLETED if same else EXIT_DIFFERS
    return EXIT_COMPLETED


def _as_far(recorded: dict[str, Any], measured: dict[str, Any], name: str) -> Any:
    """A part of what is measured, without what came later than the run, such as terms, and so is not in its summary."""
    there, now = recorded.get(name), measured[name]
    if not (isinstance(there, dict) and isinstance(now, dict)):
        return now
    return {key: _as_far(there, now, key) for key in now if key in there or key not in _CAME_LATER}


def _other_dataset(overrides: list[str], config_dir: str | None) -> dict[str, Any]:
    for override in overrides:
        if not override.lstrip("+~").startswith("dataset"):
            raise UserError(override, "cannot be changed after training", "only dataset=… and its keys can")
    return composition.checked(composition.compose(overrides, config_dir=config_dir))["dataset"]


def _scaled_alike(dataset: Any, original: Any) -> Any:
    """Other data, scaled as the run's own were: what was fitted on its training split is part of the trained method.

    Bytes have a scale of their own, which nobody fitted.
    """
    if original.train.dtype == np.uint8:
        return dataset
    scaled = dataclasses.replace(dataset, scale=original.scale, offset=original.offset)
    splits = (scaled.scaled(name) for name in ("train", "validation", "test"))
    return dataclasses.replace(scaled, unit_interval=all(x.min() >= 0 and x.max() <= 1 for x in splits))


def _as_json(content: Any) -> str:
    return json.dumps(content, sort_keys=True)
