"""What one must know to read a table, in words."""

from collections.abc import Sequence

from ae_jax.results import Results
from ae_jax.results.commits import commit_notes
from ae_jax.results.configurations import Configuration, configurations, settings_label
from ae_jax.results.location import WORDS, Statistic
from ae_jax.results.measures import Measure
from ae_jax.results.runs import varying
from ae_jax.results.statistics import FEWEST, Interval, interval_words
from ae_jax.tables.parts.comparable import pools_splits
from ae_jax.tables.parts.located import located_notes
from ae_jax.tables.parts.settings import LATENT_SIZE, SEED

_FEWEST_OF_INTERVAL, _NUM_NAMED = 3, 4
_WORDS = {5: "five"}
_CORRUPTED = "corrupted test inputs (PCA fitted to clean ones)"


def where_measured(rows: Sequence[Configuration], keys: Sequence[str], split: str) -> str:
    """The end of a title: datasets, split, and the latent size where all rows have the same and no column says so."""
    datasets = " and ".join(dict.fromkeys(one.dataset for one in rows))
    sizes = {one.latent_size for one in rows}
    size = f", latent size {min(sizes)}" if len(sizes) == 1 and LATENT_SIZE not in keys else ""
    return f"{datasets}, {_CORRUPTED if split == 'corrupted' else f'{split} split'}{size}"


def reading_notes(
    rows: Sequence[Configuration],
    measures: Sequence[Measure],
    interval: Interval,
    statistic: Statistic = "mean",
    *,
    any_published: bool,
) -> list[str]:
    """What the numbers are, how they compare, and what they cannot say."""
    notes = located_notes(rows, measures, statistic) if statistic != "mean" else _mean_notes(rows, measures, interval)
    notes.append("The test examples are taken as given: intervals say what other seeds would do, not other examples.")
    counts = [one.num_seeds for one in rows]
    if min(counts) < max(counts):
        notes.append(f"Rows have {min(counts)} to {max(counts)} seeds.")
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
    over = "n seeds and random splits of the data" if pooled else "n seeds"
    logs = " and ".join(measure.name for measure in measures if measure.has_ratio)
    scale = f", of {logs} symmetric in logarithms" if logs and interval == "t" else ""
    notes = [f"Mean over {over} [{interval_words(interval)}{scale}]; PCA has as many components as the latent."]
    if pooled:
        notes.append("Intervals are over the splits' means, as seeds share the data of their split.")
    if interval == "bca":
        notes.append(
            "BCa intervals are too narrow for few seeds: of three, 72 % cover the mean, of five 84, of ten 90."
        )
    if min(counts) < _FEWEST_OF_INTERVAL:
        notes.append("Fewer than three seeds have no interval.")
    if any(measure.has_ratio for measure in measures):
        notes.append("Ratio: autoencoder / PCA, run by run, geometric mean; below 1 the autoencoder is better.")
    for better, name in ((True, "above"), (False, "below")):
        if any(measure.more_is_better is better and not measure.has_ratio for measure in measures):
            notes.append(f"Difference: autoencoder - PCA, run by run; {name} 0 the autoencoder is better.")
    if max(counts) >= FEWEST:
        notes.append(
            "Bold: the best of the rows with the same data and latent size, PCA among them, and whatever is not told "
            "to be worse, seed by seed."
        )
    if min(counts) < FEWEST:
        notes.append(f"Fewer than {_WORDS[FEWEST]} seeds are too few to tell: such rows are not compared in bold.")
    return notes


def diverged_notes(results: Results) -> list[str]:
    """Names the diverged runs that have no completed seed beside them, and so no row; and commits, if they differ."""
    counted = {excluded.path for one in configurations(results) for excluded in one.excluded}
    lost = [one for one in results.excluded if one.state == "diverged" and one.path not in counted]
    keys = [
        key for key in varying([one.settings for one in results.runs] + [one.settings for one in lost]) if key != SEED
    ]
    labels: dict[str, int] = {}
    for one in lost:
        label = settings_label({key: one.settings[key] for key in keys if key in one.settings})
        labels[label] = labels.get(label, 0) + 1
    named = [f"{label} ({count})" for label, count in list(labels.items())[:_NUM_NAMED]]
    if len(labels) > _NUM_NAMED:
        named.append(f"and {len(labels) - _NUM_NAMED} more")
    lines = [f"Diverged runs without a row: {'; '.join(named)}."] if named else []
    return lines + [f"{note[0].upper()}{note[1:]}." for note in commit_notes(results)]
