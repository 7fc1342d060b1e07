"""What every loss is: per-example values of raw outputs, and the link that makes a reconstruction of them."""

from collections.abc import Callable
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp

from ae_jax.typing import Batch, PerExample

Link = Literal["identity", "sigmoid"]


class Loss(NamedTuple):
    """A loss with its output link.

    Attributes:
        per_example: `(outputs, x)` to one value per example, at least in float32 whatever the outputs are in.
        link: Outputs to the reconstruction, in the units of x.
    """

    per_example: Callable[[Batch, Batch], PerExample]
    link: Callable[[Batch], Batch]


def output_link(name: Link) -> Callable[[Batch], Batch]:
    """The function that makes a reconstruction of outputs: themselves, or 1/(1 + exp(-outputs))."""
    return {"identity": lambda outputs: outputs, "sigmoid": jax.nn.sigmoid}[name]


def reconstruct_wide(outputs: Batch, link: Link) -> Batch:
    """The reconstruction, at least in float32, so that a sum over features loses nothing to bfloat16."""
    return output_link(link)(widen(outputs))


def widen(values: Batch) -> Batch:
    """The values at least in float32."""
    return values.astype(jnp.promote_types(values.dtype, jnp.float32))
