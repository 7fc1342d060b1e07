"""Selected on validation, reported on test."""

import functools
import random

import pytest

from ae_jax.errors import UserError

SIZES, RATES = (2, 3), (1e-4, 1e-3, 1e-2)


@pytest.fixture
def build(build_table):
    return functools.partial(build_table, "best")


def grid(validation, test):
    """A run for each latent size, learning rate and of two seeds."""
    return [
        {
            "settings": {"model.latent_size": size, "optimizer.learning_rate": rate, "seed": seed},
            "validation_sse": validation(size, rate) + 0.01 * seed,
            "sse": test(size, rate) + 0.01 * seed,
        }
        for size in SIZES
        for rate in RATES
        for seed in (0, 1)
    ]


def by_validation(size, rate):
    return {1e-4: 3.0, 1e-3: 1.0 if size == 2 else 2.0, 1e-2: 2.0 if size == 2 else 1.0}[rate]


def test_selects_on_validation_and_reports_test(make_results, build):
    table = build(make_results(*grid(by_validation, lambda size, rate: 1000 * rate + size)), measures=["sse"])
    assert [(column.group, column.title) for column in table.columns[:4]] == [
        ("", "latent size"),
        ("selected", "learning rate"),
        ("", "n"),
        ("", "chosen in"),
    ]
    assert [(row[0].value, row[1].value, row[4].raw[0]) for row in table.rows] == [
        ("2", "0.001", pytest.approx(3.005)),
        ("3", "0.01", pytest.approx(13.005)),
    ]
    assert table.notes[0].text == "Selected on validation sse among 3 configurations for each row, reported on test."
    assert table.title == "Best autoencoder by validation sse, and PCA, on digits, test split"


@pytest.mark.parametrize("seed", range(3))
def test_selection_never_looks_at_test(seed, make_results, build):
    shuffled = random.Random(seed).sample(range(1, 1000), len(SIZES) * len(RATES))
    values = {(size, rate): shuffled.pop() / 100 for size in SIZES for rate in RATES}
    table = build(make_results(*grid(by_validation, lambda size, rate: values[size, rate])))
    assert [(row[0].raw[0], row[1].raw[0]) for row in table.rows] == [(2, 1e-3), (3, 1e-2)]


def test_more_is_better_selects_the_same(make_results, build):
    """Explained variance falls as sse rises, so that the least error has the most of it."""
    table = build(make_results(*grid(by_validation, lambda size, rate: 1.0)), select="explained_variance")
    assert [row[1].raw[0] for row in table.rows] == [1e-3, 1e-2]
    assert "validation explained_variance" in table.notes[0].text


def test_within_several_keys_and_none(make_results, build):
    results = make_results(*grid(by_validation, lambda size, rate: 1.0))
    assert len(build(results, within=["optimizer.learning_rate", "model.latent_size"]).rows) == 6
    (row,) = build(results, within=[]).rows
    assert (row[0].value, row[1].value) in {("2", "0.001"), ("3", "0.01")}


def test_nothing_to_select_is_said(make_results, build):
    runs = [{"settings": {"model.latent_size": size}, "sse": 1.0} for size in SIZES]
    assert "nothing to select" in build(make_results(*runs)).notes[0].text


def test_datasets_are_never_ranked_with_each_other(make_results, build):
    mnist = {"dataset._target_": "ae_jax.datasets.mnist.mnist"}
    table = build(make_results({"sse": 1.0}, {"settings": mnist, "sse": 9.0, "dataset": "mnist"}))
    assert [(row[0].value, row[1].value) for row in table.rows] == [("digits", "2"), ("mnist", "2")]


def test_how_certain_a_selection_is_stands_beside_it(make_results, build):
    """Two seeds, drawn jointly, are 1 and 2 against 1.5 and 1.6: the first is selected unless both are its 2."""
    errors = {1e-4: (1.0, 2.0), 1e-3: (1.5, 1.6)}
    runs = [
        {"settings": {"optimizer.learning_rate": rate, "seed": seed}, "validation_sse": error}
        for rate, of_seed in errors.items()
        for seed, error in enumerate(of_seed)
    ]
    table = build(make_results(*runs))
    (row,) = table.rows
    at = [column.title for column in table.columns].index("chosen in")
    assert (row[at].value, table.columns[at].fields) == ("75 %", ("chosen_share",))
    assert row[at].raw == pytest.approx((0.75,))
    assert any(note.text.startswith("Chosen in: share of bootstrap resamples of the seeds") for note in table.notes)


def test_fewer_seeds_and_failures_are_said(make_results, build):
    """One lucky seed is not selected before two; where nothing else was tried, its row says of how many."""
    runs = grid(by_validation, lambda size, rate: 1.0)
    lucky = {"settings": {"model.latent_size": 2, "optimizer.learning_rate": 9.0}, "validation_sse": 0.01}
    alone = {"settings": {"model.latent_size": 5, "optimizer.learning_rate": 9.0}}
    failed = {"settings": {"model.latent_size": 5, "optimizer.learning_rate": 9.0, "seed": 1}, "state": "failed"}
    table = build(make_results(*runs, lucky, alone, failed))
    assert [(row[1].value, row[2].value, row[2].detail) for row in table.rows] == [
        ("0.001", "2", ""), ("0.01", "2", ""), ("9.0", "1", "of 2 (+1 failed)"),
    ]  # fmt: skip
    assert [row[2].raw for row in table.rows] == [(2, 0, 0), (2, 0, 0), (1, 0, 1)]
    said = " ".join(note.text for note in table.notes)
    assert "Configurations with fewer seeds than others, or of which runs diverged, come after" in said
    assert "over n = 1 to 2 seeds" in said
    assert "Failed runs are counted beside n" in said


def test_one_seed_tells_nothing_of_a_selection(make_results, build):
    table = build(
        make_results(*(run for run in grid(by_validation, lambda size, rate: 1.0) if run["settings"]["seed"]))
    )
    assert "One seed tells nothing of how certain a selection is." in [note.text for note in table.notes]
    assert {row[3].raw for row in table.rows} == {(None,)}


def test_diverged_seeds_of_the_selected_are_shown(make_results, build):
    lost = {"settings": {"model.latent_size": 2, "optimizer.learning_rate": 1e-3, "seed": 5}, "state": "diverged"}
    table = build(make_results(*grid(by_validation, lambda size, rate: 1.0), lost))
    assert [(row[2].value, row[2].detail) for row in table.rows] == [("2", ""), ("2", "")]
    assert "1e-3" not in table.rows[0][1].value  # it was the best of those that went well


def test_diverged_seeds_are_shown_where_all_settings_have_some(make_results, build):
    lost = [
        {"settings": {"model.latent_size": 2, "optimizer.learning_rate": rate, "seed": 5}, "state": "diverged"}
        for rate in RATES
    ]
    table = build(make_results(*grid(by_validation, lambda size, rate: 1.0), *lost))
    assert [(row[2].value, row[2].detail) for row in table.rows] == [("2", "(+1 diverged)"), ("2", "")]
    assert any("no mean has them" in note.text for note in table.notes)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"within": ["model.latent"]}, r"within: no run has a key 'model\.latent'; did you mean 'model\.latent_size'"),
        ({"select": "sse_"}, "select: there is no 'sse_' in these runs; did you mean 'sse'"),
        ({"select": "bce"}, "measure: bce was not taken in these runs"),
        ({"measures": ["psnr"]}, "measures: psnr was not taken"),
    ],
)
def test_mistakes_are_one_line(changed, message, make_results, build):
    with pytest.raises(UserError, match=message):
        build(make_results({"unit_interval": False}), **changed)
