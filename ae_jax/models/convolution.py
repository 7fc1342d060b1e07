r"""Convolutions of images, "batch height width channels", written for the device that they run on.

    down:  y[i, j] = sum over u, v of x[s i + u - b, s j + v - b] k[u, v],    b = (size - s) // 2, s the stride
    up:    the same with stride 1 and s * s times the channels, which become s x s pixels (Shi et al. 2016)

Outside of the image x is 0. A convolution makes ceil(n / s) positions of n, as the padding SAME of XLA and TensorFlow
does; where s does not divide n, the image is taken as longer at its end, where SAME would share that out between both
ends, and PyTorch's `padding=size // 2` begins with more zeros. Up-sampling is a transposed convolution whose kernel's
size is a multiple of the stride, so that every pixel is made of as many inputs (Odena et al. 2016).

**How it is computed is decided here alone.** On a CPU XLA's convolution inside `jax.lax.scan`, which every epoch is,
takes more than ten times as long as the same as one product of matrices (294 ms a step against 25 for 28 x 28 pixels,
32 and 64 channels, batch 128, on two cores), and under `jax.vmap` over kernels it becomes one convolution in groups. So
a CPU copies what each position sees, by as many shifted slices as the kernel has places, and multiplies; all other
devices have convolutions in their library.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float

from ae_jax.models.layers import Biased, initializer

Image = Float[Array, "batch _ _ _"]
"""Height, width and channels, which differ from layer to layer."""
Inputs = Float[Array, "batch _ _ inputs"]
Kernel = Float[Array, "rows columns inputs outputs"]
Outputs = Float[Array, "batch _ _ outputs"]
_LAYOUT = ("NHWC", "HWIO", "NHWC")


def convolve(x: Inputs, kernel: Kernel, *, stride: int, before: int) -> Outputs:
    """The sum above, at ceil(height / stride) times ceil(width / stride) positions.

    Args:
        x: Images.
        kernel: Its first two axes are at least as long as the stride.
        stride: Pixels between two positions.
        before: Zeros before the first pixel, of either axis.
    """
    # Chosen when a program is lowered, by the device that it is lowered for, not by what this process prefers.
    product, library = (functools.partial(one, stride=stride, before=before) for one in (by_product, by_library))
    return jax.lax.platform_dependent(x, kernel, cpu=product, default=library)


def convolve_back(y: Outputs, kernel: Kernel, height: int, width: int, *, stride: int, before: int) -> Inputs:
    """The transpose of `convolve`, which is linear in the images: images of this height and width of what it makes."""
    images = jax.ShapeDtypeStruct((len(y), height, width, kernel.shape[2]), y.dtype)
    (x,) = jax.linear_transpose(functools.partial(convolve, kernel=kernel, stride=stride, before=before), images)(y)
    return x


def by_product(x: Inputs, kernel: Kernel, *, stride: int, before: int) -> Outputs:
    """`convolve` as a product of matrices, whose rows are positions: two axes, as more are slower in its gradient."""
    rows, columns, num_inputs, num_outputs = kernel.shape
    if stride == 1 and num_outputs < num_inputs:
        return _product_then_shifts(x, kernel, before)
    padding = _padding(x, kernel, stride, before)
    padded = jnp.pad(x, [(0, 0), *padding, (0, 0)])
    height, width = (size + sum(zeros) for size, zeros in zip(x.shape[1:3], padding, strict=True))
    seen = jnp.concatenate(
        [
            padded[:, u : height - rows + u + 1 : stride, v : width - columns + v + 1 : stride]
            for u, v in np.ndindex(rows, columns)
        ],
        axis=-1,
    )
    products = seen.reshape(-1, seen.shape[-1]) @ kernel.reshape(-1, num_outputs)
    return products.reshape(*seen.shape[:3], num_outputs)


def _product_then_shifts(x: Inputs, kernel: Kernel, before: int) -> Outputs:
    """The same, of stride 1: each input times the whole kernel, and shifted sums of that, where it is the smaller."""
    rows, columns, num_inputs, _ = kernel.shape
    products = x.reshape(-1, num_inputs) @ kernel.transpose(2, 0, 1, 3).reshape(num_inputs, -1)
    parts = jnp.split(products.reshape(*x.shape[:3], -1), rows * columns, axis=-1)
    zero, total = jnp.zeros((), x.dtype), jnp.zeros_like(parts[0])
    for (u, v), part in zip(np.ndindex(rows, columns), parts, strict=True):
        shifts = (0, 0, 0), (before - u, u - before, 0), (before - v, v - before, 0), (0, 0, 0)
        total += jax.lax.pad(part, zero, shifts)
    return total


def by_library(x: Inputs, kernel: Kernel, *, stride: int, before: int) -> Outputs:
    """`convolve` by the library's convolution."""
    padding = _padding(x, kernel, stride, before)
    return jax.lax.conv_general_dilated(x, kernel, (stride, stride), padding, dimension_numbers=_LAYOUT)


def _padding(x: Inputs, kernel: Kernel, stride: int, before: int) -> list[tuple[int, int]]:
    """Zeros before and after the pixels of each side, so that ceil(pixels / stride) positions fit."""
    sides = zip(x.shape[1:3], kernel.shape[:2], strict=True)
    return [(before, (-(-side // stride) - 1) * stride + size - before - side) for side, size in sides]


def depth_to_space(x: Image, factor: int) -> Image:
    """Images that are `factor` times as high and wide: every pixel's channels become factor x factor pixels."""
    batch, height, width, channels = x.shape
    split = x.reshape(batch, height, width, factor, factor, channels // factor**2)
    return split.transpose(0, 1, 3, 2, 4, 5).reshape(batch, height * factor, width * factor, -1)


class _Layer(Biased):
    """A kernel as well, of rows and columns and channels in and out."""

    def __init__(self, kernel_shape: tuple[int, ...], num_outputs: int, gain: float, rngs: nnx.Rngs, *, use_bias: bool):
        super().__init__(num_outputs, use_bias=use_bias)
        self.kernel = nnx.Param(initializer(gain)(rngs.params(), kernel_shape, jnp.float32))


class Convolution(_Layer):
    """A layer that convolves: `num_outputs` channels at one of `stride` positions.

    Args:
        num_inputs: Channels of its input.
        num_outputs: Channels of its output.
        size: Of the kernel, rows and columns.
        stride: Pixels between two positions.
        gain: The weights have variance gain / (size**2 * num_inputs).
        use_bias: Whether a number for each channel is added.
        rngs: Random streams of the initialisation.
    """

    def __init__(
        self,
        num_inputs: int,
        num_outputs: int,
        size: int,
        stride: int,
        *,
        gain: float,
        use_bias: bool = True,
        rngs: nnx.Rngs,
    ):
        super().__init__((size, size, num_inputs, num_outputs), num_outputs, gain, rngs, use_bias=use_bias)
        self.stride, self.before = stride, (size - stride) // 2

    def __call__(self, x: Image) -> Image:
        """The images that it makes of x."""
        return self.shifted(convolve(x, self.kernel[...], stride=self.stride, before=self.before))


class Upsampling(_Layer):
    """A layer that mirrors a convolution: `stride` times as many pixels in each direction.

    Args:
        num_inputs: Channels of its input.
        num_outputs: Channels of its output.
        size: Of the kernel that it mirrors: a pixel is made of ceil(size / stride) inputs in each direction.
        stride: Pixels for each of its inputs.
        gain: The weights have variance gain / (the inputs that a pixel is made of).
        use_bias: Whether a number for each channel is added.
        rngs: Random streams of the initialisation.
    """

    def __init__(
        self,
        num_inputs: int,
        num_outputs: int,
        size: int,
        stride: int,
        *,
        gain: float,
        use_bias: bool = True,
        rngs: nnx.Rngs,
    ):
        window = -(-size // stride)
        shape = (window, window, num_inputs, stride**2 * num_outputs)
        super().__init__(shape, num_outputs, gain, rngs, use_bias=use_bias)
        self.stride, self.before = stride, window // 2

    def __call__(self, x: Image, height: int, width: int) -> Image:
        """Images of this height and width, of those that are `stride` times smaller, rounded up."""
        made = convolve(x, self.kernel[...], stride=1, before=self.before)
        return self.shifted(depth_to_space(made, self.stride)[:, :height, :width])


class TiedUpsampling(Biased):
    """A layer that takes a convolution back, with the kernel of that one and a bias of its own.

    Args:
        num_outputs: Channels of its output, which are those of the convolution's input.
        use_bias: Whether a number for each channel is added.
    """

    def __call__(self, x: Image, height: int, width: int, convolution: Convolution) -> Image:
        """Images of this height and width, of what the convolution makes of such."""
        kernel, form = convolution.kernel[...], {"stride": convolution.stride, "before": convolution.before}
        return self.shifted(convolve_back(x, kernel, height, width, **form))
