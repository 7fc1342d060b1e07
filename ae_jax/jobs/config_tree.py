"""The config of a run as a tree on the terminal, or what of it is not the default."""

from collections.abc import Callable, Iterator
from typing import Any

from ae_jax.terminal import console, say

_FORKS, _PLAIN_FORKS = ("├─ ", "│  ", "└─ "), ("|-- ", "|   ", "`-- ")


def print_config(config: dict[str, Any], default: Callable[[], dict[str, Any]] | None = None) -> None:
    """The checked config as a tree, options by the name of what they make.

    Args:
        config: All of it.
        default: Gives what it is compared with where the tree is longer than the terminal, and only what differs is
            shown. None: all is shown.
    """
    output = console()
    forks = _PLAIN_FORKS if output.options.ascii_only else _FORKS
    tree = list(_branches(config, forks))
    if default is None or not output.is_terminal or len(tree) + 1 < output.height:
        say(output, "\n".join(["config", *tree]))
        return
    changed = list(_branches(_differing(config, default()), forks))
    say(output, "\n".join(["config, where it is not the default", *changed] if changed else ["config: the default"]))
    say(output, "all of it: runtime.print_config=true", style="dim")


def _branches(config: dict[str, Any], forks: tuple[str, str, str], before: str = "") -> Iterator[str]:
    items = [(name, item) for name, item in config.items() if name != "_target_"]
    fork, passing, last = forks
    for number, (name, item) in enumerate(items, 1):
        lead, below = (last, " " * len(last)) if number == len(items) else (fork, passing)
        if isinstance(item, dict):
            yield f"{before}{lead}{name} {item.get('_target_', '')}".rstrip()
            yield from _branches(item, forks, before + below)
        else:
            yield f"{before}{lead}{name}: {'null' if item is None else item}"


def _differing(config: dict[str, Any], default: dict[str, Any]) -> dict[str, Any]:
    """What the default has not, or has another value of; all of a component that is another one."""
    found = {}
    for name, item in config.items():
        if name in default and default[name] == item:
            continue
        other = default.get(name)
        if isinstance(item, dict) and isinstance(other, dict) and item.get("_target_") == other.get("_target_"):
            target = {"_target_": item["_target_"]} if "_target_" in item else {}
            item = target | _differing(item, other)
        found[name] = item
    return found
