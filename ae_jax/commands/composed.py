"""What the commands share whose options are composed by Hydra, in the grammar of `scripts/train.py`."""

import argparse
from collections.abc import Callable
from typing import Any

from ae_jax.experiments import cli

Act = Callable[[dict[str, Any]], int]


def run_composed(config_name: str, *, group: str, about: str, act: Act) -> None:
    """Parse the command line, compose the config, act on it and exit. A user's mistake ends in one line.

    Args:
        config_name: The config at the top of `conf/`.
        group: Its group, whose options `--help` lists with the first line of each.
        about: What the command does.
        act: Gets the composed config as a dictionary, not checked yet; returns the exit code.
    """
    folder = cli.config_folder()
    options = "\n".join(f"  {path.stem:20} {_first_line(path)}" for path in sorted((folder / group).glob("*.yaml")))
    keys = (folder / f"{config_name}.yaml").read_text().partition("\n\n")[2]
    parser = argparse.ArgumentParser(
        description=about,
        epilog=f"options of {group}=…, whose own keys are {group}.KEY=…:\n{options}\n\nkeys:\n{keys}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help=f"{group}=… and the keys below")
    arguments = parser.parse_args()

    def composed() -> int:
        return act(cli.plain(cli.compose(arguments.overrides, config_name=config_name)))

    raise SystemExit(cli.guard(composed))


def _first_line(path: Any) -> str:
    return path.read_text().splitlines()[0].removeprefix("# ").partition(": ")[2]
