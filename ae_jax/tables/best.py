"""The best configuration at every size, selected on validation and reported on test."""

from ae_jax.errors import UserError
from ae_jax.results import Results
from ae_jax.results.configurations import Configuration, behind_text, best_by_validation, configurations
from ae_jax.results.location import Statistic
from ae_jax.results.measured import comparable_measure_of, differing_units, lacking_text, measure_of
from ae_jax.results.selection import selection_shares
from ae_jax.results.statistics import Interval
from ae_jax.tables.parts.assemble import assemble
from ae_jax.tables.parts.base import Table
from ae_jax.tables.parts.notes import in_short, left_out_notes, sentence, where_measured
from ae_jax.tables.parts.settings import check_keys, dataset_keys, grouped

_BEHIND = (
    "Configurations with fewer seeds than others, or of which runs diverged, come after those whatever their mean."
)


def build(
    results: Results,
    /,
    *,
    within: list[str],
    select: str,
    measures: list[str],
    interval: Interval,
    statistic: Statistic,
    external: str | None,
) -> Table:
    """A row for each value of the `within` keys: which of the other settings was selected, and its test measures.

    A configuration is selected by its mean over seeds on the validation split; the test split is read afterwards.
    Different data are never ranked with each other: what varies of the dataset is within, whether named or not. What is
    bold is so as in `comparison`.

    Args:
        results: The runs.
        within: Dotted keys, such as model.latent_size.
        select: What selects: a measure, a term of the objectives, or the objective; see `measured.measure_of`.
        measures: What to report.
        interval: How intervals over seeds are made, as in `comparison`.
        statistic: What is shown of the values of seeds. Median and interquartile mean have bootstrap intervals of their
            own, and nothing is bold.
        external: A CSV file of numbers from elsewhere, which are rows of their own; see `parts.external`.

    Raises:
        UserError: No run has completed, or an option is wrong.
    """
    results.require(what="a table", one_dataset=False)
    check_keys("within", within, results)
    unit = measure_of(results.runs, select, option="select")
    candidates = [one for one in configurations(results) if unit.has_pca or one.estimate(select, "validation")]
    data = [key for key in dataset_keys(results) if key not in within]
    keys = [*data, *within]
    selected = [key for key in results.distinguishing if key not in keys]
    groups = grouped(candidates, keys)
    for group in groups:
        _require_one_unit(group, select)
    chosen = [best_by_validation(group, select) for group in groups]
    shares = {first: _share(group, first, select) for first, group in zip(chosen, groups, strict=True)}
    where = where_measured(chosen, [*keys, *selected], "test")
    told, lost = _selection_notes(groups, select, shares), left_out_notes(results)
    lost += [sentence(note) for note in lacking_text(results, unit)]
    return assemble(
        chosen,
        title=f"Best autoencoder by validation {select}, and PCA, on {where}",
        keys=keys,
        selected=selected,
        most_seeds=max(one.num_seeds for one in candidates),
        shares=shares if any(len(group) > 1 for group in groups) else None,
        measures=measures,
        split="test",
        interval=interval,
        statistic=statistic,
        external=external,
        notes=[*told, *lost],
        facts=[told[0], *in_short(lost)],
    )


def _require_one_unit(group: list[Configuration], select: str) -> None:
    try:
        comparable_measure_of([run for one in group for run in one.runs], select, option="select")
    except UserError as error:
        keys = differing_units((run for one in group for run in one.runs), select)
        raise UserError("select", error.problem, f"add {keys[0]} to within, or select by sse") from error


def _share(group: list[Configuration], first: Configuration, select: str) -> float | None:
    """In which share of the resamples of the seeds the first is selected; None where that is unknown."""
    shares = selection_shares(group, select) if len(group) > 1 else None
    return shares[group.index(first)] if shares else None


def _selection_notes(
    groups: list[list[Configuration]], select: str, shares: dict[Configuration, float | None]
) -> list[str]:
    counts = sorted({len(group) for group in groups})
    if counts == [1]:
        return ["There was one configuration for each row, and nothing to select; reported on test."]
    number = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    notes = [f"Selected on validation {select} among {number} configurations for each row, reported on test."]
    if behind := [text for group in groups if (text := behind_text(group, select))]:
        notes.append(f"{behind[0]}." if len(groups) == 1 else _BEHIND)
    if any(share is not None for share in shares.values()):
        notes.append("Chosen in: share of bootstrap resamples of the seeds in which validation selects the same.")
    if any(len(group) > 1 and shares[first] is None for group, first in zip(groups, shares, strict=True)):
        notes.append("One seed tells nothing of how certain a selection is.")
    return notes
