"""What a run is, what it carries from epoch to epoch, and what it reports."""

import enum
from collections.abc import Callable
from typing import NamedTuple

import optax
from jaxtyping import Array, Bool, Float, Int, Num, PyTree, UInt32

from ae_jax.losses import Loss
from ae_jax.models import FunctionalModel
from ae_jax.models.precision import MatmulPrecision
from ae_jax.typing import Batch


class Structure(NamedTuple):
    """What is compiled in: all of a config but its values.

    Attributes:
        model: Pure functions of the parameters.
        corrupt: `(key, x, **values)` to corrupted x.
        make_loss: `(**values)` to a loss.
        make_optimizer: `(**values, num_steps=…)` to an Optax transformation.
        num_epochs: Most epochs.
        batch_size: Examples per update.
        patience: Epochs without improvement until convergence, or None.
        matmul_precision: How exactly products of float32 are computed, see `models.precision`.
    """

    model: FunctionalModel
    corrupt: Callable[..., Batch]
    make_loss: Callable[..., Loss]
    make_optimizer: Callable[..., optax.GradientTransformation]
    num_epochs: int
    batch_size: int
    patience: int | None
    matmul_precision: MatmulPrecision = "float32"


class Run(NamedTuple):
    """What is traced: the seed, and the floats of corruption, loss, optimizer and trainer by their config names."""

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


class Best(NamedTuple):
    """The parameters with the lowest validation loss so far, that loss, and the number of epochs they had trained."""

    params: PyTree
    validation_loss: Float[Array, "*runs"]
    epoch: Int[Array, "*runs"]


class TrainState(NamedTuple):
    """All that a run carries from epoch to epoch; with its `Run` it determines the rest of training.

    Attributes:
        params: Parameters after the last good epoch.
        opt_state: State of the optimizer.
        epoch: Epochs completed.
        best: See `Best`.
        reference_loss: The validation loss that the next one has to undercut by `min_delta`.
        stale_epochs: Epochs since it was last undercut.
        status: A `Status`.
    """

    params: PyTree
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
        status: The run's `Status` after the epoch.
    """

    epoch: Int[Array, "*runs"]
    trained: Bool[Array, "*runs"]
    train_loss: Float[Array, "*runs"]
    validation_loss: Float[Array, "*runs"]
    validation_sse: Float[Array, "*runs"]
    status: Int[Array, "*runs"]
