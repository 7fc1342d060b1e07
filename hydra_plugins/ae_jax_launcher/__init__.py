"""Hydra's launcher `vmap`: hands all jobs of a multirun to the task function at once, if it can train jobs together.

A task function says so by an attribute `sweep`, set before `hydra.main` decorates it: a function that returns a
`Sweep`. For any other task function the jobs run one after the other, as with Hydra's own launcher. Hydra imports this
module at every start: it imports nothing heavy.
"""

from hydra_plugins.ae_jax_launcher.launcher import VmapLauncher, VmapLauncherConf

__all__ = ["VmapLauncher", "VmapLauncherConf"]
