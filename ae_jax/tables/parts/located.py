"""The columns of a measure by its median or interquartile mean, in place of means."""

from collections.abc import Sequence

from ae_jax.errors import UserError
from ae_jax.results.compare import Values, partner
from ae_jax.results.configurations import Configuration
from ae_jax.results.digits import printed, printed_gap
from ae_jax.results.location import Location, Statistic, locate
from ae_jax.results.statistics import Estimate, Interval
from ae_jax.runs.measures import Measure
from ae_jax.tables.parts.base import Cell, Column, Strip

_NONE = Cell(raw=(None,) * 4)


def check_statistic(statistic: Statistic, interval: Interval) -> None:
    """Refuse an interval of means for what is no mean.

    Raises:
        UserError: If they do not go together.
    """
    if statistic != "mean" and interval != "t":
        problem = f"{interval} is an interval of means, and statistic={statistic} has one of its own"
        raise UserError("interval", problem, "leave one of the two out")


def located_strips(
    measure: Measure, rows: Sequence[Configuration], split: str, statistic: Statistic
) -> tuple[Strip, Strip, Strip]:
    """The autoencoder's, PCA's, and how far they are apart, run by run."""
    ours, pca, gaps = list[Location | None](), list[Location | None](), list[Location | None]()
    name = "ratio" if measure.has_ratio else "difference"
    for one in rows:
        ours.append(_located(one.values(measure.name, split), statistic))
        pca.append(_located(one.pca_values(measure.name, split), statistic))
        gaps.append(_located(_gaps(*one.beside_pca(measure.name, split), measure), statistic))
    seeds = [one.num_seeds for one in rows]
    nothing = float(measure.has_ratio)
    apart = [
        _cell(gap, *printed_gap(_estimate(gap), nothing), num) if gap else _NONE
        for gap, num in zip(gaps, seeds, strict=True)
    ]
    counts = [one.num if one else 0 for one in pca]  # PCA has no seeds
    return (
        _strip("autoencoder", measure.name, measure, statistic, _cells(ours, pca, seeds)),
        _strip("PCA", f"pca_{measure.name}", measure, statistic, _cells(pca, ours, counts)),
        _strip(name, f"{measure.name}_{name}", measure, statistic, apart),
    )


def _located(values: Values, statistic: Statistic) -> Location | None:
    return locate(values.values(), statistic, splits=[data for data, _ in values]) if values else None


def _gaps(ours: Values, pca: Values, measure: Measure) -> Values:
    """Of each run to the PCA of its own data; nothing where a ratio has no meaning."""
    pairs = {place: (value, pca[other]) for place, value in ours.items() if (other := partner(place, pca))}
    if not measure.has_ratio:
        return {place: one - other for place, (one, other) in pairs.items()}
    return {place: one / other for place, (one, other) in pairs.items()} if min(pca.values(), default=0) > 0 else {}


def _estimate(one: Location) -> Estimate:
    return Estimate(one.num, one.value, one.value, one.low, one.high)


def _cells(own: Sequence[Location | None], beside: Sequence[Location | None], counts: Sequence[int]) -> list[Cell]:
    return [
        _cell(one, *printed(_estimate(one), beside=[_estimate(other)] if other else []), num) if one else _NONE
        for one, other, num in zip(own, beside, counts, strict=True)
    ]


def _cell(one: Location, value: str, interval: str, expected: int) -> Cell:
    detail = interval if one.num == expected else f"{interval} n = {one.num}".strip()
    return Cell(value, detail, raw=(one.value, one.low, one.high, one.num))


def _strip(title: str, field: str, measure: Measure, statistic: Statistic, cells: list[Cell]) -> Strip:
    fields = tuple(f"{field}_{part}" for part in (statistic, "low", "high", "n"))
    return Strip(Column(title, fields, measure.short, numeric=True), cells)
