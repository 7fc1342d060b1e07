"""A coin for each latent dimension."""

import jax
import jax.numpy as jnp
from jaxtyping import PyTree

from ae_jax.bottlenecks.base import Bottled, Bottleneck, Probability, Weights, check_flat, straight_through
from ae_jax.typing import Code, Latent, Positive, PRNGKey


def bernoulli(*, prior: Probability, temperature: Positive | None) -> Bottleneck:
    r"""The latent is drawn from coins q(z|x) with logits l, and costs what they say beyond coins p(z) of the prior.

    The term `kl`, in nats, with :math:`q = \sigma(l)` and the prior π, is

    .. math:: \sum_j q_j \log \frac{q_j}{\pi} + (1 - q_j) \log \frac{1 - q_j}{1 - \pi}

    Without a temperature the latent is 0 or 1, and the gradient of a draw that of its mean q: straight through. With
    one it is relaxed while it trains, to

    .. math:: z = \sigma \left( \frac{l + \log u - \log(1 - u)}{\tau} \right), \qquad u \sim U(0, 1)

    whose gradient is exact, and which is 0 or 1 as τ goes to 0; in evaluation it is drawn as 0 or 1. Conventions
    differ: `kl` is that of the coins, as in Jang et al., also of relaxed latents, for which it is no bound then;
    Maddison et al. take the densities of what is drawn. As those are left out here, `objective=iwae` is for latents of
    0 and 1, and its gradient is as biased as straight-through ones are.

    Args:
        prior: π.
        temperature: τ; None: straight through.

    Returns:
        The bottleneck. A trained model is measured by what is likelier, 0 or 1.

    Reference:
        Bengio, Léonard & Courville, Estimating or Propagating Gradients Through Stochastic Neurons, 2013 (straight
        through); Maddison, Mnih & Teh, The Concrete Distribution, 2017; Jang, Gu & Poole, 2017 (relaxed).
    """

    def against_prior(logits: Code, share: Code) -> Latent:
        """Log q minus log p of a latent that is 1 with that share."""
        one = jax.nn.log_sigmoid(logits) - jnp.log(prior)
        zero = jax.nn.log_sigmoid(-logits) - jnp.log1p(-jnp.asarray(prior))
        return jnp.sum(share * one + (1 - share) * zero, axis=-1)

    def drawn(params: PyTree, state: PyTree, key: PRNGKey, code: Code, weights: Weights) -> Bottled:
        check_flat("bernoulli", code)
        probability = jax.nn.sigmoid(code)
        latent = straight_through(jnp.float32(jax.random.uniform(key, code.shape) < probability), probability)
        return Bottled(latent, {"kl": against_prior(code, probability)}, state, against_prior(code, latent))

    def relaxed(params: PyTree, state: PyTree, key: PRNGKey, code: Code, weights: Weights) -> Bottled:
        check_flat("bernoulli", code)
        latent = jax.nn.sigmoid((code + jax.random.logistic(key, code.shape)) / temperature)
        return Bottled(latent, {"kl": against_prior(code, jax.nn.sigmoid(code))}, state)

    def latent(params: PyTree, state: PyTree, code: Code) -> Latent:
        check_flat("bernoulli", code)
        return jnp.float32(code > 0)

    def mean(params: PyTree, state: PyTree, code: Code) -> Latent:
        return jax.nn.sigmoid(code)

    def from_prior(key: PRNGKey, like: PyTree) -> Latent:
        return jnp.float32(jax.random.uniform(key, like.shape) < prior)

    train = drawn if temperature is None else relaxed
    return Bottleneck(train, latent, rate="kl", evaluate=drawn, prior=from_prior, mean=mean)
