"""`scripts/tables.py`: one table of a paper, from run folders."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from ae_jax.commands import composed
from ae_jax.commands.figures import default_name
from ae_jax.experiments.config import check_parts
from ae_jax.experiments.guard import EXIT_COMPLETED
from ae_jax.experiments.targets import bind
from ae_jax.results import Results, load
from ae_jax.tables.formats import write_table
from ae_jax.terminal import console, short_path

_PLAIN: dict[str, Any] = {
    "runs": str | list[str],
    "where": str | None,
    "formats": list[Literal["latex", "csv", "markdown"]],
    "output": str,
    "name": str | None,
}


def main() -> None:
    """Entry point of `scripts/tables.py`."""
    composed.run("tables", group="table", about="Make a table of a paper from run folders.", act=_tabulate)


def checked(config: dict[str, Any]) -> dict[str, Any]:
    """A checked copy of a composed config of a table.

    Raises:
        UserError: For an unknown key, a wrong type or a value that is no choice.
    """
    return check_parts(config, plain=_PLAIN, components=["table"])


def compose(overrides: Sequence[str], *, config_dir: str | None) -> dict[str, Any]:
    """The checked config of a table from overrides. Raises like `checked`."""
    return checked(composed.compose("tables", overrides, config_dir=config_dir))


def make_table(config: dict[str, Any], results: Results, folder: Path, name: str) -> list[Path]:
    """Build a table from the runs for which its condition holds, and write it in all its formats.

    Args:
        config: A checked config.
        results: The runs.
        folder: Where the files go.
        name: Of the files, without ending.

    Raises:
        UserError: If the runs do not fit the table, or a file cannot be written.
    """
    table = bind(config["table"])(results.where(config["where"]))
    return write_table(table, folder, name, config["formats"])


def _tabulate(asked: dict[str, Any], _: str | None) -> int:
    config = checked(asked)
    results = load(config["runs"])
    name = config["name"] or default_name(config["table"])
    for path in make_table(config, results, Path(config["output"]), name):
        console().print(str(short_path(path)), soft_wrap=True, markup=False)
    return EXIT_COMPLETED
