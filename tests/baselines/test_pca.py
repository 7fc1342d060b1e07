"""PCA against scikit-learn, against its own definition, and on MNIST against the numbers of the literature."""

import gzip
import os
from contextlib import suppress

import numpy as np
import pytest
from sklearn.decomposition import PCA as Oracle  # noqa: N811 (it is the oracle here)

from ae_jax.baselines.pca import PCA, fit_pca
from ae_jax.errors import UserError


def correlated(num_examples=300, num_features=12, seed=0):
    """Data with separated variances in random directions, away from zero."""
    rng = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(rng.normal(size=(num_features, num_features)))
    return rng.normal(size=(num_examples, num_features)) * 0.7 ** np.arange(num_features) @ rotation + rng.normal(
        size=num_features
    )


def in_batches(x, size):
    return (x[i : i + size] for i in range(0, len(x), size))


def mean_sse(x, reconstruction):
    return np.square(x - reconstruction).sum(axis=1).mean()


@pytest.fixture(scope="module")
def x():
    return correlated()


@pytest.fixture(scope="module")
def pca(x):
    return fit_pca([x])


@pytest.mark.parametrize("num_components", [1, 3, 12])
def test_equals_scikit_learn(x, pca, num_components):
    oracle = Oracle(num_components, svd_solver="full").fit(x)
    np.testing.assert_allclose(pca.mean, oracle.mean_, rtol=1e-12)
    np.testing.assert_allclose(pca.variances[:num_components], oracle.explained_variance_, rtol=1e-10)
    np.testing.assert_allclose(pca.components[:num_components], oracle.components_, atol=1e-10)  # with the same sign
    np.testing.assert_allclose(pca.encode(x, num_components), oracle.transform(x), atol=1e-10)
    expected = oracle.inverse_transform(oracle.transform(x))
    np.testing.assert_allclose(pca.reconstruct(x, num_components), expected, rtol=1e-8)


def test_components_are_orthonormal_and_signed(pca):
    np.testing.assert_allclose(pca.components @ pca.components.T, np.eye(12), atol=1e-13)
    assert (pca.components[np.arange(12), np.abs(pca.components).argmax(axis=1)] > 0).all()
    assert (np.diff(pca.variances) <= 0).all()


@pytest.mark.parametrize("size", [1, 7, 64, 300])
def test_streaming_equals_the_whole(x, pca, size):
    streamed = fit_pca(in_batches(x, size))
    assert streamed.num_examples == len(x)
    np.testing.assert_allclose(streamed.mean, pca.mean, rtol=1e-12)
    np.testing.assert_allclose(streamed.variances, pca.variances, rtol=1e-11)
    np.testing.assert_allclose(streamed.components, pca.components, atol=1e-9)


def test_one_batch_longer_than_a_chunk_equals_many():
    x = correlated(num_examples=5000)
    np.testing.assert_allclose(fit_pca([x]).variances, fit_pca(in_batches(x, 300)).variances, rtol=1e-11)


@pytest.mark.parametrize("order", ["shuffled", "sorted"])
def test_accurate_far_from_zero(order):
    """At 1e6, float64 leaves 1e-10 of the value: squares summed without centring would lose the variance's digits."""
    noise = np.random.default_rng(1).normal(size=(2000, 5)) * [1, 0.5, 0.2, 0.1, 0.05]
    x = 1e6 + noise
    if order == "sorted":  # the first batch then says nothing about the mean of the others
        x[:50] -= 1e6
    exact = np.linalg.eigvalsh(np.cov((x - x.mean(axis=0)).T))[::-1]
    np.testing.assert_allclose(fit_pca(in_batches(x, 50)).variances[0], exact[0], rtol=1e-9)
    if order == "shuffled":
        np.testing.assert_allclose(fit_pca(in_batches(x, 50)).variances, exact, rtol=1e-7)


def test_any_real_dtype_gives_float64(x):
    pca = fit_pca(in_batches(x.astype(np.float32), 100))
    for array in (pca.mean, pca.components, pca.variances, pca.encode(x.astype(np.float32), 2)):
        assert array.dtype == np.float64
    integers = np.random.default_rng(0).integers(-9, 9, size=(50, 3))
    np.testing.assert_allclose(fit_pca([integers]).variances, fit_pca([integers.astype(float)]).variances)


def test_bytes_are_summed_exactly():
    """0 and 255 in long runs are the worst case for integers in single precision; twice as many rows would round."""
    rng = np.random.default_rng(2)
    x = np.where(rng.random((6000, 20)) < np.linspace(0.01, 0.99, 20), 255, rng.integers(0, 256, (6000, 20)))
    x = x.astype(np.uint8)
    x[:, 0] = 0
    scaled = fit_pca([x / 255])
    raw = fit_pca(in_batches(x, 2500), scale=1 / 255)
    np.testing.assert_allclose(raw.mean, scaled.mean, atol=1e-14)
    np.testing.assert_allclose(raw.variances, scaled.variances, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(np.abs(raw.components), np.abs(scaled.components), atol=1e-9)
    expected = scaled.sse_by_components([x[:99] / 255])
    np.testing.assert_allclose(raw.sse_by_components([x[:99]], scale=1 / 255), expected, atol=1e-12)


def test_byte_products_fit_in_single_precision():
    from ae_jax.baselines import moments

    assert moments._BYTE_ROWS * 128**2 <= 2**24


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_scale_and_offset_of_each_feature(dtype):
    x = np.random.default_rng(3).integers(0, 256, size=(200, 6)).astype(dtype)
    scale, offset = np.linspace(0.1, 2, 6), np.linspace(-3, 3, 6)
    direct = fit_pca([x * scale + offset])
    raw = fit_pca([x], scale=scale, offset=offset)
    np.testing.assert_allclose(raw.mean, direct.mean, rtol=1e-12)
    np.testing.assert_allclose(raw.variances, direct.variances, rtol=1e-11)
    curve = raw.sse_by_components([x], scale=scale, offset=offset)
    np.testing.assert_allclose(curve, direct.train_sse_by_components(), rtol=1e-10, atol=1e-9)


@pytest.mark.parametrize("num_components", [0, 1, 5, 12])
def test_curve_is_the_error_of_explicit_reconstructions(x, pca, num_components):
    test = correlated(80, seed=9) + 0.3  # another mean than the training data: the curve must use the training mean
    error = mean_sse(test, pca.reconstruct(test, num_components))
    np.testing.assert_allclose(pca.sse_by_components(in_batches(test, 30))[num_components], error, atol=1e-12)
    error = mean_sse(x, pca.reconstruct(x, num_components))
    np.testing.assert_allclose(pca.train_sse_by_components()[num_components], error, atol=1e-12)


def test_curve_on_the_training_data_is_the_sum_of_eigenvalues(x, pca):
    np.testing.assert_allclose(pca.sse_by_components([x]), pca.train_sse_by_components(), rtol=1e-10, atol=1e-14)


def test_curve_ends_at_zero_and_never_rises(pca):
    curve = pca.sse_by_components([correlated(40, seed=4)])
    assert curve.shape == (13,)
    assert curve[-1] == 0
    assert (np.diff(curve) <= 0).all()


def test_curve_of_a_truncated_pca_is_the_beginning(pca):
    test = correlated(40, seed=4)
    np.testing.assert_allclose(pca.truncated(4).sse_by_components([test]), pca.sse_by_components([test])[:5])
    assert len(pca.truncated(4).train_sse_by_components()) == 13


@pytest.mark.parametrize("seed", range(5))
def test_never_beaten_by_a_random_projection(x, pca, seed):
    basis, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(12, 4)))
    projected = (x - pca.mean) @ basis @ basis.T + pca.mean
    assert mean_sse(x, pca.reconstruct(x, 4)) <= mean_sse(x, projected)


def of_rank(name, rng):
    """Training data of rank 3 with 9 features, and other data of full rank."""
    values = rng.normal(size=(4 if name == "few-examples" else 60, 9))
    if name == "constant":
        values[:, 3:] = np.arange(6)
    elif name == "sums-of-others":
        values = values[:, :3] @ rng.normal(size=(3, 9)) * 100 + 1e3
    elif name == "repeated":
        values = np.tile(values[:, :3], 3).astype(np.float32)
    elif name == "bytes":
        values = np.tile(rng.integers(0, 255, size=(60, 3)), 3).astype(np.uint8)
    return values, rng.normal(size=(50, 9)) if name != "bytes" else rng.integers(0, 255, (50, 9)).astype(np.uint8)


@pytest.mark.parametrize("name", ["few-examples", "constant", "sums-of-others", "repeated", "bytes"])
def test_there_are_no_components_beyond_the_rank(name, tmp_path):
    x, test = of_rank(name, np.random.default_rng(5))
    pca = fit_pca([x])
    assert (pca.rank, pca.components.shape) == (3, (3, 9))
    np.testing.assert_array_equal(pca.variances[3:], 0)
    np.testing.assert_allclose(pca.reconstruct(x, 3), x, atol=1e-9)
    np.testing.assert_allclose(pca.components @ pca.components.T, np.eye(3), atol=1e-13)
    # What lies outside of the span is lost, however many components are asked for.
    curve = pca.sse_by_components([test])
    assert curve.shape == (10,)
    np.testing.assert_array_equal(curve[3:], curve[3])
    np.testing.assert_allclose(curve[3], mean_sse(test, pca.reconstruct(test, 3)), rtol=1e-9)
    np.testing.assert_array_equal(pca.sse_by_components([x])[3:], 0)
    with pytest.raises(UserError, match="got 4, but the training data have only 3 components, their rank; ask for at"):
        pca.encode(x, 4)
    pca.truncated(3).save(tmp_path / "pca.npz")
    np.testing.assert_array_equal(PCA.load(tmp_path / "pca.npz").sse_by_components([test]), curve)


def test_save_and_load(pca, tmp_path):
    path = tmp_path / "pca.npz"
    pca.truncated(5).save(path)
    loaded = PCA.load(path)
    for name in ("mean", "components", "variances"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(pca.truncated(5), name))
    assert loaded.num_examples == 300
    assert [p.name for p in tmp_path.iterdir()] == ["pca.npz"]
    with pytest.raises(UserError, match="got 6, but this PCA stores only the leading 5 of 12"):
        loaded.encode(np.zeros((1, 12)), 6)
    with pytest.raises(UserError, match="stores only the leading 5"):
        loaded.decode(np.zeros((1, 6)))


def test_failed_save_leaves_the_old_file(pca, tmp_path, monkeypatch):
    path = tmp_path / "pca.npz"
    pca.save(path)
    before = path.read_bytes()

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(UserError, match="No space left"):
        pca.truncated(1).save(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["pca.npz"]
    monkeypatch.undo()
    with pytest.raises(UserError, match="cannot be written"):
        pca.save(path / "below_a_file.npz")


def test_damaged_files_are_reported(pca, tmp_path):
    path = tmp_path / "pca.npz"
    pca.truncated(2).save(path)
    whole = path.read_bytes()
    for damaged in (b"", b"text", whole[: len(whole) // 2], whole[:-1]):
        path.write_bytes(damaged)
        with pytest.raises(UserError, match=r"pca\.npz: is not a saved PCA, or is damaged"):
            PCA.load(path)
    for position in range(0, len(whole), 37):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x10]) + whole[position + 1 :])
        with suppress(UserError):  # else it was a byte that the format does not use
            np.testing.assert_array_equal(PCA.load(path).components, pca.components[:2])


@pytest.mark.parametrize("change", [{"schema": 99}, {"variances": np.ones(3)}, {"components": np.ones((2, 11))}])
def test_other_contents_are_refused(pca, tmp_path, change):
    contents = {"schema": 1, "mean": pca.mean, "components": pca.components, "variances": pca.variances}
    np.savez(tmp_path / "pca.npz", **contents | {"num_examples": 300} | change)
    with pytest.raises(UserError, match="is not a saved PCA"):
        PCA.load(tmp_path / "pca.npz")


def test_pickles_and_missing_files_are_refused(tmp_path):
    np.savez(tmp_path / "pickled.npz", schema=1, mean=np.array([{}], dtype=object))
    with pytest.raises(UserError, match="is not a saved PCA"):
        PCA.load(tmp_path / "pickled.npz")
    with pytest.raises(UserError, match="no such file"):
        PCA.load(tmp_path / "absent.npz")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e200])
def test_values_without_a_square_are_refused_by_feature(value):
    x = np.ones((30, 4))
    x[17, 2] = value
    with pytest.raises(UserError, match="feature 2 has a value that is NaN, infinite or too large"):
        fit_pca(in_batches(x, 10))
    with pytest.raises(UserError, match="feature 2"):
        fit_pca([correlated(20, 4)]).sse_by_components([x])


@pytest.mark.parametrize("batches", [[], [np.zeros((0, 3))], [np.zeros((0, 3), np.uint8)], [np.zeros((1, 3))]])
def test_too_few_examples(batches):
    with pytest.raises(UserError, match=r"no examples|at least 2 examples, got 1"):
        fit_pca(batches)


@pytest.mark.parametrize(
    ("batches", "message"),
    [
        ([np.zeros(3)], "expected batches of shape"),
        ([np.zeros((2, 2, 2))], "expected batches of shape"),
        ([np.zeros((2, 0))], "expected batches of shape"),
        ([np.zeros((2, 3)), np.zeros((2, 1))], "differ in features: 3 and 1"),
        ([np.zeros((2, 3), np.uint8), np.zeros((2, 3))], "bytes are followed by float64"),
    ],
)
def test_wrong_batches(batches, message):
    with pytest.raises(ValueError, match=message):
        fit_pca(batches)


def test_wrong_calls(pca):
    for num_components in (-1, 13):
        with pytest.raises(ValueError, match=r"between 0 and 12 \(features\), got"):
            pca.encode(np.zeros((2, 12)), num_components)
    with pytest.raises(ValueError, match=r"expected shape \(examples, 12\)"):
        pca.encode(np.zeros((2, 11)), 3)
    with pytest.raises(ValueError, match=r"expected shape \(examples, 12\)"):
        pca.sse_by_components([np.zeros((2, 11))])


@pytest.mark.slow
def test_mnist_anchors(data_dir):
    """Test `sse` of PCA on MNIST; with 30 components published as 13.87 (Hinton & Salakhutdinov 2006)."""

    def pixels(name):
        with gzip.open(data_dir / "mnist" / f"{name}-images-idx3-ubyte.gz") as file:
            return np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 784)

    train, test = pixels("train"), pixels("t10k")
    pca = fit_pca([train], scale=1 / 255)
    assert pca.num_examples == 60_000
    curve = pca.sse_by_components([test], scale=1 / 255)
    np.testing.assert_allclose(curve[[2, 16, 30, 64]], [43.645, 21.058, 13.866, 7.0927], rtol=3e-5)
    np.testing.assert_allclose(mean_sse(test / 255, pca.reconstruct(test / 255, 30)), curve[30], rtol=1e-12)

    x = test / 255  # the smaller split is enough for the comparison with scikit-learn
    oracle, pca = Oracle(64, svd_solver="covariance_eigh").fit(x), fit_pca([test], scale=1 / 255)
    np.testing.assert_allclose(pca.variances[:64], oracle.explained_variance_, rtol=1e-8)
    np.testing.assert_allclose(pca.components[:64], oracle.components_, atol=1e-8)
    np.testing.assert_allclose(fit_pca([x]).variances[:64], oracle.explained_variance_, rtol=1e-8)
    expected = oracle.inverse_transform(oracle.transform(x[:500]))
    np.testing.assert_allclose(pca.reconstruct(x[:500], 64), expected, atol=1e-8)
