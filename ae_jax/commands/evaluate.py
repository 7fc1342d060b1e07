"""Measure trained runs: again, on other data of the same shape, or by further evaluations."""

import dataclasses
import json
import os
import re
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ae_jax.config import compose as composition
from ae_jax.errors import UserError, describe
from ae_jax.jobs.guard import EXIT_COMPLETED, EXIT_DIFFERS, EXIT_FAILED, Parser, guard
from ae_jax.runs.check import checked_summary
from ae_jax.runs.folder import RunFolder
from ae_jax.runs.measures import OF_SOME
from ae_jax.runs.progress import progress_of
from ae_jax.terminal import console, count, say, short_path

_CAME_LATER = ("terms", *OF_SOME)
_MEASURED = ("train", "validation", "test", "corrupted", "pca")


def main() -> None:
    """Entry point of `scripts/evaluate.py`, installed as ae-evaluate."""
    parser = Parser(description="Restore a run's best checkpoint and measure it, against PCA.")
    parser.add_argument(
        "folders",
        nargs="+",
        metavar="RUN",
        help="run folder that training printed; with evaluation=… also several, and folders with runs in them",
    )
    parser.add_argument(
        "overrides",
        nargs="*",
        metavar="KEY=VALUE",
        help="other data, such as dataset=mnist; or what is asked beside what every run is measured by, and written to "
        "its summary.json: evaluation=classification, several as evaluation=NAME,NAME, options as evaluation.KEY=VALUE",
    )
    parser.add_argument("--json", type=Path, help="write the measures to this file")
    parser.add_argument("--fill", action="store_true", help="write what the run lacks: measures, arrays, figures")
    parser.add_argument("--config-dir", metavar="FOLDER", help="a folder with options of yours, as dataset/NAME.yaml")
    given = parser.parse_intermixed_args()
    words = [*given.folders, *given.overrides]
    asks = any(_is_of_evaluation(word) for word in words)
    given.folders, given.overrides = _parted(words) if asks else (words[:1], words[1:])
    if not given.folders:
        parser.error("the following arguments are required: RUN")
    if given.fill and given.overrides:
        parser.error("argument --fill: is for the run's own data: leave out what names others")
    if asks and given.json is not None:
        parser.error("argument --json: evaluations are written to each run's summary.json")
    raise SystemExit(guard(lambda: _ask(given) if asks else _evaluate(given)))


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


def _fill(folder: Path) -> bool:
    """Make again what failed when the run ended, and say what was made; returns whether all could be."""
    from ae_jax.config.check import checked_evaluations
    from ae_jax.evaluation.restore import restore, stored_config
    from ae_jax.jobs.ask import ask_restored
    from ae_jax.jobs.fill import fill

    run, failed = RunFolder(folder), list[str]()
    trained = restore(folder, stored_config(folder))
    made = fill(trained, _pca(trained, may_be_stored=False), _measure(trained, [], None)[1])
    answered = RunFolder(folder).summary.get("evaluations", {})
    nodes = checked_evaluations(
        {name: node for name, node in run.config["evaluations"].items() if name not in answered}
    )
    if nodes:
        made += [
            f"evaluation={name}" for name in ask_restored(trained, nodes, partial(_spared, folder, failed)).answers
        ]
    if made or not failed:
        say(console(), f"made: {', '.join(made)}" if made else "nothing is missing")
    return not failed


def _evaluate(given: Namespace) -> int:
    from ae_jax.evaluation.restore import restore, stored_config
    from ae_jax.files import write_json
    from ae_jax.jobs.display import print_comparison

    folder, overrides = Path(given.folders[0]), given.overrides
    if (progress := progress_of(RunFolder(folder))) is not None:
        raise UserError(folder, f"{progress.words}, so that it has no measures", progress.remedy)
    if given.fill and not _fill(folder):
        return EXIT_FAILED
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


def _parted(given: list[str]) -> tuple[list[str], list[str]]:
    """Folders, and what looks like KEY=VALUE and is no folder."""
    overrides = [text for text in given if re.match(r"[+~]*[\w./@]+=", text) and not os.path.lexists(text)]
    return [text for text in given if text not in overrides], overrides


def _is_of_evaluation(override: str) -> bool:
    return re.match(r"evaluations?[.=]", override) is not None


def _evaluations(overrides: list[str], config_dir: str | None) -> dict[str, Any]:
    """The checked configs of the evaluations that are asked for, by name."""
    names, options = list[str](), list[str]()
    for override in overrides:
        key, _, value = override.partition("=")
        if not _is_of_evaluation(override):
            raise UserError(override, "cannot be given with evaluation=…, which is asked about a run's own data")
        if key in ("evaluation", "evaluations"):
            names += filter(None, re.split(r"[\s,]+", value.strip("[]")))
        else:
            options.append(override)
    if not names:
        subject, problem = (options[0], "is an option of no evaluation") if options else ("evaluation", "names none")
        raise UserError(subject, problem, "name one with evaluation=NAME")
    typed = [f"evaluation=[{','.join(names)}]"]
    for option in options:
        group, _, rest = option.partition(".")
        typed += [f"evaluations.{name}.{rest}" for name in names] if group == "evaluation" else [option]
    return composition.checked(composition.compose(typed, config_dir=config_dir))["evaluations"]


def _ask(given: Namespace) -> int:
    """Ask evaluations about runs, write the answers, and show them; of several, those that cannot be are named."""
    from ae_jax.jobs.answers import print_answers
    from ae_jax.jobs.ask import Asked, ask
    from ae_jax.results.find import find_runs

    nodes, folders, output = _evaluations(given.overrides, given.config_dir), find_runs(given.folders), console()
    functions, failed, done = dict[str, Any](), list[str](), list[Asked]()
    for number, folder in enumerate(folders, start=1):
        try:
            done.append(ask(folder, nodes, functions, partial(_spared, folder, failed)))
        except UserError as error:
            if len(folders) == 1:
                raise
            why = str(error) if error.subject == str(folder) else f"{short_path(folder)} ({error})"
            say(console(errors=True), f"left out: {why}", style="yellow")
        else:
            if len(folders) > 1:
                say(output, f"{number} of {len(folders)}: {short_path(folder)}")
    if not done:
        raise UserError("evaluation", "none of these runs could be asked", "see the lines above")
    print_answers(output, done)
    return EXIT_FAILED if failed else EXIT_COMPLETED


@contextmanager
def _spared(folder: Path, failed: list[str], what: str) -> Iterator[None]:
    """Work on an answer: what fails, but for a user's mistake, is named, and no more."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        failed.append(what)
        problem = f"{short_path(folder)}: {what} failed ({describe(error)}); summary.json is as it was"
        say(console(errors=True), problem)


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
