"""Finite scalar quantisation: a grid instead of a codebook."""

import math
from collections.abc import Sequence
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Interval
from jaxtyping import Array, Float, Int, PyTree

from ae_jax.bottlenecks.base import Bottleneck, check_flat, plain, straight_through
from ae_jax.errors import UserError
from ae_jax.typing import Code, Latent, PRNGKey

Level = Annotated[int, Interval(ge=2, lt=2**16)]

_REACH = 1e-3  # share that the bounds lie beyond the outermost levels, so that those are rounded to from inside


def fsq(*, levels: Sequence[Level]) -> Bottleneck:
    r"""Each latent dimension is bounded and rounded to one of its `levels`; it costs nothing.

    With L levels of a dimension, a code z becomes

    .. math::
        f(z) &= h \tanh(z + s) - o, \qquad h = (1 + 10^{-3}) \, \tfrac{L - 1}{2}, \quad
            o = \tfrac12 [L \text{ even}], \quad s = \operatorname{artanh} \tfrac{o}{h} \\
        \text{latent} &= \operatorname{round}(f(z)) \, / \, \lfloor L / 2 \rfloor

    so that 0 stays 0, an odd number of levels fills [-1, 1] and an even one [-1, 1). Gradients are those of f: rounding
    is passed straight through. A latent is the sum of log2 L bits, however its levels are used; `indices` are those
    levels, counted from 0.

    Conventions differ: the paper's listing has 1 - 10⁻³ and a tangent, which two levels leave undefined; this is what
    its followers use. Here each latent dimension has a number of levels of its own, so that `levels` is as long as the
    latent; codebases that repeat a few levels over many tokens write them once.

    Args:
        levels: L of each latent dimension.

    Raises:
        UserError: If there are not as many as latent dimensions.

    Reference:
        Mentzer, Minnen, Agustsson & Tschannen, Finite Scalar Quantization: VQ-VAE Made Simple, 2024, appendix A.1.
    """
    half_width = np.array(levels) // 2

    def latent(code: Code) -> Latent:
        check_flat("fsq", code)
        _check_levels(len(levels), code.shape[-1])
        bounded = _bounded(code, np.array(levels))
        return straight_through(jnp.round(bounded), bounded) / jnp.float32(half_width)[None, :]

    def indices(params: PyTree, state: PyTree, code: Code) -> Int[Array, "batch latent"]:
        return jnp.round(_bounded(code, np.array(levels))).astype(jnp.int32) + half_width[None, :]

    def init(key: PRNGKey, code: PyTree) -> tuple[PyTree, PyTree]:
        jax.eval_shape(latent, code)
        return {}, {}

    rate, codebooks = sum(map(math.log2, levels)), tuple((count, 1) for count in levels)
    return plain(latent, lambda latent: {})._replace(init=init, rate=rate, indices=indices, codebooks=codebooks)


def _check_levels(num_levels: int, latent_size: int) -> None:
    if num_levels != latent_size:
        problem = f"are {num_levels} numbers, one for each dimension, and the latent has {latent_size}"
        others = f", or model.latent_size={num_levels}" if num_levels else ""
        raise UserError("bottleneck.levels", problem, f"give {latent_size}{others}")


def _bounded(code: Float[Array, "batch latent"], levels: Int[np.ndarray, " latent"]) -> Float[Array, "batch latent"]:
    reach = (1 + _REACH) * (levels - 1) / 2
    offset = np.where(levels % 2 == 0, 0.5, 0.0)
    shift = np.arctanh(offset / reach)
    reach, offset, shift = (jnp.float32(item)[None, :] for item in (reach, offset, shift))
    return reach * jnp.tanh(code + shift) - offset
