"""Figures that every run gets when it ends, one a file, drawn from its folder alone.

To add one, write `ae_jax/figures/run/<name>.py` with `draw(run: RunFolder) -> Figure`: it is found by its name.
"""
