"""Every configuration against the one of a reference that agrees with it in all else."""

from collections.abc import Sequence
from typing import Literal

from ae_jax.errors import UserError
from ae_jax.results import Results
from ae_jax.results.compare import LEVEL, holm
from ae_jax.results.configurations import SPLIT_SEED
from ae_jax.results.digits import p_text
from ae_jax.results.pairs import Compared, Pair, Paired, compare_pairs, pair_up
from ae_jax.results.sides import Side, others, side
from ae_jax.results.statistics import FEWEST, Interval, interval_words
from ae_jax.runs.measures import Measure
from ae_jax.tables.parts.assemble import check_interval, check_measures, lacking_notes
from ae_jax.tables.parts.base import MISSING, Cell, Column, Note, Strip, Table
from ae_jax.tables.parts.comparable import in_blocks, pools_splits
from ae_jax.tables.parts.measured import estimates_strip, gaps_strip
from ae_jax.tables.parts.notes import (
    TEST_EXAMPLES,
    gap_notes,
    in_short,
    left_out_notes,
    log_scale_text,
    seeds_words,
    where_measured,
)
from ae_jax.tables.parts.rows import EXTERNAL_NOTE, keys_with_external, sections_of
from ae_jax.tables.parts.settings import naming_keys, seeds_strip, setting_strips
from ae_jax.tables.parts.sources import Sources

_NUM_NAMED = 4
_P_FIELDS = ("p", "p_holm", "improvement", "effect_size", "verdict", "num_pairs", "num_needed")


def build(
    results: Results,
    /,
    *,
    against: str,
    measures: list[str],
    split: Literal["train", "validation", "test", "corrupted"],
    interval: Interval,
    external: str | None,
) -> Table:
    """A row per configuration: the reference's measure, its own, how far they are apart, and p by Holm over the table.

    Args:
        results: The runs.
        against: The reference: PCA, `key=value[,key=value]`, or an SQL condition on the table `runs`.
        measures: What to compare.
        split: Where it was measured.
        interval: How intervals over seeds are made.
        external: A CSV file of numbers from elsewhere, which are rows of their own; see `parts.external`.

    Raises:
        UserError: No run has completed, an option is wrong, or nothing has a reference.
    """
    results.require(what="a table", one_dataset=False)
    check_interval(interval)
    reference = side(results, against, option="against")
    paired = _paired(results, reference, split)
    ours = [one for pair in paired.pairs if (one := pair.ours) is not None]
    blocks = in_blocks(ours, split)
    rows = [one for block in blocks for one in block]
    pair_of = {id(pair.ours): pair for pair in paired.pairs}
    pairs = [pair_of[id(one)] for one in rows]
    chosen = check_measures(measures, split, [one for pair in pairs for one in pair.configurations])
    if reference.is_pca and (absent := [measure.name for measure in chosen if not measure.has_pca]):
        raise UserError("measures", f"PCA has no {absent[0]}", "leave it out, or choose another reference")
    found = [compare_pairs(pairs, measure.name, split, interval=interval) for measure in chosen]
    corrected = holm([one.found.p if one else None for column in found for one in column])
    keys = [key for key in naming_keys(results) if key != SPLIT_SEED or not any(map(pools_splits, rows))]
    names = keys if external is None else keys_with_external(keys)
    strips = [*setting_strips(names, rows), seeds_strip(rows)]
    for number, (measure, column) in enumerate(zip(chosen, found, strict=True)):
        p_values = corrected[number * len(rows) : (number + 1) * len(rows)]
        strips += _strips(measure, column, p_values, [one.num_seeds for one in rows])
    sources = Sources()
    columns, sections = sections_of(strips, blocks, external=external, measures=chosen, split=split, sources=sources)
    notes = _notes(reference, paired, [one for column in found for one in column if one], chosen, interval)
    notes += lacking_notes([one for pair in pairs for one in pair.configurations], chosen, split)
    notes += [*(lost := left_out_notes(results)), *([EXTERNAL_NOTE] if external is not None else [])]
    title = f"Differences from {_named(reference, pairs)} on {where_measured(rows, keys, split)}"
    return Table(title, columns, sections, (*map(Note, notes), *sources.notes), facts=(notes[0], *in_short(lost)))


def _paired(results: Results, reference: Side, split: str) -> Paired:
    """Each configuration that is none of the reference, with the one of it."""
    rest = others(results, reference)
    if rest.is_pca:
        raise UserError("against", f"holds for all runs ({reference.text})", "narrow it: nothing is left to compare")
    paired = pair_up(rest, reference, split, one_each=False)
    if not paired.pairs:
        problem = f"nothing pairs with {reference.text} ({'; '.join(paired.alone[:2])})"
        raise UserError("against", problem, "choose another reference")
    seen = set[int]()
    for pair in paired.pairs:
        if id(pair.ours) in seen and pair.ours is not None:
            problem = f"has several references for {pair.ours.label}"
            raise UserError("against", problem, "add to the condition what tells them apart")
        seen.add(id(pair.ours))
    return paired


def _named(reference: Side, pairs: Sequence[Pair]) -> str:
    """The reference as it was asked for; by its settings where it is one configuration."""
    those = {id(pair.theirs): pair.theirs for pair in pairs if pair.theirs is not None}
    return next(iter(those.values())).label if len(those) == 1 and len(pairs) > 1 else reference.text


def _strips(
    measure: Measure, found: Sequence[Compared | None], corrected: Sequence[float | None], seeds: Sequence[int]
) -> list[Strip]:
    ours, theirs = ([getattr(one, name) if one else None for one in found] for name in ("ours", "theirs"))
    counts = [one.num if one else 0 for one in theirs]
    nothing = [False] * len(found)
    bold = [
        one is not None and one.found.verdict == "better" and p is not None and p <= LEVEL and not _diverged(one)
        for one, p in zip(found, corrected, strict=True)
    ]
    name = measure.name
    return [
        estimates_strip("reference", f"{name}_reference", measure, theirs, counts, nothing, beside=ours),
        estimates_strip("this", name, measure, ours, seeds, nothing, beside=theirs),
        gaps_strip(measure, [one.found if one else None for one in found], seeds, bold),
        _p_strip(measure, found, corrected),
    ]


def _diverged(one: Compared) -> int:
    """How many runs of a pair diverged."""
    return sum(part.num_diverged for part in one.pair.configurations)


def _p_strip(measure: Measure, found: Sequence[Compared | None], corrected: Sequence[float | None]) -> Strip:
    column = Column("p, Holm", tuple(f"{measure.name}_{field}" for field in _P_FIELDS), measure.short, numeric=True)
    cells = []
    for one, p in zip(found, corrected, strict=True):
        if one is None:
            cells.append(Cell(raw=(None,) * len(_P_FIELDS)))
            continue
        told = one.found
        raw = (told.p, p, told.improvement, told.effect_size, told.verdict, told.num, told.num_needed)
        cells.append(Cell(p_text(p) or MISSING, "" if told.paired else "unpaired", raw=raw))
    return Strip(column, cells)


def _notes(
    reference: Side, paired: Paired, found: Sequence[Compared], measures: Sequence[Measure], interval: Interval
) -> list[str]:
    of_splits = max((one.found.difference.num_splits for one in found), default=1)
    over = seeds_words([one.pair.ours.num_seeds for one in found if one.pair.ours is not None])
    over += f" of {of_splits} random splits, over the splits' means" if of_splits > 1 else ""
    which = "with as many components" if reference.is_pca else "the configuration that agrees in all else"
    brackets = f" [{interval_words(interval)}{log_scale_text(measures, interval)}]"
    spread = brackets if any(one.ours.low is not None for one in found) else ", too few for an interval"
    notes = [f"Reference: {reference.text}, {which}. Mean over {over}{spread}."]
    by = "each run with the PCA of its own data" if reference.is_pca else "runs of the same seed and data"
    ratio, difference = f"geometric mean over pairs: {by}", f"mean over pairs: {by}"
    notes += gap_notes(measures, "this", "reference", ratio=ratio, difference=difference)
    tested = sum(one.found.p is not None for one in found)
    notes.append(f"p: two-sided, Student's t of the pairs, by Holm over the {tested} comparisons of the table.")
    if any(not one.found.paired for one in found):
        notes.append("Unpaired: fewer than five seeds, and not all of one side, are common to both; Welch's t.")
    if any(one.found.num >= FEWEST for one in found):
        notes.append("Bold: told to be better by its interval, and p by Holm at most 0.05.")
    if any(one.found.num < FEWEST for one in found):
        notes.append("Fewer than five seeds are too few to tell: such rows are never bold.")
    if lost := {id(part): part.num_diverged for one in found for part in one.pair.configurations if part.num_diverged}:
        notes.append(
            f"Of these and their references {sum(lost.values())} runs diverged: no mean has them, no bold either."
        )
    if any(0 < one.ours.num < one.pair.ours.num_seeds for one in found if one.pair.ours is not None):
        notes.append("Where fewer seeds pair than a row has, the number of pairs stands beside.")
    notes.append(TEST_EXAMPLES)
    if paired.alone:
        more = f"; and {len(paired.alone) - _NUM_NAMED} more" if len(paired.alone) > _NUM_NAMED else ""
        named = "; ".join(_in_words(one) for one in paired.alone[:_NUM_NAMED])
        notes.append(f"Not compared: {named}{more}.")
    return notes


def _in_words(alone: str) -> str:
    first = "" if alone.startswith("A ") else "reference "
    return first + alone[2:].replace(" and B ", " and reference ")
