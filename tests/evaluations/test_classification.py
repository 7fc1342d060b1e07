"""Classes of latents: against scikit-learn, of perfect and of constant latents, in any order and in any batches."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

from ae_jax.baselines.pca import fit_pca
from ae_jax.datasets.fashion_mnist import fashion_mnist
from ae_jax.datasets.mnist import mnist
from ae_jax.errors import UserError
from ae_jax.evaluation.intervals import wilson
from ae_jax.evaluation.neighbours import nearest
from ae_jax.evaluation.probe import fit_probe
from ae_jax.evaluations.classification import PIXELS, classification
from tests.evaluations.conftest import SIZES, identity, method, of_pca

MEASURES = ("knn_accuracy", "linear_accuracy")


def constant(x):
    return np.zeros((len(x), 2), np.float32)


def test_perfect_latents_are_always_right_and_constant_ones_are_at_chance(classes, classified):
    dataset = classes(apart=0.0)
    known = {row.tobytes(): label for split in SIZES for row, label in zip(
        dataset.scaled(split), dataset.labels[split], strict=True)}  # fmt: skip
    perfect = method("autoencoder", lambda x: np.eye(3)[[known[row.tobytes()] for row in x]])
    found = classified(dataset, perfect, method("pca", constant)).values
    shares = np.bincount(dataset.labels["test"]) / SIZES["test"]
    most = np.bincount(dataset.labels["train"]).argmax()
    for measure in MEASURES:
        assert [found["autoencoder"][split][measure] for split in ("validation", "test")] == [1.0, 1.0]
        assert found["pca"]["test"][measure] in shares
        assert found[PIXELS]["test"][measure] == pytest.approx(1 / 3, abs=4 * np.sqrt(2 / 9 / SIZES["test"]))
    assert found["pca"]["test"]["linear_accuracy"] == shares[most]


def test_it_is_what_scikit_learn_finds_on_the_coordinates_of_pca(classes, classified):
    dataset = classes(apart=2.0)
    pca = fit_pca([dataset.train])
    found = classified(dataset, of_pca(pca, 2), of_pca(pca, 2)).values["pca"]
    z = {split: pca.encode(dataset.scaled(split), 2) for split in SIZES}
    neighbors = KNeighborsClassifier(5, algorithm="brute").fit(z["train"], dataset.labels["train"])
    unit = z["train"].var(axis=0).mean()
    ridges = [Ridge(alpha * unit * SIZES["train"]).fit(z["train"], np.eye(3)[dataset.labels["train"]])
              for alpha in (1.0, 1e-3, 1e-6)]  # fmt: skip
    right = [np.mean(ridge.predict(z["validation"]).argmax(axis=1) == dataset.labels["validation"]) for ridge in ridges]
    chosen = ridges[int(np.argmax(right))]
    for split in ("validation", "test"):
        assert found[split]["knn_accuracy"] == neighbors.score(z[split], dataset.labels[split])
        expected = np.mean(chosen.predict(z[split]).argmax(axis=1) == dataset.labels[split])
        assert found[split]["linear_accuracy"] == expected


def test_order_changes_nothing_and_neither_do_an_offset_and_a_common_factor(classes, classified):
    one, other = classes(), classes(order=1)
    moved = method("pca", lambda x: 100 * x.astype(np.float64) + 1e4)
    found, permuted = (classified(data, method("autoencoder", identity), moved) for data in (one, other))
    assert found.values == permuted.values
    assert found.values["autoencoder"] == found.values["pca"] == found.values[PIXELS]


def test_batches_of_any_size_have_the_same_neighbours():
    rng = np.random.default_rng(0)
    near, asked = rng.normal(size=(500, 3)), rng.normal(size=(70, 3))
    expected = NearestNeighbors(n_neighbors=7, algorithm="brute").fit(near).kneighbors(asked, return_distance=False)
    for num_rows in (1, 32, 256):
        np.testing.assert_array_equal(nearest(near, asked, 7, num_rows=num_rows).places, expected)


def test_of_equal_neighbours_the_first_count_and_short_distances_lose_no_digits():
    same = np.repeat([[0.0, 0.0], [1.0, 0.0]], 20, axis=0)
    np.testing.assert_array_equal(nearest(same, same[20:21], 4).places, [[20, 21, 22, 23]])
    # Products of float32 have an error of 1e-7 of the squared norm, 1e4: more than these squared distances.
    ring = 100 * np.array([[np.cos(angle), np.sin(angle)] for angle in np.linspace(0, 2 * np.pi, 2000)[:-1]])
    close = ring[:1] + np.array([[0, 0.003], [0, 0.001], [0, 0.002], [0.004, 0]])
    found = nearest(np.concatenate([close, ring[100:1900]]), ring[:1], 4).places
    np.testing.assert_array_equal(found, [[1, 2, 0, 3]])
    with pytest.raises(ValueError, match="expected 1 to 4 neighbours"):
        nearest(close, ring, 5)


def test_intervals_are_wilsons(classes, classified):
    found = classified(classes(apart=1.0), method("autoencoder", identity))
    for measure in MEASURES:
        share = found.values["autoencoder"]["test"][measure]
        low, high = found.intervals["autoencoder"]["test"][measure]
        assert 0 < low < share < high < 1
        # Both ends are where the score test has its quantile.
        for end in (low, high):
            assert abs(share - end) / np.sqrt(end * (1 - end) / SIZES["test"]) == pytest.approx(1.959964)
    assert wilson(1.0, 10) == pytest.approx((10 / (10 + 1.959963984540054**2), 1.0))
    assert wilson(0.0, 10)[0] == 0.0


def test_test_examples_of_classes_that_are_left_out_are_left_out(classes, classified):
    dataset = classes(apart=50.0, kept=(0, 2))
    assert classified(dataset, method("autoencoder", identity)).values["autoencoder"]["test"] == {
        "knn_accuracy": 1.0,
        "linear_accuracy": 1.0,
    }


def test_one_class_and_too_many_neighbours_are_refused(classes, classified):
    with pytest.raises(UserError, match=r"^dataset=corners: has the class 1 alone"):
        classified(classes(kept=(1,)), method("autoencoder", identity))
    with pytest.raises(UserError, match=r"num_neighbors: 301 is more than the 300 training examples"):
        classified(classes(), method("autoencoder", identity), num_neighbors=301)


def test_what_all_runs_share_is_measured_once(classes, classified):
    calls = []

    def counted(x):
        calls.append(len(x))
        return x

    dataset, theirs = classes(), method("pca", counted)
    for _ in range(3):
        classified(dataset, method("autoencoder", identity), theirs)
    assert sum(calls) == sum(SIZES.values())


def test_a_constant_dimension_and_dependent_ones_do_no_harm():
    rng = np.random.default_rng(0)
    latents = np.concatenate([rng.normal(size=(50, 1)).repeat(2, axis=1), np.ones((50, 1))], axis=1)
    (found,) = fit_probe(latents, (latents[:, 0] > 0).astype(int), 2).classes(latents, [1e-6])
    assert np.mean(found == (latents[:, 0] > 0)) > 0.9


def test_what_it_measures():
    evaluation = classification(num_neighbors=3, penalties=[1.0])
    assert [measure.name for measure in evaluation.measures] == [*MEASURES]
    assert evaluation.measures[0].short == "3-NN accuracy"
    assert all(measure.more_is_better and not measure.has_ratio for measure in evaluation.measures)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("load", "expected"),
    [(mnist, {2: 42.4, 8: 90.1, 16: 96.3, 64: 97.5}), (fashion_mnist, {2: 50.7, 8: 78.6, 16: 83.6, 64: 85.9})],
    ids=["mnist", "fashion_mnist"],
)
def test_five_neighbours_of_coordinates_of_pca(load, expected, data_dir, monkeypatch):
    """Fitted to all 60,000 training images; expected are the numbers of scikit-learn's PCA and 5-NN, in per cent."""
    monkeypatch.setenv("AE_JAX_DATA_DIR", str(data_dir))
    dataset = load(validation_size=1, split_seed=0)
    x, test = np.concatenate([dataset.scaled("train"), dataset.scaled("validation")]), dataset.scaled("test")
    labels = np.concatenate([dataset.labels["train"], dataset.labels["validation"]])
    pca = fit_pca([x])
    for size, accuracy in expected.items():
        found = labels[nearest(pca.encode(x, size), pca.encode(test, size), 5).places]
        votes = np.stack([np.sum(found == label, axis=1) for label in range(10)], axis=1).argmax(axis=1)
        assert 100 * np.mean(votes == dataset.labels["test"]) == pytest.approx(accuracy, abs=0.06)
