"""What stands beside the features of an example: its class, or the split that it belongs to."""

import re

import numpy as np
from jaxtyping import Int64, Shaped

from ae_jax.datasets.base import SPLITS, Split, split_examples
from ae_jax.errors import UserError

_WORDS = {
    "train": ("train", "training", "tr", "trn"),
    "validation": ("validation", "val", "valid", "validate", "vld", "dev", "development"),
    "test": ("test", "testing", "te", "tst", "eval", "evaluation", "holdout", "heldout"),
}
_SPLIT_WORDS = {word: split for split, words in _WORDS.items() for word in words}
_FILLING = re.compile(r"[ _-]|((set|split|data)?[ _-]*\d*)$")
# What a column of numbers is called that says it, too; by the shorter names, one of yes and no.
_SPLIT_NAME = re.compile(
    r"(data)?[ _-]?(split|partition)|(is|in)[ _-]?(train(ing)?|test(ing)?|val(id(ation)?)?|dev)", re.I
)


def says_split(name: str) -> bool:
    """Whether a column's name says that it holds splits."""
    return _SPLIT_NAME.fullmatch(name.strip()) is not None


def split_said(word: str) -> str | None:
    """The split that a word means, None if it means none."""
    return _SPLIT_WORDS.get(_FILLING.sub("", word.strip().lower()))


def _are_splits(words: list[str]) -> bool:
    """Whether all are splits, or training and another split are among them."""
    said = {split_said(word) for word in words}
    return None not in said or {"train", "test"} <= said or {"train", "validation"} <= said


def as_classes(
    labels: Shaped[np.ndarray, "..."], num_examples: int, *, name: str
) -> tuple[Int64[np.ndarray, " examples"], list[str] | None]:
    """Class numbers, and their names if the labels are text.

    Args:
        labels: One for each example, perhaps as a column; any type.
        num_examples: How many there are.
        name: Of the column.

    Raises:
        UserError: If there are not as many, one is missing or a fraction, or they say which split an example is of.
    """
    key = "dataset.label_column"
    if labels.size == num_examples:
        labels = labels.reshape(-1)  # a column
    if labels.shape != (num_examples,):
        columns = labels.ndim == 2 and len(labels) == num_examples
        remedy = "give one number or word for each example" + ": labels.argmax(axis=1), if they are one-hot" * columns
        raise UserError(key, f"labels have shape {labels.shape}, expected ({num_examples},)", remedy)
    if np.ma.is_masked(labels) or any(label is None for label in labels.tolist()):
        raise UserError(key, "some labels are missing", "fill them first")
    plain = np.ma.getdata(labels)
    is_text = plain.dtype.kind not in "biuf"
    held = np.unique(plain.astype(str) if is_text else plain).tolist()
    is_flag = len(held) <= 2 and {str(label).lower() for label in held} <= {"0", "1", "true", "false"}
    if says_split(name) or (split_said(name) and is_flag) or (is_text and _are_splits(held)):
        told = ", ".join(map(str, held[:4]))
        problem = f"{name!r} says which split an example is of ({told:.60}), not its class, and would not be followed"
        raise UserError(key, problem, "name it in dataset.split_column, or call the column otherwise")
    if plain.dtype.kind in "biu":
        return plain.astype(np.int64), None
    if plain.dtype.kind == "f":
        if not (np.isfinite(plain).all() and (plain == np.round(plain)).all()):
            raise UserError(key, "holds fractions or NaN, expected classes", "name another column")
        return plain.astype(np.int64), None
    classes, numbers = np.unique(plain.astype(str), return_inverse=True)
    return numbers.astype(np.int64), classes.tolist()


def named_split(words: Shaped[np.ndarray, "..."], num_examples: int, *, validation: float, split_seed: int) -> Split:
    """The split that a column says: train, validation (val, dev) or test for each example.

    Args:
        words: One for each example, perhaps as a column.
        num_examples: How many there are.
        validation: The share of the training examples that is dealt to validation, where no example says that.
        split_seed: Seed of the order, and of that deal.

    Raises:
        UserError: If a word says no split, or one is empty.
    """
    key = "dataset.split_column"
    if words.size != num_examples or np.ma.is_masked(words) or any(word is None for word in words.ravel().tolist()):
        raise UserError(key, f"does not hold a word for each of the {num_examples} examples", "fill it first")
    said = np.ma.getdata(words).ravel().astype(str)
    held, numbers = np.unique(said, return_inverse=True)
    meant = [split_said(word) for word in held.tolist()]
    if None in meant:
        problem = f"holds {held[meant.index(None)].item()!r:.60}, expected the words {', '.join(SPLITS)}"
        raise UserError(key, problem, "write one of them for each example")
    split_of = np.array([SPLITS.index(split) for split in meant if split is not None])[numbers]
    order = np.random.default_rng(split_seed).permutation(num_examples)
    train, validating, test = (order[split_of[order] == index] for index in range(len(SPLITS)))
    for split, positions in {"train": train, "test": test}.items():
        if not len(positions):
            raise UserError(key, f"says {split} for no example", f"write {split} for some")
    if not len(validating):
        dealt = split_examples(len(train), validation=validation, test=0, split_seed=split_seed)
        train, validating = train[dealt.train], train[dealt.validation]
    return Split(train=train, validation=validating, test=test)
