"""The config of a run as a tree on the terminal, or what of it is not the default."""

from collections.abc import Callable, Iterator
from typing import Any

from ae_jax.terminal import console, say


def print_config(config: dict[str, Any], default: Callable[[], dict[str, Any]] | None = None) -> None:
    """The checked config as a tree, options by the name of what they make.

    Args:
        config: All of it.
        default: Gives what it is compared with where the tree is longer than the terminal, and only what differs is
            shown. None: all is shown.
    """
    output = console()
    tree = list(_branches(config))
    if default is None or not output.is_terminal or len(tree) + 1 < output.height:
        say(output, "\n".join(["config", *tree]))
        return
    changed = list(_branches(_differing(config, default())))
    say(output, "\n".join(["config, where it is not the default", *changed] if changed else ["config: the default"]))
    say(output, "all of it: runtime.print_config=true", style="dim")


def _branches(config: dict[str, Any], before: str = "") -> Iterator[str]:
    items = [(name, item) for name, item in config.items() if name != "_target_"]
    for number, (name, item) in enumerate(items, 1):
        fork, below = ("\N{BOX DRAWINGS LIGHT UP AND RIGHT}", "   ") if number == len(items) else _FORK
        lead = f"{before}{fork}\N{BOX DRAWINGS LIGHT HORIZONTAL}"
        if isinstance(item, dict):
            yield f"{lead} {name} {item.get('_target_', '')}".rstrip()
            yield from _branches(item, before + below)
        else:
            yield f"{lead} {name}: {'null' if item is None else item}"


_FORK = ("\N{BOX DRAWINGS LIGHT VERTICAL AND RIGHT}", "\N{BOX DRAWINGS LIGHT VERTICAL}  ")


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
