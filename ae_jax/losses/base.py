"""What every loss is: per-example values of raw outputs, and the link that makes a reconstruction of them."""

from collections.abc import Callable
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp

from ae_jax.typing import Batch, Outputs, PerExample, Positive

Link = Literal["identity", "sigmoid"]


class Loss(NamedTuple):
    """A loss with its output link.

    Attributes:
        per_example: `(outputs, x)` to one value per example, at least in float32 whatever the outputs are in.
        link: Outputs to the reconstruction, in the units of x.
        output_width: Numbers that it takes of the decoder for each feature: first the location of all features, then
            the second number of all.
        is_density: Whether a value is -log p(x|z) in nats, of a density that integrates to 1.
        num_levels: L, where a value is -log p(x|z) in nats of data that are 0, 1/(L-1), …, 1, over which p sums to 1.
    """

    per_example: Callable[[Outputs, Batch], PerExample]
    link: Callable[[Outputs], Batch]
    output_width: int = 1
    is_density: bool = False
    num_levels: int | None = None

    @property
    def is_likelihood(self) -> bool:
        """Whether a value is -log p(x|z), all of it: then it adds up with a rate, and bits are bits."""
        return self.is_density or self.num_levels is not None


def output_link(name: Link) -> Callable[[Batch], Batch]:
    """The function that makes a reconstruction of outputs: themselves, or 1/(1 + exp(-outputs))."""
    return {"identity": lambda outputs: outputs, "sigmoid": jax.nn.sigmoid}[name]


def reconstruct_wide(outputs: Batch, link: Link) -> Batch:
    """The reconstruction, at least in float32, so that a sum over features loses nothing to bfloat16."""
    return output_link(link)(widen(outputs))


def two_parts(outputs: Outputs) -> tuple[Batch, Batch]:
    """The first and the second number of each feature, at least in float32, of outputs of width 2."""
    first, second = jnp.split(widen(outputs), 2, axis=-1)
    return first, second


def log_scale(raw: Batch, least: Positive) -> Batch:
    r"""A learned log scale that stays above the log of the least one, smoothly: :math:`l + \log(1 + e^{r - l})`.

    Far above it is r itself. Without a least scale, a feature that does not vary has an infinite likelihood.
    """
    floor = jnp.log(least)
    return floor + jax.nn.softplus(raw - floor)


def levels(x: Batch, num_levels: int) -> Batch:
    """The number of the level, 0 to `num_levels` - 1, of features in [0, 1]."""
    return jnp.round(widen(x) * (num_levels - 1))


def widen(values: Batch) -> Batch:
    """The values at least in float32."""
    return values.astype(jnp.promote_types(values.dtype, jnp.float32))
