"""Terms of objectives: columns of the tables, what runs have of them, and which compare."""

import json

import pytest

from ae_jax.errors import UserError
from ae_jax.results import load
from ae_jax.results.configurations import configurations
from ae_jax.results.measured import by_unit, comparable_measure_of, having, lacking_text, measure_of

GAUSSIAN = {"bottleneck._target_": "ae_jax.bottlenecks.gaussian.gaussian", "bottleneck.kl": "analytic"}
OBJECTIVE = "ae_jax.objectives.rate_distortion.rate_distortion"


def vae(beta=1.0, **settings):
    return {**GAUSSIAN, "objective._target_": OBJECTIVE, "objective.beta": beta, **settings}


@pytest.fixture
def mixed(tmp_path, write_run):
    """Two runs of before there were terms, one plain run of now, and two with a divergence."""
    for seed in (0, 1):
        write_run(tmp_path / f"old{seed}", settings={"seed": seed})
    write_run(tmp_path / "plain", settings={"seed": 2}, terms={"distortion": 0.5})
    for beta, kl in ((0.1, 4.0), (1.0, 2.0)):
        write_run(tmp_path / f"vae{beta}", settings=vae(beta), terms={"distortion": 0.25, "kl": kl})
    return load(tmp_path)


def test_terms_are_columns_of_each_split_and_null_where_there_are_none(mixed):
    rows = mixed.sql("select run, split, distortion, kl from runs order by run, split").fetchall()
    assert ("vae1.0", "test", 0.25, 2.0) in rows
    assert ("vae1.0", "validation", 1.1 * 0.25, 1.1 * 2.0) in rows
    assert ("plain", "test", 0.5, None) in rows
    assert ("old0", "test", None, None) in rows
    assert mixed.where("kl < 3").runs[0].name == "vae1.0"
    (last,) = mixed.sql("select validation_kl from metrics where run = 'vae1.0' order by epoch desc limit 1").fetchall()
    assert last == pytest.approx((1.1 * 2.0 * (1 + 1 / 3),))


def test_older_runs_have_the_bottleneck_and_objective_that_they_had(mixed):
    rows = mixed.sql("select distinct run, bottleneck, objective, objective.beta, monitor from runs").fetchall()
    assert ("old0", "none", "rate_distortion", 1.0, "objective") in rows
    assert [one.num_seeds for one in configurations(mixed)] == [1, 1, 3]


@pytest.mark.parametrize("name", ["seed", "model", "Split", "bottleneck.kl"])
def test_a_term_takes_no_column_that_another_has(name, tmp_path, write_run):
    write_run(tmp_path / "a", settings=vae(), terms={name: 7.0, "kl": 1.0, "KL": 3.0})
    row = load(tmp_path).sql(f'select "terms.{name}", kl, terms.KL, seed, model, split from runs').fetchall()[-1]
    assert row == (7.0, 1.0, 3.0, 0, "dense", "test")


@pytest.mark.parametrize("split", ["train", "validation", "test"])
@pytest.mark.parametrize("terms", [[], "kl", 3, None, {"kl": "much"}, {"kl": [1]}, {"kl": True}])
def test_damaged_terms_are_damage_of_that_run_alone(terms, split, tmp_path, write_run):
    for name in ("whole", "broken"):
        write_run(tmp_path / name, settings=vae(seed=len(name)), terms={"kl": 1.0})
    path = tmp_path / "broken/summary.json"
    summary = json.loads(path.read_text())
    summary[split]["terms"] = terms
    path.write_text(json.dumps(summary))
    results = load(tmp_path)
    assert [run.name for run in results.runs] == ["whole"]
    assert [(one.path.name, one.state) for one in results.excluded] == [("broken", "damaged")]
    assert f"{split} terms" in results.excluded[0].reason
    assert results.sql("select kl from runs where split = 'test'").fetchall() == [(1.0,)]


def test_a_term_that_was_not_finite_is_absent(tmp_path, write_run):
    write_run(tmp_path / "a", settings=vae(), terms={"kl": 1.0})
    path = tmp_path / "a/summary.json"
    summary = json.loads(path.read_text())
    summary["test"]["terms"]["kl"] = None
    path.write_text(json.dumps(summary))
    assert load(tmp_path).sql("select kl from runs where split = 'test'").fetchall() == [(None,)]


def test_a_measure_that_no_run_has_is_a_line_of_what_there_is(mixed):
    with pytest.raises(
        UserError, match=r"--measure: there is no 'entropy' in these runs; valid: .*distortion.*kl.*sse"
    ):
        measure_of(mixed.runs, "entropy", option="--measure")
    with pytest.raises(UserError, match="did you mean 'kl'"):
        measure_of(mixed.runs, "kll")


def test_of_a_term_less_is_better_and_pca_has_none(mixed):
    unit = measure_of(mixed.runs, "kl")
    assert (unit.more_is_better, unit.has_ratio, unit.has_pca) == (False, False, False)
    one = next(one for one in configurations(mixed) if one.runs[0].name == "vae1.0")
    assert one.estimate("kl").mean == 2.0
    assert (one.pca("kl"), one.against_pca("kl"), one.estimate("kl", "corrupted")) == (None, None, None)


def test_different_objectives_do_not_compare(mixed):
    with pytest.raises(UserError, match=r"objective is in other units wherever bottleneck, objective\.beta differs"):
        comparable_measure_of(mixed.runs, "objective")
    parts = by_unit(mixed, "objective")
    assert [(label, len(part.runs)) for label, part in parts.items()] == [
        ("bottleneck=gaussian, objective.beta=0.1", 1),
        ("bottleneck=gaussian, objective.beta=1.0", 1),
        ("bottleneck=none, objective.beta=1.0", 3),
    ]
    assert list(by_unit(mixed, "kl")) == [""]


def test_distortion_by_two_losses_does_not_compare(tmp_path, write_run):
    for loss in ("mse", "bce"):
        write_run(
            tmp_path / loss, settings={"loss._target_": f"ae_jax.losses.{loss}.{loss}"}, terms={"distortion": 1.0}
        )
    with pytest.raises(UserError, match="distortion is in other units wherever loss differs"):
        comparable_measure_of(load(tmp_path).runs, "distortion")


def test_the_objective_is_that_of_the_best_epoch_and_known_of_older_runs(mixed):
    (old,) = [run for run in mixed.runs if run.name == "old0"]
    assert old.measure("objective", "validation") == old.summary["training"]["best_validation_loss"]
    assert old.measure("objective", "test") is None
    with pytest.raises(UserError, match="objective was not measured on test, but on validation;"):
        having(mixed, measure_of(mixed.runs, "objective"), ["test"])


def test_what_is_missing_is_said(mixed):
    assert lacking_text(mixed, measure_of(mixed.runs, "kl")) == ["3 of 5 runs have no kl (bottleneck=none)"]
    (text,) = lacking_text(mixed, measure_of(mixed.runs, "distortion"))
    assert text == "2 of 5 runs have no distortion (scripts/evaluate.py RUN --fill adds it)"
    assert lacking_text(mixed, measure_of(mixed.runs, "sse")) == []
    assert len(having(mixed, measure_of(mixed.runs, "kl"), ["test"]).runs) == 2


def test_a_key_that_the_bottleneck_tells_is_no_key_of_its_own(mixed):
    assert list(mixed.distinguishing) == ["bottleneck", "objective.beta"]
