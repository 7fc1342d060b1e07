"""What a trained run leaves beside its checkpoint: reconstructions, PCA, summary.json and figures."""

import io
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ae_jax.baselines.pca import PCA
from ae_jax.config.naming import config_hash
from ae_jax.datasets.base import Dataset
from ae_jax.evaluation import measure
from ae_jax.evaluation.cost import COSTS, peak_memory
from ae_jax.experiment.build import Experiment
from ae_jax.files import write_bytes, write_json
from ae_jax.runs.folder import SCHEMA, RunFolder
from ae_jax.runs.inputs import write_inputs
from ae_jax.training import Status, TrainState
from ae_jax.training.group import Group

_NUM_SHOWN = 10  # reconstructions that are kept
_NUM_LATENTS = 1000  # of the first test examples, among which those are

Spare = Callable[[str], AbstractContextManager[None]]
"""`with spare("what"):` makes what decorates a run; an exception in it may be the end of that alone."""


class Seconds(NamedTuple):
    """Wall-clock times of a run that are its group's as well.

    Attributes:
        total: Since the program began to be compiled, in this process.
        epochs: Of each epoch that the run trained in this process: of the whole group, undivided.
    """

    total: float
    epochs: list[float]


class Comparison(NamedTuple):
    """What `comparison` measures.

    Attributes:
        summary: Parts of the summary: measures, PCA, model, and latencies, which stand in its part on time.
        errors: Squared error of each test example, shape "examples": `autoencoder`, `pca`, and where there is a
            corruption, `corrupted_autoencoder` and `corrupted_pca`.
    """

    summary: dict[str, Any]
    errors: dict[str, np.ndarray]


def _nothing_is_spared(_: str) -> AbstractContextManager[None]:
    return nullcontext()


def write_results(
    experiment: Experiment,
    config: dict[str, Any],
    folder: Path,
    state: TrainState,
    group: Group,
    seconds: Seconds,
    functions: measure.ModelFunctions,
    *,
    spare: Spare,
) -> dict[str, Any]:
    """Measure a run and write its files, all but the figures.

    Args:
        experiment: What was trained.
        config: Its checked config.
        folder: Its run folder.
        state: Its last state.
        group: The program that trained it.
        seconds: What it took.
        functions: The compiled functions of its structure.
        spare: Where what is not the summary is made.

    Returns:
        The summary. A diverged run has no measures.
    """
    with spare("inputs.json"):
        write_inputs(folder, experiment.dataset)
    summary = {
        "schema": SCHEMA,
        "run": folder.name,
        "config_hash": config_hash(config),
        "seed": config["seed"],
        "dataset": describe_dataset(experiment),
        "precision": {"model": experiment.options.precision, "products": experiment.options.matmul_precision},
        "training": _describe_training(config, state, RunFolder(folder).metrics),
    }
    if int(state.status) == Status.DIVERGED:
        write_json(folder / "summary.json", summary)
        return summary
    model = measure.trained_model(experiment, state.best, functions)
    pca = measure.fit_dataset_pca(experiment.dataset)
    compared = comparison(experiment, model, pca, spare=spare)
    summary |= compared.summary
    write_arrays(experiment, model, pca, folder, compared, spare=spare)
    summary["time"] = _times(folder, experiment, group, seconds) | summary.pop("latency")
    summary["memory"] = {"program_bytes": group.program_bytes}
    with spare("the peak memory"):
        summary["memory"] |= peak_memory()
    write_json(folder / "summary.json", summary)
    return summary


def comparison(
    experiment: Experiment, model: measure.TrainedModel, pca: PCA, *, spare: Spare = _nothing_is_spared
) -> Comparison:
    """What follows from parameters and data: measures, PCA, model, and the errors of test examples.

    Args:
        experiment: The config as objects; its data are what is measured.
        model: The trained model.
        pca: PCA of the data that the model was trained on.
        spare: Where costs, angles, and errors from corrupted inputs are measured; what fails is None.
    """
    dataset = experiment.dataset
    latent_size = measure.latent_size_of(experiment)
    num_components = min(latent_size, pca.rank)
    measured, terms = measure.measure_model(dataset, model, pca), measure.measure_terms(experiment, model)
    test_sse = measured["test"].measures["sse"]
    assert test_sse is not None  # which it is of no split
    pca_part = measure.compare_pca(dataset, pca, num_components=num_components, test_sse=test_sse)
    pca_part["principal_angles_degrees"], corrupted = None, dict[str, measure.Measured]()
    cost = pca_cost = dict[str, Any].fromkeys(COSTS)
    with spare("the angles to PCA"):
        pca_part["principal_angles_degrees"] = measure.angles_to_pca(model, latent_size, pca, num_components)
    with spare("the cost of the model"):
        cost = model.cost()
    with spare("the cost of PCA"):
        structure = experiment.structure
        pca_cost = measure.pca_cost(dataset, pca, num_components, structure.batch_size, structure.matmul_precision)
    with spare("the measures from corrupted inputs"):
        corrupted = measure.measure_corrupted(experiment, model, pca, num_components) or {}
    tested = {"autoencoder": measured["test"], "pca": measure.measure_pca(dataset, pca, num_components)["test"]}
    tested |= {f"corrupted_{method}": one for method, one in corrupted.items()}
    summary = {
        **{split: {**one.measures, "terms": terms[split]} for split, one in measured.items()},
        "corrupted": {method: one.measures for method, one in corrupted.items()} or None,
        "pca": pca_part | {name: pca_cost[name] for name in ("num_parameters", "flops_per_example")},
        "model": {
            "latent_size": latent_size,
            "num_parameters": cost["num_parameters"],
            "flops_per_example": cost["flops_per_example"],
        },
        "latency": {
            f"{method}{name}": one[name]
            for method, one in (("", cost), ("pca_", pca_cost))
            for name in one
            if name.startswith("latency")
        },
    }
    return Comparison(summary, {name: one.errors for name, one in tested.items() if one.errors is not None})


def describe_dataset(experiment: Experiment) -> dict[str, Any]:
    """The summary's part on the data: name, shape, counts, provenance."""
    dataset = experiment.dataset
    return {
        "name": dataset.name,
        "num_features": dataset.num_features,
        "feature_shape": list(dataset.feature_shape),
        "unit_interval": dataset.unit_interval,
        "counts": {split: len(getattr(dataset, split)) for split in measure.SPLITS},
        "provenance": dataset.provenance,
    }


def _describe_training(config: dict[str, Any], state: TrainState, metrics: list[dict[str, Any]]) -> dict[str, Any]:
    stopped = {Status.CONVERGED: "converged", Status.DIVERGED: "diverged"}
    return {
        "loss": config["loss"]["_target_"].rpartition(".")[2],
        "epochs": int(state.epoch),
        "best_epoch": int(state.best.epoch),
        "best_validation_loss": float(state.best.validation_loss),
        "monitor": config["trainer"]["monitor"],
        "best_monitored": float(state.best.monitored),
        "last_train_loss": metrics[-1]["train_loss"] if metrics else None,
        "stopped": stopped.get(Status(int(state.status)), "epoch limit"),
    }


def _times(folder: Path, experiment: Experiment, group: Group, seconds: Seconds) -> dict[str, Any]:
    """Times of a run and of its group; docs/statistics.md says what each is, and what compares."""
    epochs = [record["seconds"] for record in RunFolder(folder).metrics]
    whole = len(seconds.epochs) == len(epochs)
    return {
        "group_size": group.num_runs,
        "group_train_seconds": sum(seconds.epochs) if whole else None,
        "train_seconds": sum(epochs),
        "compile_seconds": group.compile_seconds,
        "total_seconds": seconds.total,
        "pca_fit_seconds": measure.timed_pca(experiment.dataset)[1],
        "examples_per_second": len(experiment.dataset.train) / float(np.median(epochs)) if epochs else None,
    }


def write_arrays(
    experiment: Experiment,
    model: measure.TrainedModel,
    pca: PCA,
    folder: Path,
    compared: Comparison,
    *,
    spare: Spare = _nothing_is_spared,
) -> None:
    """What figures are drawn from: PCA's components, a few reconstructions, more latents, the errors of all examples.

    Args:
        experiment: The config as objects.
        model: The trained model.
        pca: PCA of the data that it was trained on.
        folder: The run folder.
        compared: What `comparison` measured.
        spare: Where each file is made.
    """
    dataset, pca_part = experiment.dataset, compared.summary["pca"]
    num_components = pca_part["num_components"]
    with spare("pca.npz"):
        pca.truncated(max(num_components, pca_part["components_to_match"] or 0)).save(folder / "pca.npz")
    with spare("reconstructions.npz"):
        kept = _kept(dataset)
        first = dataset.scaled(dataset.test[: kept.max() + 1])
        corrupted = measure.corrupt_rows(experiment, model, first, 0) if experiment.corrupts else first
        x, seen = first[kept], corrupted[kept]
        arrays = {
            "x": x,
            "corrupted": seen,
            "autoencoder": model.reconstruct(seen),
            "pca": pca.reconstruct(seen, num_components),
        }
        shape = (len(x), *dataset.feature_shape)
        rows = {name: values.reshape(shape) for name, values in arrays.items()}
        _write_npz(folder / "reconstructions.npz", rows, indices=kept)
    with spare("latents.npz"):
        clean = dataset.scaled(dataset.test[:_NUM_LATENTS])
        latents = {"autoencoder": model.encode(clean), "pca": pca.encode(clean, num_components)}
        labels = {"labels": dataset.labels["test"][:_NUM_LATENTS]} if dataset.labels else {}
        _write_npz(folder / "latents.npz", latents, **labels)
    with spare("errors.npz"):
        _write_npz(folder / "errors.npz", compared.errors)


def _kept(dataset: Dataset) -> np.ndarray:
    """Which test examples keep their reconstructions: the first of each class, by class, and then the next ones."""
    num = min(len(dataset.test), _NUM_LATENTS)
    firsts = np.array([], np.int64)
    if dataset.labels:
        firsts = np.unique(dataset.labels["test"][:num], return_index=True)[1][:_NUM_SHOWN]
    others = np.setdiff1d(np.arange(num), firsts)
    return np.concatenate([firsts, others])[:_NUM_SHOWN]


def _write_npz(path: Path, arrays: dict[str, np.ndarray], **integers: np.ndarray) -> None:
    """Arrays in float32, and integers as they are."""
    buffer = io.BytesIO()
    single = {name: np.asarray(rows, np.float32) for name, rows in arrays.items()}
    np.savez(buffer, **single, **integers)  # type: ignore[arg-type] # NumPy's stub takes the names for its own option
    write_bytes(path, buffer.getvalue())
