"""What an evaluation is: a question that is asked of the autoencoder, of PCA, and of whatever else there is, alike."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

import numpy as np

from ae_jax.baselines.pca import PCA
from ae_jax.datasets import Dataset
from ae_jax.evaluation.measure import Comparison
from ae_jax.evaluation.method import Method
from ae_jax.experiment.build import Experiment
from ae_jax.runs.measures import Measure
from ae_jax.typing import PRNGKey

Need = Literal["labels", "images", "classes", "keep_labels", "inputs in [0, 1]"]
"""Of data: `classes` are labels of two classes or more in training, `keep_labels` test labels that training lacks."""
Values = Mapping[str, Mapping[str, Mapping[str, float | None]]]
"""Numbers by method, split and measure. None: not defined there; what is missing was not asked."""
Intervals = Mapping[str, Mapping[str, Mapping[str, tuple[float, float]]]]


class Subject(NamedTuple):
    """What a question is asked about.

    Attributes:
        experiment: The config as objects.
        dataset: The data that are measured, with labels where there are some.
        methods: The trained autoencoder, and the PCA that stands beside it.
        pca: PCA of the training data with all components, of which that method has some.
        compare: Gives what is measured of every run; it is measured once.
        key: What the question may draw from: of the run's seed, and of its own.
    """

    experiment: Experiment
    dataset: Dataset
    methods: tuple[Method, ...]
    pca: PCA
    compare: Callable[[], Comparison]
    key: PRNGKey

    @property
    def autoencoder(self) -> Method:
        """The trained model."""
        return self.methods[0]


class Found(NamedTuple):
    """An answer.

    Attributes:
        values: Numbers.
        intervals: Of 95 %, of some of them.
        arrays: What figures are drawn from, by name.
    """

    values: Values
    intervals: Intervals = MappingProxyType({})
    arrays: Mapping[str, np.ndarray] = MappingProxyType({})


class Evaluation(NamedTuple):
    """A question.

    Attributes:
        measures: What it measures, with unit and direction.
        ask: Answers it.
        needs: What the data must have.
        check: Refuses an experiment that it cannot be asked about, with a `UserError`, before anything is trained.
    """

    measures: tuple[Measure, ...]
    ask: Callable[[Subject], Found]
    needs: tuple[Need, ...] = ()
    check: Callable[[Experiment], None] | None = None
