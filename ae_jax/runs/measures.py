"""The measures of a run: what each is called, its unit, and which way is better. docs/notation.md has the formulas."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Float

SPLITS = ("train", "validation", "test", "corrupted")
"""Where a run is measured; `corrupted` is the test split seen through the run's corruption, where it has one."""


TOLERANCE = 1e-3
"""Part of an error by which PCA may miss it and still match: a linear autoencoder trained to 99.9 % of PCA is PCA."""


def where_text(split: str) -> str:
    """Where it is measured, in words."""
    return "corrupted test inputs (PCA fitted to clean ones)" if split == "corrupted" else f"{split} split"


class Measure(NamedTuple):
    """A measure.

    Attributes:
        name: As in summary.json.
        short: For the rows of a table: name and unit.
        label: For an axis: what it is, name and unit.
        more_is_better: Whether a larger value is a better one.
        has_ratio: Whether its zero means none, so that a ratio says something: such errors are on the logarithmic
            scale. The zero of a cross-entropy is out of reach, as its floor is the entropy of the data.
        has_pca: Whether PCA has it as well; it has no part of an objective.
        unit: What a number of it is of; empty where it is a plain number or in units of the data.
    """

    name: str
    short: str
    label: str
    more_is_better: bool
    has_ratio: bool = False
    has_pca: bool = True
    unit: str = ""

    @property
    def scale(self) -> Literal["linear", "log"]:
        """On which its intervals are symmetric."""
        return "log" if self.has_ratio else "linear"


MEASURES = {
    measure.name: measure
    for measure in (
        Measure("sse", "sse, per example", "squared error per example (sse)", False, has_ratio=True),
        Measure("mse", "mse, per feature", "squared error per feature (mse)", False, has_ratio=True),
        Measure("explained_variance", "explained variance", "explained variance", True),
        Measure("psnr", "psnr, dB", "peak signal-to-noise ratio (psnr), dB", True, unit="dB"),
        Measure("bce", "bce, nats", "cross-entropy per example (bce), nats", False, unit="nats"),
    )
}

OF_SOME = {
    measure.name: measure
    for measure in (
        Measure("rate_bits", "rate, bits", "rate per example, bits", False, has_pca=False),
        Measure("log_likelihood", "log-likelihood, nats", "log-likelihood per example, nats", True, has_pca=False),
        Measure("bits_per_dimension", "bits per dimension", "bits per dimension", False, has_pca=False),
    )
}
"""Measures that follow from a rate and a likelihood, which not all bottlenecks and losses have.

PCA has some of them in summary.json, and the terminal shows them; tables show the autoencoder's.
"""

COSTS = ("num_parameters", "flops_per_example", "latency_per_example_seconds", "latency_per_batch_seconds")
"""What every run costs: columns of the table `runs` of their own, whether or not an evaluation has them as well."""

_OF_EVALUATIONS: dict[str, "Measure"] = {}
"""Measures of the evaluations of all runs that this process has read: what one is called and is, summary.json says."""

OBJECTIVE = "objective"
"""The objective itself as a measure: what training recorded of the best epoch, on the validation split alone."""
DISTORTION = "distortion"
"""The term that the loss gives."""


def measure_named(name: str) -> Measure:
    """The measure of that name: of `MEASURES`, or of an evaluation of a run that was read; any other is the objective,
    or a term of it, of which less is better.

    Whether runs have it tells `results.measured.measure_of`.
    """
    if found := MEASURES.get(name) or OF_SOME.get(name) or _OF_EVALUATIONS.get(name):
        return found
    words = name.replace("_", " ")
    label = "objective" if name == OBJECTIVE else f"{words}, a term of the objective"
    return Measure(name, words if name == OBJECTIVE else f"{words} (term)", label, False, has_pca=False)


def described(measure: Measure) -> dict[str, Any]:
    """What summary.json says of a measure of an evaluation."""
    return {key: value for key, value in measure._asdict().items() if key not in ("name", "has_pca")}


def measures_of(summary: Mapping[str, Any]) -> dict[str, Measure]:
    """Measures of a run's evaluations, as its summary.json describes them, but those that it has without them.

    These are `MEASURES`, `COSTS`, and `OF_SOME`, of which an evaluation may have a closer bound by the same name. From
    here on `measure_named` knows the others.
    """
    found, known = {}, {*MEASURES, *OF_SOME, *COSTS}
    for answer in summary.get("evaluations", {}).values():
        for name, words in answer["measures"].items():
            if name not in known:
                has_pca = any(name in split for split in answer.get("pca", {}).values())
                found[name] = Measure(name=name, has_pca=has_pca, **words)
    for name, measure in found.items():
        # PCA has it where it has it beside any run: of a likelihood it has one beside some losses alone.
        known_pca = name in _OF_EVALUATIONS and _OF_EVALUATIONS[name].has_pca
        _OF_EVALUATIONS[name] = measure._replace(has_pca=measure.has_pca or known_pca)
    return found


def methods_of(answer: Mapping[str, Any]) -> list[str]:
    """Names of the methods that an evaluation was asked of, in its part of summary.json."""
    return [key for key in answer if key not in ("options", "measures", "intervals")]


def competitor_name(*pcas: Mapping[str, Any]) -> str:
    """Which PCA stands beside an autoencoder, by its part of summary.json, or those of several seeds.

    See `evaluation.competitor`.
    """
    size, number = competitor_size(*pcas), pcas[0]["num_components"]
    if any("rate_bits" in pca for pca in pcas):
        return f"PCA, quantised, {size}"
    if any(map(is_limited, pcas)):
        return f"PCA-{number}, {size}"
    return f"PCA, {size} component{'' if number == 1 else 's'}"


def competitor_size(*pcas: Mapping[str, Any]) -> str:
    """The same in short, where it is clear that PCA is meant: its components, unless more is limited than they.

    Seeds differ in how many numbers sparse latents turn out to use.
    """
    sizes = dict.fromkeys(map(_size, pcas))
    if len(sizes) == 1 or not any("num_active" in pca for pca in pcas):
        return next(iter(sizes))
    used = [pca.get("num_active", pca["num_components"]) for pca in pcas]
    return f"{min(used)} to {max(used)} of {pcas[0]['num_components']}"


def _size(pca: Mapping[str, Any]) -> str:
    if "rate_bits" in pca:
        return f"{round(pca['rate_bits'], 1):g} bits"
    number = pca["num_components"]
    return f"{pca['num_active']} of {number}" if "num_active" in pca else str(number)


def is_limited(pca: Mapping[str, Any]) -> bool:
    """Whether more of it is limited than its components, as beside sparse and quantised codes."""
    return "rate_bits" in pca or "num_active" in pca


def is_curve(name: str) -> bool:
    """Whether a name is of what metrics.jsonl has for every epoch, such as validation_sse."""
    return name.startswith(("train_", "validation_"))


def is_distortion_alone(terms: Iterable[str], objective: str) -> bool:
    """Whether an objective is the loss and nothing else, by the names of its terms and its own short name."""
    return objective == "rate_distortion" and set(terms) <= {DISTORTION}


def components_to_match(sse_curve: Float[np.ndarray, " numbers"], sse: float) -> int | None:
    """The smallest number of components whose error is at most `sse`, or above it by no more than `TOLERANCE` of it.

    Args:
        sse_curve: Errors for 0, 1, ... components, as from `PCA.sse_by_components`.
        sse: The error to match, in the same units on the same split.

    Returns:
        The number, or None if no entry is small enough: `sse` is below the rounding of a complete curve, lies beyond a
        truncated one, or is NaN.
    """
    matches = np.flatnonzero(sse_curve <= sse * (1 + TOLERANCE))
    return int(matches[0]) if matches.size else None
