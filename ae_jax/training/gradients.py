"""From an objective to the gradient that the optimizer gets: the mean over the examples of a batch."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from ae_jax.bottlenecks import Weights
from ae_jax.objectives import Carried, Value
from ae_jax.typing import PerExample


class Means(NamedTuple):
    """What an objective is on average over some examples, and what is carried on.

    Attributes:
        objective: The mean of its value.
        terms: The means of what it is made of.
        carried: See `Carried`.
    """

    objective: Float[Array, ""]
    terms: dict[str, Float[Array, ""]]
    carried: Carried


def mean_gradient(objective: Callable[[PyTree], Value], params: PyTree, weights: Weights) -> tuple[PyTree, Means]:
    """The gradient of the mean objective of a batch, and that mean; rows of weight 0 count for nothing.

    Args:
        objective: Parameters to the value of each example.
        params: Where the gradient is taken.
        weights: Of the rows.
    """

    def mean_objective(params: PyTree) -> tuple[Float[Array, ""], Means]:
        means = mean_value(objective(params), weights)
        return means.objective, means

    (_, means), gradient = jax.value_and_grad(mean_objective, has_aux=True)(params)
    return gradient, means


def mean_value(value: Value, weights: Weights) -> Means:
    """Means over the rows of a batch."""

    def mean(values: PerExample) -> Float[Array, ""]:
        return jnp.sum(values * weights) / jnp.sum(weights)

    return Means(mean(value.per_example), {name: mean(term) for name, term in value.terms.items()}, value.carried)
