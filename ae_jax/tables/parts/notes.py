"""What one must know to read a table, in words."""

from collections import Counter
from collections.abc import Sequence

from ae_jax.results import Results
from ae_jax.results.commits import commit_notes
from ae_jax.results.configurations import Configuration, configurations, setting_text
from ae_jax.results.keys import key_names
from ae_jax.results.location import WORDS, Statistic
from ae_jax.results.runs import Setting, varying
from ae_jax.results.statistics import FEWEST, FEWEST_OF_INTERVAL, Interval, interval_words
from ae_jax.runs.measures import Measure, competitor_name, is_limited, where_text
from ae_jax.tables.parts.comparable import pools_splits
from ae_jax.tables.parts.settings import LATENT_SIZE, SEED
from ae_jax.terminal import count

TEST_EXAMPLES = "The test examples are taken as given: intervals say what other seeds would do, not other examples."
_NUM_NAMED = 4
_BY_SSE = "; of explained variance as of its sse"
_COVERAGE = {
    "median": "75 % hold it at three, 94 at five, 95 at ten",
    "iqm": "75 % hold it at three, 91 at five, 94 at ten",
}


def where_measured(rows: Sequence[Configuration], keys: Sequence[str], split: str) -> str:
    """The end of a title: datasets, split, and the latent size where all rows have the same and no column says so."""
    datasets = " and ".join(dict.fromkeys(one.dataset for one in rows))
    sizes = {one.latent_size for one in rows}
    size = f", latent size {min(sizes)}" if len(sizes) == 1 and LATENT_SIZE not in keys else ""
    return f"{datasets}, {where_text(split)}{size}"


def sentence(note: str) -> str:
    """A note of `results` as one that stands below a table."""
    return f"{note[0].upper()}{note[1:]}."


def seeds_words(counts: Sequence[int], noun: str = "seed") -> str:
    """Over how many seeds rows are: "5 seeds", or "n = 3 to 5 seeds" where that differs, which a column says then."""
    return count(counts[0], noun) if len(set(counts)) == 1 else f"n = {min(counts)} to {max(counts)} {noun}s"


def gap_notes(measures: Sequence[Measure], ours: str, theirs: str, *, ratio: str, difference: str) -> list[str]:
    """How far two are apart, in words.

    Args:
        measures: What is compared.
        ours: What is compared with the other.
        theirs: The other.
        ratio: Of what a ratio is a mean.
        difference: Of what a difference is.
    """
    notes, who = list[str](), ours if ours == "this" else f"the {ours}"
    measures = [measure for measure in measures if measure.has_pca or theirs != "PCA"]
    if any(measure.has_ratio for measure in measures):
        notes.append(f"Ratio: {ours} / {theirs}, {ratio}; below 1 {who} is better.")
    for better, side in ((True, "above"), (False, "below")):
        if any(measure.more_is_better is better and not measure.has_ratio for measure in measures):
            notes.append(f"Difference: {ours} minus {theirs}, {difference}; {side} 0 {who} is better.")
    return notes


def log_scale_text(measures: Sequence[Measure], interval: Interval) -> str:
    """Of which measures intervals are symmetric in logarithms, to stand behind what intervals are."""
    logs = " and ".join(measure.name for measure in measures if measure.has_ratio)
    return f", of {logs} symmetric in logarithms" if logs and interval == "t" else ""


def reading_notes(
    rows: Sequence[Configuration],
    measures: Sequence[Measure],
    interval: Interval,
    statistic: Statistic = "mean",
    *,
    any_published: bool,
) -> list[str]:
    """What the numbers are, how they compare, and what they cannot say."""
    notes = _mean_notes(rows, measures, interval) if statistic == "mean" else _located_notes(rows, measures, statistic)
    notes.append(TEST_EXAMPLES)
    if any(one.num_failed for one in rows):
        notes.append("Failed runs are counted beside n: why they failed is not known to be chance.")
    if any(one.num_diverged for one in rows):
        notes.append(
            f"Diverged runs are counted beside n; no {WORDS[statistic]} has them, and such rows are never bold."
        )
    if any_published:
        notes.append("Published numbers are their authors', of their own training; none is compared in bold.")
    return notes


def _mean_notes(rows: Sequence[Configuration], measures: Sequence[Measure], interval: Interval) -> list[str]:
    counts = [one.num_seeds for one in rows]
    pooled = any(map(pools_splits, rows))
    over = seeds_words(counts, "run") + " with seeds and random splits of the data" if pooled else seeds_words(counts)
    brackets = f" [{interval_words(interval)}{log_scale_text(measures, interval)}]"
    spread = brackets if max(counts) >= FEWEST_OF_INTERVAL else ", too few for an interval"
    notes = [f"Mean over {over}{spread}{_of_pca(rows, measures)}."]
    if pooled:
        notes.append("Intervals are over the splits' means, as seeds share the data of their split.")
    if interval == "bca":
        notes.append(
            "BCa intervals are too narrow for few seeds: of three, 72 % cover the mean, of five 84, of ten 90."
        )
    if min(counts) < FEWEST_OF_INTERVAL <= max(counts):
        notes.append("Fewer than three seeds have no interval.")
    notes += gap_notes(measures, "autoencoder", "PCA", ratio="run by run, geometric mean", difference="run by run")
    if max(counts) >= FEWEST:
        among = " PCA among them," if any(one.has_pca for one in measures) else ""
        notes.append(
            f"Bold: the best of the rows with the same data and latent size,{among} and whatever is not told "
            f"to be worse, seed by seed{_BY_SSE if any(one.name == 'explained_variance' for one in measures) else ''}."
        )
    if min(counts) < FEWEST:
        notes.append("Fewer than five seeds are too few to tell: such rows are not compared in bold.")
    return notes


def _of_pca(rows: Sequence[Configuration], measures: Sequence[Measure]) -> str:
    """What PCA is, in which rows it is limited otherwise, and what it has not."""
    without = [measure.name for measure in measures if not measure.has_pca]
    if len(without) == len(measures):
        return ""
    names = dict.fromkeys(competitor_name(*one.pcas) for one in rows if any(map(is_limited, one.pcas)))
    as_codes = f", or is limited as sparse and quantised codes are ({'; '.join(names)})" if names else ""
    lacks = f", and no {' or '.join(without)}" if without else ""
    return f"; PCA has as many components as the latent{as_codes}{lacks}"


def _located_notes(rows: Sequence[Configuration], measures: Sequence[Measure], statistic: Statistic) -> list[str]:
    word, over = WORDS[statistic], seeds_words([one.num_seeds for one in rows])
    notes = [
        f"{word.capitalize()} over {over} [95 % bootstrap interval, percentile; up to five seeds of all resamples]"
        f"{_of_pca(rows, measures)}.",
        f"Such intervals are too narrow for few seeds: of normal values, {_COVERAGE[statistic]}.",
        "Fewer than three seeds have no interval.",
    ]
    if any(map(pools_splits, rows)):
        notes.append("Of several random splits, whole splits are drawn, as seeds share the data of their split.")
    by = f"run by run, {word}"
    notes += gap_notes(measures, "autoencoder", "PCA", ratio=by, difference=by)
    return [*notes, "Nothing is bold, as bold compares means."]


def left_out_notes(results: Results) -> list[str]:
    """Counts and names the diverged runs without a completed seed beside them, and so without a row; and commits."""
    counted = {excluded.path for one in configurations(results) for excluded in one.excluded}
    lost = [one.settings for one in results.excluded if one.state == "diverged" and one.path not in counted]
    keys = [key for key in varying([one.settings for one in results.runs] + lost) if key != SEED]
    names = key_names(keys, lost)
    labels = Counter(
        ", ".join(f"{names[key]} {setting_text(one[key])}" for key in keys if key in one)
        for one in sorted(lost, key=lambda one: [_place(one.get(key)) for key in keys])
    )
    named = [f"{label} ({number})" for label, number in list(labels.items())[:_NUM_NAMED]]
    if len(labels) > _NUM_NAMED:
        named.append(f"and {len(labels) - _NUM_NAMED} more")
    total = len(results.runs) + len(results.diverged) + len(results.failed)
    have = "has" if len(lost) == 1 else "have"
    lines = [f"{len(lost)} of {total} runs diverged and {have} no row: {'; '.join(named)}."] if lost else []
    return lines + [sentence(note) for note in commit_notes(results)]


def in_short(notes: Sequence[str]) -> list[str]:
    """Notes as a caption has them: without what stands behind a colon."""
    return [f"{note.partition(': ')[0].rstrip('.')}." for note in notes]


def _place(value: Setting) -> tuple[bool, float, str]:
    """Sorts numbers before words."""
    return (False, float(value), "") if isinstance(value, int | float) else (True, 0.0, str(value))
