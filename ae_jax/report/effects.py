"""What the swept values did, on the terminal: how much each key matters, and its best and worst values."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ae_jax.results.configurations import setting_text
from ae_jax.results.effects import Effect, Effects, Value, effects
from ae_jax.results.factors import SEED
from ae_jax.results.measures import Measure
from ae_jax.results.results import Results
from ae_jax.results.statistics import FEWEST
from ae_jax.terminal import count


def print_effects(output: Console, results: Results, measure: Measure) -> None:
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


def _print_shares(output: Console, found: Effects, measure: Measure) -> None:
    log = "log " if found.in_logs else ""
    table = Table(title=f"what the swept values did to {log}validation {measure.name}", title_justify="left")
    for name in ("key", "F", "p", "partial η²", "matters"):
        table.add_column(name, justify="left" if name == "key" else "right", overflow="fold")
    for row in found.rows:
        table.add_row(escape(_name(row)), *_numbers(row))
    output.print(table)
    for line in _reading(found):
        output.print(escape(line), soft_wrap=True)


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


def _print_values(output: Console, found: Effects, measure: Measure) -> None:
    table = Table(title=f"their best and worst by validation {measure.name}", title_justify="left")
    mean = "geometric mean" if found.in_logs else "mean"
    for name in ("key", "values", "best", mean, "worst", mean):
        table.add_column(name, justify="left" if name in ("key", "best", "worst") else "right", overflow="fold")
    for row in found.rows:
        if row.values:
            most = max(value.num_runs for value in row.values)
            ends = [text for at in (0, -1) for text in (_setting(row.values[at], most), _mean(row.values[at]))]
            table.add_row(escape(_name(row)), str(len(row.values)), *map(escape, ends))
    output.print(table)
    output.print(
        "means: marginal, as if all values of the other keys had been run equally often, without interactions",
        soft_wrap=True,
    )
    if found.grid.num_run < found.grid.num:
        output.print(str(found.grid), soft_wrap=True)


def _name(row: Effect) -> str:
    """The key with what one must know of it."""
    notes = [f"with {', '.join(row.together)}"] if row.together else []
    notes += [f"confounded with {', '.join(row.confounded)}"] if row.confounded else []
    return row.label + (f" ({'; '.join(notes)})" if notes else "")


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


def _mean(value: Value) -> str:
    if value.num_runs == 0:
        return "diverged"
    return "not told" if value.mean is None else f"{value.mean:.4g}"
