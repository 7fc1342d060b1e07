"""What a run leaves behind, and that it is whole whatever happens."""

import errno
import json
import math
import os
import time
import weakref
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import ae_jax.runs.folder as documented
from ae_jax import files
from ae_jax.config import naming
from ae_jax.config.check import validate
from ae_jax.errors import UserError
from ae_jax.jobs.open_run import OpenRun
from ae_jax.jobs.work import Request, Watch
from ae_jax.results import RunFolder
from ae_jax.runs import recorder

MEASURES = {"sse", "mse", "explained_variance", "psnr", "bce"}
SPLITS = ("train", "validation", "test")


def _rows_of_the_documentation() -> list[str]:
    lines = [line.split("|")[1].strip() for line in (documented.__doc__ or "").splitlines() if line.startswith("| `")]
    return [line.strip("`") for line in lines]


def test_every_documented_file_exists(smoke):
    names = _rows_of_the_documentation()
    assert len(names) > 8
    written_by_hydra = {".hydra/"}
    for name in set(names) - written_by_hydra:
        path = smoke / name
        assert path.is_dir() if name.endswith("/") else path.is_file(), name
    known = {name.rstrip("/") for name in names} | {"run.log"}
    assert {path.name for path in smoke.iterdir()} <= known


def test_summary_has_the_promised_keys(smoke):
    summary = RunFolder(smoke).summary
    assert {"schema", *SPLITS, "pca", "model", "time", "corrupted", "training", "dataset", "memory"} <= summary.keys()
    assert all(summary[split].keys() == {*MEASURES, "terms"} for split in SPLITS)
    assert all(summary[split]["terms"].keys() == {"distortion"} for split in SPLITS)
    assert {"num_components", *SPLITS, "components_to_match"} <= summary["pca"].keys()
    assert all(summary["pca"][split].keys() == MEASURES for split in SPLITS)
    assert summary["precision"] == {"model": "float32", "products": "float32"}
    assert {"num_parameters", "flops_per_example", "latent_size"} <= summary["model"].keys()
    assert {"compile_seconds", "train_seconds", "examples_per_second"} <= summary["time"].keys()
    assert {"latency_per_example_seconds", "latency_per_batch_seconds"} <= summary["time"].keys()
    assert summary["memory"].keys() >= {"host_peak_bytes", "program_bytes"}


def test_times_are_of_the_group_and_say_its_size(smoke):
    time = RunFolder(smoke).summary["time"]
    assert time["group_size"] == 1
    assert time["group_train_seconds"] == pytest.approx(time["train_seconds"], rel=1e-12)
    assert time["pca_fit_seconds"] > 0
    for method in ("", "pca_"):
        for what in ("example", "batch"):
            name = f"{method}latency_per_{what}_seconds"
            assert 0 < time[f"{name}_low"] <= time[name] <= time[f"{name}_high"]


def test_the_errors_of_all_test_examples_are_kept(smoke):
    run = RunFolder(smoke)
    errors, summary = run.errors, run.summary
    sses = {
        "autoencoder": summary["test"]["sse"],
        "pca": summary["pca"]["test"]["sse"],
        "corrupted_autoencoder": summary["corrupted"]["autoencoder"]["sse"],
        "corrupted_pca": summary["corrupted"]["pca"]["sse"],
    }
    assert errors.keys() == sses.keys()
    for name, sse in sses.items():
        assert errors[name].dtype == np.float32
        assert errors[name].shape == (summary["dataset"]["counts"]["test"],)
        assert errors[name].mean(dtype=np.float64) == pytest.approx(sse, rel=1e-7)  # half a unit of float32
    # Those of the examples whose reconstructions are kept.
    of_test = ((run.reconstructions["x"] - run.reconstructions["pca"]) ** 2).reshape(10, -1).sum(axis=1)
    np.testing.assert_allclose(errors["corrupted_pca"][run.reconstructions["indices"]], of_test, rtol=1e-4)
    assert summary["corrupted"].keys() == {"autoencoder", "pca"}


def test_numbers_of_the_summary_agree_with_each_other(smoke):
    summary = RunFolder(smoke).summary
    num_features = summary["dataset"]["num_features"]
    assert num_features == 64
    for measured in [summary[split] for split in SPLITS] + [summary["pca"][split] for split in SPLITS]:
        assert measured["mse"] * num_features == pytest.approx(measured["sse"], rel=1e-12)
        assert measured["psnr"] == pytest.approx(-10 * math.log10(measured["mse"]), rel=1e-12)
    # Mirrored layers with biases.
    sizes = [64, *RunFolder(smoke).config["model"]["hidden_sizes"], 8]
    layers = [*pairwise(sizes), *pairwise(sizes[::-1])]
    assert summary["model"]["num_parameters"] == sum(inputs * outputs + outputs for inputs, outputs in layers)
    assert summary["model"]["latent_size"] == summary["pca"]["num_components"] == 8
    curve = summary["pca"]["test_sse_by_components"]
    assert len(curve) == 65
    assert curve[8] == pytest.approx(summary["pca"]["test"]["sse"], rel=1e-9)
    match = summary["pca"]["components_to_match"]
    assert curve[match] <= summary["test"]["sse"] < curve[match - 1]
    counts = summary["dataset"]["counts"]
    assert sum(counts.values()) == 1797
    assert summary["training"]["epochs"] == 4
    assert summary["training"]["stopped"] == "epoch limit"
    best = min(RunFolder(smoke).metrics, key=lambda record: record["validation_loss"])
    assert summary["training"]["best_epoch"] == best["epoch"]
    assert summary["training"]["best_validation_loss"] == best["validation_loss"]
    assert summary["training"]["monitor"] == "objective"
    assert summary["training"]["best_monitored"] == best["validation_loss"]


def test_status_of_a_completed_run(smoke):
    status = RunFolder(smoke).read("status.json")
    assert status["state"] == "completed"
    assert status["config_hash"] == naming.config_hash(RunFolder(smoke).config)
    assert status["started"] < status["ended"]
    assert status["error"] is None
    assert {"git_commit", "git_changed", "schema"} <= status.keys()


def test_environment_names_versions_and_devices(smoke):
    environment = RunFolder(smoke).read("environment.json")
    assert {"jax", "flax", "optax", "orbax-checkpoint", "wandb"} <= environment["packages"].keys()
    assert environment["packages"]["jax"] == __import__("jax").__version__
    assert environment["devices"]
    assert environment["devices"][0].startswith(__import__("jax").devices()[0].platform)


def test_metrics_have_a_line_for_each_epoch(smoke):
    lines = (smoke / "metrics.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    assert [record["epoch"] for record in records] == [1, 2, 3, 4]
    num_train = RunFolder(smoke).summary["dataset"]["counts"]["train"]
    assert [record["step"] for record in records] == [math.ceil(num_train / 128) * epoch for epoch in (1, 2, 3, 4)]
    terms = {"train_distortion", "validation_distortion"}
    keys = {"epoch", "step", "train_loss", "validation_loss", "validation_sse", "seconds", *terms}
    assert all(record.keys() == keys for record in records)
    for record in records:  # without a bottleneck distortion is all there is
        assert all(record[f"{split}_distortion"] == record[f"{split}_loss"] for split in ("train", "validation"))


def test_no_file_holds_nan(smoke):
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    for name in ("config.json", "status.json", "environment.json", "summary.json"):
        json.loads((smoke / name).read_text(), parse_constant=refuse)
    for line in (smoke / "metrics.jsonl").read_text().splitlines():
        json.loads(line, parse_constant=refuse)


def test_reconstructions_are_in_the_shape_of_the_data(smoke):
    arrays = RunFolder(smoke).reconstructions
    indices = arrays.pop("indices")
    assert arrays.keys() == {"x", "corrupted", "autoencoder", "pca"}
    assert {array.shape for array in arrays.values()} == {(10, 8, 8)}
    # The first of each class, by class.
    labels = RunFolder(smoke).latents["labels"]
    assert indices.tolist() == [labels.tolist().index(digit) for digit in range(10)]
    # Masking sets features to 0 and leaves the others as they are.
    changed = arrays["x"] != arrays["corrupted"]
    assert changed.any()
    assert not arrays["corrupted"][changed].any()


def test_nothing_temporary_is_left(smoke):
    left = [path.name for path in smoke.rglob("*") if ".part" in path.name or ".probe" in path.name]
    assert left == []


def test_a_diverged_run_says_so_and_keeps_its_last_good_checkpoint(diverged):
    run = RunFolder(diverged)
    status = run.read("status.json")
    assert run.state == "diverged"
    assert status["diverged_epoch"] == 1
    assert "epoch 1" in status["error"]
    assert [record["epoch"] for record in run.metrics] == [1]  # and training ended there
    assert run.metrics[0]["validation_loss"] is None  # JSON has no infinity
    assert run.summary["training"]["stopped"] == "diverged"
    assert run.summary["training"]["epochs"] == 0
    assert "test" not in run.summary
    assert (run.checkpoint / "0").is_dir()


def test_a_bug_leaves_failed_with_its_error(train, monkeypatch, tmp_path):
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("ae_jax.jobs.train.build", broken)
    with pytest.raises(ZeroDivisionError):
        train(tmp_path / "run")
    status = RunFolder(tmp_path / "run").read("status.json")
    assert (status["state"], status["error"]) == ("failed", "ZeroDivisionError('a bug')")
    assert status["ended"] is not None


def test_what_a_failed_run_worked_on_is_let_go(tmp_path):
    held = []

    def fails():
        arrays = np.zeros(10)
        held.append(weakref.ref(arrays))
        raise ZeroDivisionError

    run = OpenRun(Request({}, tmp_path), Watch())
    with run.attempt():
        fails()
    assert isinstance(run.outcome.error, ZeroDivisionError)
    assert held[0]() is None


def test_recorder_refuses_the_folder_of_another_config(smoke, compose, tmp_path, tree):
    folder = tmp_path / "run"
    recorder.Recorder(folder, compose())
    before = tree(folder)
    with pytest.raises(UserError, match="holds a run of another config"):
        recorder.Recorder(folder, compose("seed=3"))
    assert tree(folder) == before


def test_a_folder_is_trained_in_by_one_process_at_a_time(compose, tmp_path):
    first = recorder.Recorder(tmp_path / "run", compose())
    with pytest.raises(UserError, match=f"is being trained in by process {os.getpid()} on "):
        recorder.Recorder(tmp_path / "run", compose())
    first.close()
    recorder.Recorder(tmp_path / "run", compose()).close()


@pytest.mark.slow
def test_runs_of_a_group_leave_ordinary_folders(compose, train_together, no_figures, tmp_path):
    overrides = ("trainer.num_epochs=2", "trainer.batch_size=32", "trainer.max_train_examples=64", "model=linear")
    configs = [
        compose(*overrides, f"seed={seed}", f"optimizer.learning_rate={rate}") for seed, rate in ((0, 1), (1, 2))
    ]
    train_together(*((each, tmp_path / f"group-{index}") for index, each in enumerate(configs)))
    train_together((configs[1], tmp_path / "alone"))
    first, second, alone = (RunFolder(tmp_path / name) for name in ("group-0", "group-1", "alone"))
    times = [run.summary["time"] for run in (first, second, alone)]
    assert [time["group_size"] for time in times] == [2, 2, 1]
    assert all(time["group_train_seconds"] == pytest.approx(2 * time["train_seconds"]) for time in times[:2])
    assert [first.state, second.state, alone.state] == ["completed"] * 3
    assert first.config == configs[0]
    assert {path.name for path in first.path.iterdir()} == {path.name for path in alone.path.iterdir()}
    assert second.summary["config_hash"] == alone.summary["config_hash"] != first.summary["config_hash"]
    # The same numbers as alone: both are float32 sums of 64 terms in some order.
    for mine, other in zip(second.metrics, alone.metrics, strict=True):
        assert mine["validation_loss"] == pytest.approx(other["validation_loss"], rel=1e-5)
    assert first.metrics[1]["validation_loss"] != second.metrics[1]["validation_loss"]


# Whole or not at all


@pytest.mark.parametrize(
    ("where", "error"),
    [
        ("replace", OSError(errno.EACCES, "Permission denied")),
        ("fsync", OSError(errno.ENOSPC, "No space left on device")),
    ],
)
def test_a_write_that_fails_leaves_the_old_file(where, error, monkeypatch, tmp_path):
    path = tmp_path / "run" / "status.json"
    path.parent.mkdir()
    files.write_json(path, {"state": "old"})

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(*((os, "fsync") if where == "fsync" else (Path, "replace")), fail)
    with pytest.raises(UserError, match=rf"status\.json: cannot be written \({error.strerror}\)"):
        files.write_json(path, {"state": "new"})
    assert json.loads(path.read_text()) == {"state": "old"}
    assert [file.name for file in path.parent.iterdir()] == ["status.json"]


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, np.float64("nan")])
def test_numbers_that_json_cannot_express_become_null(number, tmp_path):
    files.write_json(tmp_path / "a.json", {"a": [number, 1.5, {"b": number}], "c": (number,)})
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": [None, 1.5, {"b": None}], "c": [None]}


def test_a_line_cut_short_is_dropped_before_training_goes_on(compose, tmp_path):
    writer = recorder.Recorder(tmp_path / "run", compose())
    path = tmp_path / "run" / "metrics.jsonl"
    for epoch in (1, 2, 3):
        writer.metrics({"epoch": epoch})
    writer.write_metrics()
    path.write_text(path.read_text() + '{"epoch": 4, "tra')
    assert [record["epoch"] for record in RunFolder(tmp_path / "run").metrics] == [1, 2, 3]
    writer.keep_metrics(2)
    assert path.read_text() == '{"epoch": 1}\n{"epoch": 2}\n'


def test_a_full_disk_while_recording_metrics_is_the_users_mistake(compose, monkeypatch, tmp_path):
    writer = recorder.Recorder(tmp_path / "run", compose())
    (tmp_path / "run" / "metrics.jsonl").symlink_to("/dev/full")
    writer.metrics({"epoch": 1})
    with pytest.raises(UserError, match=r"metrics\.jsonl: cannot be written"):
        writer.write_metrics()


def test_lines_are_written_within_a_second(compose, monkeypatch, tmp_path):
    writer, now = recorder.Recorder(tmp_path / "run", compose()), time.monotonic()
    writer.metrics({"epoch": 1})
    assert RunFolder(tmp_path / "run").metrics == []
    monkeypatch.setattr(recorder.time, "monotonic", lambda: now + 2)
    writer.metrics({"epoch": 2})
    assert [record["epoch"] for record in RunFolder(tmp_path / "run").metrics] == [1, 2]


def test_log_goes_to_the_run_and_nowhere_else(smoke):
    log = (smoke / "run.log").read_text()
    assert "compiled in" in log
    assert "root" not in log


@pytest.mark.slow
def test_a_trainer_that_leaves_out_what_has_a_default_trains(compose, no_figures, train_together, tmp_path):
    config = compose("trainer.num_epochs=1", "trainer.max_train_examples=64")
    for name in ("data_parallel", "matmul_precision", "monitor"):
        del config["trainer"][name]
    (outcome,) = train_together((config, tmp_path / "run"))
    assert outcome.state == "completed"
    assert RunFolder(tmp_path / "run").summary["precision"]["products"] == "float32"


def test_a_target_of_before_is_read_by_the_name_that_it_has_now(compose, tmp_path):
    now = compose()
    tracking = {**now["tracking"], "_target_": "ae_jax.experiments.tracking.TrackingOptions"}
    (tmp_path / "config.json").write_text(json.dumps({**now, "tracking": tracking}))
    config = RunFolder(tmp_path).config
    assert config == now
    assert validate(config) == now
    assert naming.config_hash({**now, "tracking": tracking}) == naming.config_hash(now)
