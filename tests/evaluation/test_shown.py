"""What is kept for figures of some runs: of priors, codes, and columns of affine decoders."""

import numpy as np
import pytest

from ae_jax.baselines.pca import fit_pca
from ae_jax.datasets import Dataset
from ae_jax.evaluation.method import Method
from ae_jax.evaluation.shown import shown_of
from ae_jax.runs.folder import RunFolder

ROWS = np.array([[1.0, 0, 0, 0], [0, 3.0, 0, 0], [0, 0, 0.1, 0.1]])


def toy(bend=0.0):
    """A method of 3 latent numbers and 4 features; `bend` makes its decoder no affine map."""

    def decode(latent):
        return latent @ ROWS + 5 + bend * np.abs(latent).sum(axis=1, keepdims=True)

    return Method("autoencoder", 3, encode=lambda x: x[:, :3], decode=decode, reconstruct=decode, cost=lambda _: {})


@pytest.fixture
def data():
    drawn = (np.random.default_rng(0).normal(size=(50, 4)) * [1, 2, 3, 4]).astype(np.float32)
    return Dataset(
        name="drawn", train=drawn, validation=drawn, test=drawn, scale=1.0, offset=0.0, feature_shape=(2, 2),
        unit_interval=False, labels=None, feature_names=None, provenance={},
    )  # fmt: skip


def test_columns_are_ordered_by_what_they_add_and_only_of_affine_decoders(data):
    pca = fit_pca([data.train])
    numbers, integers = shown_of(data, toy(), pca)["columns"]()
    # Mean squares of about 1, 4 and 9, times squared lengths of 1, 9 and 0.02.
    assert integers["places"].tolist() == [1, 0, 2]
    np.testing.assert_allclose(numbers["columns"].reshape(3, 4), ROWS[[1, 0, 2]], atol=1e-5)
    expected = (data.test[:, :3] ** 2).mean(axis=0) * (ROWS**2).sum(axis=1)
    np.testing.assert_allclose(numbers["used"], expected[[1, 0, 2]], rtol=1e-4)
    assert shown_of(data, toy(bend=0.1), pca)["columns"]() is None
    assert set(shown_of(data, toy(), pca)) == {"columns"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("overrides", "names"),
    [
        (("bottleneck=gaussian", "model=dense"), {"samples"}),
        (("bottleneck=bernoulli", "loss=bce", "model=linear"), {"samples"}),
        (("bottleneck=vq", "bottleneck.num_codes=6", "model=linear"), {"codes", "columns"}),
        (("bottleneck=fsq", "bottleneck.levels=[5,4,3,3]", "model=dense"), {"codes"}),
        (("bottleneck=top_k", "bottleneck.num_active=2", "model=dictionary", "model.latent_size=100"), {"columns"}),
    ],
)
def test_a_run_keeps_what_fits_it(overrides, names, train, tmp_path):
    train(tmp_path / "run", *overrides)
    run = RunFolder(tmp_path / "run")
    assert {name for name in ("samples", "codes", "columns") if (run.path / f"{name}.npz").exists()} == names
    if "samples" in names:
        assert set(run.samples) == {"autoencoder", "pca"}
        assert run.samples["autoencoder"].shape == run.samples["pca"].shape == (10, 8, 8)
        assert (run.samples["autoencoder"][0] != run.samples["autoencoder"][1]).any()
    if "codes" in names:
        assert run.codes["indices"].dtype == np.int32
        assert run.codes["indices"].shape == (run.summary["dataset"]["counts"]["test"], 4)
    if "columns" in names:
        number = min(run.summary["model"]["latent_size"], 64)
        assert run.columns["columns"].shape == (number, 8, 8)
