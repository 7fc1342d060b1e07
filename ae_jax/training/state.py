"""What a run is, what it carries from epoch to epoch, and what it reports."""

import enum
from collections.abc import Callable
from typing import NamedTuple

import optax
from jaxtyping import Array, Bool, Float, Int, Num, PyTree, UInt32

from ae_jax.bottlenecks import Bottleneck
from ae_jax.losses import Loss
from ae_jax.models import FunctionalModel
from ae_jax.models.precision import MatmulPrecision
from ae_jax.objectives import Carried, Value
from ae_jax.typing import Batch


class Structure(NamedTuple):
    """What is compiled in: all of a config but its values.

    Attributes:
        model: Pure functions of the parameters.
        corrupt: `(key, x, **values)` to corrupted x.
        make_bottleneck: `(**values)` to a bottleneck.
        make_loss: `(**values)` to a loss.
        objective: `(parts, carried, key, x, seen, **values)` to a value.
        make_optimizer: `(**values, num_steps=…)` to an Optax transformation.
        num_epochs: Most epochs.
        batch_size: Examples per update.
        patience: Epochs without improvement until convergence, or None.
        matmul_precision: How exactly products of float32 are computed, see `models.precision`.
        monitor: What chooses the best epoch, on the validation split: `objective`, `sse` or a term.
        couples: Whether model or bottleneck let the examples of a batch depend on each other.
        terms: What the objective is made of, by the names of its terms.
        augments: Whether corrupted examples are what they are reconstructed to, instead of the clean ones.
        binarises: Whether training examples are probabilities of 1, drawn anew in every epoch.
    """

    model: FunctionalModel
    corrupt: Callable[..., Batch]
    make_bottleneck: Callable[..., Bottleneck]
    make_loss: Callable[..., Loss]
    objective: Callable[..., Value]
    make_optimizer: Callable[..., optax.GradientTransformation]
    num_epochs: int
    batch_size: int
    patience: int | None
    matmul_precision: MatmulPrecision = "float32"
    monitor: str = "objective"
    couples: bool = False
    terms: tuple[str, ...] = ()
    augments: bool = False
    binarises: bool = False


class Run(NamedTuple):
    """What is traced: the seed, and the floats of a config's groups, by their config names."""

    seed: UInt32[Array, "*runs"]
    values: dict[str, PyTree[Float[Array, "*runs"]]]


class TrainingData(NamedTuple):
    """The splits that training reads, as they came; `raw * scale + offset` is the model's input."""

    train: Num[Array, "train_examples features"]
    validation: Num[Array, "validation_examples features"]
    scale: Float[Array, "*features"]
    offset: Float[Array, "*features"]


class Status(enum.IntEnum):
    """Whether a run still trains, and if not, why."""

    RUNNING = 0
    CONVERGED = 1
    DIVERGED = 2


class Parameters(NamedTuple):
    """What is descended.

    Attributes:
        model: Of the model.
        bottleneck: Of the bottleneck.
    """

    model: PyTree
    bottleneck: PyTree


class Best(NamedTuple):
    """The best epoch so far: that of the lowest `monitored`.

    Attributes:
        params: Its parameters.
        carried: What they are used with, see `Carried`.
        monitored: What `trainer.monitor` names, on the validation split.
        validation_loss: The objective there, which `monitored` is unless another was asked for.
        epoch: How many epochs it had trained.
    """

    params: Parameters
    carried: Carried
    monitored: Float[Array, "*runs"]
    validation_loss: Float[Array, "*runs"]
    epoch: Int[Array, "*runs"]


class TrainState(NamedTuple):
    """All that a run carries from epoch to epoch; with its `Run` it determines the rest of training.

    Attributes:
        params: Parameters after the last good epoch.
        carried: What is carried beside them and not descended, see `Carried`.
        opt_state: State of the optimizer.
        epoch: Epochs completed.
        best: See `Best`.
        reference_loss: What is monitored, as the next epoch has to undercut it by `min_delta`.
        stale_epochs: Epochs since it was last undercut.
        status: A `Status`.
    """

    params: Parameters
    carried: Carried
    opt_state: PyTree
    epoch: Int[Array, "*runs"]
    best: Best
    reference_loss: Float[Array, "*runs"]
    stale_epochs: Int[Array, "*runs"]
    status: Int[Array, "*runs"]


class EpochMetrics(NamedTuple):
    """Means over the examples of an epoch.

    Attributes:
        epoch: The number of the epoch, from 1.
        trained: Whether the run trained in it, or had stopped before; a run that diverges in it has trained.
        train_loss: The objective, on corrupted inputs, while the parameters changed.
        validation_loss: The objective after the epoch, with the same corruption noise every epoch.
        validation_sse: Squared error of the reconstructions of clean inputs, summed over features.
        train_terms: What the objective is made of, by name, as `train_loss`.
        validation_terms: The same, as `validation_loss`.
        status: The run's `Status` after the epoch.
    """

    epoch: Int[Array, "*runs"]
    trained: Bool[Array, "*runs"]
    train_loss: Float[Array, "*runs"]
    validation_loss: Float[Array, "*runs"]
    validation_sse: Float[Array, "*runs"]
    train_terms: dict[str, Float[Array, "*runs"]]
    validation_terms: dict[str, Float[Array, "*runs"]]
    status: Int[Array, "*runs"]
