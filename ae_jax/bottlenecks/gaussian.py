"""A normal distribution for each example."""

from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from ae_jax.bottlenecks.base import Bottled, Bottleneck, Weights, check_flat
from ae_jax.errors import UserError
from ae_jax.typing import Code, Latent, PRNGKey


def gaussian(*, kl: Literal["analytic", "sampled"]) -> Bottleneck:
    r"""The latent is drawn from q(z|x) = N(m, diag v), and costs what that says beyond the prior p(z) = N(0, I).

    The code has twice as many numbers as the latent has dimensions: first m, then log v. The term `kl`, in nats, is

    .. math::
        \text{analytic:}\quad & \tfrac12 \sum_j m_j^2 + v_j - 1 - \log v_j \\
        \text{sampled:}\quad & \log q(z|x) - \log p(z), \qquad z = m + \sqrt{v} \, \epsilon

    With `objective.beta=1` and a loss that is -log p(x|z), as `bce` is, the objective is the negative of the evidence
    lower bound. `mse` averages over features where that bound has a sum, which makes `kl` weigh as many times more.

    Args:
        kl: The exact divergence, or its estimate from the one latent that was drawn, of the same mean.

    Returns:
        The bottleneck. A trained model is measured by m.

    Reference:
        Kingma & Welling, Auto-Encoding Variational Bayes, 2014, appendix B.
    """

    def parameters(code: Code) -> tuple[Array, Array]:
        check_flat("gaussian", code)
        if code.shape[-1] % 2:
            problem = f"takes two numbers of the code for each latent dimension, and the model makes {code.shape[-1]}"
            raise UserError("bottleneck=gaussian", problem, "make code_width times the latent size in encode")
        mean, log_variance = jnp.split(code, 2, axis=-1)
        return mean, log_variance

    def apply(params: PyTree, state: PyTree, key: PRNGKey, code: Code, weights: Weights) -> Bottled:
        mean, log_variance = parameters(code)
        noise = jax.random.normal(key, mean.shape)
        latent = mean + jnp.exp(0.5 * log_variance) * noise
        log_ratio = 0.5 * jnp.sum(latent**2 - noise**2 - log_variance, axis=-1)
        analytic = 0.5 * jnp.sum(mean**2 + jnp.exp(log_variance) - 1 - log_variance, axis=-1)
        return Bottled(latent, {"kl": analytic if kl == "analytic" else log_ratio}, state, log_ratio)

    def latent(params: PyTree, state: PyTree, code: Code) -> Latent:
        return parameters(code)[0]

    return Bottleneck(apply, latent, width=2, rate="kl")
