"""Sparse latents by learned thresholds."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from ae_jax.bottlenecks.base import Bottled, Bottleneck, Weights, check_flat
from ae_jax.bottlenecks.idle import counted, none_idle
from ae_jax.typing import Code, Latent, Positive, PRNGKey


def jump_relu(*, initial_threshold: Positive, bandwidth: Positive) -> Bottleneck:
    r"""The numbers of the code that are above a learned threshold of their dimension, the rest 0.

    .. math:: z_j = x_j \, H(x_j - \theta_j), \qquad \theta_j = e^{t_j}

    The term `l0` is how many are not 0, :math:`\sum_j H(x_j - \theta_j)`. A step has no slope: thresholds are descended
    by that of a step smeared over the bandwidth ε, with K = 1 in [-½, ½] and 0 elsewhere,

    .. math::
        \frac{\partial z_j}{\partial \theta_j} = -\frac{\theta_j}{\varepsilon} K(\delta_j), \quad
        \frac{\partial H}{\partial \theta_j} = -\frac{1}{\varepsilon} K(\delta_j), \quad
        \delta_j = \frac{x_j - \theta_j}{\varepsilon}

    and codes by :math:`\partial z_j / \partial x_j = H`, while `l0` draws no code. Thresholds stay positive as what is
    descended is their logarithm t. The weight of `l0`, λ, is `objective.beta`. For how many steps each dimension was 0
    is counted, see `bottlenecks.idle`.

    Args:
        initial_threshold: θ in the beginning, in units of the code; 0.001 in the paper, whose inputs have unit
            variance.
        bandwidth: ε, in units of the code; 0.001 there. No threshold learns from codes that are farther than half of
            it.

    Reference:
        Rajamanoharan et al., Jumping Ahead: Improving Reconstruction Fidelity with JumpReLU Sparse Autoencoders, 2024,
        equations 9, 11 and 12.
    """

    def init(key: PRNGKey, code: PyTree) -> tuple[PyTree, PyTree]:
        state = none_idle("jump_relu", code)
        return {"log_threshold": jnp.full(code.shape[-1], jnp.log(initial_threshold))}, state

    def apply(params: PyTree, state: PyTree, key: PRNGKey, code: Code, weights: Weights) -> Bottled:
        check_flat("jump_relu", code)
        threshold = jnp.broadcast_to(jnp.exp(params["log_threshold"])[None, :], code.shape)
        passed = _step(code, threshold, jnp.asarray(bandwidth, jnp.float32))
        fixed = jax.lax.stop_gradient(passed)
        made = code * fixed + jax.lax.stop_gradient(threshold) * (passed - fixed)
        return Bottled(made, {"l0": passed.sum(axis=-1)}, counted(state, made, weights))

    def latent(params: PyTree, state: PyTree, code: Code) -> Latent:
        check_flat("jump_relu", code)
        return code * (code > jnp.exp(params["log_threshold"])[None, :])

    return Bottleneck(apply, latent, init, couples=True, num_active="measured")


@jax.custom_jvp
def _step(
    code: Float[Array, "batch latent"], threshold: Float[Array, "batch latent"], bandwidth: Float[Array, ""]
) -> Float[Array, "batch latent"]:
    """1 above the threshold, else 0; to the threshold alone it has a slope."""
    return (code > threshold).astype(code.dtype)


@_step.defjvp
def _step_slope(
    primals: tuple[Array, Array, Array], tangents: tuple[Array, Array, Array]
) -> tuple[Float[Array, "batch latent"], Float[Array, "batch latent"]]:
    code, threshold, bandwidth = primals
    near = jnp.abs(code - threshold) < bandwidth / 2
    return _step(*primals), -near.astype(code.dtype) / bandwidth * tangents[1]
