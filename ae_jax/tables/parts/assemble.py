"""From configurations to a table: their settings, the number of seeds, and measures beside PCA's."""

from collections.abc import Mapping, Sequence
from typing import get_args

from ae_jax.errors import UserError, nearest
from ae_jax.results.configurations import Configuration
from ae_jax.results.location import Statistic
from ae_jax.results.measured import comparable_measure_of, having, lacking_text
from ae_jax.results.outliers import outlier_notes
from ae_jax.results.results import Results
from ae_jax.results.statistics import Interval
from ae_jax.runs.measures import SPLITS, Measure
from ae_jax.tables.parts.base import Note, Table
from ae_jax.tables.parts.comparable import in_blocks
from ae_jax.tables.parts.located import check_statistic
from ae_jax.tables.parts.measured import MeasuredColumns
from ae_jax.tables.parts.notes import reading_notes, sentence
from ae_jax.tables.parts.rows import EXTERNAL_NOTE, keys_with_external, sections_of
from ae_jax.tables.parts.settings import chosen_strip, seeds_strip, setting_strips
from ae_jax.tables.parts.sources import Sources


def assemble(
    configurations: Sequence[Configuration],
    *,
    title: str,
    keys: Sequence[str],
    selected: Sequence[str] = (),
    shares: Mapping[Configuration, float | None] | None = None,
    most_seeds: int | None = None,
    measures: Sequence[str],
    split: str,
    interval: Interval = "t",
    statistic: Statistic = "mean",
    external: str | None = None,
    notes: Sequence[str] = (),
    facts: Sequence[str] = (),
) -> Table:
    """A table with a row per configuration, comparable ones together.

    Args:
        configurations: Its rows.
        title: What it shows.
        keys: Dotted keys that name a row.
        selected: Those that were selected for it.
        shares: How certain each row's selection is; None where nothing was selected.
        most_seeds: How many any that it could have been has; None: any of the rows.
        measures: What is reported, autoencoder beside PCA.
        split: Where it was measured.
        interval: How intervals are made.
        statistic: What is shown of the values of seeds.
        external: A file of rows from elsewhere; see `external`.
        notes: What else one must know to read it.
        facts: What of that a caption says, beside the number of seeds and the interval.

    Raises:
        UserError: A measure or split that does not exist, or that was not taken in any of the runs.
    """
    check_interval(interval)
    check_statistic(statistic, interval)
    chosen = check_measures(measures, split, configurations)
    blocks = in_blocks(configurations, split)
    rows = [one for block in blocks for one in block]
    sources = Sources()
    measured = MeasuredColumns(blocks, split, interval, sources, statistic)
    names = keys if external is None else keys_with_external(keys, selected=selected)
    strips = [*setting_strips(names, rows, selected=selected), seeds_strip(rows, most_seeds)]
    if shares is not None:
        strips.append(chosen_strip(rows, shares))
    for measure in chosen:
        strips += measured.strips(measure)
    told = reading_notes(rows, chosen, interval, statistic, any_published=bool(sources.notes))
    reading = [*notes, *told, *lacking_notes(rows, chosen, split)]
    columns, sections = sections_of(strips, blocks, external=external, measures=chosen, split=split, sources=sources)
    reading += [sentence(note) for note in outlier_notes(rows)] if split == "test" else []
    reading += [EXTERNAL_NOTE] if external is not None else []
    return Table(title, columns, sections, (*map(Note, reading), *sources.notes), facts=(told[0], *facts))


def lacking_notes(rows: Sequence[Configuration], measures: Sequence[Measure], split: str) -> list[str]:
    """Which terms are not in all rows."""
    results = Results([run for one in rows for run in one.runs])
    return [sentence(note) for measure in measures for note in lacking_text(results, measure, split)]


def check_interval(interval: str) -> None:
    """Refuse an interval that does not exist."""
    if interval not in get_args(Interval):
        raise UserError("interval", f"there is no {interval!r}", nearest(interval, get_args(Interval)))


def check_measures(names: Sequence[str], split: str, configurations: Sequence[Configuration]) -> list[Measure]:
    """The measures of those names, which were taken in one of the configurations at least."""
    if not names:
        raise UserError("measures", "none is given", "give measures=[sse,explained_variance]")
    if split not in SPLITS:
        raise UserError("split", f"there is no {split!r}", nearest(split, SPLITS))
    runs = [run for one in configurations for run in one.runs]
    chosen = [comparable_measure_of(runs, name, option="measures") for name in dict.fromkeys(names)]
    for measure in chosen:
        if all(one.estimate(measure.name, split) is None for one in configurations):
            having(Results(runs), measure, [split])
            if split == "corrupted":
                raise UserError("split", "no run has corrupted inputs", "choose train, validation or test")
            problem = f"{measure.name} was not taken in these runs: it is for data in [0, 1]"
            raise UserError("measures", problem, "choose sse, mse or explained_variance")
    return chosen
