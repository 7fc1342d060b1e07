"""What a loader of one's own returns is completed where that can be worked out, else refused in a line."""

import copy
import json
from typing import Any

import numpy as np
import pytest

from ae_jax.datasets import Dataset
from ae_jax.datasets.check import checked, note_absent_classes
from ae_jax.errors import UserError

RANDOM = np.random.default_rng(0)


def made(**changes: Any) -> Any:
    """A data set, with parts that may be of any type: a loader of one's own is not checked at run time."""
    splits = {name: RANDOM.random((size, 4)).astype(np.float32) for name, size in SIZES.items()}
    whole = Dataset(
        name="own",
        **splits,
        scale=1.0,
        offset=0.0,
        feature_shape=(2, 2),
        unit_interval=True,
        labels={name: np.arange(size) % 3 for name, size in SIZES.items()},
        feature_names=("a", "b", "c", "d"),
        provenance={},
    )
    changed = copy.copy(whole)
    for name, value in changes.items():
        object.__setattr__(changed, name, value)
    return changed


SIZES = {"train": 30, "validation": 6, "test": 9}
FLOATS = np.zeros((9, 4), np.float32)
LABELS = {name: np.zeros(size, int) for name, size in SIZES.items()}
MISTAKES: dict[str, tuple[Any, str]] = {
    "nothing": (None, "returned None, expected an ae_jax.datasets.Dataset"),
    "tuple": ((FLOATS, FLOATS), "returned a tuple, expected"),
    "list": (made(test=[[1.0]]), "whose test is a list; return np.asarray"),
    "float64": (made(train=np.zeros((30, 4))), "whose train is of float64, expected float32 or uint8; convert it"),
    "integers": (made(test=np.zeros((9, 4), int)), "whose test is of int64, expected float32 or uint8"),
    "images": (made(test=np.zeros((9, 2, 2), np.float32)), r"whose test has shape \(9, 2, 2\), .*; flatten"),
    "empty": (made(validation=np.zeros((0, 4), np.float32)), r"whose validation has shape \(0, 4\)"),
    "none": (made(validation=None), "whose validation is None"),
    "other-features": (made(test=np.zeros((9, 5), np.float32)), "whose test has 5 features, train 4"),
    "mixed": (made(test=np.zeros((9, 4), np.uint8)), "whose test is of uint8, train of float32"),
    "nan": (
        made(test=np.where(np.arange(36).reshape(9, 4) == 9, np.nan, FLOATS)),
        "NaN or infinite in row 2, feature 1",
    ),
    "shape": (made(feature_shape=(3, 2)), r"whose feature_shape is \(3, 2\), but an example has 4 features"),
    "shape-list": (made(feature_shape=[2, 2]), r"whose feature_shape is \[2, 2\]"),
    "scale-none": (made(scale=None), "whose scale is None, expected a finite number"),
    "scale-shape": (made(scale=np.ones(3, np.float32)), r"whose scale is float32 of shape \(3,\), expected"),
    "scale-type": (made(offset=np.ones(4)), "whose offset is float64 of shape"),
    "scale-nan": (made(scale=float("nan")), "whose scale is nan"),
    "interval": (made(unit_interval=None), "whose unit_interval is None, expected True or False"),
    "interval-untrue": (made(scale=2.0), "whose inputs in train reach from .* to .*; return unit_interval=False"),
    "labels-array": (made(labels=np.zeros(45, int)), "whose labels are no mapping of train, validation and test"),
    "labels-split": (made(labels={"train": LABELS["train"]}), "whose labels are no mapping"),
    "labels-length": (
        made(labels=LABELS | {"test": np.zeros(8, int)}),
        r"labels of test are int64 of shape \(8,\), exp",
    ),
    "labels-text": (made(labels=LABELS | {"test": np.array(["a"] * 9)}), "labels of test are <U1 of shape"),
    "names": (made(feature_names=["a", "b", "c", "d"]), "whose feature_names are no tuple of 4 texts"),
    "names-few": (made(feature_names=("a",)), "whose feature_names are no tuple of 4 texts"),
    "name": (made(name=None), "whose name is None"),
    "provenance-none": (made(provenance=None), "whose provenance is None, expected a dict"),
    "provenance-array": (made(provenance={"seed": np.int64(3)}), "a provenance that is not JSON"),
}


@pytest.mark.parametrize(("returned", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_data_set_that_cannot_be_used_is_refused(returned, message):
    with pytest.raises(UserError, match=f"^my.loader: returned .*{message.removeprefix('returned ')}") as caught:
        checked(returned, "my.loader")
    assert "; " in str(caught.value)


@pytest.mark.parametrize("provenance", [{}, {"sha256": None, "counts": []}, {"source": ["mine"]}])
def test_provenance_is_worked_out_where_it_is_missing(provenance):
    data = made(provenance=provenance)
    whole = checked(data, "my.loader")
    assert whole.provenance["counts"] == SIZES
    assert whole.provenance["sha256"].keys() == SIZES.keys()
    assert whole.with_train_limit(5).provenance["counts"]["train"] == 5
    other = copy.copy(data)
    object.__setattr__(other, "test", data.test + np.float32(1e-3))
    digests = checked(other, "my.loader").provenance["sha256"]
    assert [digests[name] == whole.provenance["sha256"][name] for name in SIZES] == [True, True, False]
    json.dumps(whole.provenance)


def test_what_a_loader_says_of_provenance_stays():
    data = made(provenance={"sha256": {"f": "0"}, "counts": dict(SIZES)})
    assert checked(data, "my.loader") is data


def test_classes_that_a_split_lacks_are_named(caplog):
    labels = LABELS | {"train": np.arange(30) % 2}
    note_absent_classes(made(labels=labels, provenance={"label_classes": ["often", "rare"]}))
    remedy = "give the splits other sizes, or choose another dataset.split_seed"
    assert caplog.messages == [
        f"no {split} example of class 'rare' (15 of 45); {remedy}" for split in ("validation", "test")
    ]


def test_many_absent_classes_are_counted(caplog):
    note_absent_classes(made(labels=LABELS | {"train": np.arange(30)}))
    assert (
        "no test example of classes 1 (1 of 45), 2 (1 of 45), 3 (1 of 45), 4 (1 of 45), 5 (1 of 45) and 24"
        in caplog.text
    )


@pytest.mark.parametrize("labels", [None, {name: np.arange(size) % 3 for name, size in SIZES.items()}])
def test_nothing_is_said_where_no_class_is_absent(caplog, labels):
    note_absent_classes(made(labels=labels))
    assert not caplog.messages
