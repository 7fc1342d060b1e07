"""How much of the class is in the latent: accuracy of k nearest neighbours, and of a linear probe.

Both are fitted to the training split's latents and labels; see `evaluation.neighbours` and `evaluation.probe`.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Annotated, NamedTuple

import numpy as np
from annotated_types import Gt, MinLen

from ae_jax.datasets import Dataset
from ae_jax.errors import UserError
from ae_jax.evaluation.base import Evaluation, Found, Subject
from ae_jax.evaluation.intervals import wilson
from ae_jax.evaluation.measure import batches
from ae_jax.evaluation.method import AUTOENCODER
from ae_jax.evaluation.neighbours import nearest_labels
from ae_jax.evaluation.probe import fit_probe
from ae_jax.runs.measures import Measure
from ae_jax.typing import Size

PIXELS = "pixels"
"""The method that gives inputs as they are."""
Penalties = Annotated[Sequence[Annotated[float, Gt(0)]], MinLen(1)]
_Encode = Callable[[np.ndarray], np.ndarray]
_SPLITS = ("validation", "test")


class _Options(NamedTuple):
    num_neighbors: int
    penalties: tuple[float, ...]


class _Labelled(NamedTuple):
    """Latents of a split, and their classes from 0 on; as many as there are in training for one that it lacks."""

    latents: np.ndarray
    classes: np.ndarray


class _Correct(NamedTuple):
    """Shares of a split that are classified correctly, by measure, and of how many examples they are."""

    shares: dict[str, float]
    num: int


def classification(*, num_neighbors: Size, penalties: Penalties) -> Evaluation:
    """Classify latents of each method, and inputs as they are (`pixels`), on the validation and the test split.

    Latents are taken as they are, not standardised: how far apart a method puts two examples is what it says of them.
    A common factor changes nothing. Where several classes have most votes, the smallest number of them is taken, as
    scikit-learn does. The penalty of the probe is the one with the highest accuracy on the validation split, of equal
    ones the largest; so `linear_accuracy` there is a little too high. Intervals are Wilson's, over the examples.

    Where `dataset.keep_labels` leaves classes out of training, their test examples are left out here: nothing could be
    said of them.

    Args:
        num_neighbors: Neighbours that vote, each alike.
        penalties: Candidates for the probe's, in units of the latents' mean variance.

    Reference:
        Cover & Hart, Nearest neighbor pattern classification, 1967; for the probe `evaluation.probe`.
    """
    neighbors, linear = f"{num_neighbors}-NN accuracy", "accuracy of a linear probe"
    measures = (
        Measure("knn_accuracy", neighbors, neighbors, more_is_better=True),
        Measure("linear_accuracy", "linear accuracy", linear, more_is_better=True),
    )
    ask = partial(_ask, options=_Options(num_neighbors, tuple(penalties)))
    return Evaluation(measures, ask, needs=("labels", "classes"))


def _ask(subject: Subject, *, options: _Options) -> Found:
    encoders: dict[str, _Encode] = {method.name: method.encode for method in subject.methods} | {PIXELS: _as_they_are}
    # What does not differ from run to run is measured once.
    found = {
        name: (_measure if name == AUTOENCODER else _measured_once)(subject.dataset, encode, options)
        for name, encode in encoders.items()
    }
    return Found(
        {name: {split: one.shares for split, one in splits.items()} for name, splits in found.items()},
        {
            name: {
                split: {measure: wilson(share, one.num) for measure, share in one.shares.items()}
                for split, one in splits.items()
            }
            for name, splits in found.items()
        },
    )


def _measure(dataset: Dataset, encode: _Encode, options: _Options) -> dict[str, _Correct]:
    """Fit to the training split, and measure the others."""
    assert dataset.labels is not None  # as is needed
    known = np.unique(dataset.labels["train"])
    if len(known) < 2:
        problem = f"has the class {known[0]} alone in its training split"
        raise UserError(f"dataset={dataset.name}", problem, "give examples of others, or leave out the classification")
    if options.num_neighbors > len(dataset.train):
        problem = f"{options.num_neighbors} is more than the {len(dataset.train)} training examples"
        raise UserError("evaluations.classification.num_neighbors", problem, "ask for fewer")
    train = _labelled(dataset, "train", encode, known)
    held_out = {split: _labelled(dataset, split, encode, known) for split in _SPLITS}
    voters, number = (train.latents, train.classes), int(train.classes.max()) + 1
    voted = {
        split: nearest_labels(*voters, one.latents, options.num_neighbors, number) for split, one in held_out.items()
    }
    probed = _probed(train, held_out, options.penalties)
    return {
        split: _Correct(
            {
                "knn_accuracy": float(np.mean(voted[split] == one.classes)),
                "linear_accuracy": float(np.mean(probed[split] == one.classes)),
            },
            len(one.classes),
        )
        for split, one in held_out.items()
    }


_measured_once = lru_cache(maxsize=64)(_measure)


def _as_they_are(x: np.ndarray) -> np.ndarray:
    return x


def _labelled(dataset: Dataset, split: str, encode: _Encode, known: np.ndarray) -> _Labelled:
    assert dataset.labels is not None  # as is needed
    latents = np.concatenate([encode(x) for x in batches(dataset, split)])
    labels = dataset.labels[split]  # type: ignore[index] # a split's name
    there = np.isin(labels, known)
    classes = np.where(there, np.searchsorted(known, labels), len(known))
    if dataset.kept_labels is None:
        return _Labelled(latents, classes)
    return _Labelled(latents[there], classes[there])


def _probed(train: _Labelled, held_out: dict[str, _Labelled], penalties: tuple[float, ...]) -> dict[str, np.ndarray]:
    """The classes that a probe gives to each split, with the penalty that is best on validation."""
    probe = fit_probe(train.latents, train.classes, int(train.classes.max()) + 1)
    validation = held_out["validation"]
    ordered = sorted(penalties, reverse=True)
    correct = [np.mean(one == validation.classes) for one in probe.classes(validation.latents, ordered)]
    chosen = ordered[int(np.argmax(correct))]
    return {split: probe.classes(one.latents, [chosen])[0] for split, one in held_out.items()}
