"""From a run folder back to a model that can be used."""

import logging
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Array, PyTree

from ae_jax.baselines.pca import PCA
from ae_jax.config.check import validate
from ae_jax.config.naming import config_hash
from ae_jax.errors import UserError
from ae_jax.evaluation.method import ModelFunctions, autoencoder
from ae_jax.experiment.build import Experiment, build
from ae_jax.runs.folder import RunFolder
from ae_jax.runs.inputs import data_of
from ae_jax.runs.progress import Progress, progress_of
from ae_jax.training import Best
from ae_jax.training.checkpoint import has_checkpoint, num_stored_arrays, restore_best
from ae_jax.training.objective import abstract_best
from ae_jax.typing import Batch

_FEW_LAYERS = 8  # which take no time to build, whatever the checkpoint holds
_log = logging.getLogger(__name__)


class TrainedRun:
    """A run with the parameters of its best epoch. Made by `load_run`.

    Inputs, reconstructions and latents are NumPy arrays of shapes "examples features" and "examples latent", in the
    scaled values that the model was trained on (pixels in [0, 1]); `scaled` makes them from raw ones.

    Attributes:
        folder: The run folder.
        config: Its checked config.
        experiment: The config as objects; `experiment.dataset` has the splits, loaded when it is first asked for.
        best: Parameters, what they are used with, validation loss and epoch.
        functions: The compiled functions of its structure, which other runs of that may share.
        model: What `encode`, `decode` and `reconstruct` ask, as a method beside PCA.
    """

    def __init__(
        self,
        folder: Path,
        config: dict[str, Any],
        experiment: Experiment,
        best: Best,
        functions: ModelFunctions | None = None,
    ):
        self.folder, self.config, self.experiment, self.best = folder, config, experiment, best
        self.functions = functions or ModelFunctions(experiment.structure)
        self.model = autoencoder(experiment, best, self.functions)

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
        latent, latent_size = np.asarray(latent), self.model.latent_size
        if latent.ndim != 2 or latent.shape[1] != latent_size:
            raise UserError("latent", f"has shape {latent.shape}, expected (examples, {latent_size})")
        return self.model.decode(latent)

    def reconstruct(self, x: np.ndarray) -> np.ndarray:
        """`decode(encode(x))`, shape "examples features"."""
        return self.model.reconstruct(self._rows(x))

    def scaled(self, raw: np.ndarray) -> np.ndarray:
        """Inputs of raw examples, scaled as the run's own were, shape "examples features"; without its data."""
        return self.experiment.inputs.scaled(self._rows(raw))

    @property
    def parameters(self) -> PyTree:
        """All arrays that the model is used with: what `encoder` and `decoder` are functions of."""
        return self.best.params, self.best.carried

    def encoder(self, parameters: PyTree, x: Batch) -> Array:
        """`encode` as a pure function of `parameters` and inputs, for programs of one's own: `jax.jit(run.encoder)`."""
        return self.functions.encode(self.experiment.run.values, parameters, x)

    def decoder(self, parameters: PyTree, latent: Array) -> Batch:
        """`decode` as a pure function of `parameters` and latents."""
        return self.functions.decode(self.experiment.run.values, parameters, latent)

    def _rows(self, x: np.ndarray) -> np.ndarray:
        num_features = self.experiment.inputs.num_features
        x = np.asarray(x)
        rows = x.reshape(len(x), int(np.prod(x.shape[1:]))) if x.ndim > 1 else x
        if rows.ndim != 2 or rows.shape[1] != num_features:
            raise UserError("x", f"has shape {x.shape}, expected (examples, {num_features})")
        return rows


def load_run(folder: str | Path) -> TrainedRun:
    """Load a trained run from its folder. Its data are not needed, and not read before they are asked for.

    Args:
        folder: The run folder that training printed. A run that has not completed is loaded as far as it came, with a
            warning.

    Returns:
        The model at its best epoch, on NumPy arrays, with its PCA.

    Raises:
        UserError: If the folder is no run, it has no checkpoint yet, or config or checkpoint are missing, damaged, or
            do not belong together. `experiment.dataset` raises it if the data cannot be read, or have changed.

    Example:
        >>> run = ae_jax.load_run("outputs/default/digits-dense16-mse-adam-seed0-…")
        >>> latent = run.encode(run.experiment.dataset.scaled("test"))
    """
    folder = Path(folder)
    progress = progress_of(RunFolder(folder))
    if progress is not None:
        _require_checkpoint(RunFolder(folder), progress)
    run = restore(folder, stored_config(folder))
    if progress is not None:
        _log.warning("%s %s: this is its best epoch so far, %d", folder, progress.words, int(run.best.epoch))
    return run


def stored_config(folder: Path) -> dict[str, Any]:
    """The checked config of a run folder, checked again: whoever sends a folder cannot make it run other code.

    Without its evaluations, which change no result: the run is what it is where one of them is not at hand.
    """
    run = RunFolder(folder)
    config = validate({"resume": "auto", **run.config, "evaluations": {}})  # the first runs did not record `resume`
    if config_hash(config) != run.read("status.json").get("config_hash"):
        raise UserError(folder / "config.json", "is not the config of this run", "train the run again")
    return config


def restore(folder: Path, config: dict[str, Any], functions: ModelFunctions | None = None) -> TrainedRun:
    """A run's best parameters in the objects of its checked config.

    Args:
        folder: The run folder.
        config: Its checked config.
        functions: Of a run of the same structure, which it then shares.

    Raises:
        UserError: See `load_run`.
    """
    run = RunFolder(folder)
    _check_layers(run, config["model"])
    experiment = build(config, data_of(run, config))
    best = restore_best(run.checkpoint, abstract_best(experiment.structure, experiment.run))
    return TrainedRun(folder, config, experiment, best, functions)


def _require_checkpoint(run: RunFolder, progress: Progress) -> None:
    """Say how a run stands that cannot be loaded yet."""
    if has_checkpoint(run.checkpoint):
        return
    error = run.read("status.json").get("error") if progress.state in ("failed", "diverged") else None
    words = progress.words if error is None else f"{progress.words} ({error})"
    raise UserError(run.path, f"{words}, and has no checkpoint yet", progress.remedy)


def _check_layers(run: RunFolder, model: dict[str, Any]) -> None:
    """Refuse a model of more layers than its checkpoint can be of: it could take hours to build it."""
    longest = max(_lengths(model), default=0)
    if longest > _FEW_LAYERS and longest > num_stored_arrays(run.checkpoint):
        problem = f"describes a model of {longest} layers, the checkpoint holds fewer arrays"
        raise UserError(run.path / "config.json", problem, "this is not the config of the run")


def _lengths(node: Any) -> Iterator[int]:
    """Lengths of all lists in a part of a config."""
    if isinstance(node, list):
        yield len(node)
    for item in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _lengths(item)
