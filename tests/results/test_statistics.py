"""Estimates over seeds: against SciPy and arithmetic, and the laws that any interval must keep."""

import numpy as np
import pytest
from scipy.stats import bootstrap

from ae_jax.results.configurations import best_by_validation, configurations, ranked_by_validation
from ae_jax.results.statistics import Estimate, estimate, paired

VALUES = [1.0, 2.0, 4.0, 7.0, 1.5]


def test_location_is_arithmetic():
    assert estimate(VALUES)[:3] == (5, pytest.approx(3.1), 2.0)


def test_the_interval_is_scipys():
    rng = np.random.default_rng(0)
    interval = bootstrap((np.sort(VALUES),), np.mean, n_resamples=9999, method="BCa", rng=rng).confidence_interval
    assert estimate(VALUES)[3:] == pytest.approx(tuple(interval))


def test_it_contains_the_mean_and_lies_within_the_values():
    rng = np.random.default_rng(1)
    for num in (3, 5, 20):
        values = rng.lognormal(size=num)
        made = estimate(values)
        assert values.min() <= made.low <= made.mean <= made.high <= values.max()


def test_it_does_not_depend_on_the_order():
    assert estimate(VALUES) == estimate(VALUES[::-1])


def test_it_follows_scale_and_shift():
    moved = estimate([10 * value + 3 for value in VALUES])
    assert moved[1:] == pytest.approx([10 * number + 3 for number in estimate(VALUES)[1:]])


def test_fewer_than_three_seeds_have_no_interval():
    assert estimate([2.0]) == Estimate(1, 2.0, 2.0, None, None)
    assert estimate([2.0, 3.0]) == Estimate(2, 2.5, 2.5, None, None)


def test_equal_values_have_an_interval_of_no_width():
    assert estimate([2.0, 2.0, 2.0]) == Estimate(3, 2.0, 2.0, 2.0, 2.0)


def test_no_values_are_refused():
    with pytest.raises(ValueError, match="at least one"):
        estimate([])


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((1.0, 0.0, 2.0), (2.5, 1.5, 3.0), True),
        ((1.0, 0.0, 2.0), (4.0, 3.0, 5.0), False),
        ((1.0, 0.0, 2.0), (2.0, None, None), True),
        ((1.0, 0.0, 2.0), (2.1, None, None), False),
        ((1.0, None, None), (1.0, None, None), True),
    ],
)
def test_overlap(one, other, expected):
    a, b = (Estimate(3, mean, mean, low, high) for mean, low, high in (one, other))
    assert a.overlaps(b) is b.overlaps(a) is expected


def test_pairs_are_compared_run_by_run():
    """What all pairs share does not widen the interval."""
    ours, theirs = [11.0, 21.0, 31.0], [10.0, 20.0, 30.0]
    assert paired(ours, theirs).difference == Estimate(3, 1.0, 1.0, 1.0, 1.0)
    assert paired(ours, theirs).ratio.mean == pytest.approx(np.mean([1.1, 1.05, 31 / 30]))
    assert paired([1.0], [0.0]).ratio is None
    assert paired([1.0, 1.0], [1.0, -1.0]).ratio is None
    with pytest.raises(ValueError, match="pairs of 1 and 2"):
        paired([1.0], [1.0, 2.0])


def test_configurations_gather_seeds(sweep):
    errors = {0: 4.25, 1: 4.5, 2: 5.0}
    made = configurations(sweep(lambda size, rate, seed: errors[seed] + size - 1))
    assert [one.settings for one in made] == [
        {"model.latent_size": size, "optimizer.learning_rate": rate} for size in (1, 2) for rate in (0.1, 0.2)
    ]
    assert [one.num_seeds for one in made] == [3, 3, 3, 3]
    assert made[0].label == "model.latent_size=1 optimizer.learning_rate=0.1"
    assert made[0].estimate("sse") == estimate([4.25, 4.5, 5.0])
    assert made[0].pca("sse") == Estimate(1, 4.0, 4.0, None, None)
    assert made[0].against_pca("sse").difference == estimate([0.25, 0.5, 1.0])
    assert made[0].estimate("sse", "corrupted") is None


def test_diverged_runs_are_told_and_not_averaged(sweep, write_run, tmp_path):
    settings = {"model.latent_size": 1, "optimizer.learning_rate": 0.1, "seed": 3}
    write_run(tmp_path / "sweep" / "d", settings=settings, state="diverged")
    first, *others = configurations(sweep())
    assert (first.num_seeds, first.num_diverged) == (3, 1)
    assert [one.num_diverged for one in others] == [0, 0, 0]


def test_numbers_are_sorted_as_numbers(sweep):
    made = configurations(sweep(sizes=(2, 10, 1), rates=(0.1,)))
    assert [one.settings["model.latent_size"] for one in made] == [1, 2, 10]


def test_selection_never_looks_at_the_test_split(write_run, tmp_path):
    from ae_jax.results import load

    for folder, tests in (("a", (1.0, 2.0, 3.0)), ("b", (3.0, 1.0, 2.0))):
        for rate, test, validation in zip((0.1, 0.2, 0.3), tests, (5.0, 4.0, 6.0), strict=True):
            settings = {"optimizer.learning_rate": rate}
            write_run(tmp_path / folder / str(rate), settings=settings, sse=test, validation_sse=validation)
    ranks = [
        [one.settings for one in ranked_by_validation(configurations(load(tmp_path / folder)), "sse")]
        for folder in "ab"
    ]
    assert ranks[0] == ranks[1] == [{"optimizer.learning_rate": rate} for rate in (0.2, 0.1, 0.3)]


def test_more_explained_variance_is_better(sweep):
    candidates = configurations(sweep())
    assert best_by_validation(candidates, "sse") is best_by_validation(candidates, "explained_variance")


def test_what_diverges_for_some_seeds_is_never_the_best(sweep, write_run, tmp_path):
    settings = {"model.latent_size": 2, "optimizer.learning_rate": 0.1, "seed": 3}
    write_run(tmp_path / "sweep" / "lost", settings=settings, state="diverged")
    results = sweep(sizes=(2,), rates=(0.1, 0.2))
    ranked = ranked_by_validation(configurations(results), "sse")
    assert [one.settings["optimizer.learning_rate"] for one in ranked] == [0.2, 0.1]


def test_only_errors_have_a_ratio(sweep):
    (one,) = configurations(sweep(sizes=(1,), rates=(0.1,)))
    assert one.against_pca("sse").ratio is not None
    assert one.against_pca("bce").ratio is not None
    assert one.against_pca("explained_variance").ratio is None
    assert one.against_pca("psnr").ratio is None
