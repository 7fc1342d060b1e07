r"""What is left of reconstructions, and of what latents tell, when inputs are corrupted.

    A = \frac{1}{s_m - s_1} \int_{s_1}^{s_m} \frac{1}{n} \sum_i \lVert x_i - r(c_s(x_i)) \rVert^2 \, ds

by the trapezoidal rule over levels s_1 < … < s_m of a corruption c: a mean squared error against the clean input, over
levels. All methods and all runs see the same corrupted inputs, whatever an autoencoder was trained with; PCA was fitted
to clean ones.
"""

import functools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ae_jax.datasets import Dataset
from ae_jax.evaluation.base import Evaluation, Found, Need, Subject
from ae_jax.evaluation.corrupted import Levelled, chosen, corrupted_batches
from ae_jax.evaluation.measure import batches
from ae_jax.evaluation.method import AUTOENCODER, Host, Method
from ae_jax.evaluation.neighbours import nearest_labels
from ae_jax.runs.measures import Measure
from ae_jax.typing import Size


class Curve(NamedTuple):
    """What becomes of a method over the levels of a corruption.

    Attributes:
        sse: At each level, of the test split.
        accuracy: Of nearest neighbours, at each level; None without labels.
    """

    sse: tuple[float, ...]
    accuracy: tuple[float, ...] | None


class Asked(NamedTuple):
    """What a curve is of.

    Attributes:
        corruption: The corruption.
        levels: Its levels, rising.
        num_neighbors: How many neighbours vote.
        num_queries: How many test examples are classified.
    """

    corruption: Levelled
    levels: tuple[float, ...]
    num_neighbors: int
    num_queries: int


def robustness(
    *, corruption: str | None, levels: Sequence[float] | None, num_neighbors: Size, num_queries: Size
) -> Evaluation:
    """Error against the clean test input, and the class by nearest neighbours, over levels of corruptions.

    Neighbours are among the latents of clean training examples. Arrays, of each corruption NAME: `NAME_levels`, and of
    each METHOD `NAME_sse_METHOD` and, of data with labels, `NAME_accuracy_METHOD`, a number for each level.

    Args:
        corruption: One that has a level; None: all that fit the data.
        levels: Of its strength, rising; None: a grid of its own.
        num_neighbors: How many nearest training latents vote.
        num_queries: How many of the first test examples are classified; all of them are reconstructed.

    Raises:
        UserError: If there is no such corruption, or a level that it cannot have.

    Reference:
        Hendrycks & Dietterich, Benchmarking Neural Network Robustness to Common Corruptions and Perturbations, 2019
        (the mean over levels).
    """
    asked = [
        Asked(one, grid, num_neighbors, num_queries) for one, grid in chosen("evaluation", corruption, levels).items()
    ]
    needs = _needs(asked[0].corruption) if corruption else ()
    return Evaluation(tuple(_measures(asked)), functools.partial(_ask, asked), needs)


def _needs(corruption: Levelled) -> tuple[Need, ...]:
    needs: list[Need] = ["images"] if corruption.of_images else []
    return (*needs, "inputs in [0, 1]") if corruption.in_unit_interval else tuple(needs)


def _measures(asked: Sequence[Asked]) -> Iterator[Measure]:
    for one in asked:
        name = one.corruption.name
        words = name.replace("_", " ")
        label = f"squared error per example (sse), mean over levels of {words}"
        yield Measure(f"area_{name}", f"sse over {words}", label, False, has_ratio=True)
        label = f"accuracy of {one.num_neighbors} nearest neighbours, mean over levels of {words}"
        yield Measure(f"accuracy_area_{name}", f"accuracy over {words}", label, True)


def _ask(asked: Sequence[Asked], subject: Subject) -> Found:
    dataset, values, arrays = subject.dataset, dict[str, dict[str, float]](), dict[str, Host]()
    for one in (one for one in asked if one.corruption.fits(dataset)):
        name = one.corruption.name
        arrays[f"{name}_levels"] = np.asarray(one.levels)
        for method in subject.methods:
            curve, into = _curve_of(subject, method, one), values.setdefault(method.name, {})
            into[f"area_{name}"] = area(one.levels, curve.sse)
            arrays[f"{name}_sse_{method.name}"] = np.asarray(curve.sse)
            if curve.accuracy is not None:
                into[f"accuracy_area_{name}"] = area(one.levels, curve.accuracy)
                arrays[f"{name}_accuracy_{method.name}"] = np.asarray(curve.accuracy)
    return Found({method: {"test": found} for method, found in values.items()}, arrays=arrays)


def area(levels: Sequence[float], values: Sequence[float]) -> float:
    """The area under a curve by the trapezoidal rule, divided by the range of levels: a mean over levels."""
    return float(np.trapezoid(values, levels) / (levels[-1] - levels[0]))


def _curve_of(subject: Subject, method: Method, asked: Asked) -> Curve:
    """The curve of a method; of those that several runs share, such as PCA, it is made once."""
    make = curve.__wrapped__ if method.name == AUTOENCODER else curve
    return make(subject.dataset, method, asked)


@functools.lru_cache(maxsize=256)
def curve(dataset: Dataset, method: Method, asked: Asked) -> Curve:
    """Error and accuracy of a method at every level.

    Args:
        dataset: The data.
        method: The method.
        asked: Corruption and levels.
    """
    known = _known_latents(dataset, method) if dataset.labels else None
    errors, accuracies = list[float](), list[float]()
    for level in asked.levels:
        total, latents, num = 0.0, list[Host](), 0
        for x, seen in corrupted_batches(dataset, asked.corruption, level):
            total += float(np.sum((method.reconstruct(seen).astype(np.float64) - x) ** 2))
            if known is not None and num < asked.num_queries:
                latents.append(method.encode(seen[: asked.num_queries - num]))
                num += len(latents[-1])
        errors.append(total / len(dataset.test))
        if known is not None:
            accuracies.append(_accuracy(dataset, known, np.concatenate(latents), asked.num_neighbors))
    return Curve(tuple(errors), tuple(accuracies) if known is not None else None)


@functools.lru_cache(maxsize=2)
def _known_latents(dataset: Dataset, method: Method) -> Host:
    return np.concatenate([method.encode(x) for x in batches(dataset, "train")])


def _accuracy(dataset: Dataset, known: Host, latents: Host, num_neighbors: int) -> float:
    assert dataset.labels is not None  # or nothing is classified
    train, truth = dataset.labels["train"], dataset.labels["test"][: len(latents)]
    num_classes = 1 + max(int(labels.max()) for labels in dataset.labels.values())
    return float(np.mean(nearest_labels(known, train, latents, num_neighbors, num_classes) == truth))
