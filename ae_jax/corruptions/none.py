"""No corruption."""

from ae_jax.typing import Batch, PRNGKey


def none(key: PRNGKey, x: Batch, /) -> Batch:
    """The identity: a plain autoencoder."""
    return x
