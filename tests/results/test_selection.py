"""How certain a choice is: against counting all resamples; and the best of few tried ones, against all draws."""

import itertools

import numpy as np
import pytest

from ae_jax.errors import UserError
from ae_jax.results import load
from ae_jax.results.configurations import behind_text, configurations
from ae_jax.results.selection import best_of_weights, selection_shares, share_text

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


def test_what_comes_last_whatever_its_mean_is_said(candidates):
    made = candidates(seeded([2.0] * 5), {0: 0.1}, seeded([1.0] * 5), {0: 0.2}, lost=(2,))
    assert behind_text(made, "sse") == (
        "3 configurations come after the others whatever the mean: 1 of which runs diverged, 2 with fewer than 5 seeds"
    )
    assert behind_text(made[:2], "sse").startswith("1 configuration comes after")
    assert behind_text(made[:1], "sse") == behind_text(made[1::2], "sse") == ""


def test_failures_are_counted_unless_the_seed_completed_elsewhere(write_run, tmp_path):
    for folder, seed, state in (("a", 0, "completed"), ("b", 0, "failed"), ("c", 1, "failed"), ("d", 2, "diverged")):
        write_run(tmp_path / folder, settings={"seed": seed}, state=state)
    damaged = write_run(tmp_path / "e", settings={"seed": 3})
    (damaged / "summary.json").write_text("{")
    (one,) = configurations(load(tmp_path))
    assert (one.num_seeds, one.num_diverged, one.num_failed) == (1, 1, 2)
    assert one.lost_text == "(+1 diverged, 2 failed)"


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


def test_the_expected_best_is_that_of_the_reference():
    """Dodge et al. 2019, equation 7: sum over v of v (P(V <= v)^n - P(V < v)^n), with the empirical distribution."""
    values = np.random.default_rng(0).choice(np.linspace(0.5, 0.9, 30), 50)  # with ties
    expected = best_of_weights(50, 50) @ np.sort(values)[::-1]
    for tried in (1, 2, 10, 50):
        found = sum(v * ((values <= v).mean() ** tried - (values < v).mean() ** tried) for v in np.unique(values))
        assert expected[tried - 1] == pytest.approx(found)


def test_one_of_those_tried_is_best():
    assert best_of_weights(7, 9).sum(axis=1) == pytest.approx(1)


def test_all_and_none_are_said_of_all_and_none_only():
    assert [share_text(share) for share in (1.0, 0.9999, 0.834, 0.001, 0.0)] == [
        "100 %", "over 99 %", "83 %", "under 1 %", "0 %",
    ]  # fmt: skip
