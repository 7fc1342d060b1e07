"""What the terminal shows of a run: the progress of training, the table against PCA."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from rich.markup import escape

from ae_jax.config.naming import short_target
from ae_jax.errors import UserError
from ae_jax.jobs.work import Watch
from ae_jax.results.configurations import Configuration
from ae_jax.results.digits import alike, difference_text
from ae_jax.results.examples import outlier_warning
from ae_jax.results.runs import Run, settings_of
from ae_jax.results.verdict import sentence
from ae_jax.runs.check import checked_summary
from ae_jax.runs.environment import changes, recorded_versions, versions
from ae_jax.runs.folder import RunFolder
from ae_jax.runs.measures import (
    DISTORTION,
    MEASURES,
    OF_SOME,
    competitor_name,
    is_distortion_alone,
    measure_named,
)
from ae_jax.terminal import Column, Screen, console, count, print_table, say, short_path

ShowEpoch = Callable[[list[str], int, float], None]
"""Shows an epoch: how far it came in words, from long to short, its number, and the seconds that are left."""

_BAR, _WIDE_ENOUGH = 12, 60  # characters: of the bar, and of a terminal that has room for one
_SECONDS_BETWEEN_LINES, _MOST_SECONDS = 2.0, 30.0


@contextmanager
def progress(output: Screen, num_epochs: int) -> Iterator[ShowEpoch]:
    """A bar on a terminal; elsewhere a line for about every tenth of the epochs, at most one in two seconds."""
    if output.is_live:
        with _bar(output, num_epochs) as show:
            yield show
    else:
        yield _lines(output, num_epochs)


class ShowRun(Watch):
    """Shows the epochs of a single run.

    Args:
        output: Where what else there is to say goes.
        show: Shows an epoch.
        name: What the run is called.
        loss: What distortion is measured by.
        num_epochs: Of the run, at most.
        objective: What is trained on, by its short name.
    """

    def __init__(
        self,
        output: Screen,
        show: ShowEpoch,
        *,
        name: str,
        loss: str,
        num_epochs: int,
        objective: str = "rate_distortion",
    ):
        self._output, self._show, self._name, self._num_epochs = output, show, name, num_epochs
        self._loss, self._objective, self._monitor = loss, objective, "objective"
        self._pca: float | None = None

    def built(self) -> None:
        """Say that it begins, as nothing is left that could not fit."""
        self.note(f"training {self._name}, at most {count(self._num_epochs, 'epoch')}")

    def begin(self, experiment: Any) -> None:
        """Say what the objective is made of, where it is more than the loss, and what there is to beat."""
        terms, self._monitor = experiment.structure.terms, experiment.structure.monitor
        if not is_distortion_alone(terms, self._objective):
            named = ", ".join(f"{term} ({self._loss})" if term == DISTORTION else term for term in terms)
            self.note(f"objective: {self._objective} of {named}")
            self._loss = "objective"
        name, self._pca = to_beat(experiment)
        self.note(f"to beat: {name}" if self._pca is None else f"to beat: {name}, {self._pca:#.4g}")

    def epoch(self, records: dict[Path, dict[str, Any]], examples_per_second: float) -> None:  # noqa: D102 - as there
        for record in records.values():
            train, validation = alike(record["train_loss"], record["validation_loss"], digits=4)
            sse = f"sse {self._beside_pca(record['validation_sse'])}"
            losses = f"{self._loss} {train} train, {validation} validation"
            speed = f"{examples_per_second:,.0f} examples/s"
            short = f"{self._loss} {validation}, {sse}"
            if self._monitor not in ("objective", "sse"):
                losses, short = (f"{text}; {self._monitored(record)}" for text in (losses, short))
            texts = [f"{losses}; validation {sse}; {speed}", f"{losses}; {sse}", short, sse]
            self._show(texts, record["epoch"], record["seconds"] * (self._num_epochs - record["epoch"]))

    def note(self, line: str) -> None:  # noqa: D102 - as there
        say(self._output, line)

    def _beside_pca(self, error: float) -> str:
        if self._pca is None:
            return f"{error:#.4g}"
        ours, theirs = alike(error, self._pca, digits=4)
        return f"{ours} {'below' if error < self._pca else 'above'} PCA's {theirs}"

    def _monitored(self, record: dict[str, Any]) -> str:
        return f"monitored {self._monitor} {record[f'validation_{self._monitor}']:#.4g}"


def to_beat(experiment: Any) -> tuple[str, float | None]:
    """The validation sse of the PCA that stands beside a model, in words and as a number; None: not known yet."""
    from ae_jax.evaluation.competitor import competitor
    from ae_jax.evaluation.measure import fit_dataset_pca, measured_once, pca_curve
    from ae_jax.evaluation.method import latent_size_of, leading

    dataset, bottleneck = experiment.dataset, experiment.bottleneck
    if bottleneck.num_active == "measured":
        return "PCA with as many coordinates of each example as the latent will use", None
    pca = fit_dataset_pca(dataset)
    limits = competitor(pca, bottleneck, latent_size_of(experiment), lambda: 0)
    if not limits.summary:
        size = count(limits.num_components, "component")
        return f"PCA's validation sse with {size}", pca_curve(dataset, pca, "validation")[limits.num_components]
    name = competitor_name({"num_components": limits.num_components, **limits.summary})
    measured = measured_once(dataset, leading(pca, limits, experiment.structure.matmul_precision), pca)
    return f"validation sse of {name}", measured["validation"].measures["sse"]


def _say_ways_out(optimizer: dict[str, Any]) -> None:
    """What may keep a run from diverging, of what its optimizer has."""
    smaller = [f"a smaller optimizer.{key}" for key in ("learning_rate", "d_coef") if key in optimizer]
    ways = [*smaller, *(["optimizer.clip_norm=1"] if "clip_norm" in optimizer else [])]
    if ways:
        say(console(), f"try {', or '.join(ways)}")


def print_outcome(folder: Path, *, trained_before: bool = False) -> None:
    """How a run ended, its table against PCA, and where its folder is."""
    run, output = RunFolder(folder), console()
    if run.state == "diverged":
        say(output, f"diverged: {run.read('status.json')['error']}", style="bold red")
        _say_ways_out(run.config["optimizer"])
    elif "pca" in checked_summary(run):
        print_comparison(run.summary, _errors(run), config=run.config)
        say(output, _describe_training(run.summary, run.config))
    say(output, f"run folder: {short_path(folder)}")
    if trained_before:
        _report_versions(run, output)
        say(output, "This run was trained before. To train it anew, delete its folder.")


def _describe_training(summary: dict[str, Any], config: dict[str, Any]) -> str:
    training, monitor = summary["training"], config["trainer"]["monitor"]
    by = "" if monitor == "objective" else f" by validation {monitor}"
    last = f"{training['last_train_loss']:.3g}"
    what = f"objective {last}" if _terms(summary, config) else f"loss {last} ({training['loss']})"
    return (
        f"stopped after {count(training['epochs'], 'epoch')} ({training['stopped']}), best in epoch "
        f"{training['best_epoch']}{by}; last training {what}"
    )


def _terms(summary: dict[str, Any], config: dict[str, Any]) -> dict[str, float | None]:
    """The terms of the objective on test; none where it is the loss alone."""
    terms = summary["test"].get("terms", {})
    return {} if is_distortion_alone(terms, short_target(config["objective"]["_target_"])) else terms


def _report_versions(run: RunFolder, output: Screen) -> None:
    changed = changes(recorded_versions(run), versions())
    if changed:
        say(output, f"It was trained with other versions than there are now: {changed}.")


def print_comparison(
    summary: dict[str, Any], errors: dict[str, np.ndarray] | None = None, *, config: dict[str, Any]
) -> None:
    """What a run does in numbers of PCA, and the table of its measures against PCA's.

    Args:
        summary: Its measures, PCA's, and what the data are.
        errors: As `RunFolder.errors`, for a line where few test examples carry most of the error.
        config: The config of the run.
    """
    output, dataset = console(), summary["dataset"]
    say(output, f"{dataset['name']}: {_verdict(summary, config)}", style="bold")
    print_table(
        output, f"test split, {count(dataset['counts']['test'], 'example')}", _columns(summary, _terms(summary, config))
    )
    if notes := _notes(summary):
        say(output, " ".join(notes))
    for method, label in (("autoencoder", "the autoencoder"), ("pca", "PCA")):
        if errors and (warning := outlier_warning(errors[method])):
            rest = f"the median example's is {np.median(errors[method]):.4g}"
            say(output, f"Outliers: {warning} of {label}; {rest}.", style="yellow")


def _verdict(summary: dict[str, Any], config: dict[str, Any]) -> str:
    run = Run(RunFolder(Path()), dict(settings_of(config)), summary | {"seed": config["seed"]}, {})
    return sentence(Configuration({}, (run,)))


def _errors(run: RunFolder) -> dict[str, np.ndarray] | None:
    """Errors of test examples; of old runs, or where the file is damaged, there are none."""
    try:
        return run.errors
    except UserError:
        return None


def _columns(summary: dict[str, Any], terms: dict[str, float | None]) -> list[Column]:
    """A row for each measure that was taken, and for each term, which PCA has not."""
    pca = summary["pca"]
    rows = [
        (measure.short, summary["test"][measure.name], pca["test"][measure.name], measure.has_ratio)
        for measure in MEASURES.values()
    ]
    rows += [
        (measure.short, summary["test"].get(measure.name), pca["test"].get(measure.name), False)
        for measure in OF_SOME.values()
    ]
    if seen := summary["corrupted"]:
        rows.append(("sse from corrupted", seen["autoencoder"]["sse"], seen["pca"]["sse"], True))
    alone = {name: ours for name, ours, theirs, _ in rows if ours is not None and theirs is None}
    rows = [row for row in rows if row[1] is not None and row[2] is not None]
    pairs = [alike(ours, theirs) for _, ours, theirs, _ in rows]
    gaps = [difference_text(*pair, has_ratio=ratio) for _, *pair, ratio in rows]
    own = alone | {measure_named(name).short: value for name, value in terms.items() if value is not None}
    own = {escape(name): value for name, value in own.items()}
    nothing = [""] * len(own)
    return [
        Column("measure", [*(name for name, *_ in rows), *own], words=True),
        Column("autoencoder", [*(ours for ours, _ in pairs), *(alike(value)[0] for value in own.values())]),
        Column(competitor_name(pca), [*(theirs for _, theirs in pairs), *nothing]),
        Column("autoencoder is", [*gaps, *nothing], words=True),
    ]


def _notes(summary: dict[str, Any]) -> list[str]:
    """What one must know of PCA's numbers."""
    latent_size, pca = summary["model"]["latent_size"], summary["pca"]
    notes = []
    if pca["num_components"] < latent_size and "rate_bits" not in pca:
        most = count(pca["num_components"], "component")
        notes.append(f"PCA has no more than {most}, the rank of the training data.")
    if summary["corrupted"]:
        notes.append("PCA was fitted to clean inputs, also where both see corrupted ones.")
    if "log_likelihood" in summary["test"]:
        notes.append("The autoencoder's log-likelihood is a lower bound.")
    if "log_likelihood" in pca:
        notes.append(f"Log-likelihood of probabilistic PCA: {pca['log_likelihood']:.5g} nats.")
    if (angles := pca["principal_angles_degrees"]) is not None:
        notes.append(f"Largest principal angle between the decoder and PCA: {max(angles):.2f} degrees.")
    return notes


@contextmanager
def _bar(output: Screen, num_epochs: int) -> Iterator[ShowEpoch]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn

    text = TextColumn("{task.fields[losses]}")
    room = output.width - len(f"{num_epochs}/{num_epochs} ")
    columns: list[ProgressColumn] = [MofNCompleteColumn(), text]
    if output.width >= _WIDE_ENOUGH:
        columns = [BarColumn(bar_width=_BAR), *columns, TimeRemainingColumn()]
        room -= _BAR + len("  0:00:00")
    with Progress(*columns, console=output) as bar:
        task = bar.add_task("", total=num_epochs, losses="compiling")

        def show(texts: list[str], epoch: int, seconds_left: float) -> None:
            losses = next((text for text in texts if len(text) <= room), texts[-1])
            bar.update(task, completed=epoch, losses=escape(losses))

        yield show


def _lines(output: Screen, num_epochs: int) -> ShowEpoch:
    last = time.monotonic()

    def show(texts: list[str], epoch: int, seconds_left: float) -> None:
        nonlocal last
        since = time.monotonic() - last
        due = (epoch % max(1, num_epochs // 10) == 0 and since > _SECONDS_BETWEEN_LINES) or since > _MOST_SECONDS
        if epoch in (1, num_epochs) or due:
            last += since
            say(output, f"epoch {epoch}/{num_epochs}: {texts[0]}, {seconds_left:.0f} s left")

    return show
