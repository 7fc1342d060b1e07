"""What a trained run leaves beside its checkpoint: reconstructions, PCA, summary.json and figures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ae_jax.baselines.pca import PCA
from ae_jax.config.naming import CAME_LATER, config_hash
from ae_jax.datasets.base import SPLITS, Dataset
from ae_jax.evaluation.asked import answers, subject_of
from ae_jax.evaluation.base import Evaluation
from ae_jax.evaluation.cost import peak_memory
from ae_jax.evaluation.measure import Comparison, Spare, comparison, fit_dataset_pca, nothing_is_spared, timed_pca
from ae_jax.evaluation.method import Method, ModelFunctions, autoencoder, leading
from ae_jax.evaluation.shown import shown_of, write_shown
from ae_jax.experiment.build import Experiment
from ae_jax.files import write_json
from ae_jax.runs.folder import SCHEMA, RunFolder
from ae_jax.runs.inputs import write_inputs
from ae_jax.runs.recorder import write_npz
from ae_jax.training import Status, TrainState
from ae_jax.training.group import Group

_NUM_SHOWN = 10  # reconstructions that are kept
_NUM_LATENTS = 1000  # of the first test examples, among which those are


class Seconds(NamedTuple):
    """Wall-clock times of a run that are its group's as well.

    Attributes:
        total: Since the program began to be compiled, in this process.
        epochs: Of each epoch that the run trained in this process: of the whole group, undivided.
    """

    total: float
    epochs: list[float]


def write_results(
    experiment: Experiment,
    config: dict[str, Any],
    folder: Path,
    state: TrainState,
    program: Group,
    seconds: Seconds,
    functions: ModelFunctions,
    evaluations: Mapping[str, Evaluation],
    *,
    spare: Spare,
) -> dict[str, Any]:
    """Measure a run and write its files, all but the figures.

    Args:
        experiment: What was trained.
        config: Its checked config.
        folder: Its run folder.
        state: Its last state.
        program: What trained it.
        seconds: What it took.
        functions: The compiled functions of its structure.
        evaluations: Questions that are asked of it.
        spare: Where what is not the summary is made.

    Returns:
        The summary. A diverged run has no measures.
    """
    dataset = experiment.dataset
    with spare("inputs.json"):
        write_inputs(folder, dataset)
    summary = describe_run(folder, config, dataset, state)
    if int(state.status) != Status.DIVERGED:
        model, pca = autoencoder(experiment, state.best, functions), fit_dataset_pca(dataset)
        compared = comparison(experiment, model, pca, spare=spare)
        write_arrays(dataset, model, pca, folder, compared, spare=spare)
        summary |= compared.summary
        about = subject_of(experiment, model, pca, compared.limits, lambda: compared)
        summary["evaluations"] = answers(about, evaluations, config["evaluations"], folder, spare=spare)
        fitting = timed_pca(dataset)[1]
        summary["time"] = describe_times(folder, dataset, program, seconds, fitting) | summary.pop("latency")
        summary["memory"] = {"program_bytes": program.program_bytes}
        with spare("the peak memory"):
            summary["memory"] |= peak_memory()
    write_json(folder / "summary.json", summary)
    return summary


def describe_run(folder: Path, config: dict[str, Any], dataset: Dataset, state: TrainState) -> dict[str, Any]:
    """The summary's parts on what was asked for, the data, and training; also of a diverged run."""
    return {
        "schema": SCHEMA,
        "run": folder.name,
        "config_hash": config_hash(config),
        "seed": config["seed"],
        "dataset": describe_dataset(dataset),
        "precision": {
            "model": config["trainer"]["precision"],
            "products": _trainer(config, "matmul_precision"),
        },
        "training": _describe_training(config, state, RunFolder(folder).metrics),
    }


def describe_dataset(dataset: Dataset) -> dict[str, Any]:
    """The summary's part on the data: name, shape, counts, provenance."""
    return {
        "name": dataset.name,
        "num_features": dataset.num_features,
        "feature_shape": list(dataset.feature_shape),
        "unit_interval": dataset.unit_interval,
        "counts": {split: len(getattr(dataset, split)) for split in SPLITS},
        "provenance": dataset.provenance,
    }


def _describe_training(config: dict[str, Any], state: TrainState, metrics: list[dict[str, Any]]) -> dict[str, Any]:
    stopped = {Status.CONVERGED: "converged", Status.DIVERGED: "diverged"}
    return {
        "loss": config["loss"]["_target_"].rpartition(".")[2],
        "epochs": int(state.epoch),
        "best_epoch": int(state.best.epoch),
        "best_validation_loss": float(state.best.validation_loss),
        "monitor": _trainer(config, "monitor"),
        "best_monitored": float(state.best.monitored),
        "last_train_loss": metrics[-1]["train_loss"] if metrics else None,
        "stopped": stopped.get(Status(int(state.status)), "epoch limit"),
    }


def _trainer(config: dict[str, Any], option: str) -> str:
    """An option of the trainer that a config may leave out."""
    return str(config["trainer"].get(option, CAME_LATER[f"trainer.{option}"]))


def describe_times(folder: Path, dataset: Dataset, program: Group, seconds: Seconds, fitting: float) -> dict[str, Any]:
    """Times of a run and of those trained with it; docs/statistics.md says what each is, and what compares.

    Args:
        folder: The run folder, for the time of each epoch.
        dataset: What it trained on.
        program: What trained it.
        seconds: What it took.
        fitting: Seconds that PCA took.
    """
    epochs = [record["seconds"] for record in RunFolder(folder).metrics]
    whole = len(seconds.epochs) == len(epochs)
    return {
        "group_size": program.num_runs,
        "group_train_seconds": sum(seconds.epochs) if whole else None,
        "train_seconds": sum(epochs),
        "compile_seconds": program.compile_seconds,
        "total_seconds": seconds.total,
        "pca_fit_seconds": fitting,
        "examples_per_second": len(dataset.train) / float(np.median(epochs)) if epochs else None,
    }


def write_arrays(
    dataset: Dataset,
    model: Method,
    pca: PCA,
    folder: Path,
    compared: Comparison,
    *,
    spare: Spare = nothing_is_spared,
) -> None:
    """What figures are drawn from: PCA's components, a few reconstructions, more latents, the errors of all examples.

    Args:
        dataset: What was measured.
        model: The trained model.
        pca: PCA of the data that it was trained on.
        folder: The run folder.
        compared: What `comparison` measured.
        spare: Where each file is made.
    """
    limits = compared.limits
    methods = (model, leading(pca, limits, "float32"))
    with spare("pca.npz"):
        pca.truncated(max(limits.num_components, compared.components_to_match or 0)).save(folder / "pca.npz")
    with spare("reconstructions.npz"):
        kept = _kept(dataset)
        first = dataset.scaled(dataset.test[: kept.max() + 1])
        x, seen = first[kept], (first if model.corrupt is None else model.corrupt(0, first))[kept]
        rows = {"x": x, "corrupted": seen, **{method.name: method.reconstruct(seen) for method in methods}}
        shape = (len(x), *dataset.feature_shape)
        shaped = {name: values.reshape(shape) for name, values in rows.items()}
        write_npz(folder / "reconstructions.npz", shaped, indices=kept)
    with spare("latents.npz"):
        clean = dataset.scaled(dataset.test[:_NUM_LATENTS])
        labels = {"labels": dataset.labels["test"][:_NUM_LATENTS]} if dataset.labels else {}
        write_npz(folder / "latents.npz", {method.name: method.encode(clean) for method in methods}, **labels)
    for name, made in shown_of(dataset, model, pca).items():
        with spare(f"{name}.npz"):
            write_shown(folder / f"{name}.npz", made)
    with spare("errors.npz"):
        write_npz(folder / "errors.npz", compared.errors)


def _kept(dataset: Dataset) -> np.ndarray:
    """Which test examples keep their reconstructions: the first of each class, by class, and then the next ones."""
    num = min(len(dataset.test), _NUM_LATENTS)
    firsts = np.array([], np.int64)
    if dataset.labels:
        firsts = np.unique(dataset.labels["test"][:num], return_index=True)[1][:_NUM_SHOWN]
    others = np.setdiff1d(np.arange(num), firsts)
    return np.concatenate([firsts, others])[:_NUM_SHOWN]
