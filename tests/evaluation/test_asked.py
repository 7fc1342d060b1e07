"""Evaluations are asked when a run ends and later, of one run and of many, and what fails leaves all as it was."""

import json
import re
import shutil

import pytest

from ae_jax.commands import evaluate
from ae_jax.errors import UserError
from ae_jax.evaluation.asked import as_summary, merged
from ae_jax.evaluation.base import Evaluation, Found
from ae_jax.evaluation.restore import load_run
from ae_jax.jobs.ask import ask
from ae_jax.results import load
from ae_jax.runs.check import check_summary
from ae_jax.runs.folder import RunFolder
from ae_jax.runs.measures import MEASURES, Measure, measure_named, measures_of
from tests.running import SIX_EPOCHS, TINY, train_one

OWN = """
from ae_jax.evaluation.base import Evaluation, Found
from ae_jax.evaluation.restore import load_run
from ae_jax.runs.measures import Measure
from ae_jax.typing import Count

def size(*, plus: Count, needs: str, broken: bool) -> Evaluation:
    def ask(subject):
        if broken:
            raise ArithmeticError("nothing to count")
        found = {one.name: {"test": {"size": float(one.latent_size + plus)}} for one in subject.methods}
        return Found(found, {"pca": {"test": {"size": (1.0, 2.0)}}}, {"sizes": subject.dataset.test[:3, :2]})

    return Evaluation((Measure("size", "numbers", "how many numbers", True, True),), ask, tuple(needs.split()))
"""
YAML = "# @package evaluations.size\n_target_: own_evaluations.size\nplus: 0\nneeds: ''\nbroken: false\n"


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A folder with an evaluation of the user's."""
    (tmp_path / "own_evaluations.py").write_text(OWN)
    (tmp_path / "conf" / "evaluation").mkdir(parents=True)
    (tmp_path / "conf" / "evaluation" / "size.yaml").write_text(YAML)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("AE_JAX_ALLOWED_TARGETS", "own_evaluations")
    return ["--config-dir", str(tmp_path / "conf")]


@pytest.fixture
def run(tiny, tmp_path):
    """A copy of a run that has completed."""
    return shutil.copytree(tiny, tmp_path / "outputs" / "tiny")


@pytest.fixture
def type_in(command_line):
    """Run scripts/evaluate.py."""
    return lambda *words: command_line(*map(str, words), entry=evaluate.main)


def summary_of(folder):
    return json.loads((folder / "summary.json").read_text())


def test_the_five_measures_are_the_first_evaluation_and_keep_their_places(tiny):
    summary = summary_of(tiny)
    answer = summary["evaluations"]["reconstruction"]
    assert list(answer["measures"]) == list(MEASURES)
    assert (answer["measures"]["psnr"]["unit"], answer["measures"]["psnr"]["more_is_better"]) == ("dB", True)
    for split in ("train", "validation", "test"):
        assert answer["autoencoder"][split] == {name: summary[split][name] for name in MEASURES}
        assert answer["pca"][split] == {name: summary["pca"][split][name] for name in MEASURES}


def test_what_is_asked_later_is_known_to_everything_that_reads_runs(run, own, type_in):
    before = summary_of(run)
    ended = type_in(run, "evaluation=size", "evaluation.plus=3", *own)
    assert ended.code == 0, ended.err
    assert "numbers" in ended.out
    after = summary_of(run)
    answer = after["evaluations"]["size"]
    assert {**after, "evaluations": before["evaluations"]} == before
    assert answer["options"] == {"plus": 3, "needs": "", "broken": False}
    assert answer["autoencoder"] == answer["pca"] == {"test": {"size": 7.0}}
    assert answer["intervals"] == {"pca": {"test": {"size": [1.0, 2.0]}}}
    assert (run / "evaluations" / "size.npz").exists()
    (one,) = load(run.parent).runs
    assert (one.measure("size"), one.pca("size"), one.measure("size", "validation")) == (7.0, 7.0, None)
    assert measure_named("size") == Measure("size", "numbers", "how many numbers", True, True)
    assert load(run.parent).sql("select size, pca_size from runs where split = 'test'").fetchall() == [(7.0, 7.0)]
    assert type_in(run).code == 0  # its measures are still those of its summary


def test_labels_are_at_hand_where_a_run_is_asked_later(run, type_in):
    ended = type_in(run, "evaluation=classification", "evaluation.num_neighbors=3")
    assert ended.code == 0, ended.err
    answer = summary_of(run)["evaluations"]["classification"]
    low, high = answer["intervals"]["pixels"]["test"]["knn_accuracy"]
    assert 0.5 < low < answer["pixels"]["test"]["knn_accuracy"] < high < 1


def test_of_several_runs_each_is_a_row_and_a_folder_of_runs_is_all_of_them(run, own, type_in):
    other = shutil.copytree(run, run.with_name("other"))
    ended = type_in(run.parent, "evaluations=[size,reconstruction]", *own)
    assert ended.code == 0, ended.err
    assert "2 of 2" in ended.out
    assert all(word in ended.out for word in ("tiny", "other", "PCA's numbers"))
    assert all(summary_of(one)["evaluations"]["size"]["autoencoder"]["test"]["size"] == 4 for one in (run, other))


def test_what_failed_when_a_run_ended_is_asked_by_fill(run, own, type_in):
    config, summary = (json.loads((run / name).read_text()) for name in ("config.json", "summary.json"))
    config["evaluations"]["size"] = {"_target_": "own_evaluations.size", "plus": 0, "needs": "", "broken": False}
    (run / "config.json").write_text(json.dumps(config))
    del summary["evaluations"]["reconstruction"]
    (run / "summary.json").write_text(json.dumps(summary))
    ended = type_in(run, "--fill")
    assert ended.code == 0, ended.err
    assert {"evaluation=size", "evaluation=reconstruction"} <= set(re.findall(r"evaluation=\w+", ended.out))
    assert summary_of(run)["evaluations"].keys() == {"reconstruction", "size"}
    assert "nothing is missing" in type_in(run, "--fill").out


def test_a_run_is_loaded_without_the_evaluations_that_it_was_asked(run, own, monkeypatch):
    config = json.loads((run / "config.json").read_text())
    config["evaluations"]["size"] = {"_target_": "own_evaluations.size", "plus": 0, "needs": "", "broken": False}
    (run / "config.json").write_text(json.dumps(config))
    monkeypatch.delenv("AE_JAX_ALLOWED_TARGETS")
    assert load_run(run).experiment.dataset.name == "digits"


def test_damaged_arrays_are_made_anew_and_others_stay(run, own, type_in):
    arrays = RunFolder(run).evaluation("size")
    assert RunFolder(run).answered("size") == {}
    assert type_in(run, "evaluation=size", *own).code == 0
    whole = arrays.read_bytes()
    arrays.write_bytes(whole[:40])
    with pytest.raises(UserError, match=r"evaluations/size\.npz: cannot be read .*evaluation=size makes it again"):
        RunFolder(run).answered("size")
    assert type_in(run, "evaluation=size", *own).code == 0
    assert arrays.read_bytes() == whole


def test_pca_has_a_measure_that_it_has_beside_any_run():
    words = {"short": "s", "label": "l", "more_is_better": False, "has_ratio": False, "unit": ""}
    having, lacking = (
        {"evaluations": {"one": {"measures": {"some": words}, "pca": {"test": numbers}}}}
        for numbers in ({"some": 1.0}, {})
    )
    for order in ((having, lacking), (lacking, having)):
        for summary in order:
            measures_of(summary)
        assert measure_named("some").has_pca


def test_a_run_that_has_ended_says_how_it_is_asked_more(run, command_line):
    config = json.loads((run / "config.json").read_text())
    asked = ["evaluations=[reconstruction,sparsity]", f"hydra.run.dir={run}", *TINY, *SIX_EPOCHS]
    ended = command_line(*asked, f"name={config['name']}")
    assert ended.code == 0, ended.err
    assert "evaluation=sparsity" in ended.out
    assert "trained before" in ended.out


def test_one_that_fails_names_itself_and_leaves_the_summary_as_it_was(run, own, type_in):
    before = (run / "summary.json").read_bytes()
    ended = type_in(run, "evaluation=size", "evaluation.broken=true", *own)
    assert ended.code == 1
    assert "evaluation=size failed (ArithmeticError: nothing to count); summary.json is as it was" in ended.err
    assert (run / "summary.json").read_bytes() == before


@pytest.mark.slow
def test_one_that_fails_when_a_run_ends_leaves_it_completed_without_it(own, compose, tmp_path):
    node = {"_target_": "own_evaluations.size", "plus": 0, "needs": "", "broken": True}
    config = compose(*TINY)
    train_one({**config, "evaluations": {"size": node, **config["evaluations"]}}, tmp_path / "run")
    assert list(summary_of(tmp_path / "run")["evaluations"]) == ["reconstruction"]
    assert (
        "evaluation=size could not be made (ArithmeticError: nothing to count)"
        in (tmp_path / "run/run.log").read_text()
    )


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["evaluation=reconstructoin"], "evaluation=reconstructoin: there is no such option of evaluation"),
        (["evaluation=reconstruction", "evaluation.plus=1"], "evaluations.reconstruction.plus: is not a key"),
        (["evaluation="], "evaluation: names none; name one with evaluation=NAME"),
        (["evaluations=[]"], "evaluation: names none; name one with evaluation=NAME"),
        (["evaluation.plus=1"], "evaluation.plus=1: is an option of no evaluation; name one with evaluation=NAME"),
        (["evaluation=reconstruction", "dataset=mnist"], "dataset=mnist: cannot be given with evaluation=…"),
        (
            ["evaluation=size", "evaluation.plus=-1"],
            "evaluations.size.plus: input should be greater than or equal to 0",
        ),
        (["evaluation=size", "evaluation.needs=images"], ""),
        (["elsewhere", "evaluation=size"], "elsewhere: does not exist"),
    ],
)
def test_a_mistake_is_one_line(words, line, run, own, type_in):
    ended = type_in(run, *words, *own)
    if not line:  # digits are images
        assert ended.code == 0
        return
    assert ended.code == 2
    assert line in ended.err
    assert len(ended.err.strip().splitlines()) == 1


def test_what_the_data_lack_is_refused_before_anything_is_trained(own, compose, table, tmp_path):
    config = compose("dataset=array", f"dataset.path={table}", *TINY, "model.latent_size=2")
    for needs, said in (("images", "needs images"), ("labels", "needs labels")):
        node = {"_target_": "own_evaluations.size", "plus": 0, "needs": needs, "broken": False}
        with pytest.raises(UserError, match=f"evaluation=size: {said}, and dataset=table has none; leave it out, or"):
            train_one({**config, "evaluations": {"size": node}}, tmp_path / needs)
        assert (tmp_path / needs / "metrics.jsonl").read_text() == ""


def test_a_run_that_has_not_ended_is_refused(run):
    (run / "status.json").write_text((run / "status.json").read_text().replace("completed", "running"))
    with pytest.raises(UserError, match="has no measures"):
        ask(run, {}, {}, pytest.fail)


def test_of_several_runs_those_that_cannot_be_asked_are_named(run, own, type_in):
    other = shutil.copytree(run, run.with_name("other"))
    (other / "status.json").write_text((other / "status.json").read_text().replace("completed", "running"))
    ended = type_in(run.parent, "evaluation=size", *own)
    assert ended.code == 0, ended.err
    assert re.search(r"left out: \S*other: .*, so that it has no measures", " ".join(ended.err.split()))
    assert "size" in summary_of(run)["evaluations"]
    assert type_in(run.parent, "evaluation=codes").code == 2  # latents of neither are quantised


def test_numbers_that_are_not_finite_are_null():
    measure = Measure("size", "numbers", "how many numbers", True)
    made = as_summary(
        {"_target_": "x"}, Evaluation((measure,), pytest.fail), Found({"pca": {"test": {"size": float("nan")}}})
    )
    assert made["pca"]["test"]["size"] is None


def test_answers_that_come_later_leave_what_was_not_asked_again():
    first = {"one": {"options": {"a": 1}, "measures": {"x": {}}, "pca": {"test": {"x": 1.0}}}}
    later = {"one": {"options": {"b": 2}, "measures": {"y": {}}, "pca": {"test": {"y": 2.0}}}}
    whole = merged(first, later)["one"]
    assert whole == {"options": {"b": 2}, "measures": {"x": {}, "y": {}}, "pca": {"test": {"x": 1.0, "y": 2.0}}}
    assert merged({}, first) == first


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda answer: answer["pca"]["test"].update(sse="low"), "evaluations reconstruction pca test sse is 'low'"),
        (lambda answer: answer["pca"]["test"].update(other=1.0), "other is 1.0, which is no number of a measure"),
        (lambda answer: answer["measures"]["sse"].update(unit=3), "measures sse is"),
    ],
)
def test_a_damaged_answer_is_told(change, said, tiny):
    summary = summary_of(tiny)
    change(summary["evaluations"]["reconstruction"])
    with pytest.raises(ValueError, match=said):
        check_summary(summary)
