"""Linear CKA: its laws, and an independent computation by centred Gram matrices."""

import numpy as np
import pytest

from ae_jax.errors import UserError
from ae_jax.results import load
from ae_jax.results.similarity import beside_pca, between, linear_cka, require_same_examples

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(200, 5)), RNG.normal(size=(200, 3)) ** 3


def by_gram_matrices(x, y):
    """HSIC of linear kernels: tr(KHLH) over the root of tr(KHKH) tr(LHLH)."""
    centre = np.eye(len(x)) - 1 / len(x)
    k, m = centre @ x @ x.T @ centre, centre @ y @ y.T @ centre
    return np.trace(k @ m) / np.sqrt(np.trace(k @ k) * np.trace(m @ m))


def test_it_is_that_of_gram_matrices():
    for one, other in ((X, Y), (X, X[:, :2]), (X[:4], Y[:4])):
        assert linear_cka(one, other) == pytest.approx(by_gram_matrices(one, other), rel=1e-9)


def test_turned_shifted_and_scaled_latents_are_the_same():
    turn, _ = np.linalg.qr(RNG.normal(size=(5, 5)))
    assert linear_cka(X, 1e6 * X @ turn + 7) == pytest.approx(1)
    assert linear_cka(X, Y) == pytest.approx(linear_cka(Y, 3 * X - 1))
    order = RNG.permutation(len(X))
    assert linear_cka(X[order], Y[order]) == pytest.approx(linear_cka(X, Y))


def test_unrelated_latents_are_not_alike_and_constant_ones_have_none():
    many = RNG.normal(size=(5000, 2)), RNG.normal(size=(5000, 2))
    assert linear_cka(*many) < 0.005
    assert linear_cka(np.zeros((9, 2)), X[:9]) is None


def test_pairs_of_runs_count_once_and_examples_must_be_the_same(write_run, tmp_path):
    for seed in range(3):
        write_run(tmp_path / str(seed), settings={"seed": seed}, num_examples=30)
    runs = load(tmp_path).runs
    assert len(between(runs, runs)) == 3
    assert len(between(runs[:1], runs[1:])) == 2
    latents = [run.folder.latents["autoencoder"] for run in runs]
    assert between(runs[:1], runs[1:2]) == [pytest.approx(by_gram_matrices(*latents[:2]), rel=1e-6)]
    assert beside_pca(runs[:1]) == [
        pytest.approx(by_gram_matrices(latents[0], runs[0].folder.latents["pca"]), rel=1e-6)
    ]
    require_same_examples(runs)
    write_run(tmp_path / "9", settings={"seed": 9}, num_examples=31)
    with pytest.raises(UserError, match="latents of other examples"):
        require_same_examples(load(tmp_path).runs)
