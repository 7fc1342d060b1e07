"""Training: the pure step and epoch of one run, the group of runs as one compiled program, and its checkpoints.

A run is a function of (structure, values, seed): `Structure` holds what is compiled in, `Run` what is traced.
"""

from ae_jax.training.options import TrainerOptions
from ae_jax.training.state import Best, EpochMetrics, Run, Status, Structure, TrainingData, TrainState

__all__ = ["Best", "EpochMetrics", "Run", "Status", "Structure", "TrainState", "TrainerOptions", "TrainingData"]
