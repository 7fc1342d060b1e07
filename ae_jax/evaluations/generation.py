"""How good samples are: what the decoder makes of latents drawn from a density of the training latents, or a prior.

The headline, without a suffix, is that of a mixture of Gaussians fitted to the latents, with as many components as the
likelihood of validation asks for; `_gaussian` is that of one Gaussian with a full covariance, `_prior` that of the
prior, where the bottleneck has one. PCA has the same on its coordinates; its prior is that of probabilistic PCA. The
method `real` is the test split, which nothing can be expected to beat: the floor.

Quality is measured in the features of a classifier that is trained here (`evaluation.features`).
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import jax
import numpy as np

from ae_jax.baselines.pca import PCA
from ae_jax.baselines.probabilistic_pca import ProbabilisticPCA
from ae_jax.datasets import Dataset
from ae_jax.evaluation.base import Evaluation, Found, Subject
from ae_jax.evaluation.distributions import frechet_distance, precision_recall
from ae_jax.evaluation.features import classifier_features, train_features
from ae_jax.evaluation.method import BASELINE, Host, Method
from ae_jax.evaluation.mixture import fit_density, fit_mixture
from ae_jax.evaluation.neighbours import nearest
from ae_jax.evaluation.walks import NUM_PAIRS, interpolations, manifold, traversals
from ae_jax.runs.measures import Measure
from ae_jax.typing import Size

_SHOWN = 64
_SUFFIXES = {"mixture": "", "gaussian": "_gaussian", "prior": "_prior"}
_WORDS = {"mixture": "a mixture of Gaussians", "gaussian": "a Gaussian", "prior": "the prior"}
Sampler = Callable[[int], Host]


class Options(NamedTuple):
    """See `generation`."""

    num_samples: int
    num_fitted: int
    num_components: tuple[int, ...]
    num_neighbors: int
    num_compared: int
    num_nearest: int


class Answer(NamedTuple):
    """What is found of one method."""

    values: dict[str, float | None]
    arrays: dict[str, Host]


def generation(
    *,
    num_samples: Size,
    num_fitted: Size,
    num_components: Sequence[Size],
    num_neighbors: Size,
    num_compared: Size,
    num_nearest: Size,
) -> Evaluation:
    r"""Fréchet distance, precision and recall of samples, and how far they are from the nearest training example.

    Arrays, for each METHOD: `samples_METHOD`, shape "samples *feature_shape", of the mixture, `samples_prior_METHOD`
    and `samples_gaussian_METHOD`; `nearest_METHOD`, the training examples that are nearest to the first ones;
    `interpolations_METHOD`, shape "pairs steps *feature_shape", between the test examples `interpolations_inputs`;
    `traversals_METHOD`, "dimensions steps *feature_shape", and which `dimensions_METHOD`; and of two latent dimensions
    `manifold_METHOD`, "rows columns *feature_shape". `samples_real` are test examples.

    Args:
        num_samples: How many are drawn of each density; as many as there are test examples, if those are fewer, so that
            the floor has the same bias.
        num_fitted: How many of the first training latents a density is fitted to.
        num_components: Of mixtures, rising; the first is taken after which the BIC on validation latents gets worse.
        num_neighbors: Of which the last tells how far a manifold reaches around an example.
        num_compared: How many samples and training examples precision and recall are measured of.
        num_nearest: For how many samples the nearest training example is looked for.

    Reference:
        Heusel et al. 2017 (Fréchet distance); Kynkäänniemi et al. 2019 (precision and recall); Ghosh et al., From
        Variational to Deterministic Autoencoders, 2020 (densities fitted to latents after training).
    """
    numbers = tuple(sorted(num_components))
    options = Options(num_samples, num_fitted, numbers, num_neighbors, num_compared, num_nearest)
    return Evaluation(tuple(_measures()), functools.partial(_ask, options), ("labels",))


def _measures() -> Iterator[Measure]:
    for name, suffix in _SUFFIXES.items():
        of, short = f"of samples from {_WORDS[name]}", f", {name}" if suffix else ""
        label = f"Frechet distance {of}, in features of a small classifier"
        yield Measure(f"frechet_lenet{suffix}", f"Frechet distance{short}", label, False, has_ratio=True)
        yield Measure(f"precision_lenet{suffix}", f"precision{short}", f"precision {of}", True)
        yield Measure(f"recall_lenet{suffix}", f"recall{short}", f"recall {of}", True)
    label = "distance of samples to the nearest training example"
    yield Measure("nearest_train_distance", "distance to the nearest", label, True)
    label = "distance of samples to the nearest training example, divided by that of test examples"
    yield Measure("nearest_train_ratio", "nearest, ratio to test", label, True)


def _ask(options: Options, subject: Subject) -> Found:
    dataset, values, arrays = subject.dataset, dict[str, dict[str, dict[str, float | None]]](), dict[str, Host]()
    drawn = np.asarray(jax.random.key_data(subject.key))
    test = dataset.scaled(dataset.test[: _num(dataset, options)])
    values["real"] = {"test": _quality(dataset, test, options) | _distances(dataset, test, options)[0]}
    for method in subject.methods:
        if method.name == BASELINE:
            answer = _of_pca(dataset, method, subject.pca, options)
        else:
            answer = of_method(dataset, method, method.sample, options, np.random.default_rng(drawn))
        values[method.name] = {"test": answer.values}
        arrays |= {f"{name}_{method.name}": rows for name, rows in answer.arrays.items()}
    arrays |= {"samples_real": test[:_SHOWN], "interpolations_inputs": _ends(dataset)}
    return Found(values, arrays={name: _shaped(dataset, name, rows) for name, rows in arrays.items()})


def _num(dataset: Dataset, options: Options) -> int:
    return min(options.num_samples, len(dataset.test))


@functools.lru_cache(maxsize=64)
def _of_pca(dataset: Dataset, method: Method, pca: PCA, options: Options) -> Answer:
    """That of PCA, once for all runs that share it: its draws are the same for all seeds."""
    return of_method(dataset, method, _prior_of_pca(method, pca), options, np.random.default_rng(0))


def _prior_of_pca(method: Method, pca: PCA) -> Sampler:
    """Probabilistic PCA's; where it has no noise, a normal distribution of PCA's variances."""
    size = method.latent_size
    if size < pca.rank:
        return lambda num: ProbabilisticPCA(pca, size).sample(num, seed=0)
    deviations = np.sqrt(pca.variances[:size])
    return lambda num: method.decode(np.random.default_rng(0).normal(size=(num, size)) * deviations[None])


def of_method(
    dataset: Dataset, method: Method, prior: Sampler | None, options: Options, rng: np.random.Generator
) -> Answer:
    """Measure and show samples of a method.

    Args:
        dataset: The data.
        method: The method.
        prior: Makes samples of its prior; None where it has none.
        options: See `generation`.
        rng: What is drawn from.
    """
    latents = method.encode(dataset.scaled(dataset.train[: options.num_fitted]))
    validation = method.encode(dataset.scaled(dataset.validation[: options.num_fitted]))
    mixture, gaussian = fit_mixture(latents, validation, options.num_components), fit_density(latents, 1)
    samplers: dict[str, Sampler] = {
        "mixture": lambda num: method.decode(mixture.sample(num, rng)),
        "gaussian": lambda num: method.decode(gaussian.sample(num, rng)),
        **({} if prior is None else {"prior": prior}),
    }
    samples = {name: np.asarray(draw(_num(dataset, options)), np.float32) for name, draw in samplers.items()}
    values, arrays = dict[str, float | None](), dict[str, Host]()
    for name, drawn in samples.items():
        values |= {f"{key}{_SUFFIXES[name]}": value for key, value in _quality(dataset, drawn, options).items()}
        arrays[f"samples{_SUFFIXES[name]}"] = drawn[:_SHOWN]
    distances, arrays["nearest"] = _distances(dataset, samples["mixture"], options)
    return Answer(values | distances, arrays | _walks(dataset, method, latents))


def _walks(dataset: Dataset, method: Method, latents: Host) -> dict[str, Host]:
    moved = traversals(method, latents)
    made = {
        "interpolations": interpolations(method, _ends(dataset)),
        "traversals": moved.images,
        "dimensions": moved.places,
    }
    return made | ({"manifold": manifold(method, latents)} if latents.shape[1] == 2 else {})


def _ends(dataset: Dataset) -> Host:
    """Pairs of test examples: the first of each class and the first of the next; of few classes the first of all."""
    assert dataset.labels is not None  # or there are no features
    firsts = np.unique(dataset.labels["test"], return_index=True)[1]
    pairs = np.stack([firsts, np.roll(firsts, -1)], axis=1)[:NUM_PAIRS].ravel()
    return dataset.scaled(dataset.test[pairs if len(firsts) > 2 else slice(2 * NUM_PAIRS)])


def _quality(dataset: Dataset, samples: Host, options: Options) -> dict[str, float | None]:
    """In the features of the classifier, against the training split."""
    known, found = train_features(dataset), classifier_features(dataset)(samples)
    shares = precision_recall(known[: options.num_compared], found[: options.num_compared], options.num_neighbors)
    return {
        "frechet_lenet": frechet_distance(known, found),
        "precision_lenet": shares.precision,
        "recall_lenet": shares.recall,
    }


def _distances(dataset: Dataset, samples: Host, options: Options) -> tuple[dict[str, float | None], Host]:
    """How far samples are from the training split, and the examples of it that are nearest to the first ones."""
    train = dataset.scaled("train")
    found = nearest(train, samples[: options.num_nearest].astype(np.float32), 1)
    mean = float(found.distances.mean())
    beside = _test_distance(dataset, options.num_nearest)
    ratio = mean / beside if beside else None  # test examples that are training examples tell nothing
    return {"nearest_train_distance": mean, "nearest_train_ratio": ratio}, train[found.places[:_SHOWN, 0]]


@functools.lru_cache(maxsize=8)
def _test_distance(dataset: Dataset, num: int) -> float:
    """The mean distance of test examples to the nearest training example."""
    return float(nearest(dataset.scaled("train"), dataset.scaled(dataset.test[:num]), 1).distances.mean())


def _shaped(dataset: Dataset, name: str, rows: Host) -> Host:
    """Examples in their shape, which is the last axis of all but the numbers of dimensions."""
    return rows if name.startswith("dimensions") else rows.reshape(*rows.shape[:-1], *dataset.feature_shape)
