"""One run of the command line: trained alone, unless it has ended before, and shown."""

from pathlib import Path
from typing import Any

from ae_jax.experiments.guard import EXIT_COMPLETED, EXIT_DIVERGED


def train_single(config: dict[str, Any], folder: Path, codes: list[int]) -> float | None:
    """Train a run and show how it ended.

    Args:
        config: A checked config.
        folder: The run folder.
        codes: The exit code is added, if it is any but that of success.

    Returns:
        The best validation loss; None if there is none, or the run had ended before.

    Raises:
        Exception: What made the run fail.
    """
    from ae_jax.experiments.display import print_config, print_outcome

    ended = answer_if_ended(config, folder)
    if ended is not None:
        codes.append(ended)
        return None
    if config["runtime"]["print_config"]:
        print_config(config)
    from ae_jax.experiments.continuation import GROUPS
    from ae_jax.experiments.display import ShowRun, progress
    from ae_jax.experiments.task import GroupTask, Request
    from ae_jax.experiments.train import train_group

    task = GroupTask((Request(config, folder),), folder.parent / GROUPS)
    with progress(folder.name, config["trainer"]["num_epochs"]) as show:
        (outcome,) = train_group(task, watch=ShowRun(show))
    if outcome.error is not None:
        raise outcome.error
    print_outcome(outcome.folder)
    if outcome.state == "diverged":
        codes.append(EXIT_DIVERGED)
    return outcome.best_validation_loss


def answer_if_ended(config: dict[str, Any], folder: Path) -> int | None:
    """Show how a run ended that was trained before, and return its exit code; None if it is still to be trained."""
    from ae_jax.experiments.display import print_outcome
    from ae_jax.experiments.run import end_of

    end = end_of(config, folder)
    if end is None:
        return None
    print_outcome(folder, trained_before=True)
    return EXIT_DIVERGED if end == "diverged" else EXIT_COMPLETED
