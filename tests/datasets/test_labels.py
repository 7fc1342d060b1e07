"""Columns beside the features: classes, and the split that the data say, which is followed or refused, never lost."""

import numpy as np
import pytest

from tests.datasets.test_array import load, refuses, write_csv

WORDS = np.array(["train", "Training", "test", "val", "train"])[np.arange(60) % 5]


@pytest.mark.parametrize("suffix", ["npz", "csv"])
def test_a_split_that_the_data_say_is_followed(tmp_path, suffix):
    values = np.arange(60.0)[:, None] ** 2
    path = tmp_path / f"t.{suffix}"
    if suffix == "npz":
        np.savez(path, x=values, part=WORDS[:, None])
    else:
        write_csv(path, "x,part\n" + "".join(f"{x},{word}\n" for x, word in zip(values[:, 0], WORDS, strict=True)))
    data = load(path, split_column="part")
    for split, words in {"train": ["train", "Training"], "validation": ["val"], "test": ["test"]}.items():
        np.testing.assert_array_equal(
            np.sort(getattr(data, split), axis=0), values[np.isin(WORDS, words)].astype(np.float32)
        )
    assert data.provenance["counts"] == {"train": 36, "validation": 12, "test": 12}


def test_validation_is_dealt_from_training_where_the_split_names_none(tmp_path):
    words = np.where(WORDS == "test", "test", "train")
    np.savez(tmp_path / "t.npz", x=np.arange(60.0)[:, None], part=words)
    data = load(tmp_path / "t.npz", split_column="part")
    assert data.provenance["counts"] == {"train": 38, "validation": 10, "test": 12}  # 0.2 of 48
    np.testing.assert_array_equal(np.sort(data.test[:, 0]), np.flatnonzero(words == "test"))


SPLITS = {
    "word": (["train", "test", "extra"], "dataset.split_column: holds 'extra', expected the words train, validation"),
    "no-test": (["train", "val"], "dataset.split_column: says test for no example"),
    "no-train": (["dev", "test"], "dataset.split_column: says train for no example"),
    "missing": (["train", "test", ""], "dataset.split_column: does not hold a word for each of the 60"),
    "numbers": ([0, 1], "dataset.split_column: holds '0', expected the words"),
}


@pytest.mark.parametrize(("words", "message"), SPLITS.values(), ids=SPLITS)
def test_a_split_that_says_something_else_is_refused(tmp_path, words, message):
    text = "x,part\n" + "".join(f"{i},{words[i % len(words)]}\n" for i in range(60))
    refuses(write_csv(tmp_path / "t.csv", text), message, split_column="part")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("split", "train,test"),
        ("set", "train,val,test"),
        ("part", "Training,Validation"),
        ("subset", "dev,test,train"),
        ("phase", "train set,test set"),
        ("part", "train_1,test_1"),
        ("part", "train,test,unlabelled"),
        ("is_train", "True,False"),
        ("test", "True,False"),
        ("is_test", "0,1"),
        ("split", "0,1,2"),
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "npz"])
def test_labels_that_say_a_split_are_refused(tmp_path, name, words, suffix):
    words, path = words.split(","), tmp_path / f"t.{suffix}"
    said = [words[i % len(words)] for i in range(60)]
    if suffix == "npz":
        np.savez(path, x=np.arange(60.0)[:, None], **{name: np.array(said)})
    else:
        write_csv(path, f"x,{name}\n" + "".join(f"{i},{word}\n" for i, word in enumerate(said)))
    message = f"dataset.label_column: '{name}' says which split an example is of .*; name it in dataset.split_column"
    refuses(path, message, label_column=name)
    if suffix == "csv" and not words[0].isdigit() and words[0] != "True":
        refuses(path, "is not numeric .* or name it in dataset.split_column")


@pytest.mark.parametrize("shape", [(60, 1), (1, 60), (60, 1, 1)])
def test_labels_may_be_a_column(tmp_path, shape):
    labels = np.arange(60) % 3
    np.savez(tmp_path / "t.npz", x=np.arange(60.0)[:, None] ** 2, y=labels.reshape(shape))
    data = load(tmp_path / "t.npz", label_column="y")
    np.testing.assert_array_equal(data.labels["test"], np.sqrt(data.test[:, 0]).round().astype(int) % 3)


def test_labels_in_one_hot_code_are_told_how_to_be_numbers(tmp_path):
    np.savez(tmp_path / "t.npz", x=np.arange(60.0)[:, None], y=np.eye(3)[np.arange(60) % 3])
    refuses(
        tmp_path / "t.npz", r"labels have shape \(60, 3\), .*argmax\(axis=1\), if they are one-hot", label_column="y"
    )
