"""Compare a trained model with PCA: the same measures, on the same splits, in the same units."""

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import jax
import numpy as np

from ae_jax.baselines.pca import PCA, fit_pca
from ae_jax.datasets import Dataset
from ae_jax.evaluation.competitor import Competitor, bounds, competitor, mean_log_likelihood, rate_bits
from ae_jax.evaluation.cost import COSTS
from ae_jax.evaluation.measures import example_errors, measures, total_sums
from ae_jax.evaluation.method import AUTOENCODER, BASELINE, ROWS, Host, Method, leading
from ae_jax.evaluation.subspace import principal_angles
from ae_jax.experiment.build import Experiment
from ae_jax.runs.measures import components_to_match
from ae_jax.training.streams import Stream, run_key

SPLITS = ("train", "validation", "test")
Spare = Callable[[str], AbstractContextManager[None]]
"""`with spare("what"):` makes what decorates a run; an exception in it may be the end of that alone."""


class Measured(NamedTuple):
    """A split, measured.

    Attributes:
        measures: By name, see `evaluation.measures`.
        errors: Squared error of each test example, in the order of the split; None of other splits.
    """

    measures: dict[str, float | None]
    errors: Host | None


class Comparison(NamedTuple):
    """What follows from parameters and data, as `compare` measures it.

    Attributes:
        latent_size: Numbers in the model's latent.
        limits: What PCA is limited to: as many components, unless the data have fewer, and see `evaluation.competitor`.
        measured: Each method's splits, from clean inputs.
        corrupted: Each method's test split where both see the same corrupted inputs; empty without corruption.
        terms: Of the model's objective on every split, from clean inputs: means over examples; empty where they could
            not be measured.
        rates: What follows from terms and rate: `rate_bits`, `log_likelihood`, `bits_per_dimension`, by method and
            split, where there are such.
        costs: `cost.COSTS` of each method; None where they could not be measured.
        curve: PCA's error on the test split with 0, 1, … all components.
        angles: See `angles_to_pca`.
    """

    latent_size: int
    limits: Competitor
    measured: dict[str, dict[str, Measured]]
    corrupted: dict[str, Measured]
    terms: dict[str, dict[str, float]]
    rates: dict[str, dict[str, dict[str, float]]]
    costs: dict[str, dict[str, Any]]
    curve: tuple[float, ...]
    angles: list[float] | None

    @property
    def components_to_match(self) -> int | None:
        """How many components PCA needs to match the model on the test split."""
        sse = self.measured[AUTOENCODER]["test"].measures["sse"]
        assert sse is not None  # which it is of no split
        return components_to_match(np.asarray(self.curve), sse)

    @property
    def summary(self) -> dict[str, Any]:
        """Parts of the summary: measures, PCA, model, and latencies, which stand in its part on time."""
        ours, theirs = self.measured[AUTOENCODER], self.measured[BASELINE]
        cost, pca_cost = self.costs[AUTOENCODER], self.costs[BASELINE]
        sizes = ("num_parameters", "flops_per_example")
        return {
            **{split: one.measures | self._terms_of(split) for split, one in ours.items()},
            "corrupted": {name: one.measures for name, one in self.corrupted.items()} or None,
            "pca": {
                "num_components": self.limits.num_components,
                **self.limits.summary,
                **{split: one.measures | self.rates[BASELINE][split] for split, one in theirs.items()},
                **{name: value for name, value in self.rates[BASELINE]["test"].items() if name == "log_likelihood"},
                "components_to_match": self.components_to_match,
                "test_sse_by_components": list(self.curve),
                "principal_angles_degrees": self.angles,
                **{name: pca_cost[name] for name in sizes},
            },
            "model": {"latent_size": self.latent_size, **{name: cost[name] for name in sizes}},
            "latency": {
                f"{method}{name}": one[name]
                for method, one in (("", cost), ("pca_", pca_cost))
                for name in one
                if name.startswith("latency")
            },
        }

    def _terms_of(self, split: str) -> dict[str, Any]:
        return {"terms": self.terms[split], **self.rates[AUTOENCODER][split]} if self.terms else {}

    @property
    def errors(self) -> dict[str, Host]:
        """Squared error of each test example, shape "examples", by method.

        Where there is a corruption, also from corrupted inputs, as `corrupted_` and the method.
        """
        tested = {name: splits["test"] for name, splits in self.measured.items()}
        tested |= {f"corrupted_{name}": one for name, one in self.corrupted.items()}
        return {name: one.errors for name, one in tested.items() if one.errors is not None}


def nothing_is_spared(_: str) -> AbstractContextManager[None]:
    """A `Spare` in which every exception counts."""
    return nullcontext()


def comparison(experiment: Experiment, model: Method, pca: PCA, *, spare: Spare = nothing_is_spared) -> Comparison:
    """Measure a model and PCA.

    Args:
        experiment: The config as objects; its data are what is measured.
        model: The trained model.
        pca: PCA of the data that the model was trained on, whose mean is the training mean.
        spare: Where terms, costs, angles, and errors from corrupted inputs are measured; what fails is None.
    """
    dataset, structure = experiment.dataset, experiment.structure
    limits = limits_of(experiment, model, pca)
    baseline = leading(pca, limits, structure.matmul_precision)
    methods, corrupted, angles = (model, baseline), dict[str, Measured](), None
    terms = dict[str, dict[str, float]]()
    rates = {method.name: {split: dict[str, float]() for split in SPLITS} for method in methods}
    costs: dict[str, dict[str, Any]] = {method.name: dict.fromkeys(COSTS) for method in methods}
    measured = {
        model.name: measure_splits(dataset, model, pca),
        baseline.name: measured_once(dataset, baseline, pca),
    }
    with spare("the terms of the objective"):
        terms = measure_terms(experiment, model)
        rates[model.name] = _rates(experiment, terms)
    with spare("PCA's rate and likelihood"):
        rates[baseline.name] = _rates_of_pca(experiment, pca, limits, model.latent_size)
    with spare("the angles to PCA"):
        angles = angles_to_pca(model, pca, min(model.latent_size, pca.rank))
    for method, what in zip(methods, ("the model", "PCA"), strict=True):
        with spare(f"the cost of {what}"):
            costs[method.name] = method.cost(structure.batch_size)
    with spare("the measures from corrupted inputs"):
        if model.corrupt is not None:
            corrupted = {method.name: measure(dataset, "test", method, pca, model.corrupt) for method in methods}
    return Comparison(
        latent_size=model.latent_size,
        limits=limits,
        measured=measured,
        corrupted=corrupted,
        terms=terms,
        rates=rates,
        costs=costs,
        curve=pca_curve(dataset, pca, "test"),
        angles=angles,
    )


def measure(
    dataset: Dataset, split: str, method: Method, pca: PCA, corrupt: Callable[[int, Host], Host] | None = None
) -> Measured:
    """All measures of a method on a split, from inputs as they are or as `Method.corrupt` leaves them."""
    pairs = (
        (x, method.reconstruct(x if corrupt is None else corrupt(index, x)))
        for index, x in enumerate(batches(dataset, split))
    )
    sums = total_sums(pairs, pca.mean)
    taken = measures(sums, num_features=len(pca.mean), unit_interval=dataset.unit_interval)
    return Measured(taken, example_errors(sums) if split == "test" else None)


def measure_splits(dataset: Dataset, method: Method, pca: PCA) -> dict[str, Measured]:
    """Measures on every split, from clean inputs."""
    return {split: measure(dataset, split, method, pca) for split in SPLITS}


def limits_of(experiment: Experiment, model: Method, pca: PCA) -> Competitor:
    """What PCA is limited to beside a model."""
    measured = functools.partial(num_active, experiment.dataset, model)
    return competitor(pca, experiment.bottleneck, model.latent_size, measured)


def num_active(dataset: Dataset, model: Method) -> int:
    """How many numbers of a latent are not 0, on average over the training split; at least one."""
    counts = [np.count_nonzero(model.encode(x)) for x in batches(dataset, "train")]
    return max(1, round(sum(counts) / len(dataset.train)))


measured_once = functools.lru_cache(maxsize=256)(measure_splits)


def measure_terms(experiment: Experiment, model: Method) -> dict[str, dict[str, float]]:
    """The terms of the objective on every split, from clean inputs: means over examples.

    Where examples depend on each other, in batches as those of training.
    """
    structure, dataset = experiment.structure, experiment.dataset
    num_rows = structure.batch_size if structure.couples else ROWS
    key, measured = run_key(experiment.run.seed, Stream.MEASURED_LATENT), {}
    assert model.terms is not None  # of a model it is not
    for at, split in enumerate(SPLITS):
        totals = dict.fromkeys(structure.terms, 0.0)
        for index, x in enumerate(batches(dataset, split, num_rows)):
            own = jax.random.fold_in(jax.random.fold_in(key, at), index)
            weights = (np.arange(num_rows) < len(x)).astype(np.float32)
            sums = model.terms(own, np.pad(x, ((0, num_rows - len(x)), (0, 0))), weights)
            totals = {name: total + float(sums[name]) for name, total in totals.items()}
        measured[split] = {name: total / len(getattr(dataset, split)) for name, total in totals.items()}
    return measured


def _rates(experiment: Experiment, terms: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """What follows from the terms on every split, where the bottleneck has a rate."""
    bottleneck, found = experiment.bottleneck, {}
    for split in SPLITS:
        rate = rate_bits(bottleneck, terms[split])
        bound = bounds(experiment.loss, terms[split], rate, experiment.inputs.num_features)
        found[split] = bound if rate is None else {"rate_bits": rate, **bound}
    return found


def _rates_of_pca(
    experiment: Experiment, pca: PCA, limits: Competitor, latent_size: int
) -> dict[str, dict[str, float]]:
    """The rate of quantised coordinates; and probabilistic PCA's likelihood, where the loss is one of densities."""
    rate = {} if limits.quantiser is None else {"rate_bits": limits.quantiser.rate}
    likelihoods = pca_likelihoods(experiment.dataset, pca, latent_size) if experiment.loss.is_density else {}
    named = {split: {"log_likelihood": value} for split, value in likelihoods.items()}
    return {split: {**rate, **named.get(split, {})} for split in SPLITS}


@functools.lru_cache(maxsize=64)
def pca_likelihoods(dataset: Dataset, pca: PCA, num_components: int) -> dict[str, float]:
    """See `competitor.mean_log_likelihood`; computed once per dataset."""
    return mean_log_likelihood(
        pca, num_components, {split: functools.partial(batches, dataset, split) for split in SPLITS}
    )


def angles_to_pca(model: Method, pca: PCA, num_components: int) -> list[float] | None:
    """Principal angles in degrees between an affine decoder's range and PCA's leading components, ascending.

    None if the decoder is not affine, which has no subspace to compare.
    """
    size = model.latent_size
    if size > len(pca.components):
        return None
    outputs = model.decode(np.concatenate([np.zeros((1, size)), np.eye(size)]).astype(np.float32))
    rows = outputs[1:].astype(np.float64) - outputs[0]
    probe = np.random.default_rng(0).normal(size=(8, size)).astype(np.float32)
    predicted = outputs[0] + probe @ rows
    if not np.allclose(model.decode(probe), predicted, rtol=1e-3, atol=1e-3):
        return None
    return np.degrees(principal_angles(rows, pca.components[:num_components])).tolist()


@functools.lru_cache(maxsize=64)
def pca_curve(dataset: Dataset, pca: PCA, split: str) -> tuple[float, ...]:
    """PCA's error on a split with 0, 1, … all components; computed once per dataset, as is all that follows from it."""
    curve = pca.sse_by_components([getattr(dataset, split)], scale=dataset.scale, offset=dataset.offset)
    return tuple(curve.tolist())


def fit_dataset_pca(dataset: Dataset) -> PCA:
    """PCA of the training split, fitted once per dataset and process."""
    return timed_pca(dataset)[0]


@functools.lru_cache(maxsize=16)
def timed_pca(dataset: Dataset) -> tuple[PCA, float]:
    """PCA of the training split with all components, and the wall-clock seconds that fitting it took."""
    start = time.perf_counter()
    pca = fit_pca([dataset.train], scale=dataset.scale, offset=dataset.offset)
    return pca, time.perf_counter() - start


def batches(dataset: Dataset, split: str, num_rows: int = ROWS) -> Iterator[Host]:
    """Inputs of a split in float32, a bounded number of rows at a time."""
    raw = getattr(dataset, split)
    for start in range(0, len(raw), num_rows):
        yield dataset.scaled(raw[start : start + num_rows])
