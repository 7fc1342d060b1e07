"""Data in memory, compact and split once: one loader a file, each a function that returns a `Dataset`."""

from ae_jax.datasets.base import Dataset

__all__ = ["Dataset"]
