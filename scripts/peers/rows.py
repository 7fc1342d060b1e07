"""A contest as rows of a table: everyone beside the first."""

from collections.abc import Mapping

from peers.contest import Contest
from peers.table import Row


def beside(
    contest: Contest, first: str, result: str, *, least: Mapping[str, float] = {}, most: Mapping[str, float] = {}
) -> list[Row]:
    """How many times as long as the first each takes, and the least or most that this may be."""
    rows = []
    for name, measured in contest.measured.items():
        row = Row(name, measured.seconds, measured.about, f"{result} {measured.result:.4f}")
        if name != first and first in contest.measured:
            ratio = contest.ratio(name, first)
            row = row._replace(ratio=ratio, direction="this / first")
            if name in least:
                row = row._replace(target=f">= {least[name]:g}", reached=ratio >= least[name])
            elif name in most:
                row = row._replace(target=f"<= {most[name]:g}", reached=ratio <= most[name])
        rows.append(row)
    return rows
