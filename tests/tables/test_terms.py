"""Terms of objectives in tables: a column alone, empty where a run has none, and what selects."""

import pytest

from ae_jax.errors import UserError
from ae_jax.tables.formats import csv_text

GAUSSIAN = {"bottleneck._target_": "ae_jax.bottlenecks.gaussian.gaussian", "bottleneck.kl": "analytic"}


@pytest.fixture
def results(make_results, seeds):
    """A plain autoencoder and two with a divergence: the smaller beta has the lower sse and the higher kl."""
    plain = seeds(1.0, 1.1, settings={}, terms={"distortion": 1.0})
    both = [
        run
        for beta, sse, kl in ((0.1, 2.0, 9.0), (1.0, 3.0, 1.0))
        for run in seeds(
            sse, sse + 0.1, settings={**GAUSSIAN, "objective.beta": beta}, terms={"distortion": sse, "kl": kl}
        )
    ]
    return make_results(*plain, *both)


def column(table, field):
    place = next(at for at, one in enumerate(table.columns) if one.fields[0] == field)
    return [row[place].value for row in table.rows]


def test_a_term_has_no_pca_and_is_empty_where_a_run_lacks_it(results, build_table):
    table = build_table("comparison", results, measures=["sse", "kl"])
    fields = [field for one in table.columns for field in one.fields]
    assert "kl_mean" in fields
    assert "pca_sse_mean" in fields
    assert not any(field.startswith(("pca_kl", "kl_ratio", "kl_difference")) for field in fields)
    assert dict(zip(column(table, "objective.beta"), column(table, "kl_mean"), strict=True))["0.1"].startswith("9")
    assert "\N{EN DASH}" in column(table, "kl_mean")
    notes = " ".join(note.text for note in table.notes)
    assert "2 of 6 runs have no kl (bottleneck=none)." in notes
    assert "PCA has as many components as the latent, and no kl" in notes
    assert "kl_mean" in csv_text(table)


def test_of_a_term_alone_nothing_is_said_of_pca(results, build_table):
    table = build_table("comparison", results, measures=["kl"])
    assert not any("components" in note.text or "minus PCA" in note.text for note in table.notes)


def test_the_note_says_where_pca_is_limited_otherwise(make_results, seeds, build_table):
    limits = ({"num_active": 1}, {"rate_bits": 7.81}, {})
    runs = [seeds(1.0 + at, 1.1 + at, settings={"loss.delta": float(at)}) for at in range(3)]
    made = make_results(*(run for group in runs for run in group))
    for run in made.runs:
        run.summary["pca"] |= limits[int(run.settings["loss.delta"])]
    notes = " ".join(note.text for note in build_table("comparison", made, measures=["sse"]).notes)
    limited = "or is limited as sparse and quantised codes are (PCA-2, 1 of 2; PCA, quantised, 7.8 bits)"
    assert f"PCA has as many components as the latent, {limited}." in notes


def test_pca_of_each_seed_counts_where_seeds_limit_it_differently(make_results, seeds, build_table):
    made = make_results(*seeds(1.0, 1.1, 1.2))
    for run, active, sse in zip(made.runs, (5, 3, 4), (1.0, 3.0, 2.0), strict=True):
        run.summary["pca"] |= {"num_active": active, "num_components": 9, "test": {"sse": sse}}
    table = build_table("comparison", made, measures=["sse"])
    (mean,) = column(table, "pca_sse_mean")
    assert mean.startswith("2")
    assert any("PCA-9, 3 to 5 of 9" in note.text for note in table.notes)


@pytest.mark.parametrize(("select", "beta"), [("sse", "1.0"), ("kl", "1.0"), ("distortion", "1.0")])
def test_a_term_selects_and_the_title_says_so(select, beta, results, build_table):
    table = build_table("best", results, select=select, measures=["sse"])
    assert f"by validation {select}" in table.title
    (chosen,) = column(table, "objective.beta")
    sse = {"sse": "1.05", "distortion": "1.05", "kl": "3.05"}[select]
    assert column(table, "sse_mean")[0].startswith(sse)
    assert chosen == beta
    said = any("have no kl" in note.text for note in table.notes)
    assert said == (select == "kl")


def test_the_objective_selects_within_one_objective(results, build_table):
    with pytest.raises(UserError, match=r"select: objective is in other units .*add bottleneck to within"):
        build_table("best", results, select="objective")
    within = ["bottleneck", "objective.beta"]
    table = build_table("best", results, select="objective", within=within)
    assert len(table.rows) == 3
    assert "by validation objective" in table.title


def test_differences_are_of_what_both_have(results, build_table):
    table = build_table("differences", results, against="objective.beta = 0.1", measures=["kl"])
    cells = dict(zip(column(table, "bottleneck"), column(table, "kl_difference_mean"), strict=True))
    assert cells["gaussian"].startswith("-8")
    assert cells["none"] == "\N{EN DASH}"
    with pytest.raises(UserError, match="measures: PCA has no kl"):
        build_table("differences", results, against="PCA", measures=["kl"])


def test_a_median_of_a_term(results, build_table):
    table = build_table("comparison", results, measures=["kl"], statistic="median")
    assert any(text.startswith("9") for text in column(table, "kl_median"))


def test_a_term_from_elsewhere(results, build_table, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("name,latent_size,measure,value,n,source\nOther,2,kl,5.5,3,A book\n")
    table = build_table("comparison", results, measures=["sse", "kl"], external=str(path))
    assert "5.5" in column(table, "kl_mean")


def test_a_name_that_no_run_has(results, build_table):
    with pytest.raises(UserError, match="measures: there is no 'kll' in these runs; did you mean 'kl'"):
        build_table("comparison", results, measures=["kll"])
