"""How certain a choice is: against counting all resamples; and the best of few tried ones, against all draws."""

import itertools
import time

import numpy as np
import pytest

from ae_jax.errors import UserError
from ae_jax.results import load
from ae_jax.results.configurations import configurations
from ae_jax.results.selection import best_of_weights, expected_best, selection_shares, share_text

RATES = (0.1, 0.2, 0.3)


@pytest.fixture
def candidates(write_run, tmp_path):
    """Configurations, each given as its validation error by seed; their test errors are in the opposite order."""

    def make(*errors, lost=()):
        for number, of_seed in enumerate(errors):
            for seed, error in of_seed.items():
                settings = {"optimizer.learning_rate": 0.1 * (number + 1), "seed": seed}
                folder = tmp_path / "runs" / f"{number}-{seed}"
                write_run(folder, settings=settings, sse=9 - error, validation_sse=error)
        for number in lost:
            settings = {"optimizer.learning_rate": 0.1 * (number + 1), "seed": 99}
            write_run(tmp_path / "runs" / f"lost{number}", settings=settings, state="diverged")
        return configurations(load(tmp_path / "runs"))

    return make


def seeded(values, first=0):
    return {first + seed: value for seed, value in enumerate(values)}


def counted(*values):
    """Shares by all resamples of the seeds in turn, jointly for all; ties share."""
    num, wins = len(values[0]), np.zeros(len(values))
    for drawn in itertools.product(range(num), repeat=num):
        sums = [round(sum(of[seed] for seed in drawn), 9) for of in values]
        wins += [(one == min(sums)) / sums.count(min(sums)) for one in sums]
    return (wins / num**num).tolist()


@pytest.mark.parametrize("num", [2, 3, 5])
def test_up_to_five_seeds_are_counted(num, candidates):
    values = np.random.default_rng(num).integers(1, 5, size=(3, num)).astype(float).tolist()
    shares = selection_shares(candidates(*map(seeded, values)), "sse")
    assert shares == pytest.approx(counted(*values))
    assert sum(shares) == pytest.approx(1)


def test_seeds_are_drawn_jointly(candidates):
    """The better by 0.1 for each seed is so in every resample, though seeds differ by far more."""
    errors = [1.0, 2.0, 3.0, 4.0, 5.0]
    shares = selection_shares(candidates(seeded(errors), seeded([error - 0.1 for error in errors])), "sse")
    assert shares == pytest.approx([0.0, 1.0])
    assert selection_shares(candidates(seeded(errors), seeded(errors)), "sse") == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize("second", [{}, {"first": 100}, {"first": 3}])
def test_more_seeds_are_drawn_and_other_seeds_pair_as_far_as_they_can(second, candidates):
    """Two means of ten normal values: the share of the worse is that of a normal, of the observed gap by its error."""
    rng = np.random.default_rng(4)
    a, b = rng.normal(5, 0.3, 10), rng.normal(5.05, 0.3, 10)
    worse = selection_shares(candidates(seeded(a), seeded(b, **second)), "sse")[int(a.mean() < b.mean())]
    resampled = np.random.default_rng(5)
    draws = resampled.integers(10, size=(2, 100_000, 10))
    gaps = a[draws[0]].mean(axis=1) - b[draws[0] if not second else draws[1]].mean(axis=1)
    expected = (gaps > 0).mean() if a.mean() < b.mean() else (gaps < 0).mean()
    if second.get("first") != 3:
        assert worse == pytest.approx(expected, abs=0.02)
    assert 0 < worse < 0.5


def test_the_order_does_not_matter(candidates):
    rng = np.random.default_rng(6)
    made = candidates(*(seeded(rng.uniform(1, 2, 7 - (number == 1))) for number in range(3)))
    shares = selection_shares(made, "sse")
    assert selection_shares(made[::-1], "sse")[::-1] == pytest.approx(shares, abs=1e-12)
    assert selection_shares(made, "sse") == shares
    assert min(shares) > 0


def test_more_is_better(candidates):
    """Explained variance falls as sse rises."""
    made = candidates(seeded([1.0, 2.0, 2.0]), seeded([2.0, 1.0, 2.0]), seeded([2.0, 2.0, 0.5]))
    assert selection_shares(made, "explained_variance") == pytest.approx(selection_shares(made, "sse"))


def test_what_never_comes_first_is_never_chosen(candidates):
    """One lucky seed, and one of which a seed diverged, have the least errors."""
    five = [2.0, 2.1, 2.2, 2.3, 2.4]
    shares = selection_shares(candidates(seeded(five), {0: 0.1}, seeded([1.0] * 5), lost=(2,)), "sse")
    assert shares == pytest.approx([1.0, 0.0, 0.0])


def test_one_seed_tells_nothing(candidates):
    assert selection_shares(candidates({0: 1.0}, {0: 2.0}), "sse") is None


@pytest.mark.parametrize("split", ["test", "corrupted"])
def test_the_test_split_never_selects(split, candidates):
    with pytest.raises(UserError, match="never selects"):
        selection_shares(candidates(seeded([1.0, 2.0])), "sse", split)


def test_of_several_splits_splits_are_drawn(write_run, tmp_path):
    """Each split's seeds agree on which is better: three values, of which one is for the second."""
    from ae_jax.results.configurations import Configuration

    runs = {0.1: [], 0.2: []}
    for split in range(3):
        for seed in range(2):
            for rate in runs:
                settings = {"optimizer.learning_rate": rate, "seed": seed, "dataset.split_seed": split}
                error = 1.0 + ((split == 2) if rate == 0.1 else (split != 2)) + seed / 100
                write_run(tmp_path / f"{rate}-{split}-{seed}", settings=settings, validation_sse=error)
    for run in load(tmp_path).runs:
        runs[run.settings["optimizer.learning_rate"]].append(run)
    pooled = [Configuration({}, tuple(of)) for of in runs.values()]
    assert selection_shares(pooled, "sse") == pytest.approx(counted([1.0, 1.0, 2.0], [2.0, 2.0, 1.0]))


def test_256_configurations_take_no_time(candidates):
    """Under 50 ms; five times as much on a busy machine."""
    from ae_jax.results.configurations import Configuration

    (one, two) = candidates(seeded(np.linspace(1, 2, 8)), seeded(np.linspace(2, 1, 8)))
    many = [Configuration({}, source.runs) for source in (one, two) for _ in range(128)]
    started = time.process_time()
    assert sum(selection_shares(many, "sse")) == pytest.approx(1)
    assert time.process_time() - started < 0.25


@pytest.mark.parametrize(("values", "num"), [([3.0, 1.0, 2.0, 5.0], 4), ([1.0, 1.0, 4.0], 3), ([2.0], 2)])
@pytest.mark.parametrize("more_is_better", [False, True])
def test_the_expected_best_is_that_of_all_draws(values, num, more_is_better):
    choose = max if more_is_better else min
    for tried, expected in enumerate(expected_best(values, num, more_is_better=more_is_better), start=1):
        draws = list(itertools.product(values, repeat=tried))
        assert expected == pytest.approx(sum(map(choose, draws)) / len(draws))


def test_the_expected_best_is_that_of_the_reference():
    """Dodge et al. 2019, equation 7: sum over v of v (P(V <= v)^n - P(V < v)^n), with the empirical distribution."""
    values = np.random.default_rng(0).choice(np.linspace(0.5, 0.9, 30), 50)  # with ties
    for tried in (1, 2, 10, 50):
        found = sum(v * ((values <= v).mean() ** tried - (values < v).mean() ** tried) for v in np.unique(values))
        assert expected_best(values, 50, more_is_better=True)[tried - 1] == pytest.approx(found)


def test_what_one_cannot_expect_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        expected_best([], 3)
    with pytest.raises(ValueError, match="at least one"):
        expected_best([1.0], 0)


def test_one_of_those_tried_is_best():
    assert best_of_weights(7, 9).sum(axis=1) == pytest.approx(1)


def test_all_and_none_are_said_of_all_and_none_only():
    assert [share_text(share) for share in (1.0, 0.9999, 0.834, 0.001, 0.0)] == [
        "100 %", "over 99 %", "83 %", "under 1 %", "0 %",
    ]  # fmt: skip
