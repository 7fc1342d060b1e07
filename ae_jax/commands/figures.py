"""`scripts/figures.py`: one figure of a paper, from run folders."""

from pathlib import Path
from typing import Any

from ae_jax.commands.captions import caption, write_captions
from ae_jax.commands.made import Made
from ae_jax.config.targets import bind, resolve
from ae_jax.figures.save import Format, save_all
from ae_jax.figures.style import VenueName, Width, paper_style
from ae_jax.results import Results

LOOK: dict[str, Any] = {"venue": VenueName, "width": Width, "font": str | None, "formats": list[Format]}
"""Keys that say how figures look, and their types."""


def _write(config: dict[str, Any], results: Results, folder: Path, name: str) -> list[Path]:
    with paper_style(config["venue"], width=config["width"], font=config["font"]):
        figure = bind(config["figure"])(results)
        asked = config["figure"]
        made = caption(resolve(asked["_target_"]), figure, asked.get("measure"))
        return [*save_all(figure, folder, name, config["formats"]), *write_captions(made, folder, name)]


FIGURES = Made("figures", "figure", "Draw a figure of a paper from run folders.", LOOK, _write)


def main() -> None:
    """Entry point of `scripts/figures.py`."""
    FIGURES.main()
