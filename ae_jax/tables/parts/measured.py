"""The columns of a measure: the autoencoder's, PCA's, what is published of each, and how they compare."""

from collections.abc import Sequence
from dataclasses import replace

from ae_jax.results.compare import Comparison
from ae_jax.results.configurations import Configuration
from ae_jax.results.digits import printed, printed_gap
from ae_jax.results.location import Statistic
from ae_jax.results.statistics import Estimate, Interval
from ae_jax.runs.measures import Measure, measure_named
from ae_jax.tables.parts.base import Cell, Column, Strip
from ae_jax.tables.parts.comparable import best
from ae_jax.tables.parts.located import located_strips
from ae_jax.tables.parts.sources import Sources
from ae_jax.tables.published import Method, cited, published, shown

_PARTS = ("mean", "median", "low", "high", "n")


class MeasuredColumns:
    """Columns for the rows of a table; published numbers are cited in the order in which they are met.

    Args:
        blocks: The rows; those of one block are comparable.
        split: Where they are measured.
        interval: How intervals are made.
        sources: Where marks come from.
        statistic: What is shown of the values.
    """

    def __init__(
        self,
        blocks: Sequence[Sequence[Configuration]],
        split: str,
        interval: Interval,
        sources: Sources,
        statistic: Statistic = "mean",
    ):
        self._blocks, self._split, self._interval, self._statistic = blocks, split, interval, statistic
        self._rows = [one for block in blocks for one in block]
        self._seeds = [one.num_seeds for one in self._rows]
        self._sources = sources

    def strips(self, measure: Measure) -> list[Strip]:
        """The columns of a measure; those of published numbers only where there are any.

        What PCA has not, such as a term of the objective, is a column alone.
        """
        own, pca, gaps = self._own(measure)
        if not measure.has_pca:
            return [own]
        return [
            own,
            *self._published("autoencoder", f"{measure.name}_published", measure),
            pca,
            *self._published("pca", f"pca_{measure.name}_published", measure),
            gaps,
        ]

    def _own(self, measure: Measure) -> tuple[Strip, Strip, Strip]:
        """The autoencoder's, PCA's, and how far they are apart."""
        if self._statistic != "mean":
            return located_strips(measure, self._rows, self._split, self._statistic)
        ours = [one.estimate(measure.name, self._split, interval=self._interval) for one in self._rows]
        pca = [one.pca(measure.name, self._split, interval=self._interval) for one in self._rows]
        our_best, pca_best = self._best(measure)
        counts = [one.num if one else 0 for one in pca]  # PCA has no seeds
        against = [one.against_pca(measure.name, self._split, interval=self._interval) for one in self._rows]
        return (
            estimates_strip("autoencoder", measure.name, measure, ours, self._seeds, our_best, beside=pca),
            estimates_strip("PCA", f"pca_{measure.name}", measure, pca, counts, pca_best, beside=ours),
            gaps_strip(measure, against, self._seeds),
        )

    def _best(self, measure: Measure) -> tuple[list[bool], list[bool]]:
        """Which of the two are best in their block; of explained variance what is so of sse, of which it is linear."""
        by = measure_named("sse") if measure.name == "explained_variance" else measure
        ours_best, pca_best = list[bool](), list[bool]()
        for block in self._blocks:
            # What diverged for some seeds does not compete with what did for none.
            ours = [{} if one.num_diverged else one.values(by.name, self._split) for one in block]
            pca = [one.pca_values(by.name, self._split) for one in block]
            are_best = best([*ours, *pca], by, interval=self._interval)
            ours_best += are_best[: len(block)]
            pca_best += are_best[len(block) :]
        return ours_best, pca_best

    def _published(self, method: Method, field: str, measure: Measure) -> list[Strip]:
        found = [published(one, measure.name, self._split, method) for one in self._rows]
        if not any(found):
            return []
        cells = []
        for numbers in found:
            if numbers:
                mark = self._sources.mark(cited(numbers))
                cells.append(Cell(shown(numbers), mark=mark, raw=(cited(numbers),)))
            else:
                cells.append(Cell())
        return [Strip(Column("published", (field,), measure.short, numeric=True), cells)]


def gaps_strip(
    measure: Measure, found: Sequence[Comparison | None], counts: Sequence[int], bold: Sequence[bool] = ()
) -> Strip:
    """How far two are apart: the ratio; the difference of a measure whose zero does not mean none."""
    names = ("ratio", "difference") if measure.has_ratio else ("difference", "ratio")
    fields = tuple(f"{measure.name}_{name}_{part}" for name in names for part in _PARTS)
    cells = []
    for one, count, is_bold in zip(found, counts, bold or [False] * len(counts), strict=True):
        first, second = (
            _cell(getattr(one, name, None), count, is_bold, nothing=float(name == "ratio")) for name in names
        )
        cells.append(replace(first, raw=(*first.raw, *second.raw)))
    return Strip(Column(names[0], fields, measure.short, numeric=True), cells)


def estimates_strip(
    title: str,
    field: str,
    measure: Measure,
    estimates: Sequence[Estimate | None],
    counts: Sequence[int],
    bold: Sequence[bool],
    *,
    beside: Sequence[Estimate | None],
) -> Strip:
    """Means with their intervals, at the decimals of what they stand beside."""
    column = Column(title, tuple(f"{field}_{part}" for part in _PARTS), measure.short, numeric=True)
    return Strip(column, [_cell(*one) for one in zip(estimates, counts, bold, beside, strict=True)])


def _cell(
    estimate: Estimate | None,
    count: int,
    bold: bool,
    beside: Estimate | None = None,
    *,
    nothing: float | None = None,
) -> Cell:
    """A mean and its interval; how many values it is of where that is not the expected count."""
    if estimate is None:
        return Cell(raw=(None,) * len(_PARTS))
    if nothing is None:
        value, interval = printed(estimate, beside=[beside] if beside else [])
    else:
        value, interval = printed_gap(estimate, nothing)
    detail = interval if estimate.num == count else f"{interval} n = {estimate.num}".strip()
    return Cell(value, detail, bold, raw=(estimate.mean, estimate.median, estimate.low, estimate.high, estimate.num))
