"""The convolutional autoencoder: strided convolutions, and the same backwards."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

from flax import nnx

from ae_jax.errors import UserError
from ae_jax.images import image_shape
from ae_jax.models.base import AbstractAutoencoder, check_latent_size, check_tied_width
from ae_jax.models.convolution import Convolution, Image, TiedUpsampling, Upsampling
from ae_jax.models.layers import ActivationName, Finish, Style, TiedLinear, linear
from ae_jax.typing import Batch, Code, Count, Latent, Size


class _Form(NamedTuple):
    """What all stages share."""

    kernel_size: int
    stride: int
    num_blocks: int
    tied: bool


class ConvAutoencoder(AbstractAutoencoder):
    """Stages of convolutions that make an image smaller, an affine map to the code; and the same backwards.

    A stage of the encoder is activation(normalization(convolution(x))), which makes ceil(n / stride) pixels of n; one
    of the decoder is the same with an up-sampling, which restores the size that the mirrored stage was given, also an
    odd one. After a stage of the encoder, and before its mirror, come residual blocks,

        x + convolution(activation(normalization(convolution(activation(normalization(x))))))

    of which the last convolution begins at 0, so that a block begins as the identity. Neither the code nor the outputs
    are normalised or activated.

    Args:
        feature_shape: Height and width of an image, and its channels where it has an axis of these.
        channels: Of each stage, from the image to the latent.
        latent_size: Number of latent dimensions.
        kernel_size: Rows and columns of the convolutions, at least `stride`.
        stride: How many times smaller a stage makes each side.
        num_residual_blocks: After each stage.
        activation: Of all layers but the code and the outputs.
        normalization: Of all layers but these, see `layers.normalizer`.
        num_groups: Of channels, of `normalization=group`; it divides all `channels`.
        tied_weights: Whether the decoder takes each convolution of the encoder, and the affine map to the code, back by
            the transpose of the same kernel, with biases, normalizations and residual blocks of its own. Of a code that
            is wider than the latent it is the map to the first `latent_size` numbers.
        code_width: Numbers of the code that the bottleneck takes for each latent dimension.
        output_width: Numbers that the loss takes for each feature.
        rngs: Random streams of the initialisation.

    Raises:
        UserError: If the data are no images, there are more stages than make them smaller, the kernel leaves pixels
            out, the groups do not divide the channels, tied weights are to make several numbers for each feature, or
            `latent_size` is larger than the number of features.

    Reference:
        Masci et al., Stacked Convolutional Auto-Encoders for Hierarchical Feature Extraction, 2011, with strides for
        pooling as in Radford et al. 2016; the blocks of He et al., Identity Mappings in Deep Residual Networks, 2016.
    """

    def __init__(
        self,
        *,
        feature_shape: tuple[int, ...],
        channels: Sequence[Size],
        latent_size: Size,
        kernel_size: Size,
        stride: Size,
        num_residual_blocks: Count,
        activation: ActivationName,
        normalization: Literal["none", "batch", "layer", "group"],
        num_groups: Size,
        tied_weights: bool = False,
        code_width: int,
        output_width: int = 1,
        rngs: nnx.Rngs,
    ):
        self.shape = image_shape("model=conv", feature_shape, otherwise="model=dense or resnet_mlp")
        check_latent_size(latent_size, feature_shape)
        check_tied_width(output_width, tied_weights=tied_weights)
        _check_layers(channels, kernel_size, stride, num_groups if normalization == "group" else 1)
        self.sizes = _sizes(self.shape[:2], stride, len(channels))
        form = _Form(kernel_size, stride, num_residual_blocks, tied_weights)
        style = Style(activation, normalization, num_groups=num_groups)
        inputs, outputs = self.shape[2], output_width * self.shape[2]
        self.encoder = nnx.List(_Stage(*pair, form, style, rngs) for pair in pairwise([inputs, *channels]))
        self.smallest = (*self.sizes[-1], channels[-1])
        num_smallest = self.smallest[0] * self.smallest[1] * self.smallest[2]
        self.to_code = linear(num_smallest, code_width * latent_size, 1.0, rngs)
        if tied_weights:
            self.from_latent = TiedLinear(num_smallest, use_bias=style.use_bias)
        else:
            self.from_latent = linear(latent_size, num_smallest, style.gain, rngs, use_bias=style.use_bias)
        self.finish = Finish(channels[-1], style, rngs)
        back = [*channels[::-1], outputs]
        self.decoder = nnx.List(
            _Mirror(*pair, form, style, rngs, is_last=index == len(channels) - 1)
            for index, pair in enumerate(pairwise(back))
        )

    def encode(self, x: Batch) -> Code:
        """Stages, then an affine map."""
        image = x.reshape(-1, *self.shape)
        for stage in self.encoder:
            image = stage(image)
        return self.to_code(image.reshape(len(x), -1))

    def decode(self, latent: Latent) -> Batch:
        """An affine map, then the stages backwards."""
        first = self.from_latent
        numbers = first(latent, self.to_code) if isinstance(first, TiedLinear) else first(latent)
        image = self.finish(numbers.reshape(-1, *self.smallest))
        stages = zip(self.decoder, reversed(list(self.encoder)), self.sizes[-2::-1], strict=True)
        for stage, mirrored, (height, width) in stages:
            image = stage(image, height, width, mirrored.convolution)
        # Of several numbers a feature, all features of the first come first.
        outputs = image.reshape(*image.shape[:3], -1, self.shape[2])
        return outputs.transpose(0, 3, 1, 2, 4).reshape(len(latent), -1)


class _Block(nnx.Module):
    """x + convolution(activation(normalization(convolution(activation(normalization(x))))))."""

    def __init__(self, num_channels: int, form: _Form, style: Style, rngs: nnx.Rngs):
        shape = num_channels, num_channels, form.kernel_size, 1
        self.before = Finish(num_channels, style, rngs)
        self.first = Convolution(*shape, gain=style.gain, use_bias=style.use_bias, rngs=rngs)
        self.between = Finish(num_channels, style, rngs)
        self.second = Convolution(*shape, gain=0.0, rngs=rngs)

    def __call__(self, x: Image) -> Image:
        return x + self.second(self.between(self.first(self.before(x))))


class _Stage(nnx.Module):
    """A strided convolution, and residual blocks."""

    def __init__(self, num_inputs: int, num_outputs: int, form: _Form, style: Style, rngs: nnx.Rngs):
        shape = num_inputs, num_outputs, form.kernel_size, form.stride
        self.convolution = Convolution(*shape, gain=style.gain, use_bias=style.use_bias, rngs=rngs)
        self.finish = Finish(num_outputs, style, rngs)
        self.blocks = nnx.List(_Block(num_outputs, form, style, rngs) for _ in range(form.num_blocks))

    def __call__(self, x: Image) -> Image:
        x = self.finish(self.convolution(x))
        for block in self.blocks:
            x = block(x)
        return x


class _Mirror(nnx.Module):
    """Residual blocks, and an up-sampling, which is affine in the last stage; where tied, by the mirrored kernel."""

    def __init__(self, num_inputs: int, num_outputs: int, form: _Form, style: Style, rngs: nnx.Rngs, *, is_last: bool):
        shape = num_inputs, num_outputs, form.kernel_size, form.stride
        self.blocks = nnx.List(_Block(num_inputs, form, style, rngs) for _ in range(form.num_blocks))
        gain, use_bias = (1.0, True) if is_last else (style.gain, style.use_bias)
        if form.tied:
            self.upsampling = TiedUpsampling(num_outputs, use_bias=use_bias)
        else:
            self.upsampling = Upsampling(*shape, gain=gain, use_bias=use_bias, rngs=rngs)
        self.finish = None if is_last else Finish(num_outputs, style, rngs)

    def __call__(self, x: Image, height: int, width: int, mirrored: Convolution) -> Image:
        for block in self.blocks:
            x = block(x)
        up = self.upsampling
        x = up(x, height, width, mirrored) if isinstance(up, TiedUpsampling) else up(x, height, width)
        return x if self.finish is None else self.finish(x)


def _check_layers(channels: Sequence[int], kernel_size: int, stride: int, num_groups: int) -> None:
    """Refuse layers that leave something out."""
    if not channels:
        raise UserError("model.channels", "is empty", "give the channels of at least one stage, or choose model=linear")
    if kernel_size < stride:
        problem = f"{kernel_size} is smaller than the stride of {stride}, and pixels between would not be seen"
        raise UserError("model.kernel_size", problem, f"give at least {stride}")
    for number in channels:
        if number % num_groups:
            problem = f"{num_groups} groups do not divide the {number} channels of a stage"
            raise UserError("model.num_groups", problem, "choose a divisor of all model.channels")


def _sizes(image: tuple[int, ...], stride: int, num_stages: int) -> tuple[tuple[int, ...], ...]:
    """Height and width before the first stage and after each."""
    sizes = [image]
    while len(sizes) <= num_stages:
        if stride > 1 and max(sizes[-1]) == 1:
            form, most = " x ".join(map(str, image)), len(sizes) - 1
            problem = f"has {num_stages} stages, and after {most} an image of {form} is one pixel"
            raise UserError("model.channels", problem, f"give at most {most}, or a smaller model.stride")
        sizes.append(tuple(-(-side // stride) for side in sizes[-1]))
    return tuple(sizes)
