"""A sweep on the terminal: the best configurations against PCA, what the swept values did, and what is not counted."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ae_jax.results.configurations import Configuration, configurations, ranked_by_validation, setting_text
from ae_jax.results.effects import effects
from ae_jax.results.measures import Measure, measure_named
from ae_jax.results.results import Results
from ae_jax.results.statistics import Estimate
from ae_jax.terminal import console, count, short_path, verdict

_MOST_ROWS = 10
_LATENT_SIZE = "model.latent_size"


def print_report(results: Results, *, measure: str) -> None:
    """Print it. Runs of several datasets are reported one dataset after the other, as their errors do not compare.

    Args:
        results: Runs, of any datasets.
        measure: What is compared; see `measures.MEASURES`.

    Raises:
        UserError: If there is no such measure, or it was not taken.
    """
    output, named = console(), measure_named(measure)
    if not results.runs:
        output.print("no run has completed")
    for dataset in results.datasets:
        part = Results([run for run in results.runs if run.dataset == dataset], results.excluded)
        _print_dataset(output, part, named)
    _print_excluded(output, results)


def _print_dataset(output: Console, results: Results, measure: Measure) -> None:
    candidates = configurations(results)
    seeds = sorted({one.num_seeds for one in candidates})
    each = count(seeds[0], "seed") if len(seeds) == 1 else f"{seeds[0]} to {count(seeds[-1], 'seed')}"
    runs, kinds = count(len(results.runs), "run"), count(len(candidates), "configuration")
    output.print(f"[bold]{escape(results.datasets[0])}: {runs}, {kinds}, {each} each[/]", soft_wrap=True)
    _print_best(output, candidates, measure)
    if len(candidates) > 1:
        _print_effects(output, results, measure)


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
        title=f"{title}, selected on validation {measure.name}, reported on test; mean and 95 % interval over seeds",
        title_justify="left",
    )
    table.add_column("configuration", overflow="fold")
    for name in ("latent", "seeds", f"validation {measure.name}", f"test {measure.name}", "PCA's", "autoencoder is"):
        table.add_column(name, justify="right")
    for one in shown:
        test, pca = one.estimate(measure.name), one.pca(measure.name)
        diverged = f" (+{one.num_diverged} diverged)" if one.num_diverged else ""
        label = " ".join(f"{key}={setting_text(value)}" for key, value in one.settings.items() if key != _LATENT_SIZE)
        table.add_row(
            escape(label or f"model={one.runs[0].settings['model']}"),
            str(one.latent_size),
            f"{one.num_seeds}{diverged}",
            _number(one.estimate(measure.name, "validation")),
            _with_interval(test),
            _number(pca),
            _against(test, pca, measure),
        )
    output.print(table)
    if len(shown) < len(ranked):
        output.print(f"{len(ranked) - len(shown)} more: --sql, --html, or scripts/tables.py")


def _print_effects(output: Console, results: Results, measure: Measure) -> None:
    found = effects(results, measure.name)
    table = Table(title=f"what the swept values did to validation {measure.name}", title_justify="left")
    for name in ("key", "values", "matters", "best", "mean", "worst", "mean"):
        table.add_column(name, justify="left" if name in ("key", "best", "worst") else "right", overflow="fold")
    for effect in found:
        share = "one run each" if effect.share is None else f"{effect.share:.0%}"
        ends = [(setting_text(effect.values[at]), f"{effect.means[at]:.4g}") for at in (0, -1)]
        key = effect.key + (f" (with {', '.join(effect.together)})" if effect.together else "")
        table.add_row(escape(key), str(len(effect.values)), share, *map(escape, [*ends[0], *ends[1]]))
    output.print(table)
    output.print(
        "matters: share of the variance between runs that the key explains by itself; what is left belongs to "
        "combinations and chance",
        soft_wrap=True,
    )


def _print_excluded(output: Console, results: Results) -> None:
    """Each reason, and below it the folders."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for one in results.excluded:
        reasons.setdefault((one.state, one.reason), []).append(str(short_path(one.path)))
    if reasons:
        output.print(f"[bold]not counted: {count(len(results.excluded), 'folder')}[/]")
    for (state, reason), folders in reasons.items():
        more = [f"and {len(folders) - _MOST_ROWS} more"] if len(folders) > _MOST_ROWS else []
        lines = "".join(f"\n  {folder}" for folder in [*folders[:_MOST_ROWS], *more])
        output.print(f"{state}: {reason}{lines}", soft_wrap=True, markup=False)


def _against(test: Estimate | None, pca: Estimate | None, measure: Measure) -> str:
    """The verdict on the means, unless the interval has room for PCA's."""
    if test is None or pca is None:
        return ""
    if test.low is not None and test.overlaps(pca):
        return "not told apart"
    return verdict(test.mean, pca.mean, measure.more_is_better)


def _number(estimate: Estimate | None) -> str:
    return "" if estimate is None else f"{estimate.mean:.4g}"


def _with_interval(estimate: Estimate | None) -> str:
    if estimate is None or estimate.low is None or estimate.high is None:
        return _number(estimate)
    return f"{estimate.mean:.4g} \\[{estimate.low:.4g}, {estimate.high:.4g}]"
