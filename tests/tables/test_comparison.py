"""A row per configuration against PCA; what cannot share a row or table is refused in one line."""

import csv
import functools
import io

import pytest

from ae_jax.errors import UserError
from ae_jax.results.statistics import estimate, interval_words
from ae_jax.tables.formats import csv_text
from ae_jax.tables.parts.base import MISSING


@pytest.fixture
def build(build_table):
    return functools.partial(build_table, "comparison")


@pytest.fixture
def five(seeds):
    """Five seeds around an error."""
    return lambda error, **given: seeds(*(error * (1 + seed / 100) for seed in range(5)), **given)


def texts(table):
    return [[f"{'*' if cell.bold else ''}{cell.value} {cell.detail}".strip() for cell in row] for row in table.rows]


def wide(size):
    return {"model.latent_size": size}


def test_the_whole_table(make_results, seeds, build):
    """PCA's sse is 2 with two components and 1 with three, explained variance 1 - sse / 8 (see `write_run`)."""
    results = make_results(
        *seeds(0.5, 0.5, 0.5, 0.5, 0.5, settings=wide(3)),
        *seeds(3.0, settings=wide(2)),
    )
    table = build(results)
    assert table.title == "Autoencoder and PCA on digits, test split"
    assert [column.title for column in table.columns] == [
        "latent size", "n", "autoencoder", "PCA", "ratio", "autoencoder", "PCA", "difference",
    ]  # fmt: skip
    assert texts(table) == [
        ["2", "1 of 5", "3.000", "2.000", "1.500", "0.6250", "0.7500", "-0.1250"],
        ["3", "5", "*0.5000 [0.5000, 0.5000]", "1.0000", "0.5000 [0.5000, 0.5000]",
         "*0.9375 [0.9375, 0.9375]", "0.8750", "0.06250 [0.06250, 0.06250]"],
    ]  # fmt: skip
    notes = [note.text for note in table.notes]
    assert notes[0].startswith("Mean over n = 1 to 5 seeds [95 % t interval, of sse symmetric in logarithms]")
    assert "Fewer than five seeds are too few to tell: such rows are not compared in bold." in notes
    assert "Fewer than three seeds have no interval." in notes


def test_bold_is_within_the_same_latent_size(make_results, seeds, build):
    linear = {"model._target_": "ae_jax.models.linear.LinearAutoencoder"}
    results = make_results(
        *seeds(1.0, 1.1, 1.2, 1.1, 1.0, settings=wide(2)),
        *seeds(1.15, 1.0, 1.3, 1.0, 1.1, settings=wide(2) | linear),
        *seeds(0.9, 0.91, 0.92, 0.93, 0.94, settings=wide(3)),
        *seeds(1.5, 1.51, 1.52, 1.53, 1.54, settings=wide(3) | linear),
    )
    table = build(results, measures=["sse"])
    assert [[row[0].value, row[1].value, row[3].bold, row[4].bold] for row in table.rows] == [
        ["2", "dense", True, False],
        ["2", "linear", True, False],  # not in every seed worse
        ["3", "dense", True, False],
        ["3", "linear", False, False],
    ]
    assert [len(section) for section in table.sections] == [2, 2]


def test_diverged_runs_are_shown(make_results, seeds, build):
    lost = [{"settings": wide(2) | {"seed": seed}, "state": "diverged"} for seed in (7, 8)]
    without = [{"settings": wide(5) | {"seed": 0}, "state": "diverged"}]
    table = build(make_results(*seeds(1.0, 1.1, 1.2, settings=wide(2)), *lost, *without))
    (row,) = table.rows
    place = [column.title for column in table.columns].index("n")
    assert (row[place].value, row[place].detail, row[place].raw) == ("3", "(+2 diverged)", (3, 2, 0))
    assert "1 of 6 runs diverged and has no row: latent size 5 (1)." in [note.text for note in table.notes]
    assert table.facts[1:] == ("1 of 6 runs diverged and has no row.",)


def test_many_diverged_configurations_are_counted(make_results, seeds, build):
    lost = [{"settings": wide(size), "state": "diverged"} for size in range(3, 9)]
    notes = [note.text for note in build(make_results(*seeds(1.0), *lost)).notes]
    assert any(note.endswith("latent size 6 (1); and 2 more.") for note in notes)


def test_nothing_varies(make_results, seeds, build):
    table = build(make_results(*seeds(1.0, 1.1)), measures=["sse"])
    assert [cell.value for cell in table.rows[0][:4]] == ["digits", "2", "dense", "2"]


def test_datasets_share_a_table_but_not_a_block(make_results, five, build):
    mnist = {"dataset._target_": "ae_jax.datasets.mnist.mnist"}
    table = build(make_results(*five(1.0), *five(9.0, settings=mnist, dataset="mnist")), measures=["sse"])
    assert [(row[0].value, row[2].bold, row[3].bold) for row in table.rows] == [
        ("digits", True, False),
        ("mnist", False, True),
    ]
    assert table.title == "Autoencoder and PCA on digits and mnist, test split, latent size 2"


def test_scalings_of_a_dataset_are_a_column_and_not_compared(make_results, five, build):
    units = [{"dataset.scaling": scaling} for scaling in ("none", "standardize")]
    results = make_results(*five(1.0, settings=units[0]), *five(1.5, settings=units[1]))
    table = build(results, measures=["sse"])
    assert [(row[0].value, row[2].bold) for row in table.rows] == [("none", True), ("standardize", True)]
    with pytest.raises(UserError, match=r"^rows: a row would average over dataset\.scaling; add it to rows"):
        build(results, rows=["model"])


def test_corrupted_inputs_are_compared_under_the_same_corruption_only(make_results, five, build):
    noise = [{"corruption._target_": "ae_jax.corruptions.gaussian.gaussian", "corruption.scale": s} for s in (0.1, 0.5)]
    runs = [five(1.0, settings=one, corrupted_sse=error) for one, error in zip(noise, (1.0, 4.0), strict=True)]
    table = build(make_results(*runs[0], *runs[1]), measures=["sse"], split="corrupted")
    assert [(row[0].value, row[2].value, row[2].bold) for row in table.rows] == [
        ("0.1", "1.000", True),
        ("0.5", "4.000", True),
    ]
    assert table.title.endswith("corrupted test inputs (PCA fitted to clean ones), latent size 2")


def test_random_splits_may_share_a_row(make_results, build):
    """Of three splits with five seeds each, PCA has three values and the autoencoder an interval over three splits."""
    splits = [
        {"settings": {"seed": seed, "dataset.split_seed": split}, "sse": 1 + split / 10 + seed / 1000}
        for split in range(3)
        for seed in range(5)
    ]
    table = build(make_results(*splits), rows=["model"], measures=["sse"])
    (row,) = table.rows
    assert (row[1].value, row[2].raw[0], row[2].bold, row[3].bold) == ("15", pytest.approx(1.102), True, False)
    assert row[2].raw[2:4] == pytest.approx(estimate([1.002, 1.102, 1.202], scale="log")[3:5])
    assert row[3].raw[-1] == 3
    assert table.notes[0].text.startswith("Mean over 15 runs with seeds and random splits of the data [95 %")
    assert "over the splits' means" in table.notes[1].text


@pytest.mark.parametrize("interval", ["t", "bca"])
def test_the_interval_is_the_one_that_was_asked_for(interval, make_results, seeds, build):
    errors = (1.0, 1.1, 1.5, 1.2, 1.3)
    table = build(make_results(*seeds(*errors)), measures=["sse"], interval=interval)
    made = estimate(errors, scale="log", interval=interval)
    assert table.rows[0][-3].raw[2:4] == pytest.approx(made[3:5])
    assert interval_words(interval) in table.notes[0].text


def test_what_is_told_apart_looks_different(make_results, build):
    """PCA's explained variance is 0.75; the autoencoder's is a few millionths above it, in every seed."""
    errors = [2.0 - 8 * (5e-6 + seed * 1e-7) for seed in range(5)]
    runs = [{"settings": {"seed": seed}, "sse": error} for seed, error in enumerate(errors)]
    (row,) = build(make_results(*runs), measures=["explained_variance"]).rows
    ours, theirs = row[-3], row[-2]
    assert (ours.bold, theirs.bold) == (True, False)
    assert float(ours.detail[1:].split(",")[0]) > float(theirs.value)


def test_absent_keys_stay_empty(make_results, seeds, build):
    linear = {"model._target_": "ae_jax.models.linear.LinearAutoencoder", "model.hidden_sizes": None}
    scale = {"corruption._target_": "ae_jax.corruptions.gaussian.gaussian", "corruption.scale": 0.1}
    results = make_results(*seeds(1.0, settings=linear), *seeds(1.2, settings=scale))
    table = build(results, rows=["corruption.scale", "model", "corruption", "model.hidden_sizes"])
    assert [[(cell.value, cell.raw[0]) for cell in (row[0], row[3])] for row in table.rows] == [
        [("0.1", 0.1), ("[8]", "[8]")],
        [(MISSING, None), ("null", "null")],
    ]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"rows": ["model.latent_sise"]},
            r"rows: no run has a key 'model\.latent_sise'; did you mean 'model\.latent_size'",
        ),
        ({"rows": ["seed"]}, "rows: seed cannot be one of the keys"),
        ({"rows": ["model", "model"]}, "rows: model is given twice"),
        ({"rows": ["model"]}, r"rows: a row would average over model\.latent_size; add it"),
        ({"measures": ["see"]}, "measures: there is no 'see' in these runs; did you mean 'sse'"),
        ({"measures": []}, "measures: none is given"),
        ({"measures": ["sse", "bce"]}, r"measures: bce was not taken in these runs: it is for data in \[0, 1\]"),
        ({"split": "corrupted"}, "split: no run has corrupted inputs"),
    ],
)
def test_mistakes_are_one_line(changed, message, make_results, seeds, build):
    runs = [*seeds(1.0, settings=wide(2)), *seeds(1.0, settings=wide(3))]
    results = make_results(*(run | {"unit_interval": False} for run in runs))
    with pytest.raises(UserError, match=message):
        build(results, **changed)


def test_no_completed_run(make_results, build):
    with pytest.raises(UserError, match=r"runs: none has completed \(diverged\)"):
        build(make_results({"state": "diverged"}))


def test_files_have_median_difference_and_ratio_of_every_measure(build_table, make_results, seeds):
    """PCA's error at two components is 2."""
    text = csv_text(build_table("comparison", make_results(*seeds(1.0, 1.5, 4.0)), measures=["sse"]))
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert [float(row[f"sse_{part}"]) for part in ("mean", "median", "n")] == [6.5 / 3, 1.5, 3]
    assert float(row["pca_sse_mean"]) == 2.0
    assert float(row["sse_difference_mean"]) == pytest.approx(6.5 / 3 - 2)
    assert float(row["sse_ratio_mean"]) == pytest.approx((1.0 * 1.5 * 4.0) ** (1 / 3) / 2)  # geometric
    assert float(row["sse_ratio_low"]) < float(row["sse_ratio_mean"]) < float(row["sse_ratio_high"])


def test_bold_of_explained_variance_is_that_of_sse(make_results, seeds, build):
    """One seed that is far off makes the interval of a mean of explained variances hold everything."""
    table = build(
        make_results(
            *seeds(1.0, 1.1, 1.05, 1.02, 1.08, settings=wide(2)),
            *seeds(40.0, 9000.0, 7.0, 11.0, 600.0, settings=wide(2) | {"model.activation": "tanh"}),
        )
    )
    bold = [[cell.bold for cell in row if cell.raw and len(cell.raw) == 5] for row in table.rows]
    assert bold[0] == [True, False] * 2
    assert bold[1] == [False] * 4
