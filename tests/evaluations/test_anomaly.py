"""Detection of classes that training lacks: against scikit-learn and by counting, with ties, in any order."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn import decomposition
from sklearn.metrics import average_precision_score, roc_auc_score

from ae_jax.baselines.pca import fit_pca
from ae_jax.datasets.mnist import mnist
from ae_jax.evaluation.detection import detection
from ae_jax.evaluation.intervals import delong, logit_interval
from ae_jax.runs.folder import RunFolder
from tests.evaluations.conftest import identity, method, of_pca

KEPT = (1,)


def knowing(dataset):
    """A method that gives back examples of kept classes as they are, and others moved by one."""
    own = {row.tobytes() for row in dataset.scaled("test")[np.isin(dataset.labels["test"], KEPT)]}
    return method("autoencoder", identity, lambda x: np.stack([row + (row.tobytes() not in own) for row in x]))


def test_a_perfect_score_is_1_and_a_constant_one_is_chance(classes, detected):
    dataset = classes(kept=KEPT)
    share = np.mean(dataset.labels["test"] != 1)
    perfect, constant = knowing(dataset), method("pca", identity)
    found = detected(dataset, perfect, constant)
    assert found.values["autoencoder"]["test"] == {"kept_sse": 0.0, "auroc": 1.0, "average_precision": 1.0}
    assert found.values["pca"]["test"] == {
        "kept_sse": 0.0,
        "auroc": 0.5,
        "average_precision": pytest.approx(share),
    }
    assert found.intervals["autoencoder"]["test"]["auroc"] == (1.0, 1.0)
    np.testing.assert_array_equal(found.arrays["pca_roc"], [[0, 1], [0, 1]])
    false_alarms, detections = found.arrays["autoencoder_roc"]
    assert set(false_alarms[detections < 1]) == {0.0}


def test_pca_is_what_scikit_learn_says(classes, detected):
    dataset = classes(kept=KEPT)
    found = detected(dataset, method("autoencoder", identity), of_pca(fit_pca([dataset.train]), 2))
    theirs = decomposition.PCA(2).fit(dataset.train)
    errors = ((dataset.test - theirs.inverse_transform(theirs.transform(dataset.test))) ** 2).sum(axis=1)
    positive = dataset.labels["test"] != 1
    values = found.values["pca"]["test"]
    assert values["auroc"] == pytest.approx(roc_auc_score(positive, errors), abs=1e-12)
    assert values["average_precision"] == pytest.approx(average_precision_score(positive, errors), abs=1e-12)
    assert values["kept_sse"] == pytest.approx(errors[~positive].mean(), rel=1e-5)
    assert 0.5 < values["auroc"] < 1
    rates = found.arrays["pca_roc"]
    assert np.trapezoid(rates[1], rates[0]) == pytest.approx(values["auroc"], abs=1e-6)


def test_order_changes_nothing(classes, detected):
    one, other = (classes(kept=KEPT, order=order) for order in (None, 1))
    pca = fit_pca([one.train])
    first, second = (detected(data, method("autoencoder", np.round), of_pca(pca, 2)) for data in (one, other))
    for name in ("autoencoder", "pca"):
        for measure, value in first.values[name]["test"].items():
            assert second.values[name]["test"][measure] == pytest.approx(value, rel=1e-12)
        np.testing.assert_array_equal(first.arrays[f"{name}_roc"], second.arrays[f"{name}_roc"])


def test_areas_are_shares_of_pairs_of_which_ties_count_half():
    rng = np.random.default_rng(0)
    scores, positive = rng.integers(0, 6, 60).astype(float), rng.random(60) < 0.4
    pairs = scores[positive][:, None] - scores[~positive][None]
    found = detection(scores, positive)
    assert found.auroc == pytest.approx(np.mean((pairs > 0) + 0.5 * (pairs == 0)))
    # DeLong's variance, from the pairs.
    placed = (pairs > 0) + 0.5 * (pairs == 0)
    variance = placed.mean(axis=1).var(ddof=1) / len(placed) + placed.mean(axis=0).var(ddof=1) / placed.shape[1]
    half = norm.ppf(0.975) * np.sqrt(variance)
    assert found.auroc_interval == pytest.approx((found.auroc - half, found.auroc + half))


def test_intervals_cover_what_they_are_of():
    """Of scores from two normal distributions, in about 95 of 100 draws; 5 standard errors of 400 draws are 5.4."""
    rng, truth, inside = np.random.default_rng(0), norm.cdf(1 / np.sqrt(2)), 0
    for _ in range(400):
        low, high = delong(rng.normal(1, 1, 60), rng.normal(0, 1, 80))
        inside += low <= truth <= high
    assert 0.95 - 0.054 < inside / 400 < 0.95 + 0.054
    low, high = logit_interval(0.9, 50)
    assert 0 < low < 0.9 < high < 1
    assert logit_interval(1.0, 50) == (1.0, 1.0)


def test_what_cannot_be_measured_is_none(classes, detected):
    dataset = classes(kept=(0, 1, 2))  # so that no example of the test split is of another class
    found = detected(dataset, method("autoencoder", identity))
    assert found.values["autoencoder"]["test"] == {"kept_sse": 0.0, "auroc": None, "average_precision": None}
    assert not found.intervals
    assert not found.arrays


@pytest.mark.slow
def test_residuals_of_pca_on_mnist(data_dir, monkeypatch):
    """The mean over ten classes, each fitted to all its training images, in per cent; expected of scikit-learn."""
    monkeypatch.setenv("AE_JAX_DATA_DIR", str(data_dir))
    dataset = mnist(validation_size=1, split_seed=0)
    x, test = np.concatenate([dataset.scaled("train"), dataset.scaled("validation")]), dataset.scaled("test")
    labels = np.concatenate([dataset.labels["train"], dataset.labels["validation"]])
    areas = {8: [], 16: [], 32: [], 64: [], 128: []}
    for label in range(10):
        pca = fit_pca([x[labels == label]])
        for size, found in areas.items():
            errors = np.sum((test - pca.reconstruct(test, size)) ** 2, axis=1)
            found.append(detection(errors, dataset.labels["test"] != label).auroc)
    means = [round(100 * np.mean(found), 1) for found in areas.values()]
    assert means == [93.7, 95.4, 95.5, 94.6, 93.0]


@pytest.mark.slow
def test_a_run_has_answers_and_curves_when_it_ends(train, tmp_path):
    """Trained on two digits of ten: both evaluations can be asked."""
    train(tmp_path / "run", "dataset.keep_labels=[3,8]", "evaluation=[reconstruction,anomaly,classification]")
    run = RunFolder(tmp_path / "run")
    answers = run.summary["evaluations"]
    for name in ("autoencoder", "pca"):
        assert 0.5 < answers["anomaly"][name]["test"]["auroc"] <= 1
        low, high = answers["anomaly"]["intervals"][name]["test"]["auroc"]
        assert low <= answers["anomaly"][name]["test"]["auroc"] <= high
        assert {*answers["classification"][name]["test"]} == {"knn_accuracy", "linear_accuracy"}
    assert answers["classification"]["pixels"]["test"]["knn_accuracy"] > 0.9
    with np.load(run.evaluation("anomaly")) as curves:
        assert {*curves} == {"autoencoder_roc", "pca_roc"}
    assert run.summary["dataset"]["provenance"]["keep_labels"] == [3, 8]
