"""`scripts/figures.py`: one figure of a paper, from run folders."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ae_jax.commands import composed
from ae_jax.experiments.config import check_parts
from ae_jax.experiments.guard import EXIT_COMPLETED
from ae_jax.experiments.targets import bind
from ae_jax.figures.save import Format, save_all
from ae_jax.figures.style import VenueName, Width, paper_style
from ae_jax.results import Results, load
from ae_jax.terminal import console, short_path

LOOK: dict[str, Any] = {"venue": VenueName, "width": Width, "font": str | None, "formats": list[Format]}
"""Keys that say how figures look, and their types."""

_PLAIN: dict[str, Any] = {"runs": str | list[str], "where": str | None, **LOOK, "output": str, "name": str | None}


def main() -> None:
    """Entry point of `scripts/figures.py`."""
    composed.run("figures", group="figure", about="Draw a figure of a paper from run folders.", act=_draw)


def checked(config: dict[str, Any]) -> dict[str, Any]:
    """A checked copy of a composed config of a figure.

    Raises:
        UserError: For an unknown key, a wrong type or a value that is no choice.
    """
    return check_parts(config, plain=_PLAIN, components=["figure"])


def compose(overrides: Sequence[str], *, config_dir: str | None) -> dict[str, Any]:
    """The checked config of a figure from overrides. Raises like `checked`."""
    return checked(composed.compose("figures", overrides, config_dir=config_dir))


def draw_figure(config: dict[str, Any], results: Results, folder: Path, name: str) -> list[Path]:
    """Draw a figure from the runs for which its condition holds, and write it in all its formats.

    Args:
        config: A checked config.
        results: The runs.
        folder: Where the files go.
        name: Of the files, without ending.

    Raises:
        UserError: If the runs do not fit the figure, the font is missing, or a file cannot be written.
    """
    with paper_style(config["venue"], width=config["width"], font=config["font"]):
        figure = bind(config["figure"])(results.where(config["where"]))
        return save_all(figure, folder, name, config["formats"])


def default_name(node: dict[str, Any]) -> str:
    """The name of what a node makes: that of its module."""
    return str(node["_target_"]).split(".")[-2]


def _draw(asked: dict[str, Any], _: str | None) -> int:
    config = checked(asked)
    results = load(config["runs"])
    name = config["name"] or default_name(config["figure"])
    for path in draw_figure(config, results, Path(config["output"]), name):
        console().print(str(short_path(path)), soft_wrap=True, markup=False)
    return EXIT_COMPLETED
