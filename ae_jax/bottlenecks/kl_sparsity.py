"""Sparse latents by how often each dimension is on."""

import jax
import jax.numpy as jnp
from jaxtyping import PyTree

from ae_jax.bottlenecks.base import Bottled, Bottleneck, Probability, Weights, check_flat
from ae_jax.typing import Code, Latent, PRNGKey


def kl_sparsity(*, target_activation: Probability) -> Bottleneck:
    r"""The latent is the sigmoid of the code; it costs how far the mean of each dimension is from a target.

    The term `kl_sparsity`, in nats, with the mean :math:`\hat\rho_j` of the batch, the same for each of its examples,
    is

    .. math:: \sum_j \rho \log \frac{\rho}{\hat\rho_j} + (1 - \rho) \log \frac{1 - \rho}{1 - \hat\rho_j}

    The bottleneck has the sigmoid, so that a code is a row of logits, and `model.latent_activation` the identity;
    codebases that have it in the encoder give the latent here. They differ as well in what the mean is of: the notes'
    is of the whole training split, which a batch of hundreds stands for. β of the notes is `objective.beta`, 3 there.

    Args:
        target_activation: The mean that costs nothing; 0.05 in the notes.

    Reference:
        Ng, CS294A Lecture notes: Sparse autoencoder, 2011, section 3.
    """

    def latent(params: PyTree, state: PyTree, code: Code) -> Latent:
        check_flat("kl_sparsity", code)
        return jax.nn.sigmoid(code)

    def apply(params: PyTree, state: PyTree, key: PRNGKey, code: Code, weights: Weights) -> Bottled:
        made, share = latent(params, state, code), weights[:, None] / weights.sum()
        on = jax.nn.logsumexp(jax.nn.log_sigmoid(code), axis=0, b=share)  # log of the mean, also where it is almost 0
        off = jax.nn.logsumexp(jax.nn.log_sigmoid(-code), axis=0, b=share)
        rho = jnp.asarray(target_activation)
        cost = jnp.sum(rho * (jnp.log(rho) - on) + (1 - rho) * (jnp.log1p(-rho) - off))
        return Bottled(made, {"kl_sparsity": jnp.broadcast_to(cost, weights.shape)}, state)

    return Bottleneck(apply, latent, couples=True)
