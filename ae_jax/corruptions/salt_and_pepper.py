"""Salt-and-pepper noise: features set to either end of [0, 1]."""

from ae_jax.corruptions.base import black_or_white, coarse_uniform
from ae_jax.typing import Batch, Fraction, PRNGKey


def salt_and_pepper(key: PRNGKey, x: Batch, /, *, rate: Fraction) -> Batch:
    r"""Set each feature, independently, to 0 (pepper) or 1 (salt), each with probability r/2, r being `rate`.

    .. math::
        \tilde x_j = \begin{cases} 0 & u_j < r / 2 \\ 1 & r / 2 \le u_j < r \\ x_j & u_j \ge r \end{cases},
        \qquad u_j \sim \mathrm{Uniform}(0, 1)

    Meant for features in [0, 1], whose ends 0 and 1 are.

    Args:
        key: The key of this batch.
        x: Inputs.
        rate: Probability that a feature is replaced; it and its half are resolved to 2^-16.

    Returns:
        The corrupted inputs, in the type of x.

    Reference:
        Vincent, Larochelle, Lajoie, Bengio & Manzagol, JMLR 11:3371, 2010, section 3.3.
    """
    u = coarse_uniform(key, x.shape)
    return black_or_white(u, rate, x)


# White and black are 1 and 0: the builder refuses other data.
salt_and_pepper.needs_unit_interval = True  # type: ignore[attr-defined] # functions take attributes
