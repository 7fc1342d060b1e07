"""Every configuration against a reference: which pairs, what SciPy says of them, p by Holm over the whole table."""

import csv
import io

import numpy as np
import pytest
from scipy import stats

from ae_jax.errors import UserError
from ae_jax.tables.formats import csv_text

GAUSSIAN = "ae_jax.corruptions.gaussian.gaussian"
LINEAR = {"model._target_": "ae_jax.models.linear.LinearAutoencoder"}
CLEAN = {1: (4.0, 4.1, 3.9, 4.05, 3.95), 2: (2.0, 2.1, 1.9, 2.05, 1.95)}
NOISY = {1: (3.5, 3.55, 3.4, 3.5, 3.45), 2: (2.0, 2.05, 1.95, 2.1, 1.9)}


def noise(scale, **settings):
    return {"corruption": {"_target_": GAUSSIAN, "scale": scale}, **settings}


def rows_of(table):
    return list(csv.DictReader(io.StringIO(csv_text(table))))


def notes_of(table):
    return " ".join(note.text for note in table.notes)


@pytest.fixture
def denoising(make_results, seeds):
    """Clean and two noises at two latent sizes, five seeds each."""
    runs = []
    for size in (1, 2):
        runs += seeds(*CLEAN[size], settings={"model.latent_size": size})
        runs += seeds(*NOISY[size], settings=noise(0.1, **{"model.latent_size": size}))
        runs += seeds(*CLEAN[size], settings=noise(0.3, **{"model.latent_size": size}))
    return make_results(*runs)


@pytest.mark.parametrize(
    "against", ["corruption = 'none'", "corruption=none", "corruption = none", "corruption not in ('gaussian')"]
)
def test_each_against_the_reference_that_agrees_in_all_else(against, denoising, build_table):
    table = build_table("differences", denoising, against=against, measures=["sse", "explained_variance"])
    rows = rows_of(table)
    assert [(row["model.latent_size"], row["corruption.scale"]) for row in rows] == [
        ("1", "0.1"), ("1", "0.3"), ("2", "0.1"), ("2", "0.3"),
    ]  # fmt: skip
    p_values = []
    for row in rows:
        ours = (NOISY if row["corruption.scale"] == "0.1" else CLEAN)[int(row["model.latent_size"])]
        theirs = CLEAN[int(row["model.latent_size"])]
        assert float(row["sse_mean"]) == pytest.approx(np.mean(ours))
        assert float(row["sse_reference_mean"]) == pytest.approx(np.mean(theirs))
        if row["corruption.scale"] == "0.3":
            assert (row["sse_verdict"], row["sse_p"]) == ("equal", "1.0")
            p_values += [1.0, 1.0]
            continue
        test = stats.ttest_rel(np.log(ours), np.log(theirs))
        low, high = np.exp(test.confidence_interval(0.95))
        assert float(row["sse_ratio_low"]) == pytest.approx(low)
        assert float(row["sse_ratio_high"]) == pytest.approx(high)
        assert float(row["sse_p"]) == pytest.approx(test.pvalue)
        variance = stats.ttest_rel(ours, theirs)  # explained variance is 1 - sse / 8
        assert float(row["explained_variance_p"]) == pytest.approx(variance.pvalue)
        assert float(row["explained_variance_difference_mean"]) == pytest.approx(-np.subtract(ours, theirs).mean() / 8)
        p_values += [test.pvalue, variance.pvalue]
    known = sorted(float(row[f"{name}_p_holm"]) for row in rows for name in ("sse", "explained_variance"))
    steps = [min(1.0, (8 - rank) * p) for rank, p in enumerate(sorted(p_values))]
    assert known == pytest.approx(np.maximum.accumulate(steps))
    assert "Holm over the 8 comparisons of the table" in notes_of(table)


def test_bold_is_what_is_told_and_holds_after_the_correction(denoising, build_table):
    table = build_table("differences", denoising, against="corruption=none", measures=["sse"])
    at = next(place for place, column in enumerate(table.columns) if column.title == "ratio")
    assert [row[at].bold for row in table.rows] == [True, False, False, False]
    assert not any(cell.bold for row in table.rows for place, cell in enumerate(row) if place != at)


def test_pca_is_the_reference_of_the_same_size(denoising, build_table):
    rows = rows_of(build_table("differences", denoising, measures=["sse"]))
    assert [row["sse_reference_mean"] for row in rows] == ["4.0"] * 3 + ["2.0"] * 3
    test = stats.ttest_1samp(np.log(NOISY[1]) - np.log(4), 0)
    noisy = next(row for row in rows if (row["model.latent_size"], row["corruption.scale"]) == ("1", "0.1"))
    assert float(noisy["sse_p"]) == pytest.approx(test.pvalue)


def test_one_reference_for_all_is_named_in_the_title(make_results, seeds, build_table):
    results = make_results(*seeds(1.0, 1.1), *(run for rate in (0.1, 0.2) for run in seeds(
        1.0, 1.2, settings={"optimizer.learning_rate": rate})))  # fmt: skip
    table = build_table("differences", results, against="optimizer.learning_rate=0.2", measures=["sse"])
    assert len(table.rows) == 2
    assert table.title.startswith("Differences from optimizer.learning_rate=0.2 on digits")
    assert "Fewer than five seeds are too few" in notes_of(table)


def test_what_has_no_reference_is_named(denoising, make_results, seeds, build_table):
    results = make_results(
        *seeds(*CLEAN[1], settings={"model.latent_size": 1}),
        *seeds(*NOISY[1], settings=noise(0.1, **{"model.latent_size": 1})),
        *seeds(1.0, settings=noise(0.1, **{"model.latent_size": 4})),
        *seeds(1.0, settings={"model.latent_size": 5}),
    )
    table = build_table("differences", results, against="corruption=none", measures=["sse"])
    lonely = notes_of(table).partition("Not compared: ")[2]
    assert lonely == (
        "model.latent_size=4 corruption=gaussian corruption.scale=0.1: no partner; "
        "reference model.latent_size=5 corruption=none: no partner."
    )


def test_seeds_that_do_not_pair_are_compared_by_welch_and_it_is_said(make_results, seeds, build_table):
    ours = [{**run, "settings": {**run["settings"], "seed": 9 + at}} for at, run in enumerate(
        seeds(*NOISY[1], settings=LINEAR))]  # fmt: skip
    table = build_table("differences", make_results(*seeds(*CLEAN[1]), *ours), against="model=dense", measures=["sse"])
    (row,) = rows_of(table)
    welch = stats.ttest_ind(np.log(NOISY[1]), np.log(CLEAN[1]), equal_var=False)
    assert float(row["sse_p"]) == pytest.approx(welch.pvalue)
    assert "Welch's t" in notes_of(table)
    assert table.rows[0][-1].detail == "unpaired"


def test_a_row_with_diverged_runs_is_never_bold(make_results, seeds, build_table):
    lost = {"settings": LINEAR | {"seed": 8}, "state": "diverged"}
    results = make_results(*seeds(*CLEAN[1]), *seeds(*NOISY[1], settings=LINEAR), lost)
    table = build_table("differences", results, against="model=dense", measures=["sse"])
    assert rows_of(table)[0]["sse_verdict"] == "better"
    assert not any(cell.bold for cell in table.rows[0])
    assert "1 runs diverged" in notes_of(table)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"against": "corruption=nne"}, r"against: no run has corruption=nne; did you mean 'none'\?"),
        ({"against": "corupton=none"}, r"against: there is no column 'corupton'; did you mean 'corruption' or"),
        ({"against": "seed >= 0"}, "against: holds for all runs"),
        ({"against": " "}, "against: is empty; write key=value"),
        ({"against": "model.latent_size = 1 or corruption = 'none'"}, "against: nothing pairs with"),
        ({"against": "PCA", "measures": ["sses"]}, "measures: there is no 'sses' in these runs"),
        ({"against": "PCA", "split": "corrupted"}, "split: no run has corrupted inputs"),
    ],
)
def test_a_mistake_names_its_option(options, problem, denoising, build_table):
    with pytest.raises(UserError, match=problem):
        build_table("differences", denoising, **options)
