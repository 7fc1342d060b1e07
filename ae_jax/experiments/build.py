"""The only file that turns the config of an experiment into objects.

`targets.bind` makes a component from its structure; its values come later, as traced arrays.
"""

import functools
import json
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from ae_jax.corruptions.none import none
from ae_jax.datasets import Dataset
from ae_jax.datasets.check import checked, note_absent_classes
from ae_jax.errors import UserError
from ae_jax.experiments.config import VALUE_GROUPS, split_values
from ae_jax.experiments.targets import bind, resolve
from ae_jax.experiments.tracking import TrackingOptions
from ae_jax.losses import Loss
from ae_jax.models import FunctionalModel, functional
from ae_jax.training import Run, Structure, TrainerOptions, TrainingData
from ae_jax.training.memory import available_bytes

_LARGE = 1 << 30  # bytes
# For a table: `unit_interval` alone is fitted on the training split, and the others may leave it.
_UNIT_INTERVAL = "with dataset=array, dataset.scaling=unit_interval_clipped puts all of it into [0, 1]"


class Experiment(NamedTuple):
    """A config as objects.

    Attributes:
        dataset: Its splits, on the host.
        model: Pure functions of the parameters.
        options: How long to train, and in what pieces.
        tracking: Where to log.
        structure: What is compiled in.
        run: What is traced.
        corrupts: Whether the corruption is any but none.
    """

    dataset: Dataset
    model: FunctionalModel
    options: TrainerOptions
    tracking: TrackingOptions
    structure: Structure
    run: Run
    corrupts: bool


def build(config: dict[str, Any]) -> Experiment:
    """Make the objects of a checked config; loads the dataset, once per process for equal configs.

    Raises:
        UserError: If the data cannot be read, or the model does not fit them.
    """
    options = _options(config["trainer"])
    dataset = load_dataset(config)
    structures = {group: split_values(group, config[group])[0] for group in VALUE_GROUPS}
    construct = bind(config["model"])
    model = functional(
        lambda rngs: construct(feature_shape=dataset.feature_shape, rngs=rngs), precision=options.precision
    )
    _check_size(model)
    structure = Structure(
        model=model,
        corrupt=bind(structures["corruption"]),
        make_loss=bind(structures["loss"]),
        make_optimizer=bind(structures["optimizer"]),
        num_epochs=options.num_epochs,
        batch_size=min(options.batch_size, len(dataset.train)),
        patience=options.patience,
    )
    run = _run(config)
    _check_link(structure.make_loss(**run.values["loss"]), dataset)
    corruption = resolve(config["corruption"]["_target_"])
    if getattr(corruption, "needs_unit_interval", False) and not dataset.unit_interval:
        raise UserError("corruption", f"is for data in [0, 1], those of {dataset.name} are not", _UNIT_INTERVAL)
    return Experiment(
        dataset=dataset,
        model=model,
        options=options,
        tracking=_options(config["tracking"]),
        structure=structure,
        run=run,
        corrupts=corruption is not none,
    )


def build_alike(experiment: Experiment, config: dict[str, Any]) -> Experiment:
    """The experiment of a config that has the structure of one that is built: only its values are its own."""
    return experiment._replace(tracking=_options(config["tracking"]), run=_run(config))


def load_dataset(config: dict[str, Any]) -> Dataset:
    """The dataset of a checked config, with at most `trainer.max_train_examples`."""
    return _load_dataset(json.dumps(config["dataset"], sort_keys=True), config["trainer"]["max_train_examples"])


def training_data(dataset: Dataset) -> TrainingData:
    """What training reads, on the device, in the compact type that it came in."""
    return TrainingData(
        train=jnp.asarray(dataset.train),
        validation=jnp.asarray(dataset.validation),
        scale=jnp.asarray(dataset.scale, jnp.float32),
        offset=jnp.asarray(dataset.offset, jnp.float32),
    )


def _run(config: dict[str, Any]) -> Run:
    values = {group: split_values(group, config[group])[1] for group in VALUE_GROUPS}
    return Run(seed=jnp.uint32(config["seed"]), values=jax.tree.map(jnp.float32, values))


def _check_link(loss: Loss, dataset: Dataset) -> None:
    """Refuse outputs that are confined to [0, 1] for data that are not."""
    low, high = (float(loss.link(jnp.full((1, 1), bound))[0, 0]) for bound in (-1e3, 1e3))
    if low >= 0 and high <= 1 and not dataset.unit_interval:
        raise UserError(
            "loss",
            f"its outputs lie in [0, 1], the data of {dataset.name} do not",
            f"use loss=mse, half_sse or huber with loss.link=identity; or, {_UNIT_INTERVAL}",
        )


def _check_size(model: FunctionalModel) -> None:
    """Refuse a model whose parameters alone are more than there is memory: to find out by filling it takes long."""
    size = sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(model.abstract_params))
    free = available_bytes() if size > _LARGE else None
    if free is not None and size > free:
        problem = f"has parameters of {size / 2**30:,.1f} GiB, there is room for {free / 2**30:,.1f} GiB"
        raise UserError("model", problem, "choose smaller sizes")


def _options(node: dict[str, Any]) -> Any:
    return bind(node)()


@functools.lru_cache(maxsize=16)
def _load_dataset(node: str, limit: int | None) -> Dataset:
    config = json.loads(node)
    dataset = checked(bind(config)(), config["_target_"])
    dataset = dataset.with_train_limit(limit and min(limit, len(dataset.train)))
    note_absent_classes(dataset)
    return dataset
