"""Run folders are read lazily, and what is missing or damaged is named in one line."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ae_jax.config.naming import CAME_LATER
from ae_jax.errors import UserError
from ae_jax.results import RunFolder
from ae_jax.runs.folder import SCHEMA


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "run"
    path.mkdir()
    (path / "status.json").write_text('{"state": "completed"}')
    (path / "config.json").write_text('{"seed": 3}')
    (path / "summary.json").write_text(json.dumps({"schema": SCHEMA, "test": {"sse": 1.5}}))
    (path / "metrics.jsonl").write_text('{"epoch": 1}\n{"epoch": 2}\n')
    names = ("x", "corrupted", "autoencoder", "pca")
    np.savez(path / "reconstructions.npz", **{name: np.zeros((2, 3)) for name in names})
    return path


def test_reads_what_is_there(folder):
    run = RunFolder(str(folder))
    assert run.state == "completed"
    # With the groups that came later, as what runs did before there were any.
    assert run.config == {"seed": 3, **{key: done for key, done in CAME_LATER.items() if "." not in key}}
    assert run.summary["test"] == {"sse": 1.5}
    assert run.metrics == [{"epoch": 1}, {"epoch": 2}]
    assert {name: array.shape for name, array in run.reconstructions.items()} == dict.fromkeys(
        ("x", "corrupted", "autoencoder", "pca"), (2, 3)
    )
    assert (run.checkpoint, run.figures, run.pca) == (folder / "checkpoint", folder / "figures", folder / "pca.npz")


@pytest.mark.parametrize("missing", ["folder", "status"])
def test_no_run_has_no_state(missing, folder, tmp_path):
    (folder / "status.json").unlink()
    assert RunFolder(tmp_path / "none" if missing == "folder" else folder).state is None


def test_a_line_cut_short_is_left_out(folder):
    with (folder / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 3, "train_lo')
    assert [record["epoch"] for record in RunFolder(folder).metrics] == [1, 2]


def test_a_damaged_line_in_the_middle_is_named(folder):
    (folder / "metrics.jsonl").write_text('{"epoch": 1}\n\0\0\0\n{"epoch": 3}\n')
    with pytest.raises(UserError, match=r"metrics\.jsonl: .*line 2"):
        _ = RunFolder(folder).metrics


def test_no_metrics_yet(folder):
    (folder / "metrics.jsonl").unlink()
    assert RunFolder(folder).metrics == []


@pytest.mark.parametrize("name", ["config", "summary"])
@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "is missing"),
        (b"", "cannot be read"),
        (b'{"schema": 1, ', "cannot be read"),
        (b"\xff\xfe\x00", "cannot be read"),
        (b"[1, 2]", "does not hold a JSON object"),
        (b"null", "does not hold a JSON object"),
    ],
)
def test_damaged_json_is_named(name, content, problem, folder):
    path = folder / f"{name}.json"
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(UserError, match=rf"{name}\.json: {problem}"):
        getattr(RunFolder(folder), name)


def test_status_without_a_state_is_named(folder):
    (folder / "status.json").write_text("{}")
    with pytest.raises(UserError, match=r"status\.json: "):
        _ = RunFolder(folder).state


@pytest.mark.parametrize("schema", [SCHEMA + 1, None, "1"])
def test_summary_of_another_schema_is_refused(schema, folder):
    (folder / "summary.json").write_text(json.dumps({"schema": schema}))
    with pytest.raises(UserError, match=f"summary.json: has schema {schema}, expected {SCHEMA}"):
        _ = RunFolder(folder).summary


@pytest.mark.parametrize(
    ("content", "problem"), [(None, "is missing"), (b"", "cannot be read"), (b"PK\x03\x04 not a zip", "cannot be read")]
)
@pytest.mark.parametrize("name", ["reconstructions", "latents"])
def test_damaged_arrays_are_named(content, problem, name, folder):
    path = folder / f"{name}.npz"
    path.unlink(missing_ok=True) if content is None else path.write_bytes(content)
    with pytest.raises(UserError, match=rf"{name}\.npz: {problem}"):
        getattr(RunFolder(folder), name)


def test_pickled_arrays_are_never_loaded(folder):
    np.savez(folder / "reconstructions.npz", x=np.array([{"a": 1}], dtype=object))
    with pytest.raises(UserError, match=r"reconstructions\.npz: cannot be read"):
        _ = RunFolder(folder).reconstructions


def test_a_file_is_not_a_folder(tmp_path):
    path = tmp_path / "file"
    path.write_text("content")
    with pytest.raises(UserError, match="is not a folder"):
        _ = RunFolder(path).config


def test_results_and_figures_need_nothing_that_trains():
    code = "import sys, ae_jax.results, ae_jax.figures.run.draw as f; f.run_figures(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert {"ae_jax", "matplotlib"} <= loaded
    assert loaded.isdisjoint({"jax", "flax", "optax", "orbax", "wandb", "hydra", "omegaconf"})
    own = {name for name in done.stdout.split() if name.startswith("ae_jax.")}
    helpers = {"errors", "files", "locks", "reading"}
    assert {name.split(".")[1] for name in own} <= {"config", "runs", "results", "figures", *helpers}
    assert {name for name in own if name.startswith("ae_jax.config.")} == {"ae_jax.config.naming"}
