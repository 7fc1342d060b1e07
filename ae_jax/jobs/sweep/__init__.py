"""A sweep: which runs become one program, what is shown of them, and what the sweep as a whole leaves.

`launch.Sweep` is what Hydra's launcher `vmap` calls; nothing here imports Hydra.
"""
