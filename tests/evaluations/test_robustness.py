"""Errors over levels of corruption: laws, and scikit-learn."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier

from ae_jax.errors import UserError
from ae_jax.evaluation import corrupted
from ae_jax.evaluation.asked import asked as made
from ae_jax.evaluation.corrupted import corrupted_batches, levelled
from ae_jax.evaluations.robustness import area, robustness
from tests.evaluations.conftest import constant, made_images, of_data, perfect


def question(corruption=None, levels=None):
    return robustness(corruption=corruption, levels=levels, num_neighbors=5, num_queries=1000)


def test_all_corruptions_that_have_a_level_are_found():
    given = {"blur", "contrast", "gaussian", "impulse", "masking", "occlusion", "salt_and_pepper", "shift"}
    assert given == set(levelled())
    assert {name for name, one in levelled().items() if not one.is_fraction} == {"blur", "gaussian", "shift"}


@pytest.mark.parametrize("name", sorted(levelled()))
def test_level_zero_is_clean(name, images, ask):
    found = ask(question(name, [0.0, 0.5]), images, perfect(36))
    assert found.arrays[f"{name}_sse_autoencoder"][0] == 0
    clean = np.mean(np.sum((found_pca(images).reconstruct(images.test) - images.test) ** 2, axis=1))
    assert found.arrays[f"{name}_sse_pca"][0] == pytest.approx(clean, rel=1e-6)


def found_pca(dataset, num_components=4):
    pca = PCA(num_components, svd_solver="full").fit(dataset.train.astype(np.float64))
    pca.reconstruct = lambda x: pca.inverse_transform(pca.transform(x.astype(np.float64)))
    return pca


def test_the_identity_has_the_error_of_its_input(images, ask):
    """Masking at a rate r takes r of the squares, on average; gaussian noise adds its variance for each feature."""
    found = ask(question("masking", [0.0, 0.5, 1.0]), images, perfect(36))
    lost = found.arrays["masking_sse_autoencoder"]
    power = np.mean(np.sum(images.test.astype(np.float64) ** 2, axis=1))
    assert lost[2] == pytest.approx(power)
    assert lost[1] == pytest.approx(power / 2, rel=0.05)  # 3,240 pixels
    assert found.values["autoencoder"]["test"]["area_masking"] == pytest.approx((lost[1] + lost[2] / 2) / 2)
    noisy = ask(question("gaussian", [0.0, 0.3]), images, perfect(36)).arrays["gaussian_sse_autoencoder"]
    # The mean of 3,240 squares of standard normals has a standard error of sqrt(2 / 3240) = 0.025.
    assert noisy[1] == pytest.approx(36 * 0.09, rel=5 * 0.025)


def test_what_keeps_nothing_is_as_good_at_every_level_and_guesses(images, ask):
    found = ask(question("masking"), images, constant(36))
    assert np.ptp(found.arrays["masking_sse_autoencoder"]) == 0
    # All training examples are as near: the same five of them vote for every example.
    assert len(set(found.arrays["masking_accuracy_autoencoder"])) == 1
    assert found.values["autoencoder"]["test"]["accuracy_area_masking"] < 0.6
    assert found.values["pca"]["test"]["accuracy_area_masking"] > 0.8


def test_pca_is_that_of_scikit_learn(images, ask):
    found, pca = ask(question("masking", [0.0, 0.3, 0.6]), images, perfect(36)), found_pca(images)
    knn = KNeighborsClassifier(5).fit(pca.transform(images.train.astype(np.float64)), images.labels["train"])
    for place, level in enumerate((0.0, 0.3, 0.6)):
        ((clean, seen),) = corrupted_batches(images, levelled()["masking"], level)
        error = np.mean(np.sum((pca.reconstruct(seen) - clean.astype(np.float64)) ** 2, axis=1))
        assert found.arrays["masking_sse_pca"][place] == pytest.approx(error, rel=1e-6)
        accuracy = knn.score(pca.transform(seen.astype(np.float64)), images.labels["test"])
        assert found.arrays["masking_accuracy_pca"][place] == pytest.approx(accuracy)


def test_permuting_examples_changes_nothing_of_what_is_not_random(images, ask):
    order = np.random.default_rng(1).permutation(len(images.test))
    labels = {**images.labels, "test": images.labels["test"][order]}
    other = replace(images, test=images.test[order], labels=labels)
    for name in ("blur", "contrast"):
        one, two = (ask(question(name), data, perfect(36)) for data in (images, other))
        for key, values in one.arrays.items():
            np.testing.assert_allclose(values, two.arrays[key], rtol=1e-6)


def test_a_row_is_corrupted_alike_whatever_follows_it(ask):
    """Rows are corrupted in blocks of one size; how many a method is given at once does not matter."""
    data = made_images(sizes=(300, 60, 1500))
    one = ask(question("masking", [0.0, 0.5]), data, perfect(36)).arrays["masking_sse_autoencoder"]
    fewer = replace(data, test=data.test[:1100], labels={**data.labels, "test": data.labels["test"][:1100]})
    pairs = [list(corrupted_batches(d, levelled()["masking"], 0.5)) for d in (data, fewer)]
    rows = [np.concatenate([seen for _, seen in batches]) for batches in pairs]
    np.testing.assert_array_equal(rows[0][:1100], rows[1])
    assert one[1] == pytest.approx(np.mean(np.sum((rows[0] - data.test.astype(np.float64)) ** 2, axis=1)))


def test_only_what_fits_the_data_is_asked(images, ask):
    flat = replace(images, feature_shape=(36,), unit_interval=False, labels=None)
    found = ask(question(), flat, perfect(36))
    assert set(found.values["pca"]["test"]) == {"area_gaussian", "area_masking"}
    assert {name.partition("_")[0] for name in found.arrays} == {"gaussian", "masking"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"corruption": "maskign"}, "evaluation.corruption: there is no 'maskign'.*did you mean 'masking'"),
        ({"corruption": "none"}, "evaluation.corruption: there is no 'none'"),
        ({"levels": [0.2]}, "two or more rising numbers"),
        ({"levels": [0.2, 0.1]}, "two or more rising numbers"),
        ({"levels": [-0.1, 0.1]}, "from 0 on"),
        ({"corruption": "masking", "levels": [0.0, 2.0]}, "got 2, and rate of masking ends at 1"),
    ],
)
def test_mistakes_are_refused_in_a_line(options, message):
    with pytest.raises(UserError, match=message):
        question(**options)


@pytest.mark.parametrize(("name", "need"), [("blur", "images"), ("salt_and_pepper", r"inputs in \[0, 1\]")])
def test_data_that_do_not_fit_one_that_is_named_are_refused(name, need, images):
    node = {"_target_": "ae_jax.evaluations.robustness.robustness", "corruption": name, "levels": None}
    nodes = {"robustness": node | {"num_neighbors": 5, "num_queries": 10}}
    with pytest.raises(UserError, match=f"needs {need}"):
        made(nodes, of_data(replace(images, feature_shape=(36,), unit_interval=False)))


def test_an_area_is_a_mean_over_levels():
    assert area([0.0, 0.1, 0.4], [2.0, 2.0, 2.0]) == pytest.approx(2)
    assert area([0.0, 1.0], [0.0, 1.0]) == pytest.approx(0.5)
    assert corrupted.levelled()["shift"].levels[0] == 0
