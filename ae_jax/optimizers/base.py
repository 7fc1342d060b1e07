"""What every optimizer is made of: clipping, a direction, and a scheduled learning rate."""

from collections.abc import Callable
from typing import Annotated

import optax
from annotated_types import Interval
from jaxtyping import Array, Float, Int

from ae_jax.typing import Positive, Scalar

Schedule = Callable[[Int[Array, ""]], Float[Array, ""]]
Decay = Annotated[Scalar, Interval(ge=0, lt=1)]


def descend(
    *direction: optax.GradientTransformation, learning_rate: Positive, schedule: Schedule, clip_norm: Positive | None
) -> optax.GradientTransformation:
    r"""Clip the gradient, turn it into a direction, and step against it.

    .. math:: \theta_{t+1} = \theta_t - \eta \, s(t) \, d_t, \qquad
        d_t = \mathrm{direction}\left( g_t \min(1, c / \lVert g_t \rVert_2) \right)

    Args:
        direction: Optax transformations of the gradient g, in order; none for the gradient itself.
        learning_rate: η, the largest step.
        schedule: s, from the number of updates made before, to a factor in [0, 1].
        clip_norm: c, the largest norm of the gradient over all parameters together; None for no clipping.

    Returns:
        The transformation.

    Reference:
        Pascanu, Mikolov & Bengio, On the difficulty of training recurrent neural networks, 2013 (clipping).
    """
    clip = () if clip_norm is None else (optax.clip_by_global_norm(clip_norm),)
    return optax.chain(*clip, *direction, optax.scale_by_learning_rate(lambda step: learning_rate * schedule(step)))
