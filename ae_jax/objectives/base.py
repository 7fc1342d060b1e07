"""What every objective sees, and what it makes of it."""

from collections.abc import Callable
from typing import NamedTuple, Protocol, runtime_checkable

from jaxtyping import Array, Float, PyTree

from ae_jax.bottlenecks.base import Bottled, Terms
from ae_jax.errors import UserError
from ae_jax.typing import Batch, Code, Latent, NonNegative, PerExample, PRNGKey

Progress = Float[Array, ""]


@runtime_checkable
class Schedule(Protocol):
    """The shape of a weight over a run: from the part of all updates that is made, to a factor in [0, 1]."""

    def __call__(self, progress: Progress, /) -> Float[Array, ""]:
        """The factor of the next update."""


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
        progress: The part of all updates that is made, in [0, 1); None in evaluation, which is the same in every epoch.
    """

    encode: Callable[[Carried, Batch], tuple[Code, Carried]]
    bottleneck: Callable[[Carried, PRNGKey, Code], tuple[Bottled, Carried]]
    decode: Callable[[Carried, Latent], tuple[Batch, Carried]]
    loss: Callable[[Batch, Batch], PerExample]
    couples: bool
    progress: Progress | None = None


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


class Pass(NamedTuple):
    """What a batch becomes on its way.

    Attributes:
        code: What the encoder makes of what it sees.
        bottled: The latent, and what it costs.
        outputs: What the decoder makes of the latent.
        distortion: What the loss makes of outputs and x.
        carried: What is carried to the next step.
    """

    code: Code
    bottled: Bottled
    outputs: Batch
    distortion: PerExample
    carried: Carried


def passed(parts: Parts, carried: Carried, key: PRNGKey, x: Batch, seen: Batch) -> Pass:
    """A batch through all parts, once."""
    code, carried = parts.encode(carried, seen)
    bottled, carried = parts.bottleneck(carried, key, code)
    outputs, carried = parts.decode(carried, bottled.latent)
    return Pass(code, bottled, outputs, parts.loss(outputs, x), carried)


def weighed(parts: Parts, made: Pass, *, beta: NonNegative, schedule: Schedule | None) -> Value:
    """Distortion and β times all that the latent costs; by a schedule a part of β, and all of it in evaluation."""
    terms = joined({"distortion": made.distortion}, made.bottled.terms)
    if not made.bottled.terms:
        return Value(made.distortion, terms, made.carried)
    if schedule is not None and parts.progress is not None:
        beta = beta * schedule(parts.progress)
    return Value(made.distortion + beta * sum(made.bottled.terms.values()), terms, made.carried)


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
