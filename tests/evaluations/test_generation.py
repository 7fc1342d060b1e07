"""Samples: of a method that copies, of one that makes nothing, of PCA; and what the arrays hold."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.decomposition import PCA

from ae_jax.errors import UserError
from ae_jax.evaluation.asked import asked
from ae_jax.evaluation.features import classifier_features, train_features
from ae_jax.evaluations.generation import generation
from tests.evaluations.conftest import constant, fake, made_images, of_data, perfect

OPTIONS = {
    "num_samples": 1000,
    "num_fitted": 200,
    "num_components": [1, 2, 5],
    "num_neighbors": 3,
    "num_compared": 300,
    "num_nearest": 50,
}


@pytest.fixture(scope="module")
def dataset():
    """One object for all tests: its classifier is trained once."""
    return made_images(sizes=(300, 60, 200))


def copying(dataset):
    """A method that decodes to the nearest of the training examples, which are its latents."""

    def decode(latents):
        distances = np.sum((latents[:, None] - dataset.train[None, :, :]) ** 2, axis=2)
        return dataset.train[distances.argmin(axis=1)]

    return fake(lambda x: x, decode, 36)


@pytest.mark.slow
def test_features_tell_classes_apart(dataset):
    found, labels = train_features(dataset), dataset.labels["train"]
    means = np.stack([found[labels == label].mean(axis=0) for label in range(3)])
    test = classifier_features(dataset)(dataset.test)
    nearest = np.argmin(np.sum((test[:, None] - means[None]) ** 2, axis=2), axis=1)
    assert np.mean(nearest == dataset.labels["test"]) > 0.95
    assert found.shape == (300, 84)
    np.testing.assert_array_equal(classifier_features(replace(dataset))(dataset.test), test)  # trained anew
    np.testing.assert_allclose(classifier_features(dataset)(dataset.test[3:7]), test[3:7], rtol=1e-5, atol=1e-5)


def test_the_floor_is_below_and_a_constant_is_far(dataset, ask):
    nothing = ask(generation(**OPTIONS), dataset, constant(36)).values
    real, pca, nothing = (nothing[name]["test"] for name in ("real", "pca", "autoencoder"))
    assert real["frechet_lenet"] < pca["frechet_lenet"] < nothing["frechet_lenet"]
    assert real["precision_lenet"] > 0.8
    assert real["recall_lenet"] > 0.8
    assert (nothing["precision_lenet"], nothing["recall_lenet"]) == (0, 0)
    assert real["nearest_train_ratio"] == 1
    assert "frechet_lenet_prior" in pca
    assert "frechet_lenet_prior" not in nothing


def test_what_copies_shows(dataset, ask):
    found = ask(generation(**OPTIONS), dataset, copying(dataset)).values["autoencoder"]["test"]
    assert found["nearest_train_distance"] == pytest.approx(0, abs=1e-3)
    assert found["nearest_train_ratio"] == pytest.approx(0, abs=1e-3)
    assert found["precision_lenet"] == 1


def test_samples_of_the_data_themselves_are_as_good_as_the_floor(dataset, ask):
    """The prior of a method that draws as the data were drawn; 200 examples have shares of classes by chance."""
    fresh = made_images(seed=9, sizes=(300, 60, 200)).test
    method = perfect(36)._replace(sample=lambda num: fresh[:num])
    found = ask(generation(**OPTIONS), dataset, method).values
    ours, floor, pca = (found[name]["test"] for name in ("autoencoder", "real", "pca"))
    assert ours["frechet_lenet_prior"] < 0.5 * pca["frechet_lenet"]
    for name in ("precision_lenet", "recall_lenet"):
        assert ours[f"{name}_prior"] == pytest.approx(floor[name], abs=0.1)


def test_pca_is_that_of_scikit_learn(dataset, ask):
    found, pca = ask(generation(**OPTIONS), dataset, perfect(36)), PCA(4, svd_solver="full").fit(dataset.train)
    x = found.arrays["interpolations_inputs"].reshape(6, 36).astype(np.float64)  # of three classes, three pairs
    ends = pca.inverse_transform(pca.transform(x)).reshape(3, 2, 6, 6)
    between = found.arrays["interpolations_pca"]
    np.testing.assert_allclose(between[:, [0, -1]], ends, atol=1e-5)
    np.testing.assert_allclose(between[:, 4], ends.mean(axis=1), atol=1e-5)
    # A step along a component is 2.5 standard deviations of the first 200 coordinates from their mean, on either side.
    coordinates = pca.transform(dataset.train[:200].astype(np.float64))
    lengths = np.linalg.norm(np.ptp(found.arrays["traversals_pca"].reshape(4, 9, 36)[:, [0, -1]], axis=1), axis=1)
    np.testing.assert_allclose(lengths, 5 * np.sort(coordinates.std(axis=0))[::-1], rtol=1e-4)
    # Samples lie in the plane of the components.
    samples = found.arrays["samples_gaussian_pca"].reshape(-1, 36)
    np.testing.assert_allclose(pca.inverse_transform(pca.transform(samples)), samples, atol=1e-5)


@pytest.mark.slow
def test_arrays_have_the_shape_of_examples(dataset, ask):
    two = fake(lambda x: x[:, :2], lambda latent: np.tile(latent, (1, 18)), 2)
    arrays = ask(generation(**OPTIONS), dataset, two, num_components=2).arrays
    for method in ("autoencoder", "pca"):
        assert arrays[f"samples_{method}"].shape == (64, 6, 6)
        assert arrays[f"interpolations_{method}"].shape == (3, 9, 6, 6)
        assert arrays[f"traversals_{method}"].shape == (2, 9, 6, 6)
        assert arrays[f"manifold_{method}"].shape == (12, 12, 6, 6)
        assert set(arrays[f"dimensions_{method}"]) == {0, 1}
    # Of the manifold the first dimension grows to the right, the second upwards.
    plane = arrays["manifold_autoencoder"].reshape(12, 12, 36)
    assert (np.diff(plane[..., 0], axis=1) > 0).all()
    assert (np.diff(plane[..., 1], axis=0) < 0).all()


@pytest.mark.slow
def test_the_same_seed_draws_the_same_and_pca_whatever_the_seed(dataset, ask):
    one, same, other = (ask(generation(**OPTIONS), dataset, copying(dataset), seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.arrays["samples_autoencoder"], same.arrays["samples_autoencoder"])
    assert not np.array_equal(one.arrays["samples_autoencoder"], other.arrays["samples_autoencoder"])
    np.testing.assert_array_equal(one.arrays["samples_pca"], other.arrays["samples_pca"])


@pytest.mark.slow
def test_data_that_are_no_images_have_features(ask):
    flat = replace(made_images(sizes=(200, 40, 60)), feature_shape=(36,))
    found = ask(generation(**OPTIONS), flat, perfect(36))
    assert found.arrays["samples_pca"].shape == (60, 36)
    assert found.values["real"]["test"]["precision_lenet"] > 0.8


def test_data_without_labels_are_refused(dataset):
    node = {"_target_": "ae_jax.evaluations.generation.generation", **OPTIONS}
    with pytest.raises(UserError, match="evaluation=generation: needs labels"):
        asked({"generation": node}, of_data(replace(dataset, labels=None)))
