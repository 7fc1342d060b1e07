r"""Whether an example is of a class that training lacks: what is reconstructed badly is.

    s(x) = \lVert x - \hat x \rVert^2

Methods are fitted to the classes of `dataset.keep_labels`, and asked about a test split that has all.
"""

import numpy as np

from ae_jax.evaluation.base import Evaluation, Found, Subject
from ae_jax.evaluation.detection import detection
from ae_jax.evaluation.measure import measure
from ae_jax.runs.measures import Measure

_MEASURES = (
    Measure("auroc", "AUROC", "area under the ROC curve (AUROC)", more_is_better=True),
    Measure("average_precision", "average precision", "average precision", more_is_better=True),
    Measure("kept_sse", "sse of the kept classes", "squared error per example of kept classes", False, has_ratio=True),
)


def anomaly() -> Evaluation:
    """Detect classes that training lacks by the squared error, on the test split.

    Positive examples are those of other classes than `dataset.keep_labels`. `auroc` is the probability that one of
    them has a larger error than one of a kept class, and has the interval of DeLong et al. (1988); `average_precision`
    is by chance their share of the split, nine tenths where one of ten classes is kept, and has the logit interval of
    Boyd et al. (2013). `kept_sse` is the mean error of the kept classes: beside it, what the measures of
    `reconstruction` say of the test split is of all classes.

    Arrays are `METHOD_roc`, shape "2 points": rates of false and of true alarms.

    Reference:
        Ruff et al., Deep One-Class Classification, 2018, for one class of MNIST against all others.
    """
    return Evaluation(_MEASURES, _ask, needs=("labels", "keep_labels"))


def _ask(subject: Subject) -> Found:
    dataset, values, intervals, arrays = subject.dataset, {}, {}, {}
    assert dataset.labels is not None  # as is needed
    positive = ~np.isin(dataset.labels["test"], dataset.kept_labels or ())
    for method in subject.methods:
        errors = measure(dataset, "test", method, subject.pca).errors
        assert errors is not None  # of the test split they are kept
        found = detection(errors, positive)
        kept = {"kept_sse": None if positive.all() else float(errors[~positive].mean())}
        values[method.name] = {"test": kept | {"auroc": None, "average_precision": None}}
        if found is not None:
            values[method.name]["test"] |= {"auroc": found.auroc, "average_precision": found.average_precision}
            own = {"auroc": found.auroc_interval, "average_precision": found.average_precision_interval}
            intervals[method.name] = {"test": own}
            arrays[f"{method.name}_roc"] = found.roc
    return Found(values, intervals, arrays)
