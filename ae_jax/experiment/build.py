"""The only file that turns the config of an experiment into objects.

`targets.bind` makes a component from its structure; its values come later, as traced arrays.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from ae_jax.config.check import VALUE_GROUPS, split_values
from ae_jax.config.targets import ALLOWED_MODULES, OWN_PACKAGE, bind, is_within, resolve
from ae_jax.corruptions.none import none
from ae_jax.datasets import Dataset
from ae_jax.errors import UserError
from ae_jax.experiment.data import Data, at_hand, load_data
from ae_jax.losses import Loss
from ae_jax.models import FunctionalModel, functional
from ae_jax.models.check import check_examples, check_state
from ae_jax.tracking.wandb_run import TrackingOptions
from ae_jax.training import Run, Structure, TrainerOptions, TrainingData
from ae_jax.training.memory import available_bytes

_LARGE = 1 << 30  # bytes
# For a table: `unit_interval` alone is fitted on the training split, and the others may leave it.
_UNIT_INTERVAL = "with dataset=array, dataset.scaling=unit_interval_clipped puts all of it into [0, 1]"


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
        corrupts: Whether the corruption is any but none.
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
    options, data = _options(config["trainer"]), data or load_data(config)
    inputs = data.inputs
    structures = {group: split_values(group, config[group])[0] for group in VALUE_GROUPS}
    model = _model(config["model"], inputs, options)
    structure = Structure(
        model=model,
        corrupt=bind(structures["corruption"]),
        make_loss=bind(structures["loss"]),
        make_optimizer=bind(structures["optimizer"]),
        num_epochs=options.num_epochs,
        batch_size=min(options.batch_size, data.num_train),
        patience=options.patience,
        matmul_precision=options.matmul_precision,
    )
    run = _run(config)
    _check_optimizer(config["optimizer"]["_target_"], structure, run)
    _check_link(structure.make_loss(**run.values["loss"]), inputs)
    corruption = resolve(config["corruption"]["_target_"])
    if getattr(corruption, "needs_unit_interval", False) and not inputs.unit_interval:
        raise UserError("corruption", f"is for data in [0, 1], those of {inputs.name} are not", _UNIT_INTERVAL)
    return Experiment(
        inputs=inputs,
        load=data.load,
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


def _model(node: dict[str, Any], inputs: Dataset, options: TrainerOptions) -> FunctionalModel:
    """The model of a checked config; one of the user's own is looked at more closely, as no test has done so."""
    construct = bind(node)
    try:
        model = functional(
            lambda rngs: construct(feature_shape=inputs.feature_shape, rngs=rngs),
            precision=options.precision,
            matmul_precision=options.matmul_precision,
        )
    except KeyError as error:
        if "RngStream" not in str(error):
            raise
        problem = f"draws random numbers after its initialisation ({error.args[0]})"
        raise UserError(
            "model", f"{problem}, which is not supported yet", "leave it out, or use corruption=…"
        ) from error
    check_state(model.abstract_params)
    _check_size(model)
    if not is_within(node["_target_"], (OWN_PACKAGE,)):
        check_examples(model, inputs.num_features)
    return model


def _check_optimizer(target: str, structure: Structure, run: Run) -> None:
    """Refuse one of another package that needs more than a config can give, or than gradient and parameters."""
    if not is_within(target, ALLOWED_MODULES[1:]):
        return  # a bug in one's own shows its traceback, when it trains

    def step(values: Any, params: Any) -> Any:
        optimizer = structure.make_optimizer(**values, num_steps=1)
        state = optimizer.init(params)
        return state, optimizer.update(params, state, params)

    remedy = "give it other values, or choose another optimizer"
    try:
        state, _ = jax.eval_shape(step, run.values["optimizer"], structure.model.abstract_params)
    except Exception as error:  # of any type, as each of them checks its arguments in its own way
        reason = (str(error).strip() or type(error).__name__).splitlines()[0].partition(". ")[0]
        problem = f"cannot make a step with what it is given ({reason})"
        raise UserError(f"optimizer={target}", problem, remedy) from error
    for leaf in jax.tree.leaves(state):
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) or leaf.size == 0:
            kind = "arrays without a value" if leaf.size == 0 else "random keys"
            raise UserError(f"optimizer={target}", f"keeps {kind}, which cannot be saved", remedy)


def _check_size(model: FunctionalModel) -> None:
    """Refuse a model whose parameters alone are more than there is memory: to find out by filling it takes long."""
    size = sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(model.abstract_params))
    free = available_bytes() if size > _LARGE else None
    if free is not None and size > free:
        problem = f"has parameters of {size / 2**30:,.1f} GiB, there is room for {free / 2**30:,.1f} GiB"
        raise UserError("model", problem, "choose smaller sizes")


def _options(node: dict[str, Any]) -> Any:
    return bind(node)()
