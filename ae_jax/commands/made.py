"""A command that makes files of one kind from run folders: an option of a group, applied to results."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from ae_jax.commands import composed
from ae_jax.config.check import check_parts
from ae_jax.config.targets import OWN_PACKAGE, is_within
from ae_jax.errors import UserError
from ae_jax.jobs.guard import EXIT_COMPLETED
from ae_jax.results import Results, load
from ae_jax.terminal import console, count, say, short_path

_PLAIN: dict[str, Any] = {"runs": str | list[str], "where": str | None, "output": str, "name": str | None}


@dataclass(frozen=True)
class Made:
    """Figures, or tables.

    Attributes:
        config_name: Its config at the top of `conf/`.
        group: The group of its options.
        about: What the command does.
        plain: Keys that only this kind has, with their annotations.
        write: `(checked config, results, folder, name)` to the files that it wrote.
    """

    config_name: str
    group: str
    about: str
    plain: dict[str, Any]
    write: Callable[[dict[str, Any], Results, Path, str], list[Path]]

    def main(self) -> None:
        """Run the command and exit."""
        composed.run(self.config_name, group=self.group, about=self.about, act=self._act)

    def compose(self, overrides: Sequence[str], *, config_dir: str | None) -> dict[str, Any]:
        """The checked config from overrides.

        Raises:
            UserError: For an unknown key or option, a wrong type or a value that is no choice.
        """
        return self._checked(composed.compose(self.config_name, overrides, config_dir=config_dir))

    def make(self, config: dict[str, Any], results: Results, folder: Path, name: str) -> list[Path]:
        """Make it from the runs for which the config's condition holds, and write it in all its formats.

        Args:
            config: A checked config.
            results: The runs.
            folder: Where the files go.
            name: Of the files, without ending.

        Raises:
            UserError: If the runs do not fit, or a file cannot be written.
        """
        return self.write(config, results.where(config["where"]), folder, name)

    def _checked(self, asked: dict[str, Any]) -> dict[str, Any]:
        config = check_parts(asked, plain={**_PLAIN, **self.plain}, components=[self.group])
        if not config["formats"]:
            (choices,) = get_args(self.plain["formats"])
            raise UserError("formats", "none is given", f"give formats=[{','.join(get_args(choices))}]")
        return config

    def _act(self, asked: dict[str, Any], _: str | None) -> int:
        config = self._checked(asked)
        name = config["name"] or _name_of(config[self.group]["_target_"])
        results = load(config["runs"]).where(config["where"])
        for path in self.write(config, results, Path(config["output"]), name):
            say(console(), str(short_path(path)))
        say_what_is_not_counted(results)
        return EXIT_COMPLETED


def _name_of(target: str) -> str:
    """Of files, where none is given: the module's, of which each here makes one thing; else the whole path."""
    *_, module, _ = target.split(".")
    return module if is_within(target, (OWN_PACKAGE,)) else target.replace(".", "-")


def say_what_is_not_counted(results: Results) -> None:
    """A line on standard error, where folders are left out."""
    states = [one.state for one in results.excluded]
    if states:
        parts = ", ".join(f"{states.count(state)} {state}" for state in sorted(set(states)))
        say(console(errors=True), f"not counted: {count(len(states), 'folder')} ({parts}); scripts/report.py says why")
