"""What the commands share whose options are composed by Hydra, in the grammar of `scripts/train.py`."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ae_jax.config import compose as composition
from ae_jax.jobs.guard import Parser, guard

Act = Callable[[dict[str, Any], str | None], int]


def run(config_name: str, *, group: str, about: str, act: Act) -> None:
    """Parse the command line, compose the config, act on it and exit. A user's mistake ends in one line.

    Args:
        config_name: The config at the top of `conf/`.
        group: Its group, whose options `--help` lists with the first line of each.
        about: What the command does.
        act: Gets the composed config as a dictionary, not checked yet, and the user's own folder of configs; returns
            the exit code.
    """
    parser = Parser(
        description=about,
        epilog=_keys(config_name, group, sys.argv[1:]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "overrides", nargs="*", metavar="KEY=VALUE", help=f"{group}=…, its keys, and those of the command"
    )
    parser.add_argument("--config-dir", metavar="FOLDER", help=f"a folder with options of yours, as {group}/NAME.yaml")
    arguments = parser.parse_intermixed_args()

    def composed() -> int:
        own = arguments.config_dir
        return act(compose(config_name, arguments.overrides, config_dir=own), own)

    raise SystemExit(guard(composed))


def compose(config_name: str, overrides: Sequence[str], *, config_dir: str | None) -> dict[str, Any]:
    """A composed config as a dictionary, not checked yet.

    Conditions and paths need no quotes but the shell's: `where="model = 'dense'"`.

    Raises:
        UserError: If an override or option does not fit.
    """
    return composition.plain(composition.compose(overrides, config_name=config_name, config_dir=config_dir))


def _keys(config_name: str, group: str, given: Sequence[str]) -> str:
    """The options of the group, the keys of the chosen one (the first, where none is), and those of the config."""
    folder = composition.config_folder()
    options = sorted((folder / group).glob("*.yaml"))
    listed = "\n".join(f"  {path.stem:20} {_comment(path)}" for path in options)
    chosen = next((path for path in options if f"{group}={path.stem}" in given), options[0])
    keys = {name: path.read_text("utf-8") for name, path in ((group, chosen), ("", folder / f"{config_name}.yaml"))}
    own = "\n".join(line for line in keys[group].splitlines() if not line.startswith(("#", "_target_")))
    return (
        f"{group}=…\n{listed}\n\n{group}.KEY=…, of {chosen.stem}\n{own}\n\nKEY=…\n{keys[''].partition(chr(10) * 2)[2]}"
    )


def _comment(path: Path) -> str:
    """What the first line of an option says after its first word, such as `Claim:`."""
    return path.read_text("utf-8").splitlines()[0].removeprefix("# ").partition(": ")[2]
