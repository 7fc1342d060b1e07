"""Classes that training keeps, of every dataset with labels; and what that says of names and of mistakes."""

import logging

import numpy as np
import pytest

from ae_jax.config import naming
from ae_jax.datasets.array import array
from ae_jax.datasets.digits import digits
from ae_jax.errors import UserError
from ae_jax.evaluation.asked import asked
from ae_jax.experiment.data import load_dataset
from tests.evaluations.conftest import of_data

DIGITS = {"validation_fraction": 0.1, "test_fraction": 0.2, "split_seed": 0}
ARRAY = {"key": None, "columns": None, "label_column": "kind", "scaling": "standardize", **DIGITS}


@pytest.fixture
def table(tmp_path):
    """A table in three classes with names, of which the second is far away."""
    rng, kinds = np.random.default_rng(0), np.repeat(["ash", "birch", "cedar"], 40)
    rows = [f"{rng.normal():.6f},{100 * (kind == 'birch') + rng.normal():.6f},{kind}" for kind in kinds]
    (tmp_path / "trees.csv").write_text("\n".join(["one,two,kind", *rows]))
    return str(tmp_path / "trees.csv")


def test_training_and_validation_keep_the_classes_and_the_test_split_all():
    whole, kept = digits(**DIGITS), digits(**DIGITS, keep_labels=[3, 7])
    for split in ("train", "validation"):
        places = np.isin(whole.labels[split], [3, 7])
        np.testing.assert_array_equal(getattr(kept, split), getattr(whole, split)[places])
        np.testing.assert_array_equal(kept.labels[split], whole.labels[split][places])
    np.testing.assert_array_equal(kept.test, whole.test)
    np.testing.assert_array_equal(kept.labels["test"], whole.labels["test"])
    assert (whole.kept_labels, kept.kept_labels) == (None, (3, 7))
    assert kept.provenance["keep_labels"] == [3, 7]
    assert kept.provenance["counts"] == {split: len(getattr(kept, split)) for split in ("train", "validation", "test")}
    assert kept.provenance["split_sha256"] != whole.provenance["split_sha256"]
    assert "keep_labels" not in whole.provenance


def test_null_changes_nothing_and_names_no_run(compose):
    whole, null = digits(**DIGITS), digits(**DIGITS, keep_labels=None)
    np.testing.assert_array_equal(whole.train, null.train)
    assert whole.provenance == null.provenance
    given, kept = compose(), compose("dataset.keep_labels=[3]")
    assert naming.run_name(given) == naming.run_name(compose("dataset.keep_labels=null"))
    assert naming.run_name(kept) != naming.run_name(given)
    assert naming.asked_differences(given, kept) == ["dataset.keep_labels"]


def test_scaling_of_a_table_is_fitted_to_what_is_kept(table):
    kept = array(path=table, keep_labels=[0, 2], **ARRAY)
    x = kept.scaled("train")
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(x.std(axis=0), 1, atol=1e-5)
    away = kept.scaled("test")[kept.labels["test"] == 1]
    assert away[:, 1].min() > 20  # 100 in units of the others' spread


@pytest.mark.parametrize(
    ("keep", "message"),
    [
        ([], "names no class"),
        ([3, 3], r"\[3,3\] names a class twice"),
        ([10], "there is no class 10; choose of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9"),
        ([*range(10)], "keeps every class; write null"),
    ],
)
def test_mistakes_are_one_line(keep, message):
    with pytest.raises(UserError, match=rf"^dataset\.keep_labels: .*{message}"):
        digits(**DIGITS, keep_labels=keep)


def test_mistakes_of_a_table(table, tmp_path):
    with pytest.raises(UserError, match=r"needs labels, and these data have none; name them in dataset\.label_column"):
        array(path=table, keep_labels=[0], **ARRAY | {"label_column": None, "columns": ["one", "two"]})
    with pytest.raises(UserError, match=r"no class 3; choose of 0 \(ash\), 1 \(birch\), 2 \(cedar\)"):
        array(path=table, keep_labels=[3], **ARRAY)
    np.savez(tmp_path / "few.npz", x=np.random.default_rng(0).random((40, 3)), kind=[*[0] * 39, 1])
    with pytest.raises(UserError, match=r"\[1\] leaves \d (train|validation) examples?, expected at least"):
        array(path=str(tmp_path / "few.npz"), keep_labels=[1], **ARRAY | {"key": "x"})


def test_no_warning_of_classes_that_are_left_out(compose, caplog):
    with caplog.at_level(logging.WARNING):
        load_dataset(compose("dataset.keep_labels=[4]"))
    assert not caplog.records


def test_evaluations_know_before_training_whether_there_are_labels(compose):
    for overrides, refused in (
        (["evaluation=[classification]"], None),
        (["evaluation=[anomaly]"], r"^evaluation=anomaly: needs classes that training lacks, and it has all; .*keep_"),
        (["evaluation=[anomaly]", "dataset.keep_labels=[1]"], None),
        (["evaluation=[classification]", "dataset.keep_labels=[1]"], r"needs two classes or more, and .* keeps one"),
    ):
        config = compose(*overrides)
        experiment = of_data(load_dataset(config))
        if refused is None:
            assert len(asked(config["evaluations"], experiment)) == 1
        else:
            with pytest.raises(UserError, match=refused):
                asked(config["evaluations"], experiment)
