"""A term or the objective chooses: on the terminal, between two sides, and on the page."""

import re

import pytest

from ae_jax.errors import UserError
from ae_jax.report.compared import print_comparison
from ae_jax.report.page_data import page_data
from ae_jax.report.terminal import print_report
from ae_jax.results import load

GAUSSIAN = {"bottleneck._target_": "ae_jax.bottlenecks.gaussian.gaussian", "bottleneck.kl": "analytic"}
BETA = "objective.beta"


@pytest.fixture
def results(tmp_path, write_run):
    """A plain autoencoder of before there were terms; the smaller beta has the lower sse, and the higher kl."""
    for seed in (0, 1):
        write_run(tmp_path / f"plain{seed}", settings={"seed": seed}, sse=1.0 + seed / 10)
        for beta, sse, kl in ((0.1, 2.0, 9.0), (1.0, 3.0, 1.0)):
            terms = {"distortion": sse, "kl": kl + seed}
            write_run(
                tmp_path / f"vae{beta}{seed}", settings={**GAUSSIAN, BETA: beta, "seed": seed}, sse=sse, terms=terms
            )
    return load(tmp_path)


def test_the_terminal_says_what_chose_and_shows_the_error_beside_it(results, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    print_report(results, measure="kl")
    out = capsys.readouterr().out
    assert "the best, selected on validation kl, reported on test" in out
    assert "2 of 6 runs have no kl (bottleneck=none)" in out
    best, other = re.findall(r"beta=.*", out)[:2]
    assert [cell.strip() for cell in best.split("│")][:7] == [
        "beta=1.0", "2", "2", "1.650", "1.500", "3.000", "2.000"
    ]  # fmt: skip
    assert other.startswith("beta=0.1")
    assert "does what PCA does" not in re.sub(r"^\d+ numbers.*", "", out, flags=re.MULTILINE)


def test_each_objective_has_a_table_of_its_own(results, capsys):
    print_report(results, measure="objective")
    out = capsys.readouterr().out
    for beta in ("0.1", "1.0"):
        assert f"digits, bottleneck=gaussian, objective.beta={beta}: 2 runs, 1 configuration" in out
    assert "digits, bottleneck=none, objective.beta=1.0: 2 runs" in out
    assert out.count("selected on validation objective") == 3


def test_a_name_that_no_run_has_is_one_line(results):
    with pytest.raises(UserError, match=r"--measure: there is no 'entropy' in these runs; valid: .*kl"):
        print_report(results, measure="entropy")


def test_two_sides_are_compared_by_a_term(results, capsys):
    print_comparison(results, ("objective.beta = 0.1", "objective.beta=1.0"), measure="distortion")
    out = capsys.readouterr().out
    assert "A against B: distortion (term)" in out
    assert "-1.000" in out
    with pytest.raises(UserError, match="--measure: PCA has no kl"):
        print_comparison(results, ("bottleneck=gaussian", "PCA"), measure="kl")
    with pytest.raises(UserError, match="--measure: objective is in other units"):
        print_comparison(results, ("bottleneck=gaussian", "bottleneck=none"), measure="objective", split="validation")


def test_the_page_chooses_by_a_term_and_draws_it(results):
    data = page_data(results, "kl")
    (best,) = data["overview"]["best"]
    assert (data["overview"]["chosen_by"], data["overview"]["order"]) == ("validation kl", ["validation.kl", "asc"])
    assert best["label"].endswith("objective beta 1.0")
    assert best["autoencoder"]["mean"] == 3.0
    first, *columns = data["columns"]
    assert (first["key"], first["shown"], first["pca"]) == ("validation.kl", True, None)
    assert {"test.kl", "train.distortion", "validation.objective"} <= {one["key"] for one in columns}
    assert data["curves"]["validation_kl"] == "validation kl"
    curves = [run["curve"].get("validation_kl") for run in data["runs"]]
    assert [curve is None for curve in curves] == [run["name"].startswith("plain") for run in data["runs"]]
    assert data["runs"][-1]["measures"]["test"]["kl"] == [2.0, None, ""]
    assert "2 of 6 runs have no kl (bottleneck=none)" in data["overview"]["notes"]
