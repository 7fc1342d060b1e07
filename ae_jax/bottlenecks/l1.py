"""Sparse latents by a penalty."""

import jax.numpy as jnp

from ae_jax.bottlenecks.base import Bottleneck, Terms, check_flat
from ae_jax.bottlenecks.idle import sparse
from ae_jax.typing import Latent


def l1(*, count_idle: bool = False) -> Bottleneck:
    r"""The code is the latent; the term `l1` is the sum of its absolute values, in its own units.

    .. math:: c(z) = \sum_{j=1}^{k} |z_j|

    Its weight is `objective.beta`. A decoder may shrink the latent and grow its weights to avoid the cost; codebases
    differ in whether they hold the decoder's columns at unit norm, which `model=dictionary` does.

    Args:
        count_idle: Whether to count for how many steps each dimension was 0, as behind a ReLU, see `bottlenecks.idle`.

    Reference:
        Bricken et al., Towards Monosemanticity, 2023 (sparse dictionaries; with unit norm).
    """

    def terms(latent: Latent) -> Terms:
        check_flat("l1", latent)
        return {"l1": jnp.abs(latent).sum(axis=-1)}

    return sparse("l1", lambda code: code, terms, count_idle=count_idle)._replace(num_active="measured")
