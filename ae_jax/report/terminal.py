"""A sweep on the terminal: the best configurations against PCA, what the swept values did, and what is not counted."""

from collections.abc import Sequence

from rich.markup import escape

from ae_jax.errors import path_text
from ae_jax.report.choice import choice_text
from ae_jax.report.effects import print_effects
from ae_jax.report.words import COLOURS, estimate_text, reading_text, verdict_text
from ae_jax.results.commits import commit_notes
from ae_jax.results.configurations import (
    Configuration,
    behind_text,
    configurations,
    ranked_by_validation,
    setting_text,
    short_keys,
)
from ae_jax.results.digits import printed
from ae_jax.results.measured import by_unit, lacking_text, measure_of
from ae_jax.results.outliers import outlier_notes
from ae_jax.results.results import Results
from ae_jax.results.statistics import Estimate
from ae_jax.results.verdict import verdicts
from ae_jax.runs.measures import Measure, measure_named
from ae_jax.terminal import Column, Screen, console, count, print_table, say, short_path

_MOST_ROWS = 10
_LATENT_SIZE = "model.latent_size"


def print_report(results: Results, *, measure: str) -> None:
    """Print it. Runs on different data are reported one after the other, as their errors do not compare.

    Args:
        results: Runs, on any data.
        measure: What chooses and is compared: of `measures.MEASURES`, a term of the objectives, or `objective`. Runs
            that have different ones are reported one after the other, too.

    Raises:
        UserError: If there is no such measure, or it was not taken.
    """
    output, named = console(), measure_of(results.runs, measure, option="--measure")
    if not results.runs:
        say(output, "no run has completed")
    for data, part in results.by_data().items():
        for units, one in by_unit(part, named.name).items():
            _print_data(output, ", ".join(filter(None, (data, units))), one, named)
    _print_excluded(output, results)


def _print_data(output: Screen, data: str, results: Results, measure: Measure) -> None:
    candidates = configurations(results)
    seeds = sorted({one.num_seeds for one in candidates})
    each = count(seeds[0], "seed") if len(seeds) == 1 else f"{seeds[0]} to {count(seeds[-1], 'seed')}"
    runs, kinds = count(len(results.runs), "run"), count(len(candidates), "configuration")
    say(output, f"{data}: {runs}, {kinds}, {each} each")
    for verdict in verdicts(candidates):
        say(output, verdict, style="bold")
    if not measure.has_pca and all(run.measure(measure.name, "validation") is None for run in results.runs):
        say(output, f"no run of these has {measure.name}")
        return
    _print_best(output, candidates, measure)
    for note in [*lacking_text(results, measure), *commit_notes(results)]:
        say(output, note)
    print_effects(output, results, measure)


def _print_best(output: Screen, candidates: Sequence[Configuration], measure: Measure) -> None:
    """The best for each latent size, as PCA is compared at the same size; the best of all where it does not vary."""
    ranked = ranked_by_validation(candidates, measure.name)
    sizes = dict.fromkeys(one.latent_size for one in ranked)
    title, shown, groups = "the best", ranked[:_MOST_ROWS], [ranked]
    if len(sizes) > 1:
        title = "the best for each latent size"
        step = -(-len(sizes) // _MOST_ROWS)
        groups = [[one for one in ranked if one.latent_size == size] for size in sorted(sizes)[::step]]
        shown = [group[0] for group in groups]
    names = short_keys({key for one in shown for key in one.settings} - {_LATENT_SIZE})

    def named(one: Configuration) -> str:
        label = " ".join(f"{names[key]}={setting_text(value)}" for key, value in one.settings.items() if key in names)
        return label or f"model={one.runs[0].settings['model']}"

    columns = [
        Column("configuration", [escape(named(one)) for one in shown], words=True),
        Column("latent", [str(one.latent_size) for one in shown]),
        *_measured(shown, measure, max(one.num_seeds for one in candidates)),
    ]
    print_table(
        output,
        f"{title}, selected on validation {measure.name}, reported on test",
        columns,
        num_naming=2,
    )
    _print_notes(output, shown, groups, measure)
    if chosen := choice_text(groups, measure.name, named):
        say(output, chosen)
    if len(shown) < len(ranked):
        say(output, f"{len(ranked) - len(shown)} more: --sql, --html, or scripts/tables.py")


def _measured(shown: Sequence[Configuration], measure: Measure, most: int) -> list[Column]:
    """Seeds, means and what is told of them; `most` is the largest number of seeds of any configuration.

    What PCA has not is shown beside sse, which it has.
    """
    if not measure.has_pca:
        sse = _measured(shown, measure_named("sse"), most)
        return [sse[0], *_own_columns(shown, measure), *_renamed(sse[2:], "sse")]
    tests = [one.estimate(measure.name) for one in shown]
    pca = [one.pca(measure.name) for one in shown]
    fewer = [f" of {most}" if one.num_seeds < most else "" for one in shown]
    seeds = [f"{one.num_seeds}{note} {one.lost_text}".strip() for one, note in zip(shown, fewer, strict=True)]
    pairs, lost = list(zip(tests, pca, strict=True)), any(" " in text for text in seeds)
    return [
        Column("seeds", seeds, words=lost, rank=0 if lost else 1),
        Column("validation", [_mean(one.estimate(measure.name, "validation")) for one in shown], rank=2),
        Column("test", [escape(estimate_text(*pair)) for pair in pairs]),
        Column("PCA", [escape(estimate_text(*pair[::-1])) for pair in pairs]),
        Column("autoencoder is", [_against(one, measure) for one in shown], words=True),
    ]


def _own_columns(shown: Sequence[Configuration], measure: Measure) -> list[Column]:
    """What chose, on validation and, where it was measured there, on test."""
    name, tests = measure.name, [one.estimate(measure.name) for one in shown]
    own = [Column(f"validation {name}", [_mean(one.estimate(name, "validation")) for one in shown])]
    return own + ([Column(f"test {name}", [escape(estimate_text(one)) for one in tests], rank=2)] if any(tests) else [])


def _renamed(columns: Sequence[Column], measure: str) -> list[Column]:
    """Columns of the test split and PCA, with the name of what they show."""
    titles = {"test": f"test {measure}", "PCA": f"PCA's {measure}"}
    return [one._replace(title=titles.get(one.title, one.title)) for one in columns]


def _print_notes(
    output: Screen, shown: Sequence[Configuration], groups: Sequence[Sequence[Configuration]], measure: Measure
) -> None:
    """What the numbers are, and what one must know of single rows."""
    if any(one.num_seeds > 1 for one in shown):
        say(output, reading_text(shown, measure if measure.has_pca else measure_named("sse")))
    for note in outlier_notes(shown):
        say(output, note)
    for group in groups:
        if text := behind_text(group, measure.name):
            where = f"latent size {group[0].latent_size}: " if len(groups) > 1 else ""
            say(output, f"{where}{text}")


def _print_excluded(output: Screen, results: Results) -> None:
    """Each reason, and below it the folders."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for one in results.excluded:
        reasons.setdefault((one.state, one.reason), []).append(path_text(short_path(one.path)))
    if reasons:
        say(output, f"not counted: {count(len(results.excluded), 'folder')}", style="bold")
    for (state, reason), folders in reasons.items():
        more = [f"and {len(folders) - _MOST_ROWS} more"] if len(folders) > _MOST_ROWS else []
        lines = "".join(f"\n  {folder}" for folder in [*folders[:_MOST_ROWS], *more])
        say(output, f"{state}: {reason}{lines}")


def _against(one: Configuration, measure: Measure) -> str:
    """How far the autoencoder is ahead of PCA or behind it, run by run, in colour where enough seeds say so."""
    found = one.against_pca(measure.name)
    if found is None:
        return ""
    colour = COLOURS.get(found.verdict)
    text = escape(verdict_text(found))
    return f"[{colour}]{text}[/]" if colour else text


def _mean(estimate: Estimate | None) -> str:
    return "" if estimate is None else printed(estimate).value
