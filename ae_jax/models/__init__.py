"""Models: one autoencoder a file, each a final subclass of `AbstractAutoencoder`.

To add one, write `ae_jax/models/<name>.py` with a class whose constructor takes `feature_shape` and `rngs` (both
supplied) and its own options, and `conf/model/<name>.yaml` that names the class and gives every option.
"""

from ae_jax.models.base import AbstractAutoencoder, FunctionalModel, functional

__all__ = ["AbstractAutoencoder", "FunctionalModel", "functional"]
