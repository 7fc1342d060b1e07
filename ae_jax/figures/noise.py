"""Error against noise: from corrupted inputs and from clean ones, of the autoencoder and of PCA."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullLocator

from ae_jax.errors import UserError, nearest
from ae_jax.figures.parts.against import limits_text
from ae_jax.figures.parts.common import (
    Kind,
    axis_label,
    kinds,
    left_out_text,
    legend_above,
    require_measured,
)
from ae_jax.figures.parts.looks import legend_of
from ae_jax.figures.parts.means import PCA_LOOK, Mean, draw_means, mark_diverged, scale_measure
from ae_jax.figures.parts.selection import selection_text
from ae_jax.figures.parts.spread import spread_text
from ae_jax.figures.parts.swept import require_one_pca
from ae_jax.figures.style import LOOKS, NEUTRAL, figure_size
from ae_jax.results import Results
from ae_jax.results.configurations import Configuration, best_by_validation
from ae_jax.results.keys import noise_name
from ae_jax.results.measured import comparable_measure_of
from ae_jax.results.runs import Run
from ae_jax.results.statistics import estimate
from ae_jax.runs.measures import MEASURES

_GAP = 0.13  # part of the axis that two numbers need between them
_FAR = 10.0  # times the lowest level, from which on the axis is logarithmic
_INPUTS = ("corrupted", "clean")
_UNITS = {"scale": ["standard deviation"], "rate": ["probability for each feature"]}
_SWEEP = "train several levels: python scripts/train.py +sweep=noise"


class _Curve(NamedTuple):
    """A line of the figure; `style` goes to `Axes.plot`."""

    label: str
    means: list[Mean]
    style: dict[str, Any]


class _Level(NamedTuple):
    """The configuration that is shown at a noise level, and of how many it is the best by validation."""

    noise: float
    shown: Configuration
    num_candidates: int


def draw(results: Results, /, *, measure: str, lines: list[str]) -> Figure:
    """A filled line for corrupted inputs and a hollow one for clean inputs: for each kind of autoencoder, and for PCA.

    Each autoencoder was trained at the noise at which it stands, and is measured on the test split: as it is, and
    through its own corruption. PCA was fitted to clean inputs, and never saw noise. Runs without corruption stand at
    noise 0, where both are the same.

    Args:
        results: Runs with one corruption at several levels, of one latent size.
        measure: What is measured.
        lines: Keys whose values make a line of their own; of what else varies, the best by the mean of the measure on
            the validation split is shown.

    Raises:
        UserError: If no runs are corrupted, or those of several corruptions or latent sizes are mixed.
    """
    results.require(what="a figure")
    unit, key = comparable_measure_of(results.runs, measure), _level_key(results.runs)
    if not unit.has_pca:
        raise UserError("measure", f"{measure} is not measured from corrupted inputs", nearest("", MEASURES))
    require_one_pca(results.runs)
    parted = kinds(results, [line for line in lines if line != key], option="lines")
    legend = legend_of(parted, lines=True)
    if any(style["markerfacecolor"] == "white" for style in legend.styles):  # which clean inputs have
        remedy = 'name fewer keys in lines=[…], or choose runs with where="…"'
        raise UserError(
            "lines", f"there are {len(parted)} autoencoders, of which {len(LOOKS)} can be told apart", remedy
        )
    groups = [_levels(kind.configurations, key, measure) for kind in parted]
    curves = [*_autoencoders(parted, groups, legend.styles, measure), *_pca(groups, measure)]
    means = [mean for curve in curves for mean in curve.means]
    figure = Figure(figsize=figure_size())
    axes = figure.subplots()
    drawn = [draw_means(axes, curve.means, **curve.style, label=curve.label) for curve in curves]
    handles = [*legend.handles, drawn[-len(_INPUTS)], *_inputs(), *mark_diverged(axes, means)]
    scale_measure(axes, means, unit)
    settings = [run.settings for run in results.runs]
    axes.set_xlabel(", ".join([axis_label(key, settings), *_UNITS.get(key.rpartition(".")[2], ())]))
    _tick_levels(axes, sorted({level.noise for group in groups for level in group}))
    legend_above(figure, handles, _notes(results, groups, legend.notes, measure))
    return figure


def _level_key(runs: Sequence[Run]) -> str:
    """The number of the corruption that is swept, such as corruption.scale."""
    corruptions = sorted({str(run.settings.get("corruption")) for run in runs} - {"none"})
    if not corruptions:
        raise UserError("runs", "have no corruption, so there is no noise to compare", _SWEEP)
    if len(corruptions) > 1:
        remedy = f"choose one with where=\"corruption in ('none', '{corruptions[0]}')\""
        raise UserError("runs", f"have {len(corruptions)} corruptions ({', '.join(corruptions)}), each an axis", remedy)
    levels: dict[str, set[float]] = {}
    for run in runs:
        for key, value in run.settings.items():
            if key.startswith("corruption.") and isinstance(value, int | float) and not isinstance(value, bool):
                levels.setdefault(key, set()).add(float(value))
    swept = [key for key, values in levels.items() if len(values) > 1] or list(levels)
    if not swept:
        raise UserError("runs", f"have a corruption without a level ({corruptions[0]})", _SWEEP)
    if len(swept) > 1:
        problem = f"differ in {' and '.join(swept)}, of which one can be the axis"
        raise UserError("runs", problem, f'choose runs with where="{swept[1]}=…"')
    (key,) = swept
    if len({_noise(run, key) for run in runs}) < 2:
        raise UserError("runs", f"all have {key}={min(levels[key]):g}, which makes no line", _SWEEP)
    return key


def _noise(run: Run, key: str) -> float:
    """The level of a run; without a corruption it is 0."""
    value = run.settings.get(key)
    return float(value) if isinstance(value, int | float) else 0.0


def _levels(candidates: Sequence[Configuration], key: str, measure: str) -> list[_Level]:
    """The best configuration at each noise level."""
    require_measured(candidates, measure, "test")
    by_noise = sorted(candidates, key=lambda one: _noise(one.runs[0], key))
    grouped = itertools.groupby(by_noise, key=lambda one: _noise(one.runs[0], key))
    groups = [(noise, list(group)) for noise, group in grouped]
    return [_Level(noise, best_by_validation(group, measure), len(group)) for noise, group in groups]


def _autoencoders(
    parted: Sequence[Kind], groups: Sequence[Sequence[_Level]], styles: Sequence[dict[str, Any]], measure: str
) -> Iterator[_Curve]:
    for kind, levels, style in zip(parted, groups, styles, strict=True):
        for inputs in _INPUTS:
            ys = [(level, level.shown.estimate(measure, _split(level.shown, inputs))) for level in levels]
            means = [Mean(estimate([level.noise]), y, level.shown.num_diverged) for level, y in ys if y]
            yield _Curve(kind.label, means, _styled(style, inputs))


def _pca(groups: Sequence[Sequence[_Level]], measure: str) -> Iterator[_Curve]:
    """PCA at each noise level: of the same runs as an autoencoder, of the one with most seeds."""
    at: dict[float, Configuration] = {}
    for level in (level for levels in groups for level in levels):
        at[level.noise] = max(at.get(level.noise, level.shown), level.shown, key=lambda one: one.num_seeds)
    for inputs in _INPUTS:
        ys = [(noise, one.pca(measure, _split(one, inputs))) for noise, one in sorted(at.items())]
        means = [Mean(estimate([noise]), y) for noise, y in ys if y]
        yield _Curve("PCA", means, _styled(PCA_LOOK, inputs))


def _split(shown: Configuration, inputs: str) -> str:
    """Where it is measured: without a corruption, corrupted inputs are the clean ones."""
    return "test" if inputs == "clean" or shown.runs[0].settings["corruption"] == "none" else "corrupted"


def _inputs() -> list[Line2D]:
    """What filled and hollow markers mean, for the legend."""
    style = {"color": NEUTRAL, "marker": "o", "linestyle": ""}
    return [Line2D([], [], **_styled(style, inputs), label=f"{inputs} inputs") for inputs in _INPUTS]


def _styled(style: dict[str, Any], inputs: str) -> dict[str, Any]:
    return style | ({"markerfacecolor": "white", "linewidth": 0.8} if inputs == "clean" else {})


def _tick_levels(axes: Axes, levels: Sequence[float]) -> None:
    """Ticks at the levels of the runs, from the highest down, as far as numbers have room; logarithmic if far apart.

    Where only two have room, there are ticks between them as on any axis.
    """
    if levels[0] > 0 and levels[-1] >= _FAR * levels[0]:
        axes.set_xscale("log")
    places = dict(zip(levels, axes.transScale.transform([(level, 1.0) for level in levels])[:, 0], strict=True))
    ticks = [levels[-1]]
    for level in reversed(levels):
        if places[ticks[-1]] - places[level] >= _GAP * (places[levels[-1]] - places[levels[0]]):
            ticks.append(level)
    if len(ticks) < min(3, len(levels)):
        ticks = [float(tick) for tick in MaxNLocator(4).tick_values(levels[0], levels[-1])]
    ticks = sorted(ticks)
    axes.set_xticks(ticks, labels=[f"{tick:g}" for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())


def _notes(results: Results, groups: Sequence[Sequence[_Level]], of_kinds: Sequence[str], measure: str) -> list[str]:
    levels = [level for group in groups for level in group]
    noise = noise_name([run.settings for run in results.runs])
    notes = [f"{results.datasets[0]}, test split", f"latent size {levels[0].shown.latent_size}", *of_kinds]
    notes.append(f"{noise}, which PCA, fitted to clean inputs, never saw")
    shown = [level.shown for level in levels]
    notes += [spread_text(shown, measure), *limits_text(shown)]
    selected = selection_text("point", (level.num_candidates for level in levels), measure)
    return [*notes, *selected, *left_out_text(results)]
