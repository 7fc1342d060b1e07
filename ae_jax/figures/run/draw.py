"""Draw every figure of one run."""

import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path

from matplotlib.figure import Figure

import ae_jax.figures.run
from ae_jax.errors import describe
from ae_jax.figures.run import Drawn
from ae_jax.figures.save import rendered
from ae_jax.figures.style import style
from ae_jax.runs.folder import RunFolder


def draw_run_figures(folder: Path) -> Drawn:
    """Draw the figures of a run folder from its files, each on its own. Nothing is written."""
    run, drawn = RunFolder(folder), Drawn({}, {})
    with style():
        for name, draw in run_figures(run).items():
            try:
                drawn.pngs[name] = rendered(draw(run), "png")
            except Exception as error:
                drawn.problems[name] = describe(error)
    return drawn


def run_figures(run: RunFolder | None = None) -> dict[str, Callable[[RunFolder], Figure]]:
    """The `draw` of every module of this package that has one, by the module's name.

    Args:
        run: Only those that fit it, as `fits` of the module says, where it has one; None: all.
    """
    names = sorted(module.name for module in pkgutil.iter_modules(ae_jax.figures.run.__path__))
    modules = {name: importlib.import_module(f"ae_jax.figures.run.{name}") for name in names if name != "draw"}
    return {
        name: module.draw
        for name, module in modules.items()
        if hasattr(module, "draw") and (run is None or not hasattr(module, "fits") or module.fits(run))
    }
