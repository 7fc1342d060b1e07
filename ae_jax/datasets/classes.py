"""Which classes a method is trained on: all of them, or some, as for the detection of anomalies."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ae_jax.datasets.base import Labels, Split
from ae_jax.errors import UserError

KeepLabels = Sequence[int] | None
"""Class numbers, or None for all.

The training and the validation split keep the examples of these classes alone; the test split keeps all. So everything
that is fitted, scaling and PCA included, and everything that is selected by validation knows these classes alone.
Measures of the two splits are of these classes. **Measures of the test split are of all classes:** a small test error
then is no merit, as a method that reconstructs the others well cannot tell them apart. What a method makes of its own
classes, the validation split says, and `kept_sse` of `evaluation=anomaly` on the test split; what it detects,
`auroc` and `average_precision`.
"""
_KEY, _FEWEST, _MOST_NAMED = "dataset.keep_labels", {"train": 2, "validation": 1}, 12


def keep_classes(split: Split, labels: Labels | None, keep: KeepLabels, *, names: Sequence[str] | None = None) -> Split:
    """The same split, with examples of some classes alone in training and validation, in their order.

    Args:
        split: Positions in `labels`; the test split stays as it is.
        labels: The class of each example; None: there are none.
        keep: See `KeepLabels`.
        names: Of the classes by their numbers, where they have some.

    Raises:
        UserError: If there are no labels, a class is not among them, all are kept, or too few examples are left.
    """
    if keep is None:
        return split
    if labels is None:
        raise UserError(_KEY, "needs labels, and these data have none", "name them in dataset.label_column")
    _check(keep, np.unique(labels), names)
    train, validation = (part[np.isin(labels[part], keep)] for part in (split.train, split.validation))
    for name, left in {"train": train, "validation": validation}.items():
        if len(left) < _FEWEST[name]:
            problem = f"{_told(keep)} leaves {len(left)} {name} examples, expected at least {_FEWEST[name]}"
            raise UserError(_KEY, problem, "keep other classes, or hold out another share")
    return split._replace(train=train, validation=validation)


def kept_provenance(keep: KeepLabels) -> dict[str, Any]:
    """What the provenance says of it; nothing where all classes are kept."""
    return {} if keep is None else {"keep_labels": list(keep)}


def _check(keep: Sequence[int], classes: Labels, names: Sequence[str] | None) -> None:
    if not len(keep):
        raise UserError(_KEY, "names no class", "name one at least, or null for all")
    if len(set(keep)) < len(keep):
        raise UserError(_KEY, f"{_told(keep)} names a class twice", "name each once")
    absent = [number for number in keep if number not in classes]
    if absent:
        known = [f"{number} ({names[number]})" if names else str(number) for number in classes[:_MOST_NAMED].tolist()]
        more = ", …" if len(classes) > _MOST_NAMED else ""
        raise UserError(_KEY, f"there is no class {absent[0]}", f"choose of {', '.join(known)}{more}")
    if len(keep) == len(classes):
        raise UserError(_KEY, f"{_told(keep)} keeps every class", "write null, which means that, or leave one out")


def _told(keep: Sequence[int]) -> str:
    return f"[{','.join(map(str, keep))}]"
