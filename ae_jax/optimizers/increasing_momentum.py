"""Momentum that grows while a run goes on."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, PyTree

from ae_jax.optimizers.base import Decay, Schedule, descend
from ae_jax.typing import Count, Positive


class _Moving(NamedTuple):
    """How many updates were made, and the decaying sum of gradients."""

    num_updates: Int[Array, ""]
    trace: PyTree


def increasing_momentum(
    *,
    num_steps: int,
    learning_rate: Positive,
    max_decay: Decay,
    final_decay: Decay,
    interval: Positive,
    num_final_steps: Count,
    nesterov: bool,
    schedule: Schedule,
    clip_norm: Positive | None,
) -> optax.GradientTransformation:
    r"""`momentum` whose decay grows from ½ towards 1, to at most `max_decay`, and is smaller again at the end.

    .. math::
        \mu_t = \min \left( 1 - \tfrac12 \left( \lfloor t / T \rfloor + 1 \right)^{-1}, \; \mu_{\max} \right), \qquad
        m_{t+1} = \mu_t m_t + g_t, \qquad
        d_t = \begin{cases} m_{t+1} & \text{classical} \\ g_t + \mu_{t+1} m_{t+1} & \text{Nesterov} \end{cases}

    and :math:`\mu_t = \mu_{\mathrm{final}}` in the last `num_final_steps` updates, which lets the parameters settle
    (or that of before, where it is smaller). Conventions are those of `momentum`: the learning rate stands outside of
    the sum, and the Nesterov form is in the parameters at which the gradient is taken.

    Args:
        num_steps: The updates in all epochs.
        learning_rate: η.
        max_decay: The largest μ, in [0, 1); the paper searched 0, 0.9, 0.99, 0.995, 0.999.
        final_decay: The largest μ of the last updates, 0.9 in the paper.
        interval: T, updates between two values; 250 in the paper.
        num_final_steps: How many updates are the last; 1,000 in the paper. Early stopping ends before.
        nesterov: Whether to look ahead.
        schedule: s, a factor in [0, 1] for each update.
        clip_norm: The largest norm of the gradient over all parameters together; None for no clipping.

    Returns:
        The transformation.

    Reference:
        Sutskever, Martens, Dahl & Hinton, On the importance of initialization and momentum in deep learning, 2013,
        equation 5 and section 3.1.
    """

    def decay(step: Int[Array, ""]) -> Float[Array, ""]:
        grown = jnp.minimum(1 - 0.5 / (jnp.floor(step / interval) + 1), max_decay)
        is_final = jnp.minimum(step, num_steps - 1) >= num_steps - num_final_steps
        return jnp.where(is_final, jnp.minimum(grown, final_decay), grown)

    def init(params: PyTree) -> _Moving:
        return _Moving(jnp.int32(0), jax.tree.map(jnp.zeros_like, params))

    def update(gradient: PyTree, state: _Moving, params: PyTree = None) -> tuple[PyTree, _Moving]:
        now, later = decay(state.num_updates), decay(state.num_updates + 1)
        trace = jax.tree.map(lambda g, m: now * m + g, gradient, state.trace)
        direction = jax.tree.map(lambda g, m: g + later * m, gradient, trace) if nesterov else trace
        return direction, _Moving(optax.safe_increment(state.num_updates), trace)

    direction = optax.GradientTransformation(init, update)
    return descend(direction, learning_rate=learning_rate, schedule=schedule, clip_norm=clip_norm)
