"""Active and dead latents: laws, and against scikit-learn's PCA."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from ae_jax.evaluation.competitor import Competitor
from ae_jax.evaluations.sparsity import sparsity
from ae_jax.runs.folder import RunFolder
from tests.evaluations.latents import SPLITS, asked, drawn, fake, permuted

pytestmark = pytest.mark.usefixtures("sealed")

COUNT = sparsity(threshold=0.0)


def found(encode, size, dataset=None, limits=None, evaluation=COUNT):
    return asked(evaluation, dataset or drawn(), fake(encode, size), limits or Competitor(3))


def test_a_dense_latent_has_all_active_and_a_constant_one_none():
    dense = found(lambda x: x, 6).values["autoencoder"]
    nothing = found(lambda x: np.zeros((len(x), 4)), 4)
    for split in SPLITS:
        assert dense[split] == {"num_active": 6, "dead_fraction": 0}
        assert nothing.values["autoencoder"][split] == {"num_active": 0, "dead_fraction": 1}
    assert nothing.arrays["autoencoder"].tolist() == [0, 0, 0, 0]


def test_what_only_test_examples_activate_is_dead():
    dataset = drawn()
    dataset.test[0, 0] = 1e6
    latents = found(lambda x: np.stack([x[:, 0] > 1e5, x[:, 1] > 0], axis=1), 2, dataset)
    assert latents.values["autoencoder"]["test"]["dead_fraction"] == 0.5
    share = (dataset.train[:, 1] > 0).mean()
    np.testing.assert_allclose(latents.arrays["autoencoder"], [0, share])
    assert latents.values["autoencoder"]["train"]["num_active"] == pytest.approx(share)


def test_below_the_threshold_a_number_is_not_active():
    strict = found(lambda x: x, 6, evaluation=sparsity(threshold=2.0))
    test = drawn().test
    assert strict.values["autoencoder"]["test"]["num_active"] == pytest.approx((np.abs(test) > 2).sum(1).mean())


def test_the_order_and_the_batches_of_examples_do_not_matter(monkeypatch):
    dataset = drawn()
    first = found(np.sign, 6, dataset, Competitor(5, num_active=2))
    monkeypatch.setattr("ae_jax.evaluation.measure.batches.__defaults__", (7,))
    other = found(np.sign, 6, permuted(dataset), Competitor(5, num_active=2))
    assert first.values == other.values
    np.testing.assert_array_equal(first.arrays["pca"], other.arrays["pca"])


def test_pca_keeps_the_largest_coordinates_as_scikit_learn_has_them():
    dataset = drawn()
    theirs = found(lambda x: x, 6, dataset, Competitor(5, num_active=2))
    coordinates = np.abs(PCA(5).fit(dataset.train.astype(float)).transform(dataset.train.astype(float)))
    kept = coordinates >= np.sort(coordinates, axis=1)[:, [-2]]
    np.testing.assert_allclose(theirs.arrays["pca"], kept.mean(axis=0))
    assert theirs.values["pca"]["train"] == {"num_active": 2, "dead_fraction": 0}
    assert found(lambda x: x, 6, dataset).values["pca"]["test"] == {"num_active": 3, "dead_fraction": 0}


@pytest.mark.slow
def test_a_run_has_as_many_active_as_it_may(train, command_line, tmp_path):
    from ae_jax.commands.evaluate import main

    train(tmp_path / "run", "bottleneck=top_k", "bottleneck.num_active=2", "trainer.num_epochs=2")
    assert command_line(str(tmp_path / "run"), "evaluation=sparsity", entry=main).code == 0
    answer = RunFolder(tmp_path / "run").summary["evaluations"]["sparsity"]
    assert answer["pca"]["test"]["num_active"] == 2
    assert 0 < answer["autoencoder"]["test"]["num_active"] <= 2
