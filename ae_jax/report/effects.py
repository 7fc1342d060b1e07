"""What the swept values did, on the terminal: how much each key matters, and its best and worst values."""

from rich.markup import escape

from ae_jax.results.configurations import setting_text
from ae_jax.results.digits import alike
from ae_jax.results.effects import Effect, Effects, Value, effects
from ae_jax.results.factors import SEED
from ae_jax.results.results import Results
from ae_jax.results.statistics import FEWEST
from ae_jax.runs.measures import Measure
from ae_jax.terminal import Column, Screen, count, print_table, say


def print_effects(output: Screen, results: Results, measure: Measure) -> None:
    """Print it, of the validation split, which chooses; nothing where no key varies beside the seed.

    Args:
        output: Where to.
        results: Runs of one dataset.
        measure: What is compared.
    """
    found = effects(results, measure.name)
    if all(row.keys == (SEED,) for row in found.rows):
        return
    _print_shares(output, found, measure)
    _print_values(output, found, measure)


def _print_shares(output: Screen, found: Effects, measure: Measure) -> None:
    log = "log " if found.in_logs else ""
    titles = (("F", 2), ("p", 1), ("partial η²", 3), ("matters", 0))
    numbers = zip(*(_numbers(row) for row in found.rows), strict=True)
    columns = [
        Column("key", [escape(row.described) for row in found.rows], words=True),
        *(Column(title, list(cells), rank=rank) for (title, rank), cells in zip(titles, numbers, strict=True)),
    ]
    print_table(output, f"what the swept values did to {log}validation {measure.name}", columns)
    for line in _reading(found):
        say(output, line)


def _reading(found: Effects) -> list[str]:
    """What the numbers are, and what is not in them."""
    lines = []
    if any(row.test for row in found.rows):
        missing = found.num_missing
        chance = f"chance and {count(missing, 'interaction')} left out" if missing else "chance"
        lines = [
            "matters: partial ω², which is partial η² less what chance gives: of the variance that no other row "
            "explains, the share that this one does [95 % interval, noncentral F]",
            f"{count(found.num_runs, 'run')}, linear model, F tests (type II) against {chance}; p is not corrected for "
            "the number of rows",
        ]
    if alone := [row.label for row in found.rows if row.is_one_run_each]:
        lines.append(
            f"not in the model, as each value has one run: {', '.join(alone)}; what it did counts as chance, or as done"
            " by keys that go with it"
        )
    return lines


def _print_values(output: Screen, found: Effects, measure: Measure) -> None:
    rows = [row for row in found.rows if row.values]
    columns = [
        Column("key", [escape(row.described) for row in rows], words=True),
        Column("values", [str(len(row.values)) for row in rows], rank=1),
    ]
    for at, end in ((0, "best"), (-1, "worst")):
        most = [max(value.num_runs for value in row.values) for row in rows]
        settings = [_setting(row.values[at], num) for row, num in zip(rows, most, strict=True)]
        columns.append(Column(end, [escape(text) for text in settings], words=True))
        columns.append(Column(f"mean of the {end}", [_means(row)[at] for row in rows]))
    print_table(output, f"their best and worst by validation {measure.name}", columns)
    geometric = "geometric, " if found.in_logs else ""
    as_if = "as if all values of the other keys had been run equally often, without interactions"
    say(output, f"means: {geometric}marginal, {as_if}")
    if found.grid.num_run < found.grid.num:
        say(output, str(found.grid))


def _numbers(row: Effect) -> tuple[str, str, str, str]:
    test = row.test
    if test is None:
        return "", "", "", row.untold
    share = f"{_percent(test.omega_squared)} [{_percent(test.low)}, {_percent(test.high)}]"
    p = f"{test.p:.1g}" if test.p < 0.001 else f"{test.p:.3f}"
    f = f"{test.f:.4g}" if test.f < 1e4 else f"{test.f:.1e}"
    return f"F({test.df}, {test.df_error}) = {f}", p, _percent(test.eta_squared), escape(share)


def _percent(share: float) -> str:
    """A share in percent, in which only none is 0 % and only all is 100 %."""
    if 0 < share < 0.005:
        return "<1%"
    return ">99%" if 0.995 <= share < 1 else f"{share:.0%}"


def _setting(value: Value, most: int) -> str:
    """A value, with how many runs it has where others have more, and few are too few to tell."""
    notes = [count(value.num_runs, "run")] if 0 < value.num_runs < min(FEWEST, most) else []
    notes += [f"{value.num_diverged} diverged"] if value.num_diverged and value.num_runs else []
    return setting_text(value.setting) + (f" ({', '.join(notes)})" if notes else "")


def _means(row: Effect) -> list[str]:
    """Of each value, at the same decimals."""
    texts = iter(alike(*(value.mean for value in row.values if value.num_runs and value.mean is not None), digits=4))
    untold = ("diverged" if value.num_runs == 0 else "not told" if value.mean is None else "" for value in row.values)
    return [text or next(texts) for text in untold]
