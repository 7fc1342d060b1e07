"""`scripts/tables.py`: one table of a paper, from run folders."""

from pathlib import Path
from typing import Any

from ae_jax.commands.made import Made
from ae_jax.config.targets import bind
from ae_jax.figures.style import VENUES, VenueName, Width
from ae_jax.results import Results
from ae_jax.tables.formats import Format, write_table
from ae_jax.tables.latex import too_large
from ae_jax.tables.parts.fit import Layout, Page
from ae_jax.terminal import console, say

_PLAIN: dict[str, Any] = {"venue": VenueName, "width": Width, "layout": Layout, "formats": list[Format]}


def _write(config: dict[str, Any], results: Results, folder: Path, name: str) -> list[Path]:
    table, page, layout = bind(config["table"])(results), _page(config), config["layout"]
    paths = write_table(table, folder, name, config["formats"], page=page, layout=layout)
    if "latex" in config["formats"] and (wrong := too_large(table, page, layout)):
        say(console(errors=True), f"{name}.tex may not fit its page: {wrong}")
    return paths


def _page(config: dict[str, Any]) -> Page:
    venue = VENUES[config["venue"]]
    width = venue.column if config["width"] == "column" else venue.text
    return Page(width, venue.height, venue.font_size, columns=1 if venue.column == venue.text else 2)


TABLES = Made("tables", "table", "Make a table of a paper from run folders.", _PLAIN, _write)


def main() -> None:
    """Entry point of `scripts/tables.py`."""
    TABLES.main()
