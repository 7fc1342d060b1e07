"""One run of the command line: trained alone, unless it has ended before, and shown: config, epochs, outcome."""

import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ae_jax.jobs.guard import EXIT_COMPLETED, EXIT_DIVERGED
from ae_jax.runs.folder import RunFolder
from ae_jax.terminal import console, say, short_path

_FORKS, _PLAIN_FORKS = ("├─ ", "│  ", "└─ "), ("|-- ", "|   ", "`-- ")


def train_single(
    config: dict[str, Any], folder: Path, codes: list[int], default: Callable[[], dict[str, Any]]
) -> float | None:
    """Train a run and show how it ended.

    Args:
        config: A checked config.
        folder: The run folder.
        codes: The exit code is added, if it is any but that of success.
        default: Gives the checked config that nobody has changed.

    Returns:
        What was monitored in its best epoch; None if there is none, or the run had ended before.

    Raises:
        Exception: What made the run fail.
    """
    from ae_jax.jobs.display import print_outcome

    ended = answer_if_ended(config, folder)
    if ended is not None:
        codes.append(ended)
        return None
    if (asked := config["runtime"]["print_config"]) is not False:
        print_config(config, default if asked == "auto" else None)
    from ae_jax.config.naming import short_target
    from ae_jax.jobs.display import ShowRun, progress
    from ae_jax.jobs.train import train_group
    from ae_jax.jobs.work import GroupTask, Request
    from ae_jax.runs.continuation import GROUPS

    task = GroupTask((Request(config, folder),), folder.parent / GROUPS)
    loss, objective = (short_target(config[group]["_target_"]) for group in ("loss", "objective"))
    num_epochs = config["trainer"]["num_epochs"]
    output = console()
    with progress(output, num_epochs) as show:
        watch = ShowRun(output, show, name=folder.name, loss=loss, num_epochs=num_epochs, objective=objective)
        (outcome,) = train_group(task, watch=watch)
    if outcome.error is not None:
        raise outcome.error
    print_outcome(outcome.folder)
    if outcome.state == "diverged":
        codes.append(EXIT_DIVERGED)
    return outcome.best


def answer_if_ended(config: dict[str, Any], folder: Path) -> int | None:
    """Show how a run ended that was trained before, and return its exit code; None if it is still to be trained."""
    from ae_jax.jobs.display import print_outcome
    from ae_jax.runs.recorder import end_of

    end = end_of(config, folder)
    if end is None:
        return None
    print_outcome(folder, trained_before=True)
    if end == "completed" and (new := _not_asked(config, folder)):
        place, names = shlex.quote(str(short_path(folder))), ",".join(new)
        say(console(), f"To ask it {names} too: python scripts/evaluate.py {place} evaluation={names}")
    return EXIT_DIVERGED if end == "diverged" else EXIT_COMPLETED


def _not_asked(config: dict[str, Any], folder: Path) -> list[str]:
    """Evaluations of a config that a run which has ended was not asked; those of every run count as asked."""
    answered = RunFolder(folder).summary.get("evaluations", {})
    return [name for name in config["evaluations"] if name not in answered and name != "reconstruction"]


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
