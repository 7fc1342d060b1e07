"""Coin flips as an observation model."""

from ae_jax.losses import bce  # the module: a config names the function by one place alone
from ae_jax.losses.base import Loss


def bernoulli_nll() -> Loss:
    r"""-log p(x|z) of features that are 0 or 1, in nats, summed over features; the outputs are logits.

    .. math:: \ell(z, x) = -\sum_{j=1}^{d} x_j \log \sigma(z_j) + (1 - x_j) \log(1 - \sigma(z_j))

    The number is that of `bce`, and a likelihood here alone: of grey pixels the probabilities of 0 and 1 do not sum to
    1 over what x can be (Loaiza-Ganem & Cunningham give the constant that is missing there). So grey pixels are
    refused: `dataset.binarisation` draws them.

    Returns:
        The loss, with the sigmoid as its link: the reconstruction is the mean, the probability of 1.

    Reference:
        Salakhutdinov & Murray, On the Quantitative Analysis of Deep Belief Networks, 2008 (binarised MNIST);
        Loaiza-Ganem & Cunningham, The continuous Bernoulli, 2019.
    """
    return bce.bce()._replace(num_levels=2)
