"""Every model maps features to a latent and back; what it is made of follows from the data and its options."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from ae_jax.errors import UserError
from ae_jax.evaluation.cost import count_parameters
from ae_jax.models import functional
from ae_jax.models.dense import DenseAutoencoder
from ae_jax.models.dictionary import DictionaryAutoencoder
from ae_jax.models.layers import ACTIVATIONS
from ae_jax.models.linear import LinearAutoencoder
from ae_jax.models.resnet_mlp import ResNetMLPAutoencoder

DENSE = {
    "hidden_sizes": [12, 7],
    "latent_size": 3,
    "activation": "relu",
    "latent_activation": "identity",
    "tied_weights": False,
    "overcomplete": False,
    "code_width": 1,
}


def dense(feature_shape=(5, 4), precision="float32", **options):
    return functional(
        lambda rngs: DenseAutoencoder(feature_shape=feature_shape, rngs=rngs, **{**DENSE, **options}),
        math.prod(feature_shape),
        precision=precision,
    )


def linear(feature_shape=(5, 4), latent_size=3, code_width=1, **options):
    return functional(
        lambda rngs: LinearAutoencoder(
            feature_shape=feature_shape, latent_size=latent_size, code_width=code_width, rngs=rngs, **options
        ),
        math.prod(feature_shape),
    )


RESNET = {"hidden_size": 6, "num_blocks": 1, "latent_size": 3, "activation": "tanh", "normalization": "layer"}


def resnet_mlp(feature_shape=(5, 4), code_width=1, **options):
    given = {**RESNET, "dropout_rate": 0.0, "code_width": code_width, **options}
    return functional(
        lambda rngs: ResNetMLPAutoencoder(feature_shape=feature_shape, rngs=rngs, **given), math.prod(feature_shape)
    )


def dictionary(feature_shape=(5, 4), precision="float32", **options):
    given = {"latent_size": 3, "latent_activation": "identity", "tied_init": False, "code_width": 1, **options}
    return functional(
        lambda rngs: DictionaryAutoencoder(feature_shape=feature_shape, rngs=rngs, **given),
        math.prod(feature_shape),
        precision=precision,
    )


@pytest.mark.parametrize("model", [dense(), dense(tied_weights=True), dense(hidden_sizes=[]), linear(), dictionary()])
def test_shapes(model):
    params, state = model.init(jax.random.key(0))
    latent = model.encode(params, state, jnp.ones((2, 20)))
    assert latent.shape == (2, 3)
    assert model.decode(params, state, latent).shape == (2, 20)
    assert jax.tree.map(jnp.shape, params) == jax.tree.map(jnp.shape, model.abstract_params)
    assert not jax.tree.leaves((state, model.abstract_state))
    assert model.abstract_code.shape == (1, 3)


@pytest.mark.parametrize("make", [dense, linear, resnet_mlp, dictionary])
def test_a_code_has_as_many_numbers_for_each_latent_dimension_as_the_bottleneck_takes(make):
    model = make(code_width=2)
    trained = model.abstract_params, model.abstract_state
    assert model.abstract_code.shape == (1, 6)
    assert jax.eval_shape(model.encode, *trained, jnp.ones((2, 20))).shape == (2, 6)
    assert jax.eval_shape(model.decode, *trained, jnp.ones((2, 3))).shape == (2, 20)


@pytest.mark.parametrize("make", [dense, linear, resnet_mlp, dictionary])
def test_a_decoder_makes_as_many_numbers_for_each_feature_as_the_loss_takes(make):
    model = make(output_width=2)
    assert jax.eval_shape(model.decode, model.abstract_params, model.abstract_state, jnp.ones((2, 3))).shape == (2, 40)


def test_tied_weights_make_one_number_for_each_feature():
    with pytest.raises(UserError, match=r"model.tied_weights: has no weights to share for 2 numbers a feature"):
        dense(output_width=2, tied_weights=True)


def test_a_dictionary_is_a_sum_of_directions_of_unit_length_however_long_its_parameters_are():
    model = dictionary(latent_size=50, tied_init=True, latent_activation="relu")
    params, state = model.init(jax.random.key(1))
    np.testing.assert_array_equal(params["encoder"]["kernel"][...], params["directions"][...].T)
    np.testing.assert_allclose(np.linalg.norm(params["directions"][...], axis=1), np.ones(50), rtol=1e-5)
    rng = np.random.default_rng(0)
    params = jax.tree.map(lambda leaf: jnp.asarray(rng.normal(size=leaf.shape), jnp.float32), params)
    kernel, inner, directions, bias = (
        np.float64(leaf[...])
        for leaf in (params["encoder"]["kernel"], params["encoder"]["bias"], params["directions"], params["bias"])
    )
    x = rng.random((4, 20)).astype(np.float32)
    code = np.maximum((x - bias) @ kernel + inner, 0)
    outputs = code @ (directions / np.linalg.norm(directions, axis=1, keepdims=True)) + bias
    found = jax.jit(lambda x: model.decode(params, state, model.encode(params, state, x)))(x)
    np.testing.assert_allclose(found, outputs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"tied_init": True},
            r"model\.tied_init: is for a code that is the latent; this bottleneck takes 2 numbers fo",
        ),
        ({"latent_activation": "relu"}, r"model\.latent_activation: is for a code that is the latent; this bottlenec"),
    ],
)
def test_a_dictionary_of_a_code_that_is_wider_than_the_latent_is_plain(options, said):
    with pytest.raises(UserError, match=f"^{said}"):
        dictionary(code_width=2, **options)


def test_dense_is_its_formula():
    model = dense(hidden_sizes=[6], activation="tanh", latent_activation="sigmoid")
    params, state = model.init(jax.random.key(1))
    x = np.random.default_rng(0).random((4, 20))
    (w1, b1), (w2, b2), (w3, b3), (w4, b4) = (
        (np.asarray(layer["kernel"][...], np.float64), np.asarray(layer["bias"][...], np.float64))
        for layer in (params["encoder"][0], params["encoder"][1], params["decoder"][0], params["decoder"][1])
    )
    latent = 1 / (1 + np.exp(-(np.tanh(x @ w1 + b1) @ w2 + b2)))
    np.testing.assert_allclose(model.encode(params, state, jnp.float32(x)), latent, rtol=1e-5)
    outputs = np.tanh(latent @ w3 + b3) @ w4 + b4
    np.testing.assert_allclose(model.decode(params, state, jnp.float32(latent)), outputs, rtol=1e-4, atol=1e-5)


NORMED = {"normalization": "layer", "hidden_sizes": [6], "activation": "tanh"}


@pytest.mark.parametrize("tied", [False, True])
def test_a_hidden_layer_is_normalised_before_its_activation_and_has_one_shift(tied):
    """tanh(scale (z - mean) / sqrt(variance + 1e-5) + bias) with z = x W; the code is affine, and is not normalised."""
    model = dense(**NORMED, tied_weights=tied)
    params, state = model.init(jax.random.key(1))
    assert count_parameters(params) == 20 * 6 + 2 * 6 + 6 * 3 + 3 + (
        2 * 6 + 20 if tied else 3 * 6 + 2 * 6 + 6 * 20 + 20
    )
    x = np.random.default_rng(0).normal(size=(4, 20))
    z = x @ np.asarray(params["encoder"][0]["kernel"][...], np.float64)
    normed = (z - z.mean(axis=1, keepdims=True)) / np.sqrt(z.var(axis=1, keepdims=True) + 1e-5)
    last = params["encoder"][1]
    np.testing.assert_allclose(
        model.encode(params, state, jnp.float32(x)),
        np.tanh(normed) @ np.asarray(last["kernel"][...], np.float64) + np.asarray(last["bias"][...]),
        rtol=1e-4,
        atol=1e-5,
    )
    assert not jax.tree.leaves(state)


def test_batch_normalisation_takes_the_batch_in_training_and_averages_after_it():
    model = dense(normalization="batch", hidden_sizes=[6], activation="identity")
    params, state = model.init(jax.random.key(1))
    x = np.random.default_rng(0).normal(size=(8, 20))
    z = x @ np.asarray(params["encoder"][0]["kernel"][...], np.float64)
    code, after = model.train_encode(params, state, jax.random.key(0), jnp.float32(x))
    last = np.asarray(params["encoder"][1]["kernel"][...])
    np.testing.assert_allclose(code, (z - z.mean(0)) / np.sqrt(z.var(0) + 1e-5) @ last, rtol=1e-4, atol=1e-5)
    mean, var = (np.asarray(after["encoder_hidden"][0]["normalize"][name][...]) for name in ("mean", "var"))
    np.testing.assert_allclose(mean, 0.1 * z.mean(0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(var, 0.9 + 0.1 * z.var(0), rtol=1e-5)
    expected = (z - mean) / np.sqrt(var + 1e-5) @ last
    np.testing.assert_allclose(model.encode(params, after, jnp.float32(x)), expected, rtol=1e-4, atol=1e-5)


def test_dropout_keeps_a_share_of_hidden_numbers_and_their_mean():
    """With all kernels 1 and x = 1 / 20 a hidden number is 0 or 1 / (1 - rate), and the code their sum."""
    model = dense(dropout_rate=0.25, hidden_sizes=[400], tied_weights=True)
    params, state = model.init(jax.random.key(1))
    params = jax.tree.map(lambda leaf: jnp.where(leaf.ndim == 2, 1.0, 0.0) * jnp.ones_like(leaf), params)
    code, after = model.train_encode(params, state, jax.random.key(0), jnp.ones((50, 20)) / 20)
    kept = np.asarray(code[:, 0]) * 0.75
    np.testing.assert_allclose(kept, kept.round(), atol=1e-3)
    # Of 20,000 numbers the mean share has a standard deviation of sqrt(0.75 * 0.25 / 20,000) = 0.003.
    assert abs(kept.mean() / 400 - 0.75) < 5 * 0.0031
    assert len(np.unique(kept.round())) > 10  # each example has its own
    np.testing.assert_allclose(model.encode(params, state, jnp.ones((2, 20)) / 20), 400.0, rtol=1e-5)
    assert not jax.tree.leaves(after)


def test_resnet_mlp_is_its_formula():
    """A block begins as the identity; here its last layer is the identity matrix."""
    model = resnet_mlp()
    params, state = model.init(jax.random.key(0))
    encoder = params["encoder"]
    assert not np.any(encoder["blocks"][0]["second"]["kernel"][...])
    encoder["blocks"][0]["second"]["kernel"][...] = jnp.eye(6)
    x = np.random.default_rng(0).normal(size=(4, 20)).astype(np.float32)

    def affine(layer, x):
        return x @ np.asarray(layer["kernel"][...], np.float64) + np.asarray(layer["bias"][...])

    def normed(x):
        return (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + 1e-5)

    hidden = affine(encoder["first"], x)
    hidden = hidden + np.tanh(affine(encoder["blocks"][0]["first"], normed(hidden)))
    code = affine(encoder["last"], np.tanh(normed(hidden)))
    np.testing.assert_allclose(model.encode(params, state, jnp.asarray(x)), code, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("given", [{"normalization": "layer"}, {"dropout_rate": 0.1}])
def test_options_of_hidden_layers_need_some(given):
    with pytest.raises(UserError, match=rf"model.{next(iter(given))}: is for hidden layers, .* is empty"):
        dense(hidden_sizes=[], **given)


def test_the_reference_case_has_its_parameters():
    model = dense(feature_shape=(28, 28), hidden_sizes=[], latent_size=256, latent_activation="relu")
    assert count_parameters(model.abstract_params) == 784 * 256 + 256 + 256 * 784 + 784


def test_tied_weights_are_the_transposed_encoder():
    model = dense(hidden_sizes=[], tied_weights=True)
    params, state = model.init(jax.random.key(2))
    assert count_parameters(params) == 20 * 3 + 3 + 20
    latent = jnp.eye(3)
    kernel = params["encoder"][0]["kernel"][...]
    np.testing.assert_allclose(model.decode(params, state, latent), kernel.T, rtol=1e-6)


def test_layers_are_independent_and_follow_the_key():
    model = dense(hidden_sizes=[20])
    (one, _), (two, _) = model.init(jax.random.key(0)), model.init(jax.random.key(1))
    first = one["encoder"][0]["kernel"][...]
    assert not np.allclose(first, two["encoder"][0]["kernel"][...])
    assert not np.allclose(first[:, :3], one["encoder"][1]["kernel"][...])
    for ours, again in zip(jax.tree.leaves(one), jax.tree.leaves(model.init(jax.random.key(0))[0]), strict=True):
        np.testing.assert_array_equal(ours, again)


@pytest.mark.parametrize("name", ["relu", "tanh"])
def test_initial_kernels_have_the_variance_of_their_activation(name):
    """Gain / fan-in; the variance of n samples has a relative standard deviation of about sqrt(2 / n)."""
    model = dense(feature_shape=(400,), hidden_sizes=[300], activation=name)
    kernel = model.init(jax.random.key(0))[0]["encoder"][0]["kernel"][...]
    expected = ACTIVATIONS[name].gain / 400
    assert abs(kernel.var() / expected - 1) < 5 * (2 / kernel.size) ** 0.5


@pytest.mark.parametrize("make", [dense, linear, resnet_mlp])
def test_a_latent_larger_than_the_data_is_refused(make):
    with pytest.raises(UserError, match=r"model.latent_size: 21 is larger than the 20 features"):
        make(latent_size=21)


def test_an_overcomplete_latent_can_be_asked_for():
    model = dense(latent_size=21, overcomplete=True)
    assert model.encode(*model.init(jax.random.key(0)), jnp.ones((1, 20))).shape == (1, 21)


@pytest.mark.slow
def test_parameters_stay_float32_when_the_model_computes_in_bfloat16():
    half, full = dense(precision="bfloat16"), dense()
    params, state = half.init(jax.random.key(0))
    x = jax.random.uniform(jax.random.key(1), (8, 20))
    ours, exact = (
        half.decode(params, state, half.encode(params, state, x)),
        full.decode(params, state, full.encode(params, state, x)),
    )
    assert ours.dtype == jnp.float32
    assert {leaf.dtype for leaf in jax.tree.leaves(params)} == {jnp.dtype(jnp.float32)}
    assert 0 < np.abs(ours - exact).max() < 0.1 * np.abs(exact).max()


def test_a_model_is_an_ordinary_module():
    model = LinearAutoencoder(feature_shape=(4,), latent_size=2, code_width=1, rngs=nnx.Rngs(0))
    assert model.decode(model.encode(jnp.ones((1, 4)))).shape == (1, 4)
