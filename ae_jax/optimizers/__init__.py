"""Optimizers: one a file, each a function of its options that returns an Optax transformation.

They are called inside the traced step, so that learning rates and the like are arrays: nothing may branch in Python on
them. A schedule is a shape with peak 1, a component of its own in the group `optimizer/schedule`.

To add an optimizer, write `ae_jax/optimizers/<name>.py` with a function whose keyword-only parameters are its options
(annotated `Scalar` or an alias of it: traced, sweepable; anything else: compiled in) and that ends in
`base.descend(...)`, or in `base.clipped(...)` where it has no learning rate, and `conf/optimizer/<name>.yaml` that
names the function and gives every option. To add a schedule, write a function in `ae_jax/optimizers/schedules.py` and
`conf/optimizer/schedule/<name>.yaml`.
"""

from ae_jax.optimizers.base import Decay, LearningRate, Schedule

__all__ = ["Decay", "LearningRate", "Schedule"]
