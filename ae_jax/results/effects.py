"""What the swept values did: which key matters most, and which of its values does best, all keys taken together."""

from itertools import combinations
from typing import NamedTuple

import numpy as np

from ae_jax.errors import UserError
from ae_jax.results.anova import Analysis, Marginal, Test, analyse, lost_to
from ae_jax.results.factors import SEED, Factor, Grid, factors_of, grid_of, seed_factor
from ae_jax.results.results import Results
from ae_jax.results.runs import Setting
from ae_jax.runs.measures import Measure, measure_named

_EQUAL = 1e-9  # relative; numbers that are closer are one number, in which arithmetic was done in another order


class Value(NamedTuple):
    """A value of a key.

    Attributes:
        setting: The value.
        mean: The measure's marginal mean, as if all values of the other keys had been run equally often; geometric
            where `Effects.in_logs`. None where all runs diverged, or other keys cannot be told from it.
        low: Lower end of the mean's 95 % t interval; None where no error is left to tell it.
        high: Its upper end.
        num_runs: How many runs are counted.
        num_diverged: How many diverged, which are in no mean.
    """

    setting: Setting
    mean: float | None
    low: float | None
    high: float | None
    num_runs: int
    num_diverged: int


class Effect(NamedTuple):
    """What a key did, or two keys beyond what each does alone.

    Attributes:
        keys: The key, dotted; two for an interaction.
        together: Other keys that always varied together with it: which of them did it cannot be told.
        within: The component that decides whether a run has the key: what it did is told among those that have it.
        confounded: Keys with which it went together in part, or throughout. What both did is in no share; but where one
            of them is a function of the others, it has none, and theirs is of all of them.
        test: The F test, with the shares; None where there are too few runs.
        values: Its values, best first: those whose mean cannot be told, and then those that diverged, come last. None
            for an interaction.
        is_one_run_each: Whether no two runs have the same value. Such a key is in no model.
    """

    keys: tuple[str, ...]
    together: list[str]
    within: str | None
    confounded: list[str]
    test: Test | None
    values: list[Value]
    is_one_run_each: bool = False

    @property
    def label(self) -> str:
        """The key, or both."""
        return " \N{MULTIPLICATION SIGN} ".join(self.keys)

    @property
    def described(self) -> str:
        """The key, or both, with what one must know of it."""
        notes = [f"with {', '.join(self.together)}"] if self.together else []
        notes += [f"confounded with {', '.join(self.confounded)}"] if self.confounded else []
        return self.label + (f" ({'; '.join(notes)})" if notes else "")

    @property
    def untold(self) -> str:
        """Why it has no test; empty where it has one."""
        if self.test is not None:
            return ""
        if self.is_one_run_each:
            return "one run each"
        if sum(value.num_runs > 0 for value in self.values) < 2:
            return "all others diverged"
        return "confounded" if self.confounded else "too few runs"


class Effects(NamedTuple):
    """What all keys did.

    Attributes:
        rows: The one that matters most first, those that cannot be told last.
        in_logs: Whether errors are taken as logarithms, as what is swept multiplies them. Means are geometric then.
        num_runs: How many runs are counted.
        num_interactions: How many interactions of two keys there are, in `rows` or not.
        grid: How much of the grid of all values was run, without keys of one run each, which span none.
    """

    rows: list[Effect]
    in_logs: bool
    num_runs: int
    num_interactions: int
    grid: Grid

    @property
    def num_missing(self) -> int:
        """How many interactions are not in the model: they cannot be told, or would leave nothing for the error."""
        return self.num_interactions - sum(len(row.keys) == 2 for row in self.rows)


def effects(results: Results, measure: str, split: str = "validation", *, of_pca: bool = False) -> Effects:
    """A linear model of all swept keys: tests and shares of each, and the means of its values; see `anova`.

    Chance is what differs between runs of the same values. So the seed is no key, but it has a row of its own where the
    same seeds ran with all values: that a seed is better throughout is no doing of a key.

    Args:
        results: Runs of one dataset.
        measure: See `measures.MEASURES`.
        split: The split; validation, as what it shows is used to choose.
        of_pca: PCA's measure, with as many components as the latent, instead of the autoencoder's.

    Raises:
        UserError: If the measure was not taken in any run.
    """
    named = measure_named(measure)
    asked = [(run, run.pca(measure, split) if of_pca else run.measure(measure, split)) for run in results.runs]
    pairs = [(run, value) for run, value in asked if value is not None]
    if not pairs:
        raise UserError("measure", f"{measure} was not taken in these runs", "choose sse or mse")
    runs, values = [run for run, _ in pairs], np.array([value for _, value in pairs], float)
    in_logs = named.has_ratio and bool((values > 0).all())
    y = np.log(values) if in_logs else values
    factors = factors_of(results, runs)
    used = [one for one in factors if not one.is_one_run_each and one.num_run > 1]
    model = _model(used, y, num_crossed=len(used), in_logs=in_logs)
    rows = [_row(one, model, named) for one in factors]
    crossed = [used[one] for one in model.kept]
    rows += [
        Effect((crossed[a].key, crossed[b].key), [], None, [], test, [])
        for (a, b), test in model.found.interactions.items()
    ]
    if SEED in results.varying:
        rows += _of_seed(seed_factor(results, runs), model, named)
    rows.sort(key=lambda row: (1.0, 0.0) if row.test is None else (-row.test.omega_squared, -row.test.eta_squared))
    num_pairs = sum(not _decides(a, b) and not _decides(b, a) for a, b in combinations(crossed, 2))
    grid = grid_of([one for one in factors if not one.is_one_run_each] or factors)
    return Effects(rows, in_logs, len(y), num_pairs, grid)


class _Model(NamedTuple):
    """Factors with their codes, and what was found of them in `y`.

    A factor of which the others leave nothing is in no model, as it goes with them throughout: what it did is theirs.
    `found` knows the other ones only, which are `kept`.
    """

    factors: list[Factor]
    columns: list[np.ndarray]
    y: np.ndarray
    in_logs: bool
    kept: list[int]
    found: Analysis
    dfs: list[int]  # of all factors, as far as all others leave them any


def _model(factors: list[Factor], y: np.ndarray, *, num_crossed: int, in_logs: bool) -> _Model:
    """A model of all factors, and of the interactions of the first of them."""
    columns = [one.columns for one in factors]
    rounding = _EQUAL if in_logs else _EQUAL * float(np.abs(y).max(initial=0.0))
    kept = list(range(len(factors)))

    def found_of(kept: list[int]) -> Analysis:
        crossed = [place for place, one in enumerate(kept) if one < num_crossed]
        return analyse(y, [columns[one] for one in kept], list(combinations(crossed, 2)), rounding=rounding)

    found = found_of(kept)
    dfs = found.dfs
    while 0 in found.dfs:
        del kept[found.dfs.index(0)]
        found = found_of(kept)
    return _Model(factors, columns, y, in_logs, kept, found, dfs)


def _of_seed(seed: Factor, model: _Model, measure: Measure) -> list[Effect]:
    """The seed in a model of its own; nothing where it is not crossed with the keys, or they leave it nothing."""
    keys = model.factors
    both = _model([*keys, seed], model.y, num_crossed=len(keys), in_logs=model.in_logs)
    is_crossed = not seed.is_one_run_each and both.dfs[-1] == seed.num_run - 1 and both.found.df_error > 0
    return [_row(seed, both, measure)] if is_crossed else []


def _row(factor: Factor, model: _Model, measure: Measure) -> Effect:
    """What a factor did. One that is in no model has the means of its runs as they are."""
    at = next((place for place, one in enumerate(model.factors) if one is factor), None)
    values = [_value(factor, number, model, at) for number in range(len(factor.levels))]
    sign = -1.0 if measure.more_is_better else 1.0
    values.sort(key=lambda one: (one.num_runs == 0, one.mean is None, sign * (one.mean or 0.0)))
    test = model.found.mains[model.kept.index(at)] if at in model.kept else None
    confounded = list[str]()
    if at is not None and model.dfs[at] < factor.num_run - 1:
        others = lost_to(model.columns, at) or [other for other in range(len(model.factors)) if other != at]
        confounded = [model.factors[other].key for other in others]
    one_run_each = factor.is_one_run_each
    return Effect((factor.key,), factor.together, factor.parent, confounded, test, values, is_one_run_each=one_run_each)


def _value(factor: Factor, number: int, model: _Model, at: int | None) -> Value:
    """A level of a factor, which is the model's factor `at`."""
    level, marginal = factor.levels[number], None
    if level.num_runs and at is None:
        marginal = Marginal(float(model.y[factor.at == number].mean()), None, None)
    elif level.num_runs and at in model.kept:
        marginal = model.found.marginal(_codes(factor, number, model))
    mean, low, high = (
        None if one is None else float(np.exp(one) if model.in_logs else one) for one in marginal or (None, None, None)
    )
    return Value(level.value, mean, low, high, level.num_runs, level.num_diverged)


def _codes(factor: Factor, level: int, model: _Model) -> list[np.ndarray]:
    """Where a level's mean is: at its own code, at the mean of the components that have the key, and else at 0."""
    codes = []
    for one, own in ((model.factors[kept], model.columns[kept]) for kept in model.kept):
        if one is factor:
            codes.append(own[np.flatnonzero(one.at == level)[0]])
        elif _decides(one, factor):
            components = {of_run: row for of_run, has, row in zip(one.at, factor.at >= 0, own, strict=True) if has}
            codes.append(np.mean(list(components.values()), axis=0))
        else:
            codes.append(np.zeros(own.shape[1]))
    return codes


def _decides(one: Factor, other: Factor) -> bool:
    """Whether one is the component that decides which runs have the other."""
    return other.parent is not None and other.parent in (one.key, *one.together)
