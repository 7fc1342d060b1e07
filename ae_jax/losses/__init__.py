"""Losses: one a file, each a function of its options that returns a `Loss`.

A model returns raw outputs. Its loss owns the link from outputs to a reconstruction, and gives one value per example;
the training step averages over examples.

To add one, write `ae_jax/losses/<name>.py` with a function whose keyword-only parameters are its options (annotated
`Scalar` or an alias of it: traced, sweepable; anything else: compiled in), and `conf/loss/<name>.yaml` that names the
function and gives every option.
"""

from ae_jax.losses.base import Link, Loss

__all__ = ["Link", "Loss"]
