"""Figures of a paper, one a file, drawn from any number of run folders. Those of a single run are in `figures/run/`.

To add one, write `ae_jax/figures/<name>.py` with `draw(results: Results, /, *, …) -> Figure`, and
`conf/figure/<name>.yaml` with its options.
"""
