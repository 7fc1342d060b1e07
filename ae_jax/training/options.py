"""How long and in what pieces to train: the same for every model, loss and optimizer."""

from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator

from ae_jax.models.precision import MatmulPrecision
from ae_jax.typing import NonNegative, Size


def _without_split(name: str) -> str:
    """A column of metrics.jsonl by what it is of: `kl` of `validation_kl`, `objective` of `validation_loss`."""
    own = name.removeprefix("validation_")
    return "objective" if own == "loss" else own


class TrainerOptions(NamedTuple):
    """Options of the trainer, the keys of `conf/trainer/*.yaml`.

    Attributes:
        num_epochs: Most passes over the training split (the iteration limit).
        batch_size: Examples per update; the last batch of an epoch may be smaller.
        monitor: What chooses the best epoch, measured on the validation split, the lower the better: `objective`
            (validation_loss in metrics.jsonl), `sse`, or a term of the objective, such as `distortion` or `kl`.
        patience: Epochs without improvement of what is monitored after which a run has converged; null: never.
        min_delta: Decrease of it, in its own units, that counts as improvement for `patience`.
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
    monitor: Annotated[str, AfterValidator(_without_split)] = "objective"
    data_parallel: Size = 1
