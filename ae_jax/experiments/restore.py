"""From a run folder back to a model that can be used."""

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from ae_jax.baselines.pca import PCA
from ae_jax.errors import UserError
from ae_jax.experiments.build import Experiment, build
from ae_jax.experiments.config import validate
from ae_jax.experiments.measure import latent_size_of, trained_model
from ae_jax.experiments.naming import config_hash
from ae_jax.results.run_folder import RunFolder
from ae_jax.training import Best
from ae_jax.training.checkpoint import restore_best

Rows = Float[np.ndarray, "examples features"]


class TrainedRun:
    """A run with the parameters of its best epoch. Made by `load_run`.

    Inputs, reconstructions and latents are NumPy arrays of shapes "examples features" and "examples latent", in the
    scaled values that the model was trained on (pixels in [0, 1]); `dataset.scaled(raw)` makes them from raw ones.

    Attributes:
        folder: The run folder.
        config: Its checked config.
        experiment: The config as objects; `experiment.dataset` has the splits.
        best: Parameters, validation loss and epoch.
        model: The compiled functions that `encode`, `decode` and `reconstruct` call.
    """

    def __init__(self, folder: Path, config: dict[str, Any], experiment: Experiment, best: Best):
        self.folder, self.config, self.experiment, self.best = folder, config, experiment, best
        self.model = trained_model(experiment, best.params)

    @cached_property
    def summary(self) -> dict[str, Any]:
        """The run's summary.json."""
        return RunFolder(self.folder).summary

    @cached_property
    def pca(self) -> PCA:
        """PCA of the same training split, with the leading components that the run stored."""
        return PCA.load(RunFolder(self.folder).pca)

    def encode(self, x: np.ndarray) -> np.ndarray:
        """Latents of inputs, shape "examples latent"."""
        return self.model.encode(self._rows(x))

    def decode(self, latent: np.ndarray) -> np.ndarray:
        """Reconstructions of latents, shape "examples features", after the loss's link."""
        latent, latent_size = np.asarray(latent), latent_size_of(self.experiment)
        if latent.ndim != 2 or latent.shape[1] != latent_size:
            raise UserError("latent", f"has shape {latent.shape}, expected (examples, {latent_size})")
        return self.model.decode(latent)

    def reconstruct(self, x: np.ndarray) -> np.ndarray:
        """`decode(encode(x))`, shape "examples features"."""
        return self.model.reconstruct(self._rows(x))

    def _rows(self, x: np.ndarray) -> np.ndarray:
        num_features = self.experiment.dataset.num_features
        x = np.asarray(x)
        rows = x.reshape(len(x), int(np.prod(x.shape[1:]))) if x.ndim > 1 else x
        if rows.ndim != 2 or rows.shape[1] != num_features:
            raise UserError("x", f"has shape {x.shape}, expected (examples, {num_features})")
        return rows


def load_run(folder: str | Path) -> TrainedRun:
    """Load a trained run from its folder.

    Args:
        folder: The run folder that training printed.

    Returns:
        The model at its best epoch, on NumPy arrays, with its PCA.

    Raises:
        UserError: If the folder is no run, or config or checkpoint are missing, damaged, or do not belong together.

    Example:
        >>> run = ae_jax.load_run("outputs/default/digits-dense16-mse-adam-seed0-…")
        >>> latent = run.encode(run.experiment.dataset.scaled("test"))
    """
    folder = Path(folder)
    config = stored_config(folder)
    return restore(folder, config, build(config))


def stored_config(folder: Path) -> dict[str, Any]:
    """The checked config of a run folder, checked again: whoever sends a folder cannot make it run other code."""
    run = RunFolder(folder)
    config = validate({"resume": "auto", **run.config})  # which the first runs did not record
    if config_hash(config) != run.read("status.json").get("config_hash"):
        raise UserError(folder / "config.json", "is not the config of this run", "train the run again")
    return config


def restore(folder: Path, config: dict[str, Any], experiment: Experiment) -> TrainedRun:
    """A run's best parameters in objects that are already built."""
    best = restore_best(RunFolder(folder).checkpoint, experiment.model.abstract_params)
    return TrainedRun(folder, config, experiment, best)
