"""How runs were made: what all have, what some have, how long it took; the same for a paper's provenance.json."""

import csv
import io
import json

import pytest

from ae_jax.results import load
from ae_jax.results.provenance import provenance
from ae_jax.tables.formats import csv_text
from ae_jax.tables.latex import latex

PACKAGES = {"jax": "0.10.2", "numpy": "2.4.6"}


@pytest.fixture
def folders(tmp_path, write_run):
    """Four runs of two sizes and two seeds; groups of two trained at once, the second on another machine."""
    made = []
    for number in range(4):
        size, seed = 1 + number // 2, number % 2
        folder = write_run(tmp_path / f"runs/{number}", settings={"model.latent_size": size, "seed": seed})
        status = json.loads((folder / "status.json").read_text())
        status |= {"started": f"2026-01-01T00:00:0{seed}.000+00:00", "ended": "2026-01-01T00:01:00.500+00:00"}
        status |= {"git_commit": ("a" if size == 1 else "b") * 40, "git_changed": size == 2}
        (folder / "status.json").write_text(json.dumps(status))
        environment = {"python": "3.11.7", "packages": PACKAGES | ({"jax": "0.10.1"} if number == 3 else {})}
        environment |= {"devices": ["cpu:cpu"] * 2, "num_cpus": 2, "system": "Linux-6.1", "host": f"m{size}"}
        (folder / "environment.json").write_text(json.dumps(environment))
        made.append(folder)
    write_run(tmp_path / "runs/lost", settings={"seed": 7}, state="diverged")
    return made


@pytest.fixture
def results(folders):
    return load(folders[0].parent)


def lines_of(table):
    return {(row["part"], row["what"]): row["value"] for row in csv.DictReader(io.StringIO(csv_text(table)))}


def test_what_all_have_and_what_some_have(results, build_table):
    lines = lines_of(build_table("appendix", results))
    assert lines["runs", "number"] == "4 completed, 1 diverged"
    assert lines["runs", "seeds"] == "0, 1"
    assert lines["versions", "of all runs"] == "python 3.11.7, numpy 2.4.6"
    assert lines["versions", "jax"] == "0.10.2 (3 runs), 0.10.1 (1 run)"
    assert lines["runs", "commit"] == f"{'a' * 40} (2 runs), {'b' * 40}+ (2 runs)"
    assert (lines["hardware", "devices"], lines["hardware", "CPUs"]) == ("2 cpu:cpu", "2")
    assert lines["swept", "model.latent_size"] == "1, 2"
    assert lines["fixed", "model"] == "dense, dropout_rate=0.0, normalization=none, hidden_sizes=[8]"
    assert lines["fixed", "trainer"] == "monitor=objective, matmul_precision=float32, num_epochs=3, precision=float32"
    assert not any("seed" in what for part, what in lines if part in ("swept", "fixed"))
    assert lines["data", "digits: examples"] == "100 train, 10 validation, 20 test"
    assert (lines["data", "digits: digits"], lines["data", "digits: split"]) == ("0", "1")


def test_time_is_that_of_machines_not_the_sum_of_runs_that_trained_at_once(results, build_table):
    """A minute and a half second on each of two machines, though runs add up to four."""
    assert provenance(results)["seconds"] == pytest.approx(121.0)
    table = build_table("appendix", results)
    assert lines_of(table)["runs", "time of training"] == "121.000 s"
    assert any(row[2].value == "2 min 1 s" for row in table.rows)


def test_runs_one_after_the_other_add_up_and_gaps_do_not_count(folders):
    for number, folder in enumerate(folders):
        status = json.loads((folder / "status.json").read_text())
        status |= {
            name: f"2026-01-01T0{number}:0{minute}:00.000+00:00" for name, minute in (("started", 0), ("ended", 2))
        }
        (folder / "status.json").write_text(json.dumps(status))
    assert provenance(load(folders))["seconds"] == 4 * 120


def test_what_was_not_recorded_is_said(tmp_path, write_run, build_table):
    write_run(tmp_path / "run", settings={"loss.link": ""})
    lines = lines_of(build_table("appendix", load(tmp_path)))
    assert lines["runs", "time of training"] == "not recorded"
    assert lines["versions", "of all runs"] == "python not recorded"
    assert lines["hardware", "devices"] == "not recorded"
    assert lines["fixed", "loss"] == 'mse, link=""'


def test_damaged_environments_are_not_recorded(folders):
    (folders[0] / "environment.json").write_text("{")
    (folders[1] / "environment.json").write_text('{"packages": 3, "devices": 5}')
    made = provenance(load(folders))
    assert made["versions"]["python"] == {"3.11.7": 2, "not recorded": 2}
    assert made["hardware"]["devices"] == {"2 cpu:cpu": 2, "5": 1, "not recorded": 1}


def test_several_data(tmp_path, write_run, build_table):
    for split in (0, 1):
        folder = write_run(tmp_path / str(split), settings={"dataset.split_seed": split})
        summary = json.loads((folder / "summary.json").read_text())
        summary["dataset"]["provenance"]["split_sha256"] = str(split) * 64
        (folder / "summary.json").write_text(json.dumps(summary))
    rows = list(csv.reader(io.StringIO(csv_text(build_table("appendix", load(tmp_path))))))
    assert [row[2] for row in rows if row[1] == "digits: split"] == ["0" * 64, "1" * 64]


def test_it_is_json_and_the_same_for_the_same_runs(results, folders):
    made = provenance(results)
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    assert provenance(load(*reversed(folders))) | {"runs": 0} == made | {"runs": 0}


def test_long_texts_are_broken_in_print(results, build_table):
    text = latex(build_table("appendix", results))
    assert r"p{1.8in}p{2.7in}" in text
    assert r"model.\hspace{0pt}latent\_\hspace{0pt}size" in text
    assert "3.11.7" in text  # numbers are not
