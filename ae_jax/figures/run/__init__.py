"""Figures that every run gets when it ends, one a file, drawn from its folder alone.

To add one, write `ae_jax/figures/run/<name>.py` with `draw(run: RunFolder) -> Figure`: it is found by its name.
"""

from typing import NamedTuple


class Drawn(NamedTuple):
    """The figures of a run, by their names.

    Attributes:
        pngs: Those that could be drawn.
        problems: Why others could not.
    """

    pngs: dict[str, bytes]
    problems: dict[str, str]
