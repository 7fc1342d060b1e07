"""ROC curves: how many examples of other classes the error detects, against how many of its own it takes for such."""

from collections.abc import Sequence
from statistics import fmean
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ae_jax.errors import UserError
from ae_jax.figures.parts.against import limits_text
from ae_jax.figures.parts.answered import asked_alone
from ae_jax.figures.parts.common import Kind, kinds, left_out_text, legend_above, seeds_text
from ae_jax.figures.parts.looks import legend_of
from ae_jax.figures.parts.means import PCA_LOOK
from ae_jax.figures.parts.selection import selection_text
from ae_jax.figures.parts.swept import require_one_pca
from ae_jax.figures.style import NEUTRAL, figure_size
from ae_jax.results import Results
from ae_jax.results.configurations import Configuration, best_by_validation, setting_text
from ae_jax.results.runs import Run, varying
from ae_jax.runs.measures import is_limited

_KEPT, _EVALUATION = "dataset.keep_labels", "anomaly"
_SELECTED_BY = "sse"
_RATES = np.linspace(0, 1, 1001)
_ASK = "python scripts/evaluate.py RUN… evaluation=anomaly"
_HIGH = 0.75  # of the width
_NUM_MARKERS = 5


class _Best(NamedTuple):
    """The configuration that is shown of some classes, and of how many it is the best by validation."""

    shown: Configuration
    num_candidates: int


class _Curve(NamedTuple):
    """A mean curve at `_RATES`, and the mean of the areas below those that it is of."""

    detected: np.ndarray
    area: float


def draw(results: Results, /, *, lines: list[str], most_false_alarms: float) -> Figure:
    """A curve for each kind of autoencoder, and PCA's: the mean over training classes and seeds.

    Each run was trained on the classes that it kept; an alarm is an error above a threshold. The area is the mean of
    the areas of the runs, not that of classes thrown together, whose errors have scales of their own.

    Where a kind has several configurations of the same classes, the best by the mean of sse on the validation split,
    which has kept classes alone, is shown: the test split, which has the others, selects nothing.

    Args:
        results: Runs with `dataset.keep_labels` of one latent size that have answered `evaluation=anomaly`.
        lines: Keys of the config whose values make a line of their own.
        most_false_alarms: Where the axis of false alarms ends, at most 1.

    Raises:
        UserError: If the data differ in more than the kept classes, the runs have several latent sizes or lack the
            curves, or a key is unknown.
    """
    _require_one_split(results)
    if not 0 < most_false_alarms <= 1:
        raise UserError("most_false_alarms", f"is a rate, got {most_false_alarms:g}", "give one above 0, at most 1")
    require_one_pca(results.runs)
    kept, lacking = asked_alone(results, _EVALUATION, ["autoencoder_roc", "pca_roc"])
    parted = kinds(kept, [line for line in lines if line != _KEPT], option="lines")
    groups, legend = [_best(kind) for kind in parted], legend_of(parted, lines=True)
    figure = Figure(figsize=figure_size(ratio=_HIGH))
    axes = figure.subplots()
    axes.set(xlabel="false-alarm rate", ylabel="detection rate", xlim=(0, most_false_alarms), ylim=(0, 1.02))
    (chance,) = axes.plot([0, 1], [0, 1], color=NEUTRAL, linewidth=0.8, label="chance", zorder=2)
    curves = [_curve([one.shown for one in group]) for group in groups]
    handles = [*legend.handles]
    if len(handles) == len(curves):
        handles = [_named(handle, curve) for handle, curve in zip(handles, curves, strict=True)]
    for curve, style in zip(curves, legend.styles, strict=True):
        _draw(axes, curve, style | {"zorder": 2.5})
    theirs = _pca_curve([one.shown for group in groups for one in group])
    handles += [_named(_draw(axes, theirs, PCA_LOOK | {"label": "PCA", "zorder": 2.3}), theirs), chance]
    legend_above(figure, handles, [*_notes(results, groups, legend.notes), *lacking, *left_out_text(results)])
    return figure


def _require_one_split(results: Results) -> None:
    """Refuse data that differ in more than the classes that are kept.

    Raises:
        UserError: As `Results.require` does.
    """
    results.require(what="a figure", one_dataset=False)
    others = [{key: value for key, value in run.data_settings.items() if key != _KEPT} for run in results.runs]
    if len(results.datasets) > 1 or varying(others):
        results.require(what="a figure")


def _best(kind: Kind) -> list[_Best]:
    """The best configuration of a kind for each choice of kept classes."""
    by_classes: dict[str, list[Configuration]] = {}
    for one in kind.configurations:
        by_classes.setdefault(setting_text(one.runs[0].settings.get(_KEPT)), []).append(one)
    return [_Best(best_by_validation(group, _SELECTED_BY), len(group)) for group in by_classes.values()]


def _curve(shown: Sequence[Configuration]) -> _Curve:
    """The mean over classes of the mean over seeds."""
    return _mean([_mean([_of_run(run, "autoencoder") for run in one.runs]) for one in shown])


def _pca_curve(shown: Sequence[Configuration]) -> _Curve:
    """The mean over classes; where one has several PCAs, that which is not limited to less than its components."""
    of_classes: dict[str, Run] = {}
    for one in sorted(shown, key=lambda one: any(map(is_limited, one.pcas))):
        of_classes.setdefault(setting_text(one.runs[0].settings.get(_KEPT)), one.runs[0])
    return _mean([_of_run(run, "pca") for run in of_classes.values()])


def _of_run(run: Run, method: str) -> _Curve:
    """The curve of a run: of several points at one rate of false alarms the highest, and lines between others."""
    path, curve = run.folder.evaluation(_EVALUATION), run.folder.answered(_EVALUATION)[f"{method}_roc"]
    area = run.answered(method, "auroc")
    if area is None or curve.ndim != 2 or len(curve) != 2:
        raise UserError(path, f"holds no curve of {method} with an area", f"make it again: {_ASK}")
    return _Curve(np.interp(_RATES, *curve), area)


def _mean(curves: Sequence[_Curve]) -> _Curve:
    return _Curve(np.mean([curve.detected for curve in curves], axis=0), fmean(curve.area for curve in curves))


def _draw(axes: Axes, curve: _Curve, style: dict[str, Any]) -> Line2D:
    """A line with a few markers, evenly along the axis."""
    end = axes.get_xlim()[1]
    inside = end >= _RATES
    places = [int(place) for place in np.linspace(0.1, 0.9, _NUM_MARKERS) * (inside.sum() - 1)]
    (line,) = axes.plot(_RATES[inside], curve.detected[inside], **style, markevery=places)
    return line


def _named(line: Line2D, curve: _Curve) -> Line2D:
    line.set_label(f"{line.get_label()}, AUROC {curve.area:.3f}")
    return line


def _notes(results: Results, groups: Sequence[Sequence[_Best]], of_kinds: Sequence[str]) -> list[str]:
    every = [one for group in groups for one in group]
    shown = [one.shown for one in every]
    classes = list(dict.fromkeys(setting_text(one.runs[0].settings.get(_KEPT)) for one in shown))
    notes = [f"{results.datasets[0]}, test split", f"latent size {shown[0].latent_size}", *of_kinds]
    notes += [f"trained on class {classes[0]}"] if len(classes) == 1 else []
    among = f"{len(classes)} choices of training classes and " if len(classes) > 1 else ""
    notes += [f"mean over {among}{seeds_text(shown)}", *limits_text(shown)]
    return notes + selection_text("configuration", (one.num_candidates for one in every), _SELECTED_BY)
