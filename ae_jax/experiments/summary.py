"""What a trained run leaves beside its checkpoint: reconstructions, PCA, summary.json and figures."""

import io
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from ae_jax.baselines.pca import PCA
from ae_jax.evaluation.cost import peak_memory
from ae_jax.experiments import measure
from ae_jax.experiments.build import Experiment
from ae_jax.experiments.data import write_inputs
from ae_jax.experiments.naming import config_hash
from ae_jax.files import write_bytes, write_json
from ae_jax.results.run_folder import SCHEMA, RunFolder
from ae_jax.training import Status, TrainState
from ae_jax.training.group import Group

_NUM_SHOWN = 10  # reconstructions that are kept
_NUM_LATENTS = 1000

Spare = Callable[[str], AbstractContextManager[None]]
"""`with spare("what"):` makes what decorates a run; an exception in it may be the end of that alone."""


def _nothing_is_spared(_: str) -> AbstractContextManager[None]:
    return nullcontext()


def write_results(
    experiment: Experiment,
    config: dict[str, Any],
    folder: Path,
    state: TrainState,
    group: Group,
    seconds: float,
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
        seconds: Time since the program began to be compiled.
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
    model = measure.trained_model(experiment, state.best.params, functions)
    pca = measure.fit_dataset_pca(experiment.dataset)
    summary |= comparison(experiment, model, pca, spare=spare)
    write_arrays(experiment, model, pca, folder, summary["pca"], spare=spare)
    summary["time"] = _times(folder, experiment, group, seconds) | summary.pop("latency")
    summary["memory"] = {"program_bytes": group.program_bytes}
    with spare("the peak memory"):
        summary["memory"] |= peak_memory()
    write_json(folder / "summary.json", summary)
    return summary


def comparison(
    experiment: Experiment, model: measure.TrainedModel, pca: PCA, *, spare: Spare = _nothing_is_spared
) -> dict[str, Any]:
    """The parts of a summary that follow from parameters and data: measures, PCA, model.

    Args:
        experiment: The config as objects; its data are what is measured.
        model: The trained model.
        pca: PCA of the data that the model was trained on.
        spare: Where costs, angles, and errors from corrupted inputs are measured; what fails is None.
    """
    dataset = experiment.dataset
    latent_size = measure.latent_size_of(experiment)
    num_components = min(latent_size, pca.rank)
    measured: dict[str, Any] = dict(measure.measure_model(dataset, model, pca))
    pca_part = measure.compare_pca(dataset, pca, num_components=num_components, test_sse=measured["test"]["sse"])
    pca_part["principal_angles_degrees"] = corrupted = None
    cost = pca_cost = dict[str, Any].fromkeys(measure.COSTS)
    with spare("the angles to PCA"):
        pca_part["principal_angles_degrees"] = measure.angles_to_pca(model, latent_size, pca, num_components)
    with spare("the cost of the model"):
        cost = model.cost()
    with spare("the cost of PCA"):
        structure = experiment.structure
        pca_cost = measure.pca_cost(dataset, pca, num_components, structure.batch_size, structure.matmul_precision)
    with spare("the measures from corrupted inputs"):
        corrupted = measure.measure_corrupted(experiment, model, pca, num_components)
    return {
        **measured,
        "corrupted": corrupted,
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
        "last_train_loss": metrics[-1]["train_loss"] if metrics else None,
        "stopped": stopped.get(Status(int(state.status)), "epoch limit"),
    }


def _times(folder: Path, experiment: Experiment, group: Group, seconds: float) -> dict[str, Any]:
    epochs = [record["seconds"] for record in RunFolder(folder).metrics]
    return {
        "compile_seconds": group.compile_seconds,
        "train_seconds": sum(epochs),
        "total_seconds": seconds,
        "examples_per_second": len(experiment.dataset.train) / float(np.median(epochs)) if epochs else None,
    }


def write_arrays(
    experiment: Experiment,
    model: measure.TrainedModel,
    pca: PCA,
    folder: Path,
    pca_part: dict[str, Any],
    *,
    spare: Spare = _nothing_is_spared,
) -> None:
    """What figures are drawn from: PCA's leading components, a few reconstructions, and the latents of some more.

    Args:
        experiment: The config as objects.
        model: The trained model.
        pca: PCA of the data that it was trained on.
        folder: The run folder.
        pca_part: The summary's part on PCA.
        spare: Where each file is made.
    """
    dataset, num_components = experiment.dataset, pca_part["num_components"]
    with spare("pca.npz"):
        pca.truncated(max(num_components, pca_part["components_to_match"] or 0)).save(folder / "pca.npz")
    with spare("reconstructions.npz"):
        x = dataset.scaled(dataset.test[:_NUM_SHOWN])
        seen = measure.corrupt_rows(experiment, model, x, 0) if experiment.corrupts else x
        arrays = {
            "x": x,
            "corrupted": seen,
            "autoencoder": model.reconstruct(seen),
            "pca": pca.reconstruct(seen, num_components),
        }
        shape = (len(x), *dataset.feature_shape)
        _write_npz(folder / "reconstructions.npz", {name: rows.reshape(shape) for name, rows in arrays.items()})
    with spare("latents.npz"):
        clean = dataset.scaled(dataset.test[:_NUM_LATENTS])
        latents = {"autoencoder": model.encode(clean), "pca": pca.encode(clean, num_components)}
        labels = {"labels": dataset.labels["test"][:_NUM_LATENTS]} if dataset.labels else {}
        _write_npz(folder / "latents.npz", latents, **labels)


def _write_npz(path: Path, arrays: dict[str, np.ndarray], **integers: np.ndarray) -> None:
    """Arrays in float32, and integers as they are."""
    buffer = io.BytesIO()
    single = {name: np.asarray(rows, np.float32) for name, rows in arrays.items()}
    np.savez(buffer, **single, **integers)  # type: ignore[arg-type] # NumPy's stub takes the names for its own option
    write_bytes(path, buffer.getvalue())
