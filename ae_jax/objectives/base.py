"""What every objective sees, and what it makes of it."""

from collections.abc import Callable
from typing import NamedTuple

from jaxtyping import PyTree

from ae_jax.bottlenecks.base import Bottled, Terms
from ae_jax.errors import UserError
from ae_jax.typing import Batch, Code, Latent, PerExample, PRNGKey


class Carried(NamedTuple):
    """What is carried from step to step and not descended: batch statistics, codebooks of moving averages, counters.

    Attributes:
        model: Of the model: all its variables but parameters and random streams.
        bottleneck: Of the bottleneck.
    """

    model: PyTree
    bottleneck: PyTree


class Parts(NamedTuple):
    """A model with its parameters in place, in training or in evaluation; each part gives the state that follows it.

    Attributes:
        encode: Inputs to codes.
        bottleneck: Codes to latents and what they cost.
        decode: Latents to outputs.
        loss: Outputs and x to the distortion.
        couples: Whether encoder or decoder let examples of a batch depend on each other.
    """

    encode: Callable[[Carried, Batch], tuple[Code, Carried]]
    bottleneck: Callable[[Carried, PRNGKey, Code], tuple[Bottled, Carried]]
    decode: Callable[[Carried, Latent], tuple[Batch, Carried]]
    loss: Callable[[Batch, Batch], PerExample]
    couples: bool


class Value(NamedTuple):
    """What an objective makes of a batch.

    Attributes:
        per_example: What training descends.
        terms: What it is made of, for the record: `distortion`, and the bottleneck's.
        carried: What is carried to the next step.
    """

    per_example: PerExample
    terms: Terms
    carried: Carried


Objective = Callable[[Parts, Carried, PRNGKey, Batch, Batch], Value]
"""`(parts, carried, key, x, seen)`, where `seen` is x after the corruption, to a value."""


def joined(own: Terms, bottleneck: Terms) -> Terms:
    """Terms of an objective and of a bottleneck, each under a name of its own.

    Raises:
        UserError: If a name is in both.
    """
    for name in own.keys() & bottleneck.keys():
        raise UserError(
            "bottleneck", f"{name!r} cannot be the name of a term: the objective has it", "call it otherwise"
        )
    return {**own, **bottleneck}
