"""What every loader returns, and the one way in which examples are split.

    input = raw · scale + offset,    mean = (1/n) Σ input over the training examples

The raw examples stay in the type of their source (a byte a pixel), and are scaled where they are used.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from annotated_types import Interval
from jaxtyping import Float32, Float64, Integer, Num, UInt8

from ae_jax.errors import UserError

SplitName = Literal["train", "validation", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "validation", "test")
Raw = UInt8[np.ndarray, "examples features"] | Float32[np.ndarray, "examples features"]
Indices = Integer[np.ndarray, " _"]
Labels = Integer[np.ndarray, " _"]

SplitFraction = Annotated[float, Interval(gt=0, lt=1)]
"""A share of all examples. It decides the shapes of the splits, so it is never traced."""

CHUNK_ELEMENTS = 1 << 22


@dataclass(frozen=True, eq=False, kw_only=True)
class Dataset:
    """Three splits of flattened examples, and how raw values become the model's input.

    Attributes:
        name: Short name, used in titles and tables.
        train: Raw training examples, uint8 where the source is, else float32. So are `validation` and `test`.
        scale: Factor from raw values to inputs, one number or one for each feature.
        offset: Added after scaling, one number or one for each feature.
        feature_shape: The shape of one example before flattening: (28, 28), or (num_features,) for a table.
        unit_interval: Whether the inputs of all three splits lie in [0, 1], which cross-entropy needs.
        labels: Class numbers for each split, or None. Training never sees them.
        feature_names: Column names of a table, else None.
        provenance: JSON-able: sources, SHA-256 of their content, counts for each split, split seed.
        intensities: Probabilities of 1, of which training draws its examples anew in every epoch, in [0, 1]; `train`
            then is one such draw. None: training sees `train`.
        kept_labels: The classes that the training and the validation split have, where that is not all of them: see
            `datasets.classes.KeepLabels`.
    """

    name: str
    train: UInt8[np.ndarray, "train features"] | Float32[np.ndarray, "train features"]
    validation: UInt8[np.ndarray, "validation features"] | Float32[np.ndarray, "validation features"]
    test: UInt8[np.ndarray, "test features"] | Float32[np.ndarray, "test features"]
    scale: float | Float32[np.ndarray, " features"]
    offset: float | Float32[np.ndarray, " features"]
    feature_shape: tuple[int, ...]
    unit_interval: bool
    labels: Mapping[SplitName, Labels] | None
    feature_names: tuple[str, ...] | None
    provenance: dict[str, Any]
    intensities: Float32[np.ndarray, "train features"] | None = None
    kept_labels: tuple[int, ...] | None = None

    @property
    def num_features(self) -> int:
        """The size of one flattened example."""
        return self.train.shape[1]

    def scaled(self, examples: SplitName | Num[np.ndarray, "examples features"]) -> Float32[np.ndarray, "_ _"]:
        """Model inputs of a split, or of raw examples of the same features.

        Args:
            examples: The name of a split, or raw examples.

        Returns:
            ``raw * scale + offset`` in float32.
        """
        raw: np.ndarray = getattr(self, examples) if isinstance(examples, str) else examples
        inputs = raw.astype(np.float32)
        inputs *= np.asarray(self.scale, np.float32)
        inputs += np.asarray(self.offset, np.float32)
        return inputs

    @cached_property
    def mean(self) -> Float64[np.ndarray, " features"]:
        """Mean of the training inputs, summed in float64 over chunks of rows."""
        total = np.zeros(self.num_features, np.float64)
        for rows in chunks(*self.train.shape):
            total += self.scaled(self.train[rows]).sum(axis=0, dtype=np.float64)
        return total / len(self.train)

    def with_train_limit(self, num_examples: int | None) -> "Dataset":
        """The same data set with only the first training examples; scaling, validation and test stay.

        Args:
            num_examples: How many to keep, or None for all.

        Raises:
            UserError: If that would leave none, or there are fewer.
        """
        if num_examples is None:
            return self
        if not 1 <= num_examples <= len(self.train):
            problem = f"limited to {num_examples} training examples, expected 1 to {len(self.train)}"
            raise UserError(f"dataset {self.name}", problem, "choose a limit in that range, or null for all")
        labels = self.labels and {**self.labels, "train": self.labels["train"][:num_examples]}
        counts = {**self.provenance["counts"], "train": num_examples}
        provenance = {**self.provenance, "counts": counts}
        intensities = None if self.intensities is None else self.intensities[:num_examples]
        train = self.train[:num_examples]
        return replace(self, train=train, intensities=intensities, labels=labels, provenance=provenance)


class Split(NamedTuple):
    """Disjoint positions of examples, each in a random order."""

    train: Indices
    validation: Indices
    test: Indices

    def take(self, labels: Labels) -> dict[SplitName, Labels]:
        """The labels of each split."""
        return {split: labels[getattr(self, split)].astype(np.int64) for split in SPLITS}

    def provenance(self, *, split_seed: int) -> dict[str, Any]:
        """Counts, seed, and a SHA-256 of the positions, which tells whether two machines split alike."""
        positions = np.concatenate(self).astype("<i8")
        return {
            "counts": {split: len(getattr(self, split)) for split in SPLITS},
            "split_seed": split_seed,
            "split_sha256": sha256(positions.tobytes()).hexdigest(),
        }


def split_examples(num_examples: int, *, validation: int | float, test: int | float, split_seed: int) -> Split:
    """Deal examples to the splits: a pure function of the counts and the seed.

    The test examples are dealt first, so they do not depend on the size of the validation split.

    Args:
        num_examples: How many there are to deal.
        validation: Size of the validation split, as a count (int) or as a share of all examples (float).
        test: Size of the test split likewise; the count 0 if the source has test examples of its own.
        split_seed: Seed of the permutation.

    Raises:
        UserError: If a split would be empty.
    """
    num_validation = _split_size(validation, num_examples, name="validation")
    num_test = 0 if isinstance(test, int) and test == 0 else _split_size(test, num_examples, name="test")
    if num_validation + num_test >= num_examples:
        problem = f"{num_validation} validation and {num_test} test examples leave none of {num_examples} for training"
        raise UserError(_size_key("validation", validation), problem, "ask for less, or give more data")
    order = np.random.default_rng(split_seed).permutation(num_examples)
    train_start = num_test + num_validation
    return Split(train=order[train_start:], validation=order[num_test:train_start], test=order[:num_test])


def chunks(num_examples: int, num_features: int) -> list[slice]:
    """Slices of rows that together cover all examples, each of a bounded number of elements."""
    rows = max(1, CHUNK_ELEMENTS // max(1, num_features))
    return [slice(start, min(start + rows, num_examples)) for start in range(0, num_examples, rows)]


def _split_size(size: int | float, num_examples: int, *, name: str) -> int:
    count = size if isinstance(size, int) else round(size * num_examples)
    if count < 1:
        problem = f"{size} of {num_examples} examples leaves the {name} split empty"
        raise UserError(_size_key(name, size), problem, "ask for at least one example, or give more data")
    return count


def _size_key(name: str, size: int | float) -> str:
    return f"dataset.{name}_{'size' if isinstance(size, int) else 'fraction'}"
