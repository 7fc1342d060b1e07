"""What the swept keys did: how much each matters, and the means of its values, all other keys being equal."""

from collections.abc import Sequence
from typing import Literal

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ae_jax.errors import UserError, nearest
from ae_jax.figures.parts.common import left_out_text, legend_above, require_measured, seeds_text, split_text
from ae_jax.figures.parts.means import PCA_LOOK
from ae_jax.figures.parts.measured import shown_measure
from ae_jax.figures.parts.rows import Row, draw_diverged, rows_figure
from ae_jax.figures.parts.scales import is_rounding
from ae_jax.figures.parts.swept import order_of
from ae_jax.figures.style import AUTOENCODER, NEUTRAL, figure_size, plain_log_ticks
from ae_jax.results import Results
from ae_jax.results.configurations import configurations, setting_text
from ae_jax.results.effects import Effect, Effects, effects
from ae_jax.results.factors import SEED
from ae_jax.results.keys import key_names
from ae_jax.runs.measures import Measure
from ae_jax.terminal import count

_MOST_SHARES, _MOST_ROWS = 10, 24
_NOT_TOLD = "not told from other keys"


def draw(
    results: Results,
    /,
    *,
    keys: list[str] | None,
    measure: str,
    split: Literal["train", "validation", "test", "corrupted"],
) -> Figure:
    """Above, the share of the variance that each key explains; below, the marginal means of its values.

    Shares are partial omega^2 with the 95 % interval of the noncentral F distribution, means have 95 % t intervals of
    the same linear model; see `results.effects`. PCA has as many components as each latent, and means of its own.

    Args:
        results: Runs of one dataset.
        keys: Keys whose values are shown, in this order; None: those that matter most, as far as there is room.
        measure: What was measured.
        split: Where it was measured.

    Raises:
        UserError: If nothing varies but the seed, a key is wrong, or the measure was not taken.
    """
    results.require(what="a figure")
    unit, results, missing = shown_measure(results, measure, split)
    require_measured(configurations(results), measure, split)
    found = effects(results, measure, split)
    of_keys = [row for row in found.rows if row.values and row.keys != (SEED,)]
    if not of_keys:
        problem = "no key varies in these runs, beside the seed"
        raise UserError("runs", problem, "give the runs of a sweep, such as -m model.latent_size=2,8,16")
    chosen = _chosen(of_keys, keys)
    pca = _pca(results, measure, split, found)
    most = found.rows[:_MOST_SHARES]
    names = _names(results, found)
    shares = [row for one in most for row in _share(one, names)]
    means = [row for one in chosen for row in _means(one, names, pca)]
    figure, (above, below) = rows_figure(figure_size()[0], shares, means)
    above.set_xlim(-0.02, 1.02)
    above.set_xlabel(r"partial share of the variance ($\omega^2$)", loc="right")
    above.set_xticks([0, 0.25, 0.5, 0.75, 1], labels=["0", "0.25", "0.5", "0.75", "1"])
    _scale(below, found, unit)
    draw_diverged(below, means, at_end=not unit.more_is_better)
    notes = [*_notes(results, found, split), *missing]
    if len(most) < len(found.rows):
        notes.append(f"{len(found.rows) - len(most)} shares that are no larger are not shown")
    if keys is None and len(chosen) < len(of_keys):
        notes.append(f"means of {count(len(of_keys) - len(chosen), 'key')} that matter less are not shown")
    if not pca and unit.has_pca:
        notes.append("PCA's error is 0 in some runs, or rounding, and is not shown")
    legend_above(figure, _handles(means), notes)
    return figure


def _chosen(rows: Sequence[Effect], keys: Sequence[str] | None) -> list[Effect]:
    """The keys whose values are shown: as given, or the first as far as there is room, one at least."""
    if keys is not None:
        by_key = {name: row for row in rows for name in (*row.keys, *row.together)}
        for key in keys:
            if key not in by_key:
                raise UserError("keys", f"{key!r} does not vary in these runs", nearest(key, by_key))
        return list({by_key[key].keys: by_key[key] for key in keys}.values())
    chosen, num = list[Effect](), 0
    for row in rows:
        num += 1 + len(row.values)
        if num <= _MOST_ROWS or not chosen:
            chosen.append(row)
    return chosen


def _names(results: Results, found: Effects) -> dict[str, str]:
    """What the keys are called."""
    keys = [key for row in found.rows for key in (*row.keys, *row.together, *row.confounded)]
    return key_names(dict.fromkeys(keys), [run.settings for run in results.runs])


def _named(effect: Effect, names: dict[str, str]) -> Effect:
    keys, together, confounded = (
        [names[key] for key in of] for of in (effect.keys, effect.together, effect.confounded)
    )
    return effect._replace(keys=tuple(keys), together=together, confounded=confounded)


def _share(effect: Effect, names: dict[str, str]) -> list[Row]:
    """A key with its share."""
    heading, test = Row(_named(effect, names).described, is_heading=True), effect.test
    if test is None:
        return [heading, Row("", note=effect.untold)]
    share = ">0.99" if 0.995 <= test.omega_squared < 1 else f"{test.omega_squared:.2f}"
    return [heading, Row(share, mean=test.omega_squared, low=test.low, high=test.high)]


def _means(effect: Effect, names: dict[str, str], pca: dict[tuple[str, str], float]) -> list[Row]:
    """A key with the means of its values, in their order rather than that of the means."""
    rows = [Row(_named(effect, names).label, is_heading=True)]
    for value in sorted(effect.values, key=lambda value: order_of(value.setting)):
        text = "none" if value.setting is None else setting_text(value.setting)
        lost = value.num_runs == 0
        rows.append(
            Row(
                text,
                mean=value.mean,
                low=value.low,
                high=value.high,
                pca=None if lost else pca.get((effect.label, text)),
                note="" if lost else _NOT_TOLD,
                diverged=lost,
            )
        )
    return rows


def _pca(results: Results, measure: str, split: str, ours: Effects) -> dict[tuple[str, str], float]:
    """PCA's means by key and value, as far as they can stand on the same axis: none where its error is rounding."""
    errors = [error for run in results.runs if (error := run.pca(measure, split)) is not None]
    if len(errors) < len(results.runs) or (ours.in_logs and is_rounding(min(errors), beside=max(errors))):
        return {}
    found = effects(results, measure, split, of_pca=True)
    if found.in_logs != ours.in_logs:
        return {}
    return {
        (row.label, "none" if value.setting is None else setting_text(value.setting)): value.mean
        for row in found.rows
        for value in row.values
        if value.mean is not None
    }


def _scale(axes: Axes, found: Effects, unit: Measure) -> None:
    """A logarithmic axis where the model is of logarithms, with the name of the measure."""
    # To the right, as to the left there is room below the names of rows.
    axes.set_xlabel(f"{unit.label}, geometric mean" if found.in_logs else f"{unit.label}, mean", loc="right")
    if found.in_logs:
        axes.set_xscale("log")
        plain_log_ticks(axes.xaxis)


def _handles(means: Sequence[Row]) -> list[Artist]:
    handles: list[Artist] = [Line2D([], [], color=AUTOENCODER, marker="o", linewidth=1.2, label="autoencoder")]
    if any(row.pca is not None for row in means):
        handles.append(Line2D([], [], **(PCA_LOOK | {"linestyle": "", "markersize": 3}), label="PCA"))
    if any(row.diverged for row in means):
        handles.append(Line2D([], [], color=NEUTRAL, ls="", marker="x", markersize=4, label="all runs diverged"))
    return handles


def _notes(results: Results, found: Effects, split: str) -> list[str]:
    """Data, numbers, what the intervals are, and what is missing."""
    notes = [split_text(split, results)]
    notes.append(f"{count(found.num_runs, 'run')}, {seeds_text(configurations(results))} each")
    if any(row.test for row in found.rows):
        notes.append("shares of what no other row explains, with 95 % intervals of the noncentral F")
        notes.append("marginal means with 95 % t intervals")
    else:
        notes.append("marginal means")
    notes += [f"{count(found.num_missing, 'interaction')} counted as chance"] if found.num_missing else []
    notes += [str(found.grid)] if found.grid.num_run < found.grid.num else []
    return notes + left_out_text(results)
