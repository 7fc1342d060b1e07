"""Draw every figure of one run into its folder."""

import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path

from matplotlib.figure import Figure

import ae_jax.figures.run
from ae_jax.figures.save import save
from ae_jax.figures.style import style
from ae_jax.results.run_folder import RunFolder


def draw_run_figures(folder: Path) -> list[Path]:
    """Draw the figures of a run folder from its files. Returns the paths of the PNGs."""
    run = RunFolder(folder)
    with style():
        return [save(draw(run), run.figures / f"{name}.png") for name, draw in run_figures().items()]


def run_figures() -> dict[str, Callable[[RunFolder], Figure]]:
    """The `draw` of every module of this package that has one, by the module's name."""
    names = sorted(module.name for module in pkgutil.iter_modules(ae_jax.figures.run.__path__))
    modules = {name: importlib.import_module(f"ae_jax.figures.run.{name}") for name in names if name != "draw"}
    return {name: module.draw for name, module in modules.items() if hasattr(module, "draw")}
