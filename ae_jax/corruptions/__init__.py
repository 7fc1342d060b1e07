"""Corruptions: one a file, each a function `(key, x, /, *, options)` to the corrupted x.

Written for one batch; `jax.vmap` adds the runs. At strength 0 (a rate, a scale) each is the identity, to the bit. One
that takes `feature_shape` is given the shape of an example before it was flattened.

To add one, write `ae_jax/corruptions/<name>.py` with a function whose keyword-only parameters are its options
(annotated `Scalar` or an alias of it: traced, sweepable; anything else: compiled in), and
`conf/corruption/<name>.yaml` that names the function and gives every option.
"""

from ae_jax.corruptions.base import Corruption

__all__ = ["Corruption"]
