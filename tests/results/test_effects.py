"""What the swept values did, on made runs whose true answer is known."""

from itertools import product

import numpy as np
import pytest

from ae_jax.report.terminal import print_report
from ae_jax.results import load
from ae_jax.results.effects import effects

LATENT, RATE, MOMENTUM = "model.latent_size", "optimizer.learning_rate", "optimizer.momentum"
MODEL, OPTIMIZER = "model._target_", "optimizer._target_"
DENSE, LINEAR = "ae_jax.models.dense.DenseAutoencoder", "ae_jax.models.linear.LinearAutoencoder"
DIGITS, MNIST = "ae_jax.datasets.digits.digits", "ae_jax.datasets.mnist.mnist"
ADAM, SGD = "ae_jax.optimizers.adam.adam", "ae_jax.optimizers.sgd.sgd"


@pytest.fixture
def written(write_run, tmp_path):
    """Write runs, each given by its settings and what else `write_run` takes, and load them."""

    def write(*given):
        for number, (settings, options) in enumerate(given):
            write_run(tmp_path / f"{number:04}", settings=settings, **options)
        return load(tmp_path)

    return write


def noise(num, size=0.02):
    """Errors in logarithms, the same in every test run."""
    return size * np.random.default_rng(0).normal(size=num)


def rows_of(found):
    return {row.keys: row for row in found.rows}


def means_of(effect):
    return {value.setting: value.mean for value in effect.values}


def textbook(y):
    """F of both factors and their interaction, of numbers of shape "a b replicates", by the textbook's sums."""
    (a, b, n), mean = y.shape, y.mean()
    cells, rows, columns = y.mean(2), y.mean((1, 2)), y.mean((0, 2))
    error = ((y - cells[:, :, None]) ** 2).sum() / (a * b * (n - 1))
    crossed = cells - rows[:, None] - columns + mean
    return (
        b * n * ((rows - mean) ** 2).sum() / (a - 1) / error,
        a * n * ((columns - mean) ** 2).sum() / (b - 1) / error,
        n * (crossed**2).sum() / ((a - 1) * (b - 1)) / error,
    )


def test_one_large_key_hides_no_other(written):
    """Two models over six latent sizes and three seeds: the model makes 30 % of the error, the size a factor of 32."""
    sizes, log = (1, 2, 4, 8, 16, 32), noise(36)
    cells = list(product((DENSE, LINEAR), sizes, range(3)))
    errors = [np.log(4 / size * (1.3 if model == LINEAR else 1)) + log[at] for at, (model, size, _) in enumerate(cells)]
    found = effects(
        written(
            *(
                ({MODEL: model, LATENT: size, "seed": seed}, {"sse": float(np.exp(error))})
                for (model, size, seed), error in zip(cells, errors, strict=True)
            )
        ),
        "sse",
    )
    rows = rows_of(found)
    of_model, of_size, crossed = (rows[keys].test for keys in (("model",), (LATENT,), ("model", LATENT)))
    assert (of_model.df, of_size.df, crossed.df, of_model.df_error) == (1, 5, 5, 24)
    assert (of_model.f, of_size.f, crossed.f) == pytest.approx(textbook(np.reshape(errors, (2, 6, 3))))
    assert of_model.p < 1e-12
    assert of_model.low > 0.9
    assert of_model.low < of_model.omega_squared < of_model.high
    assert rows[("seed",)].test.omega_squared < 0.1
    assert means_of(rows[("model",)])["linear"] / means_of(rows[("model",)])["dense"] == pytest.approx(1.3, rel=0.02)
    assert found.in_logs


@pytest.mark.parametrize("measure", ["explained_variance", "bce"])
def test_what_has_no_ratio_is_not_taken_in_logs(measure, written):
    """The mean of 3 and 1 is 2 there: explained variance is 1 - sse / 8, cross-entropy 10 + sse."""
    errors = {(0.1, 0): 3.0, (0.1, 1): 1.0, (0.2, 0): 5.0, (0.2, 1): 7.0}
    runs = [({RATE: rate, "seed": seed}, {"validation_sse": sse}) for (rate, seed), sse in errors.items()]
    found = effects(written(*runs), measure)
    assert not found.in_logs
    expected = {0.1: 2.0, 0.2: 6.0}
    told = {rate: 1 - sse / 8 if measure == "explained_variance" else 10 + sse for rate, sse in expected.items()}
    assert means_of(found.rows[0]) == pytest.approx(told)
    assert [value.setting for value in found.rows[0].values] == [0.1, 0.2]


def without_an_effect_of_the_rate():
    """Four sizes, of which the rate 0.01 completed at 16 only, and the rate 10 nowhere."""
    runs, log = [], iter(noise(60))
    for size, rate, seed in product((2, 4, 8, 16), (0.001, 0.01, 0.1, 10.0), range(3)):
        lost = rate == 10 or (rate == 0.01 and size != 16)
        settings = {LATENT: size, RATE: rate, "seed": seed}
        runs.append(
            (settings, {"sse": float(8 / size * np.exp(next(log))), "state": "diverged" if lost else "completed"})
        )
    return runs


def test_missing_cells_confound_neither_best_nor_worst(written):
    found = effects(written(*without_an_effect_of_the_rate()), "sse")
    rate = rows_of(found)[(RATE,)]
    means = means_of(rate)
    assert rate.test.omega_squared < 0.15
    assert rate.test.low == 0
    assert means[0.01] / means[0.1] == pytest.approx(1, abs=0.05)
    assert means[0.001] / means[0.1] == pytest.approx(1, abs=0.05)
    assert rate.values[-1][:2] == (10.0, None)
    assert [value.num_diverged for value in rate.values if value.setting in (0.01, 10.0)] == [9, 12]
    assert found.grid == (16, 9, 7)
    assert str(found.grid) == "of 16 combinations of values 9 have runs, of 7 all runs diverged"


def test_the_terminal_says_all_of_it(written, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    print_report(written(*without_an_effect_of_the_rate()), measure="sse")
    printed = capsys.readouterr().out
    assert "what the swept values did to log validation sse" in printed
    assert "means: geometric, marginal" in printed
    assert "F(2, 18) = " in printed
    assert "of 16 combinations of values 9 have runs, of 7 all runs diverged" in printed
    line = next(line for line in printed.splitlines() if line.startswith(f"│ {RATE} ") and "F(" not in line)
    assert "10.0" in line
    assert line.rstrip(" │").endswith("diverged")


def test_one_value_that_completed_beside_one_that_diverged_is_a_key(written, capsys):
    cells = product(((0.1, "completed"), (9.0, "diverged")), range(2))
    runs = [({RATE: rate, "seed": seed}, {"state": state}) for (rate, state), seed in cells]
    results = written(*runs)
    print_report(results, measure="sse")
    assert "of 2 combinations of values 1 have runs, of 1 all runs diverged" in capsys.readouterr().out
    (row,) = (row for row in effects(results, "sse").rows if row.keys != ("seed",))
    assert (row.keys, row.test, row.untold) == ((RATE,), None, "all others diverged")
    assert [(value.setting, value.num_runs, value.num_diverged) for value in row.values] == [(0.1, 2, 0), (9.0, 0, 2)]


def test_diverged_runs_count_on_their_own_data_only(written, capsys):
    runs = [
        ({"dataset._target_": data, "dataset.split_seed": split, RATE: rate, "seed": seed}, options)
        for data, split, options in ((DIGITS, 0, {}), (DIGITS, 1, {}), (MNIST, 0, {"dataset": "mnist"}))
        for rate, seed in product((0.1, 0.2), range(2))
    ]
    lost = {"dataset._target_": MNIST, "dataset.split_seed": 0, RATE: 0.1, "seed": 7}
    results = written(*runs, (lost, {"state": "diverged"}), ({**lost, "dataset.split_seed": 5}, {"state": "diverged"}))
    num_lost = {
        data: sum(
            value.num_diverged for row in effects(part, "sse").rows if row.keys == (RATE,) for value in row.values
        )
        for data, part in results.by_data().items()
    }
    assert num_lost == {"digits, dataset.split_seed=0": 0, "digits, dataset.split_seed=1": 0, "mnist": 1}
    assert {data: len(part.excluded) for data, part in results.by_data().items()} == num_lost
    print_report(results, measure="sse")
    assert "not counted: 2 folders" in capsys.readouterr().out


def test_diverged_runs_on_other_content_of_the_same_name_do_not_count(write_run, tmp_path):
    write_run(tmp_path / "a", settings={"seed": 0})
    for name, digest in (("same", "0"), ("other", "1")):
        folder = write_run(tmp_path / name, settings={"seed": 1, "trainer.x": name}, state="diverged")
        (folder / "environment.json").write_text(f'{{"data_sha256": {{"digits": "{digest}"}}}}')
    assert [one.path.name for one in load(tmp_path).diverged] == ["same"]


def nested(log):
    """Adam, and sgd with two momenta, which halves the error at 0.9; without, sgd makes twice that of adam."""
    for size, seed in product((2, 4), range(4)):
        yield {OPTIMIZER: ADAM, LATENT: size, "seed": seed}, {"sse": 8 / size * np.exp(next(log))}
        for momentum, factor in ((0.0, 2.0), (0.9, 1.0)):
            settings = {OPTIMIZER: SGD, MOMENTUM: momentum, LATENT: size, "seed": seed}
            yield settings, {"sse": factor * 8 / size * np.exp(next(log))}


def test_a_key_that_only_some_have_is_told_within_its_component(written):
    found = effects(written(*nested(iter(noise(24)))), "sse")
    rows = rows_of(found)
    assert (rows[(MOMENTUM,)].within, rows[(MOMENTUM,)].test.df, rows[("optimizer",)].test.df) == ("optimizer", 1, 1)
    assert rows[(MOMENTUM,)].confounded == rows[("optimizer",)].confounded == []
    optimizer, momentum = means_of(rows[("optimizer",)]), means_of(rows[(MOMENTUM,)])
    assert optimizer["sgd"] / optimizer["adam"] == pytest.approx(2**0.5, rel=0.03)
    assert momentum[0.0] / momentum[0.9] == pytest.approx(2, rel=0.03)
    assert momentum[0.9] / optimizer["adam"] == pytest.approx(1, rel=0.03)
    assert found.grid == (6, 6, 0)
    assert found.num_interactions == 2


def test_confounded_keys_are_named(written):
    """The rate is 0.01 at the latent size 8 and nowhere else."""
    log = iter(noise(12))
    cells = product(((2, 0.1), (4, 0.1), (8, 0.01)), range(4))
    found = effects(
        written(*(({LATENT: s, RATE: r, "seed": seed}, {"sse": 8 / s * np.exp(next(log))}) for (s, r), seed in cells)),
        "sse",
    )
    rows = rows_of(found)
    assert (rows[(RATE,)].test, rows[(RATE,)].untold, rows[(RATE,)].confounded) == (None, "confounded", [LATENT])
    assert rows[(LATENT,)].confounded == [RATE]
    assert (rows[(LATENT,)].test.df, rows[(LATENT,)].test.omega_squared > 0.9) == (2, True)  # of both
    assert set(means_of(rows[(RATE,)]).values()) == {None}
    assert means_of(rows[(LATENT,)])[2] / means_of(rows[(LATENT,)])[4] == pytest.approx(2, rel=0.05)
    assert found.grid == (6, 3, 0)


def test_options_that_come_with_a_component_are_not_dropped(written):
    """Adam and adamw have a b1 and the rate 0.001, sgd has none and 0.1: the rate goes with sgd."""
    log, runs = iter(noise(9)), []
    for name, seed in product(("adam", "adamw", "sgd"), range(3)):
        options = {RATE: 0.1} if name == "sgd" else {"optimizer.b1": 0.9, RATE: 0.001}
        settings = {OPTIMIZER: f"ae_jax.optimizers.{name}.{name}", **options, "seed": seed}
        runs.append((settings, {"sse": (2 if name == "sgd" else 1) * float(np.exp(next(log)))}))
    rows = rows_of(effects(written(*runs), "sse"))
    assert set(rows) == {("optimizer",), (RATE,), ("seed",)}
    assert (rows[(RATE,)].test, rows[(RATE,)].confounded) == (None, ["optimizer"])
    assert rows[("optimizer",)].confounded == [RATE]
    assert rows[("optimizer",)].test.omega_squared > 0.9
    assert means_of(rows[("optimizer",)])["sgd"] / means_of(rows[("optimizer",)])["adam"] == pytest.approx(2, rel=0.05)


def test_keys_that_vary_together_are_one(written):
    cells = product(((2, 0.1), (4, 0.2)), range(3))
    found = effects(
        written(*(({LATENT: s, RATE: r, "seed": seed}, {"sse": s + seed / 9}) for (s, r), seed in cells)), "sse"
    )
    assert [(row.keys, row.together) for row in found.rows] == [((LATENT,), [RATE]), (("seed",), [])]


def test_ten_keys_of_a_random_search(written):
    """Only the first of ten does anything; the learning rate has one run for each value, and counts as chance."""
    rng = np.random.default_rng(3)
    keys = [f"model.option_{number}" for number in range(10)]
    runs = []
    for _ in range(80):
        settings = {key: int(rng.integers(3)) for key in keys} | {RATE: float(rng.random())}
        runs.append((settings, {"sse": float(np.exp(settings[keys[0]] + 0.1 * rng.normal()))}))
    found = effects(written(*runs), "sse")
    assert found.rows[0].keys == (keys[0],)
    assert found.rows[0].test.low > 0.9
    assert sum(row.test is not None and row.test.p < 0.01 for row in found.rows[1:]) <= 1
    rate = rows_of(found)[(RATE,)]
    assert (rate.test, rate.untold, len(rate.values)) == (None, "one run each", 80)
    assert found.num_interactions == 45


def test_one_run_for_each_value_tells_nothing(sweep):
    (effect,) = effects(sweep(sizes=(1, 2, 3), rates=(0.1,), seeds=(0,)), "sse").rows
    assert (effect.test, effect.untold) == (None, "one run each")
    assert means_of(effect) == pytest.approx({size: 1.1 * (4 / size + 0.1) for size in (1, 2, 3)})


def test_chance_explains_about_nothing(sweep):
    rng = np.random.default_rng(0)
    cells = {(size, rate, seed): float(rng.lognormal()) for size in (1, 2) for rate in (0.1, 0.2) for seed in range(10)}
    found = effects(sweep(lambda *at: cells[at], seeds=tuple(range(10))), "sse")
    assert all(effect.test.omega_squared < 0.2 and effect.test.low == 0 for effect in found.rows)


def test_what_does_nothing_at_all_has_no_share(sweep):
    """Where chance does nothing either, all of the variance is the size's."""
    found = effects(sweep(lambda size, rate, seed: 4.0 / size), "sse")
    assert [(row.label, row.test.omega_squared) for row in found.rows if row.test.omega_squared] == [(LATENT, 1.0)]


def test_seeds_of_which_one_is_better_throughout_have_a_row(sweep):
    log = noise(12)
    found = effects(sweep(lambda size, rate, seed: float(np.exp(seed + log[6 * size - 6 + seed] + rate))), "sse")
    assert found.rows[0].keys == ("seed",)
    assert found.rows[0].test.p < 0.001


def test_seeds_that_differ_from_cell_to_cell_have_none(written):
    found = effects(
        written(
            *(
                ({LATENT: size, "seed": 10 * size + seed}, {"sse": 8 / size + seed})
                for size, seed in product((2, 4), range(3))
            )
        ),
        "sse",
    )
    assert [row.keys for row in found.rows] == [(LATENT,)]
