"""Robustness: error against the clean input over levels of a corruption at test time, for each level of training.

PCA, fitted to clean inputs, sees the same corrupted ones.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from ae_jax.errors import UserError
from ae_jax.figures.parts.against import limits_text
from ae_jax.figures.parts.answered import asked_alone
from ae_jax.figures.parts.common import Kind, kinds, labels, left_out_text, legend_above, plain
from ae_jax.figures.parts.looks import legend_of
from ae_jax.figures.parts.means import PCA_LOOK, Mean, draw_means, mark_diverged, scale_measure
from ae_jax.figures.parts.selection import selection_text
from ae_jax.figures.parts.spread import spread_text
from ae_jax.figures.parts.swept import require_one_pca
from ae_jax.figures.style import figure_size
from ae_jax.results import Results
from ae_jax.results.configurations import Configuration, best_by_validation
from ae_jax.results.keys import component_name
from ae_jax.results.runs import Run, Setting
from ae_jax.results.statistics import estimate
from ae_jax.runs.measures import MEASURES, Measure

_NAME, _NONE = "robustness", "none"
_ACCURACY = Measure("accuracy", "accuracy", "accuracy of nearest neighbours of latents", True)
_SPLITS = "test split, corrupted; error against clean inputs"


class _Shown(NamedTuple):
    """What is drawn: the curve of one corruption."""

    corruption: str
    unit: Measure
    levels: tuple[float, ...]

    def array(self, method: str) -> str:
        return f"{self.corruption}_{self.unit.name}_{method}"


def draw(results: Results, /, *, corruption: str | None, curve: Literal["sse", "accuracy"], lines: list[str]) -> Figure:
    """A line for each kind of autoencoder at each level of training, among them those trained on clean inputs.

    All see the test split at the same levels, through the same draws.

    Args:
        results: Runs of one latent size that were asked: `scripts/evaluate.py RUNS evaluation=robustness`.
        corruption: Of the test inputs; None: the only one that they were asked about, or were trained with.
        curve: What is drawn over the levels: the error, or the accuracy of nearest neighbours.
        lines: Keys beside those of the corruption whose values make a line of their own; of what else varies, the best
            by the mean of sse on the validation split is shown.

    Raises:
        UserError: If no run was asked, or they were asked at different levels.
    """
    results.require(what="a figure")
    name = corruption or _only(results.runs)
    results, lacking = asked_alone(results, _NAME, [f"{name}_levels", f"{name}_{curve}_pca"])
    shown = _Shown(name, MEASURES.get(curve, _ACCURACY), _levels(results.runs, name))
    require_one_pca(results.runs)
    parted, shared = _trained(results, lines)
    legend = legend_of(parted, lines=True)
    best = [best_by_validation(kind.configurations, "sse") for kind in parted]
    curves = [_means(one.runs, shown, "autoencoder", one.num_diverged) for one in best]
    pca = _means(list({run.data: run for one in best for run in one.runs}.values()), shown, "pca")
    figure = Figure(figsize=figure_size())
    axes = figure.subplots()
    for means, style in zip(curves, legend.styles, strict=True):
        draw_means(axes, means, **style)
    baseline = draw_means(axes, pca, **PCA_LOOK, label="PCA")
    crosses = mark_diverged(axes, [means[-1] for means in curves])
    scale_measure(axes, [mean for means in (*curves, pca) for mean in means], shown.unit)
    axes.set_xlabel(plain(_axis(name, results.runs)))
    notes = [f"{results.datasets[0]}, {_SPLITS}", *shared, *legend.notes]
    notes += [*_notes(results, best, shown, parted), *lacking]
    legend_above(figure, [*legend.handles, baseline, *crosses], notes)
    return figure


def _asked(run: Run) -> set[str]:
    """The corruptions that a run was asked about."""
    return {key.removesuffix("_levels") for key in run.folder.answered(_NAME) if key.endswith("_levels")}


def _only(runs: Sequence[Run]) -> str:
    """The only corruption that runs were asked about, or of those the only one that they were trained with."""
    asked = set().union(*map(_asked, runs))
    if not asked:
        remedy = "ask: python scripts/evaluate.py RUNS evaluation=robustness"
        raise UserError("runs", "were not asked about robustness", remedy)
    trained = asked & {_kind(run.settings) for run in runs}
    chosen = asked if len(asked) == 1 else trained
    if len(chosen) != 1:
        problem = f"runs were asked about {len(asked)} corruptions ({', '.join(sorted(asked))})"
        raise UserError("corruption", problem, f"choose one with corruption={sorted(trained or asked)[0]}")
    return next(iter(chosen))


def _kind(settings: Mapping[str, Setting]) -> str:
    return component_name(str(settings.get("corruption", _NONE)))


def _levels(runs: Sequence[Run], name: str) -> tuple[float, ...]:
    """The levels that all runs were asked at.

    Raises:
        UserError: If they differ.
    """
    found = {tuple(run.folder.answered(_NAME)[f"{name}_levels"].round(6).tolist()) for run in runs}
    if len(found) > 1:
        remedy = f"ask all at once: python scripts/evaluate.py RUNS evaluation=robustness evaluation.corruption={name}"
        raise UserError("runs", f"were asked about {name} at {len(found)} different lists of levels", remedy)
    return next(iter(found))


def _trained(results: Results, lines: Sequence[str]) -> tuple[list[Kind], list[str]]:
    """Kinds by these keys and by what they were trained with, named by that, and what all of them are."""
    keys = dict.fromkeys(key for run in results.runs for key in run.settings if key.partition(".")[0] == "corruption")
    others = [key for key in lines if key not in keys]
    parted = kinds(results, [*others, *keys], option="lines")
    settings = [kind.configurations[0].runs[0].settings for kind in parted]
    parted = [kind for _, kind in sorted(zip(map(_strength, settings), parted, strict=True), key=lambda pair: pair[0])]
    settings = [kind.configurations[0].runs[0].settings for kind in parted]
    names, trained = labels(settings, others), [_training(one) for one in settings]
    alike = len(set(names)) == 1
    texts = trained if alike else [", ".join(pair) for pair in zip(names, trained, strict=True)]
    return [Kind(text, kind.configurations) for text, kind in zip(texts, parted, strict=True)], names[:1] * alike


def _numbers(settings: Mapping[str, Setting]) -> dict[str, float]:
    parts = {key.partition(".")[2]: value for key, value in settings.items() if key.startswith("corruption.")}
    return {key: float(value) for key, value in parts.items() if isinstance(value, int | float)}


def _strength(settings: Mapping[str, Setting]) -> tuple[Any, ...]:
    """Clean training first, then by the corruption and its level."""
    kind = _kind(settings)
    return kind != _NONE, kind, sorted(_numbers(settings).values())


def _training(settings: Mapping[str, Setting]) -> str:
    """What an autoencoder was trained with: "trained clean", or "trained with masking, rate 0.5"."""
    if _kind(settings) == _NONE:
        return "trained clean"
    words = [_kind(settings), *(f"{key} {number:g}" for key, number in _numbers(settings).items())]
    augments = settings.get("corruption.target") == "corrupted"
    return f"trained with {', '.join(words).replace('_', ' ')}{', as an augmentation' if augments else ''}"


def _means(runs: Sequence[Run], shown: _Shown, method: str, num_diverged: int = 0) -> list[Mean]:
    """Means over runs at every level, with intervals."""
    values = np.array([run.folder.answered(_NAME)[shown.array(method)] for run in runs], np.float64)
    scale, splits = (shown.unit.scale if (values > 0).all() else "linear"), [run.data for run in runs]
    return [
        Mean(estimate([level]), estimate(column, scale=scale, splits=splits), num_diverged)
        for level, column in zip(shown.levels, values.T.tolist(), strict=True)
    ]


def _axis(name: str, runs: Sequence[Run]) -> str:
    """The name of the axis: with that of the option, where runs were trained with the corruption."""
    options = {key for run in runs if _kind(run.settings) == name for key in _numbers(run.settings)}
    option = f" ({options.pop().replace('_', ' ')})" if len(options) == 1 else ""
    return f"{name.replace('_', ' ')} of test inputs{option}"


def _notes(results: Results, best: Sequence[Configuration], shown: _Shown, parted: Sequence[Kind]) -> list[str]:
    notes = [f"latent size {best[0].latent_size}", "PCA fitted to clean inputs"]
    notes.append(spread_text(best, "sse" if shown.unit.has_ratio else "", what="line"))
    selected = selection_text("line", (len(kind.configurations) for kind in parted), "sse")
    return [*notes, *selected, *limits_text(best), *left_out_text(results)]
