"""How the runs were made, for the appendix of a paper."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ae_jax.results import Results
from ae_jax.results.configurations import setting_text
from ae_jax.results.provenance import NOT_RECORDED, counts_text, provenance, values_text
from ae_jax.results.runs import Setting
from ae_jax.tables.parts.base import Cell, Column, Note, Row, Table

_DIGITS = 16  # of a digest in print: CSV has all

_COLUMNS = (
    Column("part", ("part",), names_row=True),
    Column("what", ("what",), names_row=True, inches=1.8),
    Column("value", ("value",), inches=2.7),
)


class _Line(NamedTuple):
    part: str
    what: str
    text: str
    raw: str


def build(results: Results, /) -> Table:
    """Rows for runs and their time, versions, hardware, seeds, swept and fixed keys, data and commits.

    Args:
        results: The runs.

    Raises:
        UserError: No run has completed.
    """
    results.require(what="a table", one_dataset=False)
    made = provenance(results)
    sections = [list(lines) for lines in (_runs(made), _versions(made["versions"]), _hardware(made["hardware"]))]
    swept = [_line("swept", key, values_text(values)) for key, values in made["swept"].items()]
    sections += [swept, list(_fixed(made["fixed"])), list(_data(made["data"]))]
    notes = (
        f"Values of all runs, unless their number is given. Digests have {_DIGITS} digits of SHA-256; CSV has all.",
        "Time is from start to end; what a machine did at once is counted once, and what was trained before an "
        "interruption is not in it. A plus marks a commit of a changed checkout.",
    )
    title = f"How the {len(results.runs)} runs were made"
    return Table(title, _COLUMNS, tuple(_section(lines) for lines in sections if lines), tuple(map(Note, notes)))


def _section(lines: Sequence[_Line]) -> tuple[Row, ...]:
    """The part is printed once."""
    return tuple(
        (
            Cell("" if at else line.part, raw=(line.part,)),
            Cell(line.what, raw=(line.what,)),
            Cell(line.text or '""', raw=(line.raw,)),
        )
        for at, line in enumerate(lines)
    )


def _line(part: str, what: str, text: str) -> _Line:
    return _Line(part, what, text, text)


def _runs(made: dict[str, Any]) -> Iterator[_Line]:
    yield _line("runs", "number", ", ".join(f"{number} {state}" for state, number in made["runs"].items()))
    yield _line("runs", "seeds", values_text(made["seeds"]))
    seconds = made["seconds"]
    yield _Line("runs", "time of training", _duration(seconds), NOT_RECORDED if seconds is None else f"{seconds:.3f} s")
    shortened = {commit[:_DIGITS] + commit[40:]: number for commit, number in made["commits"].items()}
    yield _Line("runs", "commit", counts_text(shortened), counts_text(made["commits"]))


def _versions(versions: dict[str, dict[str, int]]) -> Iterator[_Line]:
    """Those that all runs have in one line, others in their own."""
    common = [f"{name} {counts_text(counts)}" for name, counts in versions.items() if len(counts) == 1]
    if common:
        yield _line("versions", "of all runs", ", ".join(common))
    for name, counts in versions.items():
        if len(counts) > 1:
            yield _line("versions", name, counts_text(counts))


def _hardware(hardware: dict[str, dict[str, int]]) -> Iterator[_Line]:
    for name, counts in hardware.items():
        yield _line("hardware", name.replace("num_cpus", "CPUs"), counts_text(counts))


def _fixed(fixed: dict[str, Setting]) -> Iterator[_Line]:
    """A line for each component with its keys."""
    parts: dict[str, list[str]] = {}
    for key, value in fixed.items():
        name, _, rest = key.partition(".")
        text = setting_text(value) or '""'
        parts.setdefault(name, []).append(f"{rest}={text}" if rest else text)
    for name, texts in parts.items():
        yield _line("fixed", name, ", ".join(texts))


def _data(data: Sequence[dict[str, Any]]) -> Iterator[_Line]:
    several = len(data) > 1
    for one in data:
        name = one["dataset"]
        text = ", ".join(f"{number} {split}" for split, number in one["counts"].items())
        text += f" ({one['num_runs']} runs)" if several else ""
        yield _line("data", f"{name}: examples", text)
        digests = one["sha256"] if isinstance(one["sha256"], dict) else {"content": one["sha256"]}
        for what, digest in {**digests, "split": one["split_sha256"]}.items():
            full = NOT_RECORDED if digest is None else str(digest)
            yield _Line("data", f"{name}: {what}", full[:_DIGITS], full)


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return NOT_RECORDED
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "min"), (rest, "s")]
    first = next((at for at, (number, _) in enumerate(parts) if number), 2)
    return " ".join(f"{number} {unit}" for number, unit in parts[first:])
