"""The convolutional autoencoder: images of any size come back in their size, and it is its formula."""

import math
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from ae_jax.errors import UserError
from ae_jax.models import functional
from ae_jax.models.conv import ConvAutoencoder, _Block, _Form
from ae_jax.models.layers import Style

CONV = {
    "channels": [4, 6],
    "latent_size": 3,
    "kernel_size": 3,
    "stride": 2,
    "num_residual_blocks": 0,
    "activation": "relu",
    "normalization": "none",
    "num_groups": 2,
    "code_width": 1,
}


def conv(feature_shape=(7, 5, 2), *, precision="float32", **options):
    return functional(
        lambda rngs: ConvAutoencoder(feature_shape=feature_shape, rngs=rngs, **{**CONV, **options}),
        math.prod(feature_shape),
        precision=precision,
    )


@pytest.mark.parametrize(
    ("feature_shape", "options"),
    [
        ((28, 28), {"channels": [32, 64], "latent_size": 32}),
        ((7, 5, 3), {"num_residual_blocks": 2, "normalization": "group"}),
        ((1, 9), {"stride": 3, "kernel_size": 4, "normalization": "batch"}),
        ((5, 5, 1), {"channels": [4, 6, 8], "latent_size": 1, "normalization": "layer"}),
        ((3, 4), {"stride": 1, "kernel_size": 1, "channels": [1] * 4}),
    ],
)
def test_the_decoder_restores_the_size(feature_shape, options):
    model = conv(feature_shape, **options, code_width=2, output_width=3)
    params, state, num_features = model.abstract_params, model.abstract_state, math.prod(feature_shape)
    latent_size = options.get("latent_size", 3)
    assert model.abstract_code.shape == (1, 2 * latent_size)
    assert jax.eval_shape(model.encode, params, state, jnp.ones((2, num_features))).shape == (2, 2 * latent_size)
    assert jax.eval_shape(model.decode, params, state, jnp.ones((2, latent_size))).shape == (2, 3 * num_features)


@pytest.mark.parametrize(
    ("feature_shape", "stride", "size"),
    [
        ((7, 5, 2), 2, 3),
        pytest.param((4, 6, 1), 1, 3, marks=pytest.mark.slow),
        pytest.param((9, 8, 3), 3, 4, marks=pytest.mark.slow),
    ],
)
def test_tied_weights_take_every_linear_map_back(feature_shape, stride, size):
    """Without activation, biases and blocks the decoder is the transpose of the encoder; of a wide code, of a part."""
    options = {"stride": stride, "kernel_size": size, "activation": "identity", "tied_weights": True, "code_width": 2}
    model = conv(feature_shape, **options)
    params, state = jax.jit(model.init)(jax.random.key(0))
    num_features = math.prod(feature_shape)
    assert sum(leaf.size for leaf in jax.tree.leaves(params["decoder"])) == 4 + feature_shape[2]  # biases alone
    encoder, decoder = jax.jit(
        lambda: (model.encode(params, state, jnp.eye(num_features)), model.decode(params, state, jnp.eye(3)))
    )()
    np.testing.assert_allclose(decoder, encoder[:, :3].T, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_tied_weights_have_blocks_of_their_own_and_one_gradient():
    model = conv(tied_weights=True, num_residual_blocks=1, normalization="group")
    params, state = jax.jit(model.init)(jax.random.key(0))
    x = jnp.ones((2, 70))
    gradient = jax.jit(jax.grad(lambda p: jnp.sum((model.decode(p, state, model.encode(p, state, x)) - x) ** 2)))(
        params
    )
    assert len(params["decoder"][0]["blocks"]) == 1
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))
    assert np.abs(gradient["encoder"][0]["convolution"]["kernel"][...]).max() > 0


@pytest.mark.parametrize("normalization", ["none", "batch", "layer", "group"])
def test_all_layers_compute_in_the_type_that_is_asked_for(normalization):
    """But for statistics and what else is float32 in any case, products are of bfloat16 and of nothing else."""
    model = conv(precision="bfloat16", normalization=normalization, num_residual_blocks=1)
    params, state, x = model.abstract_params, model.abstract_state, jnp.ones((2, 70))
    for training in (model.train_encode, lambda params, state, key, x: model.encode(params, state, x)):
        text = jax.jit(training).lower(params, state, jax.random.key(0), x).as_text()
        products = re.findall(r"stablehlo.dot_general.*-> tensor<\w*?x(bf16|f32)>", text)
        assert len(products) == 7
        assert set(products) == {"bf16"}


def test_the_encoder_is_its_formula():
    """relu of two strided convolutions of the image, which is longer at its end where it is odd, and an affine map."""
    model = conv((6, 5, 2))
    rng = np.random.default_rng(0)
    params = jax.tree.map(lambda leaf: rng.normal(size=leaf.shape).astype(np.float32), model.abstract_params)
    x = rng.normal(size=(3, 6, 5, 2)).astype(np.float32)
    image = x
    for stage in (0, 1):
        layer = params["encoder"][stage]["convolution"]
        height, width = (-(-side // 2) for side in image.shape[1:3])
        longer = np.pad(image, ((0, 0), (0, 3), (0, 3), (0, 0)))
        made = sum(
            longer[:, u : u + 2 * height : 2, v : v + 2 * width : 2] @ layer["kernel"][...][u, v]
            for u in range(3)
            for v in range(3)
        )
        image = np.maximum(made + layer["bias"][...], 0)
    assert image.shape == (3, 2, 2, 6)
    code = image.reshape(3, -1) @ params["to_code"]["kernel"][...] + params["to_code"]["bias"][...]
    found = jax.jit(model.encode)(params, model.abstract_state, jnp.asarray(x.reshape(3, -1)))
    np.testing.assert_allclose(found, code, rtol=1e-4, atol=1e-4)


def test_of_several_numbers_a_feature_all_features_of_the_first_come_first():
    """With kernels of 0 the outputs are the bias of the last layer: one for each channel of each number."""
    model = conv((3, 2, 2), channels=[4], output_width=2)
    params, state = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape), (model.abstract_params, model.abstract_state))
    params["decoder"][0]["upsampling"]["bias"][...] = jnp.array([1.0, 2.0, 3.0, 4.0])
    (outputs,) = jax.jit(model.decode)(params, state, jnp.ones((1, 3)))
    np.testing.assert_array_equal(outputs, [1, 2] * 6 + [3, 4] * 6)


def test_a_residual_block_begins_as_the_identity_and_has_a_gradient():
    x = np.random.default_rng(0).normal(size=(2, 3, 3, 4)).astype(np.float32)

    def squares(params, graph):
        made = nnx.merge(graph, params)(jnp.asarray(x))
        return jnp.sum(made**2), made

    @jax.jit
    def begun():
        graph, params = nnx.split(
            _Block(4, _Form(3, 2, 1, tied=False), Style("relu", "group", num_groups=2), nnx.Rngs(0))
        )
        return jax.value_and_grad(squares, has_aux=True)(params, graph)

    (_, made), gradient = begun()
    np.testing.assert_array_equal(made, x)
    assert np.abs(gradient["second"]["kernel"][...]).max() > 0.1


@pytest.mark.parametrize(
    ("feature_shape", "options", "said"),
    [
        ((20,), {}, r"model=conv: is for images, and an example of these data is 20 numbers; choose model=dense or .*"),
        ((4, 4, 4, 1), {}, r"model=conv: is for images, and an example of these data is 4 x 4 x 4 x 1; .*"),
        (
            (8, 5),
            {"channels": [2] * 4},
            r"model.channels: has 4 stages, and after 3 an image of 8 x 5 is one pixel; give at most 3, .*",
        ),
        ((8, 5), {"channels": []}, r"model.channels: is empty; .*"),
        ((8, 5), {"kernel_size": 1}, r"model.kernel_size: 1 is smaller than the stride of 2, .*; give at least 2"),
        ((8, 5), {"normalization": "group", "num_groups": 4}, r"model.num_groups: 4 groups do not divide the 6 .*"),
        ((8, 5), {"tied_weights": True, "output_width": 2}, r"model.tied_weights: has no weights to share for 2 .*"),
        ((2, 2), {"latent_size": 5}, r"model.latent_size: 5 is larger than the 4 features .*"),
    ],
)
def test_a_mistake_is_one_line(feature_shape, options, said):
    with pytest.raises(UserError, match=f"^{said}"):
        conv(feature_shape, **options)
