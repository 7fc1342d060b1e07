"""A normal distribution for each example."""

from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from ae_jax.bottlenecks.base import Bottled, Bottleneck, Weights, check_flat
from ae_jax.errors import UserError
from ae_jax.typing import Code, Latent, NonNegative, PRNGKey


def gaussian(*, kl: Literal["analytic", "sampled"], free_bits: NonNegative = 0.0) -> Bottleneck:
    r"""The latent is drawn from q(z|x) = N(m, diag v), and costs what that says beyond the prior p(z) = N(0, I).

    The code has twice as many numbers as the latent has dimensions: first m, then log v. The term `kl`, in nats, is

    .. math::
        \text{analytic:}\quad & \tfrac12 \sum_j m_j^2 + v_j - 1 - \log v_j \\
        \text{sampled:}\quad & \log q(z|x) - \log p(z), \qquad z = m + \sqrt{v} \, \epsilon

    With `objective.beta=1` and a loss that is -log p(x|z), as `bce` is, the objective is the negative of the evidence
    lower bound. `mse` averages over features where that bound has a sum, which makes `kl` weigh as many times more.

    While it trains, a dimension of an example whose exact divergence is below `free_bits` costs that much instead, and
    so draws nothing; in evaluation `kl` is what it is. Conventions differ: here the floor is of each dimension of each
    example, in nats, whatever their name says; the paper's is of the mean over a batch, and of groups of dimensions.

    Args:
        kl: The exact divergence, or its estimate from the one latent that was drawn, of the same mean.
        free_bits: What each dimension may say at no cost beyond it, in nats; 0: nothing.

    Returns:
        The bottleneck. A trained model is measured by m.

    Reference:
        Kingma & Welling, Auto-Encoding Variational Bayes, 2014, appendix B; Kingma et al., Improved Variational
        Inference with Inverse Autoregressive Flow, 2016, equation 15 (free bits).
    """

    def parameters(code: Code) -> tuple[Array, Array]:
        check_flat("gaussian", code)
        if code.shape[-1] % 2:
            problem = f"takes two numbers of the code for each latent dimension, and the model makes {code.shape[-1]}"
            raise UserError("bottleneck=gaussian", problem, "make code_width times the latent size in encode")
        mean, log_variance = jnp.split(code, 2, axis=-1)
        return mean, log_variance

    def costing(free: NonNegative, key: PRNGKey, state: PyTree, code: Code) -> Bottled:
        mean, log_variance = parameters(code)
        noise = jax.random.normal(key, mean.shape)
        latent = mean + jnp.exp(0.5 * log_variance) * noise
        log_ratio = 0.5 * jnp.sum(latent**2 - noise**2 - log_variance, axis=-1)
        exact = mean**2 + jnp.exp(log_variance) - 1 - log_variance  # twice that of each dimension
        each = exact if kl == "analytic" else latent**2 - noise**2 - log_variance
        floored = jnp.where((free > 0) & (exact <= 2 * free), 2 * free, each)
        return Bottled(latent, {"kl": 0.5 * jnp.sum(floored, axis=-1)}, state, log_ratio)

    def apply(params: PyTree, state: PyTree, key: PRNGKey, code: Code, weights: Weights) -> Bottled:
        return costing(free_bits, key, state, code)

    def evaluate(params: PyTree, state: PyTree, key: PRNGKey, code: Code, weights: Weights) -> Bottled:
        return costing(0.0, key, state, code)

    def latent(params: PyTree, state: PyTree, code: Code) -> Latent:
        return parameters(code)[0]

    def prior(key: PRNGKey, like: PyTree) -> Latent:
        return jax.random.normal(key, like.shape)

    return Bottleneck(apply, latent, width=2, rate="kl", evaluate=evaluate, prior=prior)
