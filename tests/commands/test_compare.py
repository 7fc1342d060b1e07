"""`scripts/report.py PATH --compare A B`: pairs by what else varies, and every number against SciPy's."""

import re

import numpy as np
import pytest
from scipy import stats

from ae_jax.commands.report import main
from ae_jax.results.pairs import compare_pairs, pair_up
from ae_jax.results.results import load
from ae_jax.results.sides import side

LINEAR = {"model._target_": "ae_jax.models.linear.LinearAutoencoder", "model.hidden_sizes": None}
GAUSSIAN = "ae_jax.corruptions.gaussian.gaussian"
DENSE_SSE = {1: (3.9, 4.1, 4.0, 3.8, 4.2), 2: (1.9, 2.0, 2.1, 2.0, 1.95)}
LINEAR_SSE = {1: (4.4, 4.7, 4.5, 4.2, 4.8), 2: (2.0, 1.9, 2.2, 1.95, 2.1)}
BOTH = ("outputs", "--compare", "model=dense", "model=linear")


@pytest.fixture
def write(write_run, here):
    """Write runs of one configuration: a seed for each of the errors, from the first one on."""

    def made(*errors, settings=None, first=0, **given):
        for seed, sse in enumerate(errors, start=first):
            number = len(list((here / "outputs").glob("*")))
            write_run(here / f"outputs/{number}", settings={**(settings or {}), "seed": seed}, sse=sse, **given)

    return made


@pytest.fixture
def two(write):
    """Dense and linear ones at two latent sizes, five seeds each."""
    for size in (1, 2):
        write(*DENSE_SSE[size], settings={"model.latent_size": size})
        write(*LINEAR_SSE[size], settings=LINEAR | {"model.latent_size": size})


def compared_of(a, b, measure="sse", **options):
    """What is told of the pairs of two sides."""
    results = load("outputs")
    paired = pair_up(side(results, a, option="a"), side(results, b, option="b"))
    return compare_pairs(paired.pairs, measure, **options), paired


def columns(out):
    """The cells of the columns of all tables, joined where they have several lines."""
    found, titles = {}, []
    for line in out.splitlines():
        if line.startswith("┏"):
            titles = [""] * (line.count("┳") + 1)
        elif line.startswith("┃"):
            parts = [cell.strip() for cell in line.strip("┃").split("┃")]
            titles = [f"{title} {part}".strip() for title, part in zip(titles, parts, strict=True)]
        elif line.startswith("┡"):
            found |= {title: [] for title in titles}  # that which names the rows comes again
            rows = {title: [] for title in titles}
        elif line.startswith("│"):
            for title, cell in zip(titles, line.strip("│").split("│"), strict=True):
                rows[title].append(cell.strip())
        elif line[:1] in "├└" and titles:
            for title, cells in rows.items():
                found[title].append(" ".join(filter(None, cells)))
                rows[title] = []
    return found


def test_a_row_for_each_pair_with_numbers_as_scipy_has_them(command, two, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    ended = command(main, *BOTH)
    assert (ended.code, ended.err) == (0, "")
    cells = columns(ended.out)
    assert cells["what varies"] == ["latent_size=1", "latent_size=2"]
    assert cells["n"] == ["5", "5"]
    p_values = []
    for at, size in enumerate((1, 2)):
        a, b = np.log(DENSE_SSE[size]), np.log(LINEAR_SSE[size])
        test = stats.ttest_rel(a, b)
        low, high = np.exp(test.confidence_interval(0.95))
        ratio, interval = re.fullmatch(r"(\S+) \[(.*)\]", cells["A / B"][at]).groups()
        assert float(ratio) == pytest.approx(np.exp((a - b).mean()), abs=5e-4)
        assert [float(end) for end in interval.split(", ")] == pytest.approx([low, high], abs=5e-4)
        assert float(cells["p"][at]) == pytest.approx(test.pvalue, rel=0.05)
        better = stats.mannwhitneyu(DENSE_SSE[size], LINEAR_SSE[size]).statistic / 25
        assert float(cells["P(A better)"][at]) == pytest.approx(1 - better, abs=0.005)
        pooled = np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / 2)
        assert float(cells["g"][at]) == pytest.approx((a.mean() - b.mean()) / pooled * (1 - 3 / 31), abs=0.005)
        assert float(cells["A"][at].split()[0]) == pytest.approx(np.mean(DENSE_SSE[size]), rel=1e-3)
        p_values.append(test.pvalue)
    assert [float(p) for p in cells["p, Holm"]] == pytest.approx([2 * min(p_values), max(p_values)], rel=0.05)
    assert cells["A is"][0] == "better"
    assert re.fullmatch(r"not told apart \(\d+ seeds might\)", cells["A is"][1])
    for words in ("95 % t interval over n seeds", "paired: runs of the same seed and data", "corrected for 2 comp"):
        assert words in ended.out


def test_the_number_of_seeds_that_would_tell_is_that_of_the_power_of_the_test(two):
    (_, second), _ = compared_of("model=dense", "model=linear")
    gaps = np.log(DENSE_SSE[2]) - np.log(LINEAR_SSE[2])
    effect = abs(gaps.mean()) / gaps.std(ddof=1)

    def power(n):
        return 1 - stats.nct.cdf(stats.t.ppf(0.975, n - 1), n - 1, effect * np.sqrt(n))

    needed = second.found.num_needed
    assert power(needed) >= 0.8 > power(needed - 1)


def test_pca_is_a_side(command, two):
    ended = command(main, "outputs", "--compare", "pca", "model=linear")
    cells = columns(ended.out)
    test = stats.ttest_1samp(np.log(4.0) - np.log(LINEAR_SSE[1]), 0)
    assert cells["A"] == ["4.000", "2.000"]
    assert float(cells["p"][0]) == pytest.approx(test.pvalue, rel=0.05)
    assert cells["A is"][0] == "better"
    assert "each run with the PCA of its own data" in ended.out


def test_other_seeds_do_not_pair(command, write):
    a, b = (1.0, 1.1, 0.9, 1.0, 1.05, 0.95), (1.5, 1.6, 1.4, 1.5, 1.55)
    write(*a)
    write(*b, settings=LINEAR, first=10)
    ended = command(main, *BOTH)
    cells = columns(ended.out)
    welch = stats.ttest_ind(np.log(a), np.log(b), equal_var=False)
    assert cells["n"] == ["6, 5 unpaired"]
    assert float(cells["p"][0]) == pytest.approx(welch.pvalue, rel=0.05)
    assert "Welch's t" in ended.out


def test_only_seeds_that_both_have_are_compared_and_it_is_said(command, write):
    write(1.0, 1.1, 0.9, 1.0, 1.05, 9.0)
    write(1.5, 1.6, 1.4, 1.5, 1.55, settings=LINEAR)
    ended = command(main, *BOTH)
    assert columns(ended.out)["A"][0].startswith("1.010 ")
    assert "in 1 configuration, seeds that the other side lacks are left out" in ended.out


def test_one_configuration_against_each_of_several(command, two):
    ended = command(main, "outputs", "--compare", "model=dense,model.latent_size=1", "model = 'linear'")
    cells = columns(ended.out)
    assert cells["what varies"] == ["latent_size=1", "latent_size=2"]
    assert cells["A is"] == ["better", "worse"]


def test_a_key_of_one_side_only_pairs_with_the_one_of_the_other(write):
    for scale in (0.1, 0.3):
        corrupted = {"corruption": {"_target_": GAUSSIAN, "scale": scale}}
        for size in (1, 2):
            write(*DENSE_SSE[size], settings=corrupted | {"model.latent_size": size})
    for size in (1, 2):
        write(*DENSE_SSE[size], settings={"model.latent_size": size})
    found, paired = compared_of("corruption=gaussian", "corruption=none")
    assert [one.pair.settings for one in found] == [
        {"model.latent_size": size, "corruption.scale": scale} for size in (1, 2) for scale in (0.1, 0.3)
    ]
    assert {one.found.verdict for one in found} == {"equal"}
    assert paired.alone == []


def test_what_does_not_pair_is_named(command, two, write):
    write(0.5, settings={"model.latent_size": 4})
    write(0.6, settings=LINEAR | {"model.latent_size": 8})
    ended = command(main, *BOTH)
    assert columns(ended.out)["what varies"] == ["latent_size=1", "latent_size=2"]
    assert "without a pair: A model=dense model.latent_size=4: no partner" in ended.out
    assert "without a pair: B model=linear model.latent_size=8: no partner" in ended.out


def test_several_of_each_side_are_not_paired_at_will(command, write):
    for rate in (0.1, 0.2):
        write(1.0, 1.1, settings={"optimizer.learning_rate": rate})
        write(1.0, 1.1, settings=LINEAR | {"optimizer.learning_rate": rate + 1})
    ended = command(main, *BOTH)
    assert ended.code == 2
    assert "nothing pairs (A model=dense optimizer.learning_rate=0.1: several of each side" in ended.err


def test_other_data_do_not_pair(command, write):
    write(1.0, 1.1)
    write(1.0, 1.1, settings=LINEAR, dataset="mnist")
    ended = command(main, *BOTH)
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert "on different data" in ended.err


def test_random_splits_are_averaged_over(command, write):
    rng = np.random.default_rng(0)
    a, b = np.exp(rng.normal(0, 0.1, size=(4, 3))), np.exp(rng.normal(0.2, 0.1, size=(4, 3)))
    for split in range(4):
        write(*a[split], settings={"dataset.split_seed": split})
        write(*b[split], settings=LINEAR | {"dataset.split_seed": split})
    (one,), _ = compared_of("model=dense", "model=linear")
    test = stats.ttest_1samp((np.log(a) - np.log(b)).mean(axis=1), 0)
    assert (one.found.num, one.found.p) == (12, pytest.approx(test.pvalue, rel=1e-9))
    assert "over the means of 4 random splits" in command(main, *BOTH).out


def test_two_random_splits_are_two_rows(write):
    for split in (0, 1):
        write(1.0, 1.1, 1.2, settings={"dataset.split_seed": split})
        write(1.0, 1.1, 1.3, settings=LINEAR | {"dataset.split_seed": split})
    found, _ = compared_of("model=dense", "model=linear")
    assert [one.pair.settings for one in found] == [{"dataset.split_seed": split} for split in (0, 1)]


def test_another_measure_and_split(command, two):
    ended = command(main, *BOTH, "--measure", "explained_variance", "--split", "validation")
    cells = columns(ended.out)
    a, b = (1 - 1.1 * np.array(sse[1]) / 8 for sse in (DENSE_SSE, LINEAR_SSE))
    assert float(cells["A - B"][0].split()[0]) == pytest.approx((a - b).mean(), abs=5e-4)
    assert cells["A is"][0] == "better"
    assert "explained variance, digits, validation split" in ended.out


def test_the_interval_over_test_examples_is_by_paired_bootstrap(command, write, here):
    """Of errors that the two share, up to a factor that varies a little from example to example."""
    write(1.0, 1.1)
    write(1.3, 1.4, settings=LINEAR)
    rng = np.random.default_rng(0)
    shared, means = rng.lognormal(size=200), []
    for number in range(4):
        ours = shared * (1.0 if number < 2 else 1.3) * rng.lognormal(0, 0.1, size=200)
        np.savez(
            here / f"outputs/{number}/errors.npz", autoencoder=ours.astype(np.float32), pca=shared.astype(np.float32)
        )
        means.append(ours)
    a, b = np.mean(means[:2], axis=0), np.mean(means[2:], axis=0)
    drawn = stats.bootstrap((a, b), lambda x, y, axis: x.mean(axis) / y.mean(axis), paired=True, random_state=1,
                            method="percentile", n_resamples=4000, vectorized=True).confidence_interval  # fmt: skip
    out = command(main, *BOTH).out
    ratio, interval = re.fullmatch(r"(\S+) \[(.*)\]", columns(out)["examples"][0]).groups()
    assert float(ratio) == pytest.approx(a.mean() / b.mean(), abs=5e-4)
    assert [float(end) for end in interval.split(", ")] == pytest.approx(list(drawn), abs=2e-3)
    assert "paired bootstrap over test examples, with the seeds as given" in out
    against_pca = columns(command(main, "outputs", "--compare", "model=dense", "PCA").out)["examples"][0]
    assert float(against_pca.split()[0]) == pytest.approx(a.mean() / shared.mean(), abs=5e-4)


def test_without_kept_errors_there_is_no_interval_over_examples(command, two, here):
    (here / "outputs/3/errors.npz").unlink()
    (here / "outputs/17/errors.npz").write_bytes(b"damaged")
    out = command(main, *BOTH).out
    assert "examples" not in columns(out)
    assert "the test examples are taken as given" in out


def test_few_seeds_tell_nothing_and_diverged_ones_are_counted(command, write):
    write(1.0, 1.1, 1.05)
    write(2.0, 2.1, 2.05, settings=LINEAR)
    write(1.0, settings=LINEAR, first=7, state="diverged")
    ended = command(main, *BOTH)
    cells = columns(ended.out)
    assert cells["n"] == ["3 +1 of B diverged"]
    assert cells["A is"][0].startswith("too few seeds to tell")
    assert "not counted: 1 folder (1 diverged)" in ended.out


def test_verdicts_that_do_not_hold_after_the_correction_are_counted(command, write):
    rng = np.random.default_rng(3)
    for size in range(1, 7):
        base = rng.normal(0, 0.01, size=5)
        write(*np.exp(base), settings={"model.latent_size": size})
        gap = np.array([0.9, 1.1, 1.0, 2.2, 0.3]) * (0.01 if size == 1 else 0)
        write(*np.exp(base + gap + 1e-3 * rng.normal(size=5)), settings=LINEAR | {"model.latent_size": size})
    out = command(main, *BOTH).out
    found, _ = compared_of("model=dense", "model=linear")
    lost = [one for one in found if one.found.verdict in ("better", "worse") and one.corrected > 0.05]
    assert lost
    assert f"{len(lost)} of the verdicts, each at 95 % by itself, do" in out


def test_no_end_of_an_interval_looks_like_one_that_is_not(command, write):
    """Ratios whose interval ends at 0.9997 are told apart, and look so."""
    logs = np.array([-0.02, -0.06, -0.04, -0.05, -0.03])
    half = stats.t.ppf(0.975, 4) * logs.std(ddof=1) / np.sqrt(5)
    shift = -0.0003 - (logs.mean() + half)
    write(*np.exp(logs + shift))
    write(1.0, 1.0, 1.0, 1.0, 1.0, settings=LINEAR)
    cells = columns(command(main, *BOTH).out)
    assert cells["A is"] == ["better"]
    assert cells["A / B"][0].endswith("0.9997]")


@pytest.mark.parametrize("sides", [("model=dense", "PCA"), ("PCA", "model=dense")])
def test_pca_of_corrupted_inputs_is_that_of_each_runs_own_noise(sides, command, write, here):
    """Its error is the autoencoder's and 1 more in each run (see `write_run`), and so has a seed there."""
    noise = {"corruption._target_": "ae_jax.corruptions.gaussian.gaussian", "corruption.scale": 0.1}
    errors = np.array([1.2, 1.3, 1.1, 1.4, 1.25])
    for seed, error in enumerate(errors):
        write(1.0, settings=noise, first=seed, corrupted_sse=float(error))
    cells = columns(command(main, "outputs", "--compare", *sides, "--split", "corrupted").out)
    logs = np.log(errors / (errors + 1)) * (1 if sides[1] == "PCA" else -1)
    assert cells["n"] == ["5"]
    assert cells["A is"] == ["better" if sides[1] == "PCA" else "worse"]
    assert float(cells["p"][0]) == pytest.approx(stats.ttest_1samp(logs, 0).pvalue, rel=0.01)
    assert float(cells["A / B"][0].split()[0]) == pytest.approx(np.exp(logs.mean()), rel=1e-3)


@pytest.mark.parametrize("width", [80, 60, 40])
def test_no_number_is_cut_where_the_terminal_is_narrow(width, command, two, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    wide = columns(command(main, *BOTH).out)
    monkeypatch.setenv("COLUMNS", str(width))
    narrow = command(main, *BOTH).out
    if width < 60:  # a line for each cell
        assert all(f"{title}: {' '.join(cell.split())}" in narrow for title, cells in wide.items() for cell in cells)
        return
    lines = [line for line in narrow.splitlines() if line[:1] in "┏┃┡│├└"]
    assert max(map(len, lines)) <= width
    shown = columns(narrow)
    assert shown == {title: cells for title, cells in wide.items() if title in shown}
    assert shown.keys() >= {"what varies", "n", "A", "B", "A / B", "A is"}
    left_out = re.findall(r"too narrow for: (.*)", narrow)
    assert set("; ".join(left_out).split("; ")) - {""} == wide.keys() - shown.keys()


@pytest.mark.parametrize(
    "text",
    ["optimizer.learning_rate=1e-3", "optimizer.learning_rate=0.001", "optimizer.learning_rate = .001",
     "model.hidden_sizes=[16,16]", "model.hidden_sizes=[16, 16], model=dense", "trainer.shuffle=True",
     "optimizer/schedule=constant,optimizer.learning_rate=1e-3", "name=a,experiment='a'", "sse < 1.5",
     "model='dense' and optimizer.learning_rate=1e-3"],
)  # fmt: skip
def test_what_is_typed_to_train_chooses_runs(text, write):
    first = {"model.hidden_sizes": [16, 16], "trainer.shuffle": True, "name": "a"}
    write(1.0, settings=first | {"optimizer.learning_rate": 1e-3})
    write(2.0, settings={"trainer.shuffle": False, "optimizer.learning_rate": 1e-2, "name": "b"})
    found = side(load("outputs"), text, option="a")
    assert [one.runs[0].name for one in found.configurations] == ["0"]


@pytest.mark.parametrize(
    ("a", "problem"),
    [
        ("modle=dense", "there is no column 'modle'; did you mean 'model'?"),
        ("model=dens", "no run has model=dens; did you mean 'dense'?"),
        ("model=dense and seed=0", "there is no column 'dense'; write key=value[,key=value]"),
        ("model = dense or", "cannot be answered"),
        ("", "is empty; write key=value"),
        ("seed < 2", "both conditions hold for the run"),
        ("seed > 90", "holds for none of 20 runs"),
        ("model=dense,", "there is no column 'dense'; write key=value"),
        ("sse=low", "cannot be answered"),
    ],
)
def test_what_fits_neither_ends_in_one_line(a, problem, command, two):
    ended = command(main, "outputs", "--compare", a, "model=linear")
    assert (ended.code, ended.out) == (2, "")
    (line,) = ended.err.splitlines()
    assert line.startswith(f"error: --compare: {problem}")
    assert "; " in line


def test_pca_is_not_compared_with_itself(command, two):
    assert "both sides are PCA" in command(main, "outputs", "--compare", "PCA", "PCA").err


def test_what_was_not_measured_and_options_that_go_with_it(command, two):
    assert "measure: sse was not taken" in command(main, *BOTH, "--split", "corrupted").err
    assert "--split: there is no 'tst'; did you mean 'test'?" in command(main, *BOTH, "--split", "tst").err
    assert "--split: goes with --compare" in command(main, "outputs", "--split", "test").err
