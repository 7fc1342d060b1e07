"""How long and in what pieces to train: the same for every model, loss and optimizer."""

from typing import Literal, NamedTuple

from ae_jax.models.precision import MatmulPrecision
from ae_jax.typing import NonNegative, Size


class TrainerOptions(NamedTuple):
    """Options of the trainer, the keys of `conf/trainer/*.yaml`.

    Attributes:
        num_epochs: Most passes over the training split (the iteration limit).
        batch_size: Examples per update; the last batch of an epoch may be smaller.
        patience: Epochs without improvement of the validation loss after which a run has converged; null: never.
        min_delta: Decrease of the validation loss, in its own units, that counts as improvement for `patience`.
        precision: Type that the model computes in; parameters, losses and updates stay float32.
        matmul_precision: How exactly products of float32 are computed: in float32, as it says, also where a GPU would
            take TF32 for them and a TPU bfloat16 (`default`: as the device prefers; see `models.precision`).
        data_parallel: Devices that share each batch, for large models; the rest of the devices share the runs.
        max_train_examples: Train (and fit PCA) on at most this many examples; null: on all.
    """

    num_epochs: Size
    batch_size: Size
    patience: Size | None
    min_delta: NonNegative
    precision: Literal["float32", "bfloat16"]
    max_train_examples: Size | None
    matmul_precision: MatmulPrecision = "float32"
    data_parallel: Size = 1
