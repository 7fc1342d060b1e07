"""The importance-weighted bound."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from ae_jax.bottlenecks.base import Terms
from ae_jax.errors import UserError
from ae_jax.objectives.base import Carried, Parts, Value, joined
from ae_jax.typing import Batch, PerExample, PRNGKey, Size


def iwae(parts: Parts, carried: Carried, key: PRNGKey, x: Batch, seen: Batch, /, *, num_samples: Size) -> Value:
    r"""The negative of a bound on log p(x) that rises with the number of latents drawn for an example.

    .. math::
        \ell(x) = -\log \frac1K \sum_{k=1}^{K} \frac{p(x|z_k) \, p(z_k)}{q(z_k|x)}, \qquad z_k \sim q(z|x)

    With exp(-distortion) for p(x|z), up to a constant that does not depend on z; at K = 1 it is `rate_distortion` with
    `bottleneck.kl=sampled` and β = 1.

    Args:
        parts: The model; its bottleneck draws the latent from a density.
        carried: Its state.
        key: The key of this batch.
        x: Clean inputs.
        seen: What the encoder gets.
        num_samples: K.

    Returns:
        The value. Terms, and what is carried, are means over the samples. Layers that draw, such as dropout, draw the
        same for all of them: the bound is that of the model as they make it.

    Raises:
        UserError: If the bottleneck has no density.

    Reference:
        Burda, Grosse & Salakhutdinov, Importance Weighted Autoencoders, 2016, equation 8.
    """
    code, encoded = parts.encode(carried, seen)

    def draw(sample_key: PRNGKey) -> tuple[PerExample, Terms, Carried]:
        bottled, after = parts.bottleneck(encoded, sample_key, code)
        outputs, after = parts.decode(after, bottled.latent)
        if bottled.log_ratio is None:
            problem = "weighs latents by their density, and the bottleneck has none"
            raise UserError("objective=iwae", problem, "choose bottleneck=gaussian, or objective=rate_distortion")
        distortion = parts.loss(outputs, x)
        return distortion + bottled.log_ratio, joined({"distortion": distortion}, bottled.terms), after

    costs, terms, after = jax.vmap(draw)(jax.random.split(key, num_samples))
    bound = jnp.log(float(num_samples)) - jax.nn.logsumexp(-costs, axis=0)
    return Value(bound, *jax.tree.map(_mean, (terms, after)))


def _mean(samples: Array) -> Array:
    """Over samples; what is no number that can be averaged, such as a counter, is the same for all."""
    return samples.mean(axis=0) if jnp.issubdtype(samples.dtype, jnp.inexact) else samples[0]
