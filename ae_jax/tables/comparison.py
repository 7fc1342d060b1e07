"""Every configuration against PCA at the same size."""

from typing import Literal

from ae_jax.errors import UserError
from ae_jax.results import Results
from ae_jax.results.configurations import SPLIT_SEED, Configuration, configurations, pooled
from ae_jax.results.location import Statistic
from ae_jax.results.runs import varying
from ae_jax.results.statistics import Interval
from ae_jax.tables.parts.assemble import assemble
from ae_jax.tables.parts.base import Table
from ae_jax.tables.parts.notes import in_short, left_out_notes, where_measured
from ae_jax.tables.parts.settings import SEED, check_keys, grouped, naming_keys


def build(
    results: Results,
    /,
    *,
    rows: list[str] | None,
    measures: list[str],
    split: Literal["train", "validation", "test", "corrupted"],
    interval: Interval,
    statistic: Statistic,
    external: str | None,
) -> Table:
    """A row per configuration: of each measure the autoencoder's, PCA's, and how they compare, with intervals.

    Bold is by comparison, seed by seed: within rows of the same data and latent size, PCA among them, the best mean and
    every other entry that is not told to be worse; see `comparable.best`.

    Args:
        results: The runs.
        rows: Dotted keys that name a row, None for all that vary. A row of several configurations is refused, except
            that random splits of the data may be averaged over: leave out dataset.split_seed.
        measures: What to report.
        split: Where it was measured.
        interval: How intervals over seeds are made: Student's t, or the bootstrap (BCa).
        statistic: What is shown of the values of seeds. Median and interquartile mean have bootstrap intervals of their
            own, and nothing is bold.
        external: A CSV file of numbers from elsewhere, which are rows of their own; see `parts.external`.

    Raises:
        UserError: No run has completed, an option is wrong, or a row would mix configurations.
    """
    results.require(what="a table", one_dataset=False)
    if rows is not None:
        check_keys("rows", rows, results)
    keys = naming_keys(results) if rows is None else rows
    chosen = configurations(results) if rows is None else _pooled(results, rows)
    lost = left_out_notes(results)
    return assemble(
        chosen,
        title=f"Autoencoder and PCA on {where_measured(chosen, keys, split)}",
        keys=keys,
        measures=measures,
        split=split,
        interval=interval,
        statistic=statistic,
        external=external,
        notes=lost,
        facts=in_short(lost),
    )


def _pooled(results: Results, keys: list[str]) -> list[Configuration]:
    """The configurations with those that differ in the random split only as one."""
    made = []
    for group in grouped(configurations(results), keys):
        settings = [run.settings for one in group for run in one.runs]
        mixed = [key for key in varying(settings) if key not in (SEED, SPLIT_SEED)]
        if mixed:
            raise UserError(
                "rows",
                f"a row would average over {', '.join(mixed)}",
                "add it to rows, choose one value with where=…, or take table=best, which selects on validation",
            )
        made.append(pooled(group, group[0].settings))
    return made
