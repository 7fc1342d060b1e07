"""`scripts/tables.py`: one table of a paper, from run folders."""

from pathlib import Path
from typing import Any

from ae_jax.commands.made import Made
from ae_jax.experiments.targets import bind
from ae_jax.results import Results
from ae_jax.tables.formats import Format, write_table


def _write(config: dict[str, Any], results: Results, folder: Path, name: str) -> list[Path]:
    return write_table(bind(config["table"])(results), folder, name, config["formats"])


TABLES = Made("tables", "table", "Make a table of a paper from run folders.", {"formats": list[Format]}, _write)


def main() -> None:
    """Entry point of `scripts/tables.py`."""
    TABLES.main()
