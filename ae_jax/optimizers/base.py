"""What every optimizer is made of: clipping, a direction, and a scheduled learning rate."""

from typing import Annotated, Protocol, runtime_checkable

import optax
from annotated_types import Interval
from jaxtyping import Array, Float, Int

from ae_jax.typing import Positive, Scalar


@runtime_checkable
class Schedule(Protocol):
    """The shape of a learning rate over a run: from the number of updates made before, to a factor in [0, 1]."""

    def __call__(self, step: Int[Array, ""], /) -> Float[Array, ""]:
        """The factor of the next update."""


@runtime_checkable
class LearningRate(Protocol):
    """From the number of updates made before, to a learning rate."""

    def __call__(self, step: Int[Array, ""], /) -> Float[Array, ""]:
        """The learning rate of the next update."""


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
    scale = optax.scale_by_learning_rate(lambda step: learning_rate * schedule(step))
    return clipped(*direction, scale, clip_norm=clip_norm)


def clipped(*steps: optax.GradientTransformation, clip_norm: Positive | None) -> optax.GradientTransformation:
    """Transformations of the gradient, in order, once it is clipped.

    Args:
        steps: Optax transformations.
        clip_norm: The largest norm of the gradient over all parameters together; None for no clipping.

    Returns:
        The transformation.
    """
    clip = () if clip_norm is None else (optax.clip_by_global_norm(clip_norm),)
    return optax.chain(*clip, *steps)


def one_ahead(schedule: Schedule, peak: Positive) -> LearningRate:
    """A schedule for methods that take the learning rate itself into an average, and so cannot begin with 0.

    Args:
        schedule: s.
        peak: What its factors are multiplied by.

    Returns:
        The learning rate peak · s(t + 1) of the update after t others, where a warm-up has factor s(t).
    """
    return lambda step: peak * schedule(step + 1)
