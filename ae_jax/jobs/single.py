"""One run of the command line: trained alone, unless it has ended before, and shown."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ae_jax.jobs.guard import EXIT_COMPLETED, EXIT_DIVERGED


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
        The best validation loss; None if there is none, or the run had ended before.

    Raises:
        Exception: What made the run fail.
    """
    from ae_jax.jobs.config_tree import print_config
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
    from ae_jax.terminal import console

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
    from ae_jax.runs.ended import end_of

    end = end_of(config, folder)
    if end is None:
        return None
    print_outcome(folder, trained_before=True)
    return EXIT_DIVERGED if end == "diverged" else EXIT_COMPLETED
