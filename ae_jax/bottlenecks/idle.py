"""Counters of dead latents: for how many steps each dimension of a sparse latent was 0 for every example.

They are state of the bottleneck, `idle_steps`, which `objective=dead_latents` asks for.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PyTree

from ae_jax.bottlenecks.base import Bottled, Bottleneck, Terms, Weights, check_flat, plain
from ae_jax.typing import Code, Latent, PRNGKey

IDLE_STEPS = "idle_steps"


def none_idle(name: str, code: PyTree) -> dict[str, Int[Array, " latent"]]:
    """State before the first step; raises as `check_flat`."""
    check_flat(name, code)
    return {IDLE_STEPS: jnp.zeros(code.shape[-1], jnp.int32)}


def counted(state: PyTree, latent: Float[Array, "batch latent"], weights: Weights) -> dict[str, Int[Array, " latent"]]:
    """State after the latents of a batch; rows of weight 0 are none of it."""
    fired = jnp.any((latent != 0) & (weights[:, None] > 0), axis=0)
    return {IDLE_STEPS: jnp.where(fired, 0, state[IDLE_STEPS] + 1)}


def sparse(
    name: str, latent: Callable[[Code], Latent], terms: Callable[[Latent], Terms], *, count_idle: bool
) -> Bottleneck:
    """A bottleneck without chance or parameters, which counts idle dimensions or has no state.

    Args:
        name: What it is called, for messages.
        latent: Code to latent.
        terms: Latent to what it costs.
        count_idle: Whether it counts.
    """
    if not count_idle:
        return plain(latent, terms)

    def init(key: PRNGKey, code: PyTree) -> tuple[PyTree, PyTree]:
        state = none_idle(name, code)
        jax.eval_shape(latent, code)  # which may refuse it
        return {}, state

    def apply(params: PyTree, state: PyTree, key: PRNGKey, code: Code, weights: Weights) -> Bottled:
        made = latent(code)
        return Bottled(made, terms(made), counted(state, made, weights))

    def measured(params: PyTree, state: PyTree, code: Code) -> Latent:
        return latent(code)

    return Bottleneck(apply, measured, init, couples=True)
