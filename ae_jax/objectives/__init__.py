"""Objectives: how distortion and what the latent costs become one number an example; one a file.

To add one, write `ae_jax/objectives/<name>.py` with a function of `(parts, carried, key, x, seen, /)` and keyword-only
options (annotated `Scalar` or an alias of it: traced, sweepable; anything else: compiled in) that returns a `Value`,
and `conf/objective/<name>.yaml` that names the function and gives every option.
"""

from ae_jax.objectives.base import Carried, Objective, Parts, Schedule, Value

__all__ = ["Carried", "Objective", "Parts", "Schedule", "Value"]
