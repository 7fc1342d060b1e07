"""A sweep on the terminal: the best configurations against PCA, what the swept values did, and what is not counted."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ae_jax.errors import path_text
from ae_jax.report.effects import print_effects
from ae_jax.results.configurations import Configuration, configurations, ranked_by_validation, setting_text
from ae_jax.results.measures import Measure, measure_named
from ae_jax.results.results import Results
from ae_jax.results.statistics import Estimate
from ae_jax.terminal import console, count, short_path

_MOST_ROWS = 10
_FEWEST, _FEW = 3, 10  # seeds: below the first there are no intervals, below the second they are too narrow
_LATENT_SIZE = "model.latent_size"


def print_report(results: Results, *, measure: str) -> None:
    """Print it. Runs on different data are reported one after the other, as their errors do not compare.

    Args:
        results: Runs, on any data.
        measure: What is compared; see `measures.MEASURES`.

    Raises:
        UserError: If there is no such measure, or it was not taken.
    """
    output, named = console(), measure_named(measure)
    if not results.runs:
        output.print("no run has completed")
    for data, part in results.by_data().items():
        _print_data(output, data, part, named)
    _print_excluded(output, results)


def _print_data(output: Console, data: str, results: Results, measure: Measure) -> None:
    candidates = configurations(results)
    seeds = sorted({one.num_seeds for one in candidates})
    each = count(seeds[0], "seed") if len(seeds) == 1 else f"{seeds[0]} to {count(seeds[-1], 'seed')}"
    runs, kinds = count(len(results.runs), "run"), count(len(candidates), "configuration")
    output.print(f"[bold]{escape(data)}: {runs}, {kinds}, {each} each[/]", soft_wrap=True)
    _print_best(output, candidates, measure)
    print_effects(output, results, measure)


def _print_best(output: Console, candidates: Sequence[Configuration], measure: Measure) -> None:
    """The best for each latent size, as PCA is compared at the same size; the best of all where it does not vary."""
    ranked = ranked_by_validation(candidates, measure.name)
    sizes = dict.fromkeys(one.latent_size for one in ranked)
    title, shown = "the best", ranked[:_MOST_ROWS]
    if len(sizes) > 1:
        title = "the best for each latent size"
        shown = [next(one for one in ranked if one.latent_size == size) for size in sorted(sizes)]
        step = -(-len(shown) // _MOST_ROWS)
        shown = shown[::step]
    table = Table(
        title=f"{title}, selected on validation {measure.name}, reported on test",
        title_justify="left",
    )
    table.add_column("configuration", overflow="fold")
    for name in ("latent", "seeds", f"validation {measure.name}", f"test {measure.name}", "PCA's", "autoencoder is"):
        table.add_column(name, justify="right", no_wrap=True)
    names = _short({key for one in shown for key in one.settings} - {_LATENT_SIZE})
    for one in shown:
        test, pca = one.estimate(measure.name), one.pca(measure.name)
        diverged = f" (+{one.num_diverged} diverged)" if one.num_diverged else ""
        label = " ".join(f"{names[key]}={setting_text(value)}" for key, value in one.settings.items() if key in names)
        table.add_row(
            escape(label or f"model={one.runs[0].settings['model']}"),
            str(one.latent_size),
            f"{one.num_seeds}{diverged}",
            _number(one.estimate(measure.name, "validation")),
            _with_interval(test),
            _number(pca),
            _against(one, measure),
        )
    output.print(table)
    if any(one.num_seeds > 1 for one in shown):
        output.print(_reading(shown), soft_wrap=True)
    if len(shown) < len(ranked):
        output.print(f"{len(ranked) - len(shown)} more: --sql, --html, or scripts/tables.py")


def _short(keys: set[str]) -> dict[str, str]:
    """Keys by their last part, where that tells them apart."""
    last = [key.rpartition(".")[2] for key in keys]
    return {key: name if last.count(name) == 1 else key for key, name in zip(keys, last, strict=True)}


def _print_excluded(output: Console, results: Results) -> None:
    """Each reason, and below it the folders."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for one in results.excluded:
        reasons.setdefault((one.state, one.reason), []).append(path_text(short_path(one.path)))
    if reasons:
        output.print(f"[bold]not counted: {count(len(results.excluded), 'folder')}[/]")
    for (state, reason), folders in reasons.items():
        more = [f"and {len(folders) - _MOST_ROWS} more"] if len(folders) > _MOST_ROWS else []
        lines = "".join(f"\n  {folder}" for folder in [*folders[:_MOST_ROWS], *more])
        output.print(f"{state}: {reason}{lines}", soft_wrap=True, markup=False)


def _reading(shown: Sequence[Configuration]) -> str:
    """What the brackets are, and how far they can be trusted."""
    fewest = min(one.num_seeds for one in shown)
    text = "means over seeds [95 % bootstrap interval, BCa; against PCA run by run]"
    if fewest < _FEWEST:
        return f"{text}; fewer than {_FEWEST} seeds have none"
    return text + (
        "; such intervals are too narrow for few seeds: of three, 73 % cover the mean" if fewest < _FEW else ""
    )


def _against(one: Configuration, measure: Measure) -> str:
    """How far the autoencoder is ahead of PCA or behind it, run by run, in colour where the interval says so."""
    against, test, pca = one.against_pca(measure.name), one.estimate(measure.name), one.pca(measure.name)
    if against is None or test is None or pca is None:
        return ""
    if against.ratio is None:
        gain, unit = against.difference, ""
    else:
        gain, unit = _percent(against.ratio), "%"
    if gain.low is not None and gain.high is not None and gain.low <= 0 <= gain.high:
        return "not told apart"
    better = (gain.mean > 0) == measure.more_is_better
    ends = sorted(abs(end) for end in (gain.low, gain.high) if end is not None)
    interval = f" \\[{_size(ends[0], unit)}, {_size(ends[1], unit)}]" if ends else ""
    word = "better" if better else "worse"
    return f"[{'green' if better else 'red'}]{word} by {_size(abs(gain.mean), unit)}{unit}{interval}[/]"


def _percent(ratio: Estimate) -> Estimate:
    """A ratio as the difference from 1 in percent."""
    low, high = (None if end is None else 100 * (end - 1) for end in (ratio.low, ratio.high))
    return Estimate(ratio.num, 100 * (ratio.mean - 1), 100 * (ratio.median - 1), low, high)


def _size(number: float, unit: str) -> str:
    return f"{number:.1f}" if unit else f"{number:.3g}"


def _number(estimate: Estimate | None) -> str:
    return "" if estimate is None else f"{estimate.mean:.4g}"


def _with_interval(estimate: Estimate | None) -> str:
    if estimate is None or estimate.low is None or estimate.high is None:
        return _number(estimate)
    return f"{estimate.mean:.4g} \\[{estimate.low:.4g}, {estimate.high:.4g}]"
