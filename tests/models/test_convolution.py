"""Convolutions are the library's, on any size and number of channels, and so are their gradients."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from ae_jax.evaluation.flops import flops_per_example
from ae_jax.models.convolution import Upsampling, by_library, by_product, convolve, convolve_back

LAYOUT = ("NHWC", "HWIO", "NHWC")
# Height, width, channels in and out, size of the kernel, stride.
SHAPES = [
    (7, 5, 3, 4, 3, 2),
    (8, 6, 1, 2, 3, 2),
    (5, 1, 2, 3, 3, 1),
    (1, 9, 1, 1, 5, 3),
    (4, 4, 2, 2, 4, 2),
    (2, 3, 3, 1, 2, 2),
    (6, 5, 4, 2, 4, 1),
]


def drawn(*shapes):
    rng = np.random.default_rng(0)
    return [jnp.asarray(rng.normal(size=shape), jnp.float32) for shape in shapes]


def value_and_gradients(function, x, kernel, weights):
    value = function(x, kernel)
    return value, *jax.grad(lambda x, kernel: jnp.sum(function(x, kernel) * weights), (0, 1))(x, kernel)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_convolution_is_the_librarys_and_so_are_its_gradients(shape):
    """Of the image that is longer at its end, to a multiple of the stride, with the padding SAME."""
    height, width, inputs, outputs, size, stride = shape
    ends = (-height % stride, -width % stride)
    positions = ((height + ends[0]) // stride, (width + ends[1]) // stride)
    x, kernel, weights = drawn((2, height, width, inputs), (size, size, inputs, outputs), (2, *positions, outputs))

    def same(x, kernel):
        longer = jnp.pad(x, ((0, 0), (0, ends[0]), (0, ends[1]), (0, 0)))
        return jax.lax.conv_general_dilated(longer, kernel, (stride, stride), "SAME", dimension_numbers=LAYOUT)

    options = {"stride": stride, "before": (size - stride) // 2}
    functions = [same, *(functools.partial(one, **options) for one in (convolve, by_product, by_library))]

    @jax.jit
    def all_of(x, kernel, weights):
        return [value_and_gradients(one, x, kernel, weights) for one in functions]

    expected, *found = all_of(x, kernel, weights)
    for ours in found:
        for one, other in zip(ours, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_back_is_the_transpose_of_a_convolution(shape):
    """<convolve(x), y> = <x, convolve_back(y)>, of any x and y, and so in any of the two ways."""
    height, width, inputs, outputs, size, stride = shape
    x, kernel = drawn((2, height, width, inputs), (size, size, inputs, outputs))
    options = {"stride": stride, "before": (size - stride) // 2}

    @jax.jit
    def both(x, kernel):
        made = convolve(x, kernel, **options)
        (y,) = drawn(made.shape)
        return jnp.sum(made * y), jnp.sum(x * convolve_back(y, kernel, height, width, **options))

    np.testing.assert_allclose(*both(x, kernel), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("height", "width", "size", "stride"), [(7, 4, 3, 2), (5, 6, 5, 2), (4, 7, 2, 3)])
def test_upsampling_is_a_transposed_convolution(height, width, size, stride):
    """The gradient, by its input, of a convolution that sees `stride * window` pixels.

    Its kernel has k[u, v] at the pixels from stride * (window - 1 - u) on, and it begins with
    stride * (window - 1 - window // 2) zeros.
    """
    window, outputs = -(-size // stride), 3
    small = (-(-height // stride), -(-width // stride))
    x, kernel = drawn((2, *small, 2), (window, window, 2, stride**2 * outputs))
    turned = kernel.reshape(window, window, 2, stride, stride, outputs)[::-1, ::-1]
    mirrored = turned.transpose(0, 3, 1, 4, 5, 2).reshape(window * stride, window * stride, outputs, 2)
    before = stride * (window - 1 - window // 2)
    zeros = [
        (before, stride * (n + window - 1) - before - side) for n, side in zip(small, (height, width), strict=True)
    ]

    def down(image):
        return jax.lax.conv_general_dilated(image, mirrored, (stride, stride), zeros, dimension_numbers=LAYOUT)

    @jax.jit
    def both(x, kernel):
        layer = Upsampling(2, outputs, size, stride, gain=1.0, rngs=nnx.Rngs(0))
        layer.kernel[...] = kernel
        image = jax.ShapeDtypeStruct((2, height, width, outputs), jnp.float32)
        return layer(x, height, width), jax.linear_transpose(down, image)(x)[0]

    np.testing.assert_allclose(*both(x, kernel), rtol=1e-5, atol=1e-5)


def test_only_a_cpu_multiplies_and_operations_are_counted_the_same_everywhere():
    x, kernel = drawn((1, 5, 4, 2), (3, 3, 2, 6))
    traced = jax.jit(lambda x, kernel: convolve(x, kernel, stride=2, before=0)).trace(x, kernel)
    text = {platform: traced.lower(lowering_platforms=(platform,)).as_text() for platform in ("cpu", "cuda", "tpu")}
    assert {platform: "stablehlo.convolution" in text[platform] for platform in text} == {
        "cpu": False,
        "cuda": True,
        "tpu": True,
    }
    counted = [
        flops_per_example(functools.partial(one, stride=2, before=0), x, kernel) for one in (convolve, by_library)
    ]
    # Rows that the 3 positions see, and columns that the 2 do, without padding; of 2 channels, for 6 outputs.
    pairs = (3 + 3 + 1) * (3 + 2) * 2 * 6
    assert counted == [2 * pairs, 2 * pairs]
