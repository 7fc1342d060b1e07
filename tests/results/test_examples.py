"""What test examples tell: intervals over them, and how few of them carry the error."""

import time

import numpy as np
import pytest
from scipy import stats

from ae_jax.errors import UserError
from ae_jax.results import RunFolder
from ae_jax.results.examples import FEWEST_EXAMPLES, concentration, examples_interval, outlier_warning

PARTS = ("mean", "other", "difference", "ratio")


@pytest.fixture
def errors():
    """Of two methods on 400 examples, in most of which the first is a little better."""
    rng = np.random.default_rng(1)
    hardness = rng.lognormal(sigma=0.5, size=400)
    return hardness * rng.lognormal(-0.05, 0.1, size=400), hardness


def ends(found):
    return np.array([[getattr(found, part).low, getattr(found, part).high] for part in PARTS])


def test_t_is_students_over_examples(errors):
    ours, theirs = errors
    found = examples_interval(ours, theirs, interval="t")
    assert found.num == 400
    for values, part in ((ours, found.mean), (theirs, found.other), (ours - theirs, found.difference)):
        low, high = stats.t.interval(0.95, 399, values.mean(), stats.sem(values))
        assert part == pytest.approx((values.mean(), low, high), rel=1e-9)
    assert found.ratio.value == pytest.approx(ours.mean() / theirs.mean())


def test_bootstrap_is_scipys_and_agrees_with_the_delta_method(errors):
    found, by_t = (ends(examples_interval(*errors, interval=kind)) for kind in ("bootstrap", "t"))
    # Ends of 2,000 resamples scatter by about 3 % of the width; 10 % are three standard deviations.
    within = 0.1 * (by_t[:, 1] - by_t[:, 0])
    assert (np.abs(found - by_t) < within[:, None]).all()
    oracle = stats.bootstrap(
        errors,
        lambda a, b, axis: a.mean(axis) / b.mean(axis),
        paired=True,
        vectorized=True,
        method="percentile",
        rng=1,
        n_resamples=2000,
    ).confidence_interval
    assert found[3] == pytest.approx(tuple(oracle), abs=within[3])


def test_pairs_tell_more_than_their_means(errors):
    found = examples_interval(*errors)
    assert found.mean.low < found.other.value < found.mean.high
    assert found.difference.high < 0
    assert found.ratio.high < 1


@pytest.mark.parametrize("interval", ["bootstrap", "t"])
def test_order_and_unit_do_not_matter(interval, errors):
    ours, theirs = np.stack([errors[0], 1.1 * errors[0][::-1]]), errors[1]
    found = examples_interval(ours, theirs, interval=interval)
    shuffled = np.random.default_rng(2).permutation(400)
    assert examples_interval(ours[::-1, shuffled], theirs[shuffled], interval=interval) == found
    scaled = examples_interval(7.3 * ours, 7.3 * theirs, interval=interval)
    np.testing.assert_allclose(ends(scaled)[:3], 7.3 * ends(found)[:3], rtol=1e-12)
    np.testing.assert_allclose(ends(scaled)[3], ends(found)[3], rtol=1e-12)


def test_seeds_are_averaged_for_each_example_first(errors):
    seeds = np.stack([errors[0] - 0.05, errors[0] + 0.05])
    assert ends(examples_interval(seeds, errors[1])) == pytest.approx(ends(examples_interval(*errors)), rel=1e-9)


def test_one_method_has_a_mean_only(errors):
    found = examples_interval(errors[0])
    assert found[2:] == (None, None, None)
    assert found.mean == examples_interval(*errors).mean


@pytest.mark.parametrize("interval", ["bootstrap", "t"])
def test_what_has_no_interval_or_ratio(interval, errors):
    few = examples_interval(errors[0][: FEWEST_EXAMPLES - 1], errors[1][: FEWEST_EXAMPLES - 1], interval=interval)
    assert few.mean.value == errors[0][: FEWEST_EXAMPLES - 1].mean()
    assert [getattr(few, part)[1:] for part in PARTS] == [(None, None)] * 4
    perfect = examples_interval(errors[0], np.zeros(400), interval=interval)
    assert perfect.ratio is None
    assert perfect.difference == perfect.mean
    equal = examples_interval(errors[0], errors[0], interval=interval)
    assert (equal.difference, equal.ratio) == ((0, 0, 0), (1, 1, 1))
    with_infinity = np.append(errors[0][1:], np.inf)
    assert examples_interval(with_infinity, interval=interval).mean == (np.inf, None, None)
    with pytest.raises(ValueError, match="errors of 400 and 399 examples are no pairs"):
        examples_interval(errors[0], errors[1][1:], interval=interval)
    with pytest.raises(ValueError, match="shape"):
        examples_interval([], interval=interval)


@pytest.mark.slow
@pytest.mark.parametrize("interval", ["bootstrap", "t"])
def test_intervals_cover_what_they_say(interval):
    """Of 100 lognormal errors: 1,000 draws have a standard deviation of 0.7 %, and docs/statistics.md says 93 %."""
    rng, hits = np.random.default_rng(0), np.zeros(2)
    for _ in range(1000):
        theirs = rng.lognormal(sigma=0.5, size=100)
        ours = theirs * rng.lognormal(sigma=0.2, size=100)
        found = examples_interval(ours, theirs, interval=interval)
        hits += [
            found.other.low <= np.exp(0.125) <= found.other.high,
            found.ratio.low <= np.exp(0.02) <= found.ratio.high,
        ]
    assert (hits > 915).all()
    assert (hits < 970).all()


def test_ten_thousand_examples_take_no_time():
    pair = np.random.default_rng(0).lognormal(size=(2, 10_000))
    start = time.process_time()
    examples_interval(*pair)
    assert time.process_time() - start < 2  # 0.15 s on an idle core


def test_concentration():
    even = concentration(np.ones(400))
    assert even == (400, 4, 0.01, 200)
    outliers = np.ones(359)
    outliers[[5, 200]] = 15_000  # two of them have 30,000 of 30,357
    found = concentration(outliers)
    assert found[:2] == (359, 4)
    assert found.share == pytest.approx(30_002 / 30_357)
    assert found.num_half == 2  # one has 49.4 %
    assert concentration(np.zeros(50)) == (50, 2, 0, 0)
    assert concentration([3.0]) == (1, 1, 1, 1)
    assert concentration(np.stack([outliers, outliers])) == found


@pytest.mark.parametrize(
    ("errors", "words"),
    [
        ([1.0] * 357 + [15_000.0] * 2, "2 of 359 test examples carry 99 % of the error"),
        ([1.0] * 9_999 + [1e9], "1 of 10,000 test examples carries 99 % of the error"),
        ([1.0] * 59 + [np.inf], "1 of 60 test examples carries 99 % of the error"),
        ([1.0] * 9_900 + [200.0] * 100, "95 of 10,000 test examples carry 64 % of the error"),
        (np.random.default_rng(0).lognormal(sigma=1, size=359), None),
        (np.random.default_rng(0).chisquare(1, size=1000), None),
        ([0.0] * 100, None),
        ([1.0], None),
        ([1.0, 3.0], None),  # of two, one has most by need
    ],
)
def test_a_warning_where_few_examples_carry_most(errors, words):
    assert outlier_warning(errors) == words


def test_a_run_folder_has_the_errors_of_its_test_examples(write_run, tmp_path):
    run = RunFolder(write_run(tmp_path / "run", sse=1.5, corrupted_sse=2.5))
    assert {name: pytest.approx(array.mean(), rel=1e-6) for name, array in run.errors.items()} == {
        "autoencoder": 1.5,
        "pca": 2,
        "corrupted_autoencoder": 2.5,
        "corrupted_pca": 3.5,
    }
    (tmp_path / "run" / "errors.npz").unlink()
    with pytest.raises(UserError, match=r"errors\.npz: is missing; make it again with .* --fill"):
        RunFolder(run.path).errors  # noqa: B018 - read for what it raises


@pytest.mark.parametrize("array", [np.ones((3, 2)), np.array([True, False]), np.zeros(0), np.array([1, 2])])
def test_what_is_no_list_of_errors_is_refused(array, tmp_path):
    np.savez(tmp_path / "errors.npz", autoencoder=array, pca=array)
    with pytest.raises(UserError, match=r"errors\.npz: does not hold a number for each example; delete it"):
        RunFolder(tmp_path).errors  # noqa: B018 - read for what it raises


def test_a_damaged_file_of_errors_is_made_again_without_training(tmp_path):
    (tmp_path / "errors.npz").write_bytes(b"no archive")
    with pytest.raises(UserError, match=r"cannot be read .*; delete it, and make it again with .* --fill"):
        RunFolder(tmp_path).errors  # noqa: B018 - read for what it raises
