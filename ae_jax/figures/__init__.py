"""Figures: one a file, drawn from a run folder alone.

To add one to every run, write `ae_jax/figures/<name>.py` with `draw(run: RunFolder) -> Figure`: it is found by
its name.
"""
