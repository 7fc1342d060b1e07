"""Angles to PCA's subspace: laws, and scikit-learn's PCA."""

import numpy as np
import pytest
from scipy.linalg import subspace_angles
from sklearn.decomposition import PCA

from ae_jax.evaluation.competitor import Competitor
from ae_jax.evaluations.subspace import subspace
from tests.evaluations.latents import SPLITS, asked, drawn, fake


def found(rows, bend=0.0):
    dataset = drawn()
    rows = np.asarray(rows, float)

    def decode(latent):
        return latent @ rows + 5 + bend * np.abs(latent).sum(axis=1, keepdims=True)

    model = fake(lambda x: x[:, : len(rows)], len(rows), decode)
    return asked(subspace(), dataset, model, Competitor(len(rows))).values


def test_pcas_own_subspace_is_at_no_angle_however_it_is_turned():
    components = PCA(2).fit(drawn().train.astype(float)).components_
    values = found([[2, 1], [0, 3]] @ components)
    for method in ("autoencoder", "pca"):
        for split in SPLITS:
            assert values[method][split] == pytest.approx(
                {"largest_angle_degrees": 0, "mean_angle_degrees": 0}, abs=1e-3
            )


def test_what_pca_leaves_out_is_at_right_angles():
    components = PCA(6).fit(drawn().train.astype(float)).components_
    values = found(components[2:4])["autoencoder"]["test"]
    assert values == pytest.approx({"largest_angle_degrees": 90, "mean_angle_degrees": 90}, abs=1e-3)
    half = found([components[0], components[3]])["autoencoder"]["test"]
    assert half == pytest.approx({"largest_angle_degrees": 90, "mean_angle_degrees": 45}, abs=1e-3)


def test_any_other_is_as_scipy_says():
    rows = np.random.default_rng(3).normal(size=(3, 6))
    components = PCA(3).fit(drawn().train.astype(float)).components_
    angles = np.degrees(subspace_angles(rows.T, components.T))
    expected = {"largest_angle_degrees": angles.max(), "mean_angle_degrees": angles.mean()}
    assert found(rows)["autoencoder"]["test"] == pytest.approx(expected, abs=1e-3)


def test_a_decoder_that_is_not_affine_has_no_angles():
    assert found(np.eye(6)[:2], bend=0.5) == {}
