"""Two sides on the terminal: a row for each pair, and below it what the numbers are."""

from collections.abc import Sequence

from rich.markup import escape

from ae_jax.errors import UserError, nearest
from ae_jax.report.words import COLOURS, needed_text
from ae_jax.results.commits import commit_notes
from ae_jax.results.compare import LEVEL, Comparison
from ae_jax.results.configurations import setting_text, short_keys
from ae_jax.results.digits import p_text, printed, printed_gap
from ae_jax.results.measured import comparable_measure_of, having
from ae_jax.results.pairs import Compared, Paired, compare_pairs, pair_up
from ae_jax.results.results import Results
from ae_jax.results.sides import Side, require_apart, side
from ae_jax.results.statistics import FEWEST, Estimate, interval_words
from ae_jax.runs.measures import SPLITS, Measure, where_text
from ae_jax.terminal import Column, console, count, print_table, say

_OPTION = "--compare"
_MOST_NAMED = 10
_WORDS = ("what varies", "A is")


def print_comparison(results: Results, texts: Sequence[str], *, measure: str, split: str = "test") -> None:
    """Compare two sides and print it. Where the terminal is too narrow, columns stand below each other.

    Args:
        results: Runs, on any data.
        texts: The two sides, as `sides.side` takes them.
        measure: What is compared.
        split: Where it was measured.

    Raises:
        UserError: A side that holds for nothing, sides of which nothing pairs, or a measure that was not taken.
    """
    named = comparable_measure_of(results.runs, measure, option="--measure")
    if split not in SPLITS:
        raise UserError("--split", f"there is no {split!r}", nearest(split, SPLITS))
    results.require(what="a comparison", one_dataset=False)
    a, b = (side(results, text, option=_OPTION) for text in texts)
    require_apart(a, b, option=_OPTION)
    paired = pair_up(a, b, split)
    if not paired.pairs:
        raise UserError(_OPTION, f"nothing pairs ({'; '.join(paired.alone[:2])})", "choose other conditions")
    rows = [one for one in compare_pairs(paired.pairs, measure, split, examples=True) if one is not None]
    if not rows:
        if not named.has_pca and (a.is_pca or b.is_pca):
            raise UserError("--measure", f"PCA has no {measure}", "compare with a condition, or by sse")
        having(results, named, [split], option="--split")
        raise UserError("measure", f"{measure} was not taken in these runs on {split}", "choose sse or mse, or a split")
    output = console()
    say(output, _title(rows, named, split), style="bold")
    for letter, one in (("A", a), ("B", b)):
        say(output, f"{letter}: {one.text}{_size(one)}")
    print_table(output, "", _columns(rows, named), show_lines=True)
    for line in [*_notes(rows, paired, named, len(paired.pairs)), *commit_notes(results), *_not_counted(results)]:
        say(output, line)


def _title(rows: Sequence[Compared], measure: Measure, split: str) -> str:
    datasets = " and ".join(dict.fromkeys(one.dataset for row in rows for one in row.pair.configurations))
    return f"A against B: {measure.short}, {datasets}, {where_text(split)}"


def _size(one: Side) -> str:
    if one.is_pca:
        return ", with as many components as the latent"
    runs = sum(part.num_seeds for part in one.configurations)
    return f" ({count(len(one.configurations), 'configuration')}, {count(runs, 'run')})"


def _columns(rows: Sequence[Compared], measure: Measure) -> list[Column]:
    keys = list(dict.fromkeys(key for row in rows for key in row.pair.settings))
    names = short_keys(keys)
    shown = [row.pair.settings for row in rows]
    settings = [
        "\n".join(f"{names[key]}={setting_text(one[key])}" for key in keys if key in one) or "all" for one in shown
    ]
    columns = [
        ("what varies", settings, 0),
        ("n", [_num(row) for row in rows], 0),
        (_symbol(rows), [_gap(_decisive(row.found), row.found) for row in rows], 0),
        ("A is", [_verdict(row.found) for row in rows], 0),
        ("A", [_estimate(row.ours, row.theirs) for row in rows], 0),
        ("B", [_estimate(row.theirs, row.ours) for row in rows], 0),
        ("p", [p_text(row.found.p) for row in rows], 1),
        ("p, Holm", [p_text(row.corrected) for row in rows], 1),
        ("P(A better)", [f"{row.found.improvement:.2f}" for row in rows], 2),
        ("g", ["" if row.found.effect_size is None else f"{row.found.effect_size:.2f}" for row in rows], 3),
        ("examples", [_gap(row.examples, row.found) if row.examples else "" for row in rows], 4),
    ]
    return [
        Column(title, [_coloured(cell) for cell in cells], words=title in _WORDS, rank=rank)
        for title, cells, rank in columns
    ]


def _coloured(cell: str) -> str:
    colour = COLOURS.get(cell)
    return f"[{colour}]{cell}[/]" if colour else escape(cell)


def _num(row: Compared) -> str:
    lost = [
        f"+{one.num_diverged} of {letter}\ndiverged"
        for letter, one in zip("AB", (row.pair.ours, row.pair.theirs), strict=True)
        if one is not None and one.num_diverged
    ]
    numbers = f"{row.found.num}" if row.found.paired else f"{row.ours.num}, {row.theirs.num}\nunpaired"
    return "\n".join([numbers, *lost])


def _decisive(found: Comparison) -> Estimate:
    return found.difference if found.ratio is None else found.ratio


def _symbol(rows: Sequence[Compared]) -> str:
    return "A - B" if all(row.found.ratio is None for row in rows) else "A / B"


def _estimate(estimate: Estimate, *beside: Estimate) -> str:
    return "\n".join(part for part in printed(estimate, beside=beside) if part)


def _gap(gap: Estimate, found: Comparison) -> str:
    return "\n".join(part for part in printed_gap(gap, 0.0 if found.ratio is None else 1.0) if part)


def _verdict(found: Comparison) -> str:
    needed = needed_text(found)
    return f"{found.verdict}\n({needed})" if needed else found.verdict


def _notes(rows: Sequence[Compared], paired: Paired, measure: Measure, num_pairs: int) -> list[str]:
    scale = ", symmetric in logarithms" if measure.has_ratio else ""
    against = "ratios" if measure.has_ratio else "differences"
    mean = "geometric mean" if measure.has_ratio else "mean"
    notes = [
        f"A, B: means over n seeds [{interval_words()}{scale}]; {_symbol(rows)}: {mean} of the {against} "
        f"[{interval_words()} over n seeds]"
    ]
    if any(row.found.difference.num_splits > 1 for row in rows):
        splits = max(row.found.difference.num_splits for row in rows)
        notes.append(f"intervals are over the means of {splits} random splits, as seeds share the data of their split")
    if any(row.found.paired for row in rows):
        is_pca = any(one is None for row in rows for one in (row.pair.ours, row.pair.theirs))
        with_what = "each run with the PCA of its own data" if is_pca else "runs of the same seed and data"
        notes.append(f"paired: {with_what}; Student's t")
    if not all(row.found.paired for row in rows):
        notes.append(
            "unpaired: fewer than five seeds, and not all of one side, are common to both; Welch's t of their means"
        )
    spread = ", in logarithms" if measure.has_ratio else ""
    notes.append(
        f"p: two-sided; Holm: corrected for {count(len(rows), 'comparison')}; P(A better): that a run of A is better "
        f"than one of B, ties counted half; g: Hedges', the difference in standard deviations of runs{spread}"
    )
    fallen = sum(row.found.verdict in COLOURS and (row.corrected or 0) > LEVEL for row in rows)
    if fallen:
        notes.append(
            f"{fallen} of the verdicts, each at 95 % by itself, {_hold(fallen)} not hold after Holm's correction"
        )
    if any(row.found.num_needed for row in rows):
        notes.append("might: with so many, a difference of this size is told in four of five times")
    if any(row.found.num < FEWEST for row in rows):
        notes.append("fewer than five seeds are too few to call anything better")
    notes.append(_examples_note(rows, measure))
    return notes + _left_out(rows, paired, num_pairs)


def _hold(number: int) -> str:
    return "does" if number == 1 else "do"


def _examples_note(rows: Sequence[Compared], measure: Measure) -> str:
    if any(row.examples for row in rows):
        return (
            "examples: ratio of the means [95 % interval by paired bootstrap over test examples, with the seeds as "
            "given]; all other intervals say what other seeds would do, with the test examples as given"
        )
    return "the test examples are taken as given: intervals say what other seeds would do, not other examples"


def _left_out(rows: Sequence[Compared], paired: Paired, num_pairs: int) -> list[str]:
    notes = []
    more = sum(
        one.num_seeds > num
        for row in rows
        for one, num in ((row.pair.ours, row.ours.num), (row.pair.theirs, row.theirs.num))
        if one is not None
    )
    if more:
        notes.append(f"in {count(more, 'configuration')}, seeds that the other side lacks are left out")
    if num_pairs > len(rows):
        notes.append(f"{count(num_pairs - len(rows), 'pair')} without this measure")
    named = [f"without a pair: {one}" for one in paired.alone[:_MOST_NAMED]]
    if len(paired.alone) > _MOST_NAMED:
        named.append(f"without a pair: and {len(paired.alone) - _MOST_NAMED} more")
    return notes + named


def _not_counted(results: Results) -> list[str]:
    states = [one.state for one in results.excluded]
    parts = ", ".join(f"{states.count(state)} {state}" for state in sorted(set(states)))
    return (
        [f"not counted: {count(len(states), 'folder')} ({parts}); without --compare it is said why"] if states else []
    )
