"""Tables by median or interquartile mean: SciPy's numbers, no bold, and what is said of the intervals."""

import csv
import io

import numpy as np
import pytest
from scipy import stats

from ae_jax.errors import UserError
from ae_jax.tables.formats import csv_text

ERRORS = (1.0, 1.2, 1.1, 9.0, 1.3)


@pytest.fixture
def results(make_results, seeds):
    other = {"model._target_": "ae_jax.models.linear.LinearAutoencoder"}
    return make_results(*seeds(*ERRORS), *seeds(*(2 * x for x in ERRORS), settings=other))


@pytest.mark.parametrize("name", ["comparison", "best"])
@pytest.mark.parametrize("statistic", ["median", "iqm"])
def test_the_numbers_are_scipys_and_one_run_astray_does_not_move_them(name, statistic, results, build_table):
    table = build_table(name, results, statistic=statistic)
    row = next(csv.DictReader(io.StringIO(csv_text(table))))
    of = np.median if statistic == "median" else (lambda x: stats.trim_mean(x, 0.25))
    assert float(row[f"sse_{statistic}"]) == pytest.approx(of(ERRORS))
    assert float(row[f"sse_ratio_{statistic}"]) == pytest.approx(of(np.array(ERRORS) / 2))
    assert float(row[f"explained_variance_difference_{statistic}"]) == pytest.approx(of((2 - np.array(ERRORS)) / 8))
    assert float(row["sse_low"]) <= of(ERRORS) <= float(row["sse_high"])
    assert row[f"pca_sse_{statistic}"] == "2.0"
    assert not any(cell.bold for one in table.rows for cell in one)
    notes = " ".join(note.text for note in table.notes)
    word = "Median" if statistic == "median" else "Interquartile mean"
    for said in (f"{word} over 5 seeds [95 % bootstrap interval, percentile", "Nothing is bold", "too narrow for few"):
        assert said in notes
    assert "Mean over" not in notes


def test_the_mean_is_as_it_was(results, build_table):
    table = build_table("comparison", results, statistic="mean")
    assert table == build_table("comparison", results)
    assert float(next(csv.DictReader(io.StringIO(csv_text(table))))["sse_mean"]) == pytest.approx(np.mean(ERRORS))


def test_an_interval_of_means_does_not_go_with_it(results, build_table):
    with pytest.raises(UserError, match="interval: bca is an interval of means, and statistic=iqm has one of its own"):
        build_table("comparison", results, statistic="iqm", interval="bca")


def test_few_seeds_and_no_ratio(make_results, seeds, build_table):
    """At nine components PCA's error is 0."""
    results = make_results(*seeds(1.0, 2.0, settings={"model.latent_size": 9}))
    row = next(csv.DictReader(io.StringIO(csv_text(build_table("comparison", results, statistic="median")))))
    assert (row["sse_median"], row["sse_low"], row["sse_ratio_median"]) == ("1.5", "", "")


def test_corrupted_inputs_have_a_ratio_to_pca_of_the_same_noise(make_results, seeds, build_table):
    """PCA's error is the autoencoder's and 1 more in each run (see `write_run`)."""
    noise = {"corruption._target_": "ae_jax.corruptions.gaussian.gaussian", "corruption.scale": 0.1}
    runs = [
        {"settings": noise | {"seed": seed}, "sse": 1.0, "corrupted_sse": error} for seed, error in enumerate(ERRORS)
    ]
    table = build_table("comparison", make_results(*runs), statistic="median", split="corrupted", measures=["sse"])
    row = next(csv.DictReader(io.StringIO(csv_text(table))))
    ratios = np.array(ERRORS) / (np.array(ERRORS) + 1)
    assert float(row["sse_ratio_median"]) == pytest.approx(np.median(ratios))
