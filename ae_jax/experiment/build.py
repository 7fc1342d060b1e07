"""The only file that turns the config of an experiment into objects.

`targets.bind` makes a component from its structure; its values come later, as traced arrays.
"""

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from ae_jax.bottlenecks import Bottleneck
from ae_jax.config.check import VALUE_GROUPS, split_values
from ae_jax.config.naming import short_target
from ae_jax.config.targets import OWN_PACKAGE, bind, is_within, resolve, signature
from ae_jax.corruptions.none import none
from ae_jax.datasets import Dataset
from ae_jax.errors import UserError
from ae_jax.experiment.check import check_corruption, check_levels, check_loss, check_optimizer, made
from ae_jax.experiment.data import Data, at_hand, load_data
from ae_jax.losses import Loss
from ae_jax.models import FunctionalModel, functional
from ae_jax.models.check import check_variables, checked_examples, is_plain
from ae_jax.tracking.wandb_run import TrackingOptions
from ae_jax.training import Run, Structure, TrainerOptions, TrainingData
from ae_jax.training.memory import available_bytes
from ae_jax.training.objective import abstract_latent, abstract_params, term_names

_LARGE = 1 << 30  # bytes


class Experiment(NamedTuple):
    """A config as objects.

    Attributes:
        inputs: The dataset without its examples: shapes and scaling.
        load: Gives the dataset with its examples.
        model: Pure functions of the parameters.
        options: How long to train, and in what pieces.
        tracking: Where to log.
        structure: What is compiled in.
        run: What is traced.
        corrupts: Whether the model is to undo a corruption: there is one, and it is no augmentation.
    """

    inputs: Dataset
    load: Callable[[], Dataset]
    model: FunctionalModel
    options: TrainerOptions
    tracking: TrackingOptions
    structure: Structure
    run: Run
    corrupts: bool

    @property
    def dataset(self) -> Dataset:
        """Its splits, on the host. Those of a run that was restored are loaded here; raises as `load` does."""
        return self.load()

    @property
    def bottleneck(self) -> Bottleneck:
        """That of this run."""
        return self.structure.make_bottleneck(**self.run.values["bottleneck"])

    @property
    def loss(self) -> Loss:
        """That of this run."""
        return self.structure.make_loss(**self.run.values["loss"])

    def on(self, dataset: Dataset) -> "Experiment":
        """The same with other data."""
        data = at_hand(dataset)
        return self._replace(inputs=data.inputs, load=data.load)


def build(config: dict[str, Any], data: Data | None = None) -> Experiment:
    """Make the objects of a checked config.

    Args:
        config: The config.
        data: Its data; None: they are loaded, once per process for equal configs.

    Raises:
        UserError: If the data cannot be read, or the model does not fit them.
    """
    options, is_new = _options(config["trainer"]), data is None
    data = data or load_data(config)
    inputs = data.inputs
    structures = {group: split_values(group, config[group])[0] for group in VALUE_GROUPS}
    run = _run(config)
    make_bottleneck = bind(structures["bottleneck"])
    bottleneck = made("bottleneck", config["bottleneck"]["_target_"], make_bottleneck(**run.values["bottleneck"]))
    make_loss = bind(structures["loss"])
    loss = made("loss", config["loss"]["_target_"], make_loss(**run.values["loss"]))
    model = _model(config, inputs, options, bottleneck, loss)
    structure = Structure(
        model=model,
        corrupt=functools.partial(bind(structures["corruption"]), feature_shape=inputs.feature_shape),
        make_bottleneck=make_bottleneck,
        make_loss=make_loss,
        objective=bind(structures["objective"]),
        make_optimizer=bind(structures["optimizer"]),
        num_epochs=options.num_epochs,
        batch_size=min(options.batch_size, data.num_train),
        patience=options.patience,
        matmul_precision=options.matmul_precision,
        monitor=options.monitor,
        augments=structures["corruption"].get("target") == "corrupted",
        binarises=inputs.intensities is not None,
    )
    structure = _with_checked_model(config, structure, run, loss, inputs.num_features)
    structure = structure._replace(couples=structure.model.couples or bottleneck.couples)
    check_loss(loss, inputs)
    if is_new:
        check_levels(loss, data.load())
    check_corruption(config["corruption"]["_target_"], structure, run, inputs)
    structure = structure._replace(terms=term_names(structure, run, inputs.num_features))
    check_optimizer(config["optimizer"]["_target_"], structure, run)
    return Experiment(
        inputs=inputs,
        load=data.load,
        model=structure.model,
        options=options,
        tracking=_options(config["tracking"]),
        structure=structure,
        run=run,
        corrupts=not structure.augments and resolve(config["corruption"]["_target_"]) is not none,
    )


def _with_checked_model(
    config: dict[str, Any], structure: Structure, run: Run, loss: Loss, num_features: int
) -> Structure:
    """Look at what the model does with the examples of a batch, unless it is known to compute each by itself."""
    model = structure.model
    if is_plain(model) and is_within(config["model"]["_target_"], (OWN_PACKAGE,)):
        return structure
    latent = abstract_latent(structure, run.values, abstract_params(structure, run))
    return structure._replace(model=checked_examples(model, num_features, latent, output_width=loss.output_width))


def build_alike(experiment: Experiment, config: dict[str, Any]) -> Experiment:
    """The experiment of a config that has the structure of one that is built: only its values are its own."""
    return experiment._replace(tracking=_options(config["tracking"]), run=_run(config))


def training_data(dataset: Dataset) -> TrainingData:
    """What training reads, on the device, in the compact type that it came in.

    Of examples that are drawn anew in every epoch that is what they are drawn of, which has the units of the draws.
    """
    return TrainingData(
        train=jnp.asarray(dataset.train if dataset.intensities is None else dataset.intensities),
        validation=jnp.asarray(dataset.validation),
        scale=jnp.asarray(dataset.scale, jnp.float32),
        offset=jnp.asarray(dataset.offset, jnp.float32),
    )


def _run(config: dict[str, Any]) -> Run:
    values = {group: split_values(group, config[group])[1] for group in VALUE_GROUPS}
    return Run(seed=jnp.uint32(config["seed"]), values=jax.tree.map(jnp.float32, values))


def _model(
    config: dict[str, Any], inputs: Dataset, options: TrainerOptions, bottleneck: Bottleneck, loss: Loss
) -> FunctionalModel:
    """The model of a checked config, for what a bottleneck takes of the encoder, and a loss of the decoder."""
    construct, widths = bind(config["model"]), {"code_width": bottleneck.width}
    if loss.output_width > 1:
        widths["output_width"] = loss.output_width
    _check_widths(config, widths)
    model = functional(
        lambda rngs: construct(feature_shape=inputs.feature_shape, **widths, rngs=rngs),
        inputs.num_features,
        precision=options.precision,
        matmul_precision=options.matmul_precision,
    )
    check_variables(model)
    _check_size(model)
    return model


def _check_widths(config: dict[str, Any], widths: dict[str, int]) -> None:
    """Refuse a model that makes one number where several are taken."""
    for group, part, of, each in (
        ("bottleneck", "code_width", "encoder", "latent dimension"),
        ("loss", "output_width", "decoder", "feature"),
    ):
        width = widths.get(part, 1)
        if width > 1 and part not in signature(resolve(config["model"]["_target_"])).parameters:
            name = short_target(config[group]["_target_"])
            problem = f"takes {width} numbers of the {of} for each {each}, and the model makes one"
            raise UserError(f"{group}={name}", problem, f"give its constructor a parameter {part}, and use it")


def _check_size(model: FunctionalModel) -> None:
    """Refuse a model whose parameters alone are more than there is memory: to find out by filling it takes long."""
    size = sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(model.abstract_params))
    free = available_bytes() if size > _LARGE else None
    if free is not None and size > free:
        problem = f"has parameters of {size / 2**30:,.1f} GiB, there is room for {free / 2**30:,.1f} GiB"
        raise UserError("model", problem, "choose smaller sizes")


def _options(node: dict[str, Any]) -> Any:
    return bind(node)()
