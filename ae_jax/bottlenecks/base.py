"""What every bottleneck is: a latent for the decoder, what it costs, and parameters and state of its own."""

from collections.abc import Callable
from typing import Annotated, Literal, NamedTuple

import jax
from annotated_types import Interval
from jaxtyping import Array, Float, Int, PyTree

from ae_jax.errors import UserError
from ae_jax.typing import Code, Latent, PerExample, PRNGKey, Scalar

Weights = Float[Array, " batch"]
"""1 for the examples of a batch, 0 for the rows that fill it up: those may count for nothing."""
Terms = dict[str, PerExample]
"""What an objective is made of, by name, unweighted, one number an example."""

Probability = Annotated[Scalar, Interval(gt=0, lt=1)]


class Bottled(NamedTuple):
    """What a bottleneck makes of the codes of a batch.

    Attributes:
        latent: What the decoder gets.
        terms: What the latent costs, such as `kl` in nats.
        state: The bottleneck's next state, such as a codebook of moving averages.
        log_ratio: log q(z|x) - log p(z) of the latent that was drawn, in nats, where there is such a density.
    """

    latent: Latent
    terms: Terms
    state: PyTree
    log_ratio: PerExample | None = None


def _without_own(_: PRNGKey, __: PyTree) -> tuple[PyTree, PyTree]:
    return {}, {}


class Bottleneck(NamedTuple):
    """From the encoder's numbers to a latent: pure functions, made inside the traced step, so that floats are values.

    Attributes:
        apply: `(params, state, key, code, weights)` to a latent, drawn where it is random, and what it costs.
        latent: `(params, state, code)` to the latent that a trained model is measured by; no chance in it.
        init: `(key, code)` to parameters (descended) and state (replaced); of `code` only the shapes are there.
        width: Numbers of the encoder for each latent dimension.
        couples: Whether what it makes of an example, or its next state, depends on the others of the batch.
        rate: What a latent takes to be sent: bits, where it is one of a finite number, or the name of the term that is
            it in nats; None where it has no rate.
        num_active: Numbers of a latent that may be other than 0, in one example or on average; `measured` where it is
            for training to find out; None: all.
        indices: `(params, state, code)` to which of a finite number each part of a latent is; None where it is not
            quantised.
        codebooks: Of quantised latents, how many codes each codebook has, and how many parts, one after the other,
            choose from it.
        mean: `(params, state, code)` to the mean of the latent that is drawn; None: `latent` is it.
        prior: `(key, like)` to latents as they are taken to be distributed, of the shapes of `like`; None where nothing
            says how.
        evaluate: `apply` in evaluation, where that is something else: without what only helps training. No state is
            carried on there.
    """

    apply: Callable[[PyTree, PyTree, PRNGKey, Code, Weights], Bottled]
    latent: Callable[[PyTree, PyTree, Code], Latent]
    init: Callable[[PRNGKey, PyTree], tuple[PyTree, PyTree]] = _without_own
    width: int = 1
    couples: bool = False
    rate: float | str | None = None
    num_active: int | Literal["measured"] | None = None
    indices: Callable[[PyTree, PyTree, Code], Int[Array, "batch parts"]] | None = None
    evaluate: Callable[[PyTree, PyTree, PRNGKey, Code, Weights], Bottled] | None = None
    prior: Callable[[PRNGKey, PyTree], Latent] | None = None
    codebooks: tuple[tuple[int, int], ...] = ()
    mean: Callable[[PyTree, PyTree, Code], Latent] | None = None


def check_flat(name: str, code: PyTree) -> None:
    """Refuse codes that are not one row of numbers for each example.

    Raises:
        UserError: If they have more axes, or are several arrays.
    """
    shapes = [leaf.shape[1:] for leaf in jax.tree.leaves(code)]
    if len(shapes) != 1 or len(shapes[0]) != 1:
        made = " and ".join(map(str, shapes))
        problem = f"is for codes that are one row of numbers, and the model makes {made} of an example"
        raise UserError(f"bottleneck={name}", problem, "flatten it in encode and shape it again in decode")


def straight_through(value: Array, slope_of: Array) -> Array:
    """The value, with the gradient of something else: it passes what has none, as a choice or a rounding."""
    return jax.lax.stop_gradient(value) + (slope_of - jax.lax.stop_gradient(slope_of))


def plain(latent: Callable[[Code], Latent], terms: Callable[[Latent], Terms]) -> Bottleneck:
    """A bottleneck without chance, parameters or state.

    Args:
        latent: Code to latent.
        terms: Latent to what it costs.
    """

    def apply(params: PyTree, state: PyTree, key: PRNGKey, code: Code, weights: Weights) -> Bottled:
        made = latent(code)
        return Bottled(made, terms(made), state)

    return Bottleneck(apply, latent=lambda params, state, code: latent(code))
