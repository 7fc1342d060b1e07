"""What the terminal shows of a run: the config as a tree, the progress of training, the table against PCA."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.tree import Tree

from ae_jax.errors import UserError
from ae_jax.experiments.environment import changes, recorded_versions, versions
from ae_jax.experiments.task import Watch
from ae_jax.results.check import checked_summary
from ae_jax.results.digits import difference_text
from ae_jax.results.examples import outlier_warning
from ae_jax.results.measures import MEASURES
from ae_jax.results.run_folder import RunFolder
from ae_jax.terminal import Column, console, count, print_table, short_path

ShowEpoch = Callable[[dict[str, Any], float], None]
"""Shows an epoch: its metrics, and the number of examples a second."""


def print_config(config: dict[str, Any]) -> None:
    """The checked config as a tree, options by the name of what they make."""
    tree = Tree("config")
    for name, item in config.items():
        _branch(tree, name, item)
    console().print(tree)


@contextmanager
def progress(description: str, num_epochs: int) -> Iterator[ShowEpoch]:
    """A bar on a terminal; elsewhere a line for about every tenth of the epochs, at most one in two seconds."""
    output = console()
    output.print(f"training {description}, at most {count(num_epochs, 'epoch')}", soft_wrap=True, markup=False)
    if output.is_terminal:
        with _bar(output, num_epochs) as show:
            yield show
    else:
        yield _lines(output, num_epochs)


class ShowRun(Watch):
    """Shows the epochs of a single run."""

    def __init__(self, show: ShowEpoch):
        self._show = show

    def epoch(self, records: dict[Path, dict[str, Any]], examples_per_second: float) -> None:  # noqa: D102 - as there
        for record in records.values():
            self._show(record, examples_per_second)

    def note(self, line: str) -> None:  # noqa: D102 - as there
        console().print(line, soft_wrap=True, markup=False)


def print_outcome(folder: Path, *, trained_before: bool = False) -> None:
    """How a run ended, its table against PCA, and where its folder is."""
    run, output = RunFolder(folder), console()
    if run.state == "diverged":
        output.print(f"[bold red]diverged[/]: {run.read('status.json')['error']}", soft_wrap=True)
        output.print("try a smaller optimizer.learning_rate, or optimizer.clip_norm=1", soft_wrap=True)
    elif "pca" in checked_summary(run):
        print_comparison(run.summary, _errors(run))
        output.print(_describe_training(run.summary["training"]), soft_wrap=True)
    output.print(f"run folder: {short_path(folder)}", soft_wrap=True, markup=False)
    if trained_before:
        _report_versions(run, output)
        output.print("This run was trained before. To train it anew, delete its folder.", soft_wrap=True)


def _describe_training(training: dict[str, Any]) -> str:
    return (
        f"stopped after {count(training['epochs'], 'epoch')} ({training['stopped']}), best in epoch "
        f"{training['best_epoch']}; last training loss {training['last_train_loss']:.3g} ({training['loss']})"
    )


def _report_versions(run: RunFolder, output: Console) -> None:
    changed = changes(recorded_versions(run), versions())
    if changed:
        output.print(f"It was trained with other versions than there are now: {changed}.", soft_wrap=True, markup=False)


def print_comparison(summary: dict[str, Any], errors: dict[str, np.ndarray] | None = None) -> None:
    """The table of a summary's measures against PCA's, and the number of components that would match.

    Args:
        summary: Its measures, PCA's, and what the data are.
        errors: As `RunFolder.errors`, for a line where few test examples carry most of the error.
    """
    output, dataset = console(), summary["dataset"]
    title = f"{escape(dataset['name'])}, test split, {dataset['counts']['test']} examples"
    print_table(output, title, _columns(summary))
    output.print(_sentence(summary), soft_wrap=True)
    for method, label in (("autoencoder", "the autoencoder"), ("pca", "PCA")):
        if errors and (warning := outlier_warning(errors[method])):
            rest = f"the median example's is {np.median(errors[method]):.4g}"
            output.print(f"[bold yellow]Outliers:[/] {warning} of {label}; {rest}.", soft_wrap=True)


def _errors(run: RunFolder) -> dict[str, np.ndarray] | None:
    """Errors of test examples; of old runs, or where the file is damaged, there are none."""
    try:
        return run.errors
    except UserError:
        return None


def _columns(summary: dict[str, Any]) -> list[Column]:
    """A row for each measure that was taken."""
    pca = summary["pca"]
    rows = [
        (measure.short, summary["test"][measure.name], pca["test"][measure.name], measure.has_ratio)
        for measure in MEASURES.values()
    ]
    if seen := summary["corrupted"]:
        rows.append(("sse from corrupted", seen["autoencoder"]["sse"], seen["pca"]["sse"], True))
    rows = [row for row in rows if row[1] is not None and row[2] is not None]
    return [
        Column("measure", [name for name, *_ in rows], words=True),
        Column("autoencoder", [f"{ours:.5g}" for _, ours, *_ in rows]),
        Column(f"PCA, {count(pca['num_components'], 'component')}", [f"{theirs:.5g}" for *_, theirs, _ in rows]),
        Column("autoencoder is", [difference_text(ours, theirs, has_ratio=ratio) for _, ours, theirs, ratio in rows]),
    ]


def _sentence(summary: dict[str, Any]) -> str:
    latent_size, match = summary["model"]["latent_size"], summary["pca"]["components_to_match"]
    num_known = len(summary["pca"]["test_sse_by_components"]) - 1
    never = num_known == summary["dataset"]["num_features"]
    needed = "PCA cannot match" if never else f"PCA needs over {num_known} components to match"
    if match is not None:
        needed = f"PCA needs {count(match, 'component')} to match"
    if match == 0:
        needed = "The mean alone, which is PCA without a component, matches"
    sentence = f"{needed} the autoencoder's test sse with {count(latent_size, 'latent dimension')}."
    if (num_components := summary["pca"]["num_components"]) < latent_size:
        sentence += f" PCA has no more than {count(num_components, 'component')}, the rank of the training data."
    if summary["corrupted"]:
        sentence += " PCA was fitted to clean inputs, also where both see corrupted ones."
    angles = summary["pca"]["principal_angles_degrees"]
    if angles is not None:
        sentence += f" Largest principal angle between the decoder and PCA: {max(angles):.2f} degrees."
    return sentence


def _branch(tree: Tree, name: str, item: Any) -> None:
    if isinstance(item, dict):
        target = f" [dim]{item['_target_']}[/]" if "_target_" in item else ""
        branch = tree.add(f"[bold]{name}[/]{target}")
        for key, value in item.items():
            if key != "_target_":
                _branch(branch, key, value)
    else:
        tree.add(f"{name}: {item if item is not None else 'null'}".replace("[", "\\["))


@contextmanager
def _bar(output: Console, num_epochs: int) -> Iterator[ShowEpoch]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        BarColumn(bar_width=12),
        MofNCompleteColumn(),
        TextColumn("{task.fields[losses]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=output) as bar:
        task = bar.add_task("", total=num_epochs, losses="compiling")

        def show(record: dict[str, Any], examples_per_second: float) -> None:
            losses = f"train {record['train_loss']:.4g} validation {record['validation_loss']:.4g}"
            bar.update(task, completed=record["epoch"], losses=f"{losses} {examples_per_second:,.0f} examples/s")

        yield show


def _lines(output: Console, num_epochs: int) -> ShowEpoch:
    last = time.monotonic()

    def show(record: dict[str, Any], examples_per_second: float) -> None:
        nonlocal last
        epoch, now = record["epoch"], time.monotonic()
        due = (epoch % max(1, num_epochs // 10) == 0 and now - last > 2) or now - last > 30
        if epoch not in (1, num_epochs) and not due:
            return
        last = now
        left = record["seconds"] * (num_epochs - epoch)
        output.print(
            f"epoch {epoch}/{num_epochs}  train {record['train_loss']:.5g}  validation {record['validation_loss']:.5g}"
            f"  {examples_per_second:,.0f} examples/s  {left:.0f} s left",
            soft_wrap=True,
        )

    return show
