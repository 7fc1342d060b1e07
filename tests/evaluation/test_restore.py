"""A run folder gives back its model, its PCA and its numbers."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import ae_jax
from ae_jax.commands import evaluate
from ae_jax.errors import UserError
from ae_jax.results import RunFolder


@pytest.fixture(scope="module")
def loaded(smoke):
    return ae_jax.load_run(smoke)


def test_shapes_and_types(loaded):
    x = loaded.experiment.dataset.scaled("test")[:7]
    latent = loaded.encode(x)
    assert latent.shape == (7, 8)
    assert loaded.decode(latent).shape == loaded.reconstruct(x).shape == (7, 64)
    assert {type(latent), type(loaded.decode(latent)), type(loaded.reconstruct(x))} == {np.ndarray}


def test_reconstruct_is_decode_of_encode(loaded):
    x = loaded.experiment.dataset.scaled("test")
    np.testing.assert_allclose(loaded.reconstruct(x), loaded.decode(loaded.encode(x)), rtol=1e-5, atol=1e-6)


def test_link_of_the_loss_is_applied(loaded):
    # The loss is bce: reconstructions are probabilities, whatever the latent.
    extreme = loaded.decode(np.full((3, 8), 1e3, np.float32))
    assert extreme.min() >= 0
    assert extreme.max() <= 1


def test_measured_error_is_that_of_the_summary(loaded):
    for split in ("train", "validation", "test"):
        x = loaded.experiment.dataset.scaled(split).astype(np.float64)
        sse = np.mean(np.sum((x - loaded.reconstruct(x)) ** 2, axis=1))
        assert sse == pytest.approx(loaded.summary[split]["sse"], rel=1e-6)


def test_examples_in_their_own_shape_are_flattened(loaded):
    x = loaded.experiment.dataset.scaled("test")[:5]
    np.testing.assert_array_equal(loaded.encode(x.reshape(5, 8, 8)), loaded.encode(x))


def test_any_number_of_rows_gives_the_same_latent(loaded):
    x = loaded.experiment.dataset.scaled("train")  # more rows than one call takes
    assert len(x) > 1024
    np.testing.assert_array_equal(loaded.encode(x)[1100], loaded.encode(x[1100:1101])[0])


@pytest.mark.parametrize("shape", [(64,), (3, 63), (2, 8, 9), ()])
def test_other_shapes_are_refused(shape, loaded):
    with pytest.raises(UserError, match=r"expected \(examples, 64\)"):
        loaded.encode(np.zeros(shape, np.float32))


def test_no_examples_give_no_latents(loaded):
    assert loaded.encode(np.zeros((0, 64), np.float32)).shape == (0, 8)


def test_pca_is_that_of_the_summary(loaded):
    x = loaded.experiment.dataset.scaled("test").astype(np.float64)
    sse = np.mean(np.sum((x - loaded.pca.reconstruct(x, 8)) ** 2, axis=1))
    assert sse == pytest.approx(loaded.summary["pca"]["test"]["sse"], rel=1e-9)


def test_best_epoch_is_restored(loaded):
    assert int(loaded.best.epoch) == loaded.summary["training"]["best_epoch"]
    assert float(loaded.best.validation_loss) == loaded.summary["training"]["best_validation_loss"]


def test_evaluation_equals_the_summary_exactly(smoke):
    measured, recorded = evaluate.evaluate(smoke, []), RunFolder(smoke).summary
    assert recorded["corrupted"] is not None
    for part in ("train", "validation", "test", "corrupted", "pca", "model", "dataset"):
        assert json.loads(json.dumps(measured[part])) == recorded[part], part


def test_evaluate_says_equal_and_writes_what_it_measured(smoke, tmp_path, command_line):
    output = tmp_path / "measured.json"
    ended = command_line(str(smoke), "--json", str(output), entry=evaluate.main)
    assert (ended.code, ended.err) == (0, "")
    assert "equal to summary.json" in ended.out
    assert json.loads(output.read_text())["test"] == RunFolder(smoke).summary["test"]


def test_a_run_of_before_there_were_terms_is_compared_by_what_it_recorded(smoke, tmp_path, command_line):
    old = tmp_path / "old"
    shutil.copytree(smoke, old)
    summary = json.loads((old / "summary.json").read_text())
    terms = {split: summary[split].pop("terms") for split in ("train", "validation", "test")}
    (old / "summary.json").write_text(json.dumps(summary))
    assert command_line(str(old), entry=evaluate.main).out.endswith("equal to summary.json\n")
    assert "made: summary.json: train.terms" in command_line(str(old), "--fill", entry=evaluate.main).out
    assert {split: RunFolder(old).summary[split]["terms"] for split in terms} == terms


def test_evaluate_says_when_the_summary_differs(smoke, tmp_path, command_line):
    folder = shutil.copytree(smoke, tmp_path / "run", ignore=shutil.ignore_patterns("wandb", "figures"))
    summary = json.loads((folder / "summary.json").read_text())
    summary["test"]["sse"] += 1e-9
    (folder / "summary.json").write_text(json.dumps(summary))
    assert "DIFFERS from summary.json" in command_line(str(folder), entry=evaluate.main).out


@pytest.mark.slow
def test_evaluate_on_other_data_of_equal_features(smoke, tmp_path):
    x = np.random.default_rng(0).uniform(size=(50, 64)).astype(np.float32)
    path = tmp_path / "other.npy"
    np.save(path, x)
    measured = evaluate.evaluate(smoke, ["dataset=array", f"dataset.path={path}", "dataset.scaling=none"])
    assert measured["dataset"]["name"] == "other"
    run = ae_jax.load_run(smoke)
    # Independently: the test split of other data, by the model and the PCA of the run.
    order = np.random.default_rng(0).permutation(50)
    test = x[order[:10]].astype(np.float64)
    for name, reconstruct in {"model": run.reconstruct, "pca": lambda rows: run.pca.reconstruct(rows, 8)}.items():
        sse = np.mean(np.sum((test - reconstruct(test)) ** 2, axis=1))
        expected = measured["test"] if name == "model" else measured["pca"]["test"]
        assert expected["sse"] == pytest.approx(sse, rel=1e-6)


@pytest.mark.parametrize("num_features", [6, 100])
def test_other_data_of_other_features_are_refused(num_features, smoke, tmp_path):
    path = tmp_path / "other.npy"
    np.save(path, np.random.default_rng(0).normal(size=(50, num_features)).astype(np.float32))
    with pytest.raises(UserError, match=f"^dataset: has {num_features} features, the run was trained on 64"):
        evaluate.evaluate(smoke, ["dataset=array", f"dataset.path={path}"])


@pytest.mark.slow
def test_limit_of_the_training_split_is_kept_out_of_other_data(tiny, tmp_path):
    # The run was limited to 64 training examples; smaller data of another kind are still data to measure on.
    path = tmp_path / "few.npy"
    np.save(path, np.random.default_rng(0).uniform(size=(40, 64)).astype(np.float32))
    measured = evaluate.evaluate(tiny, ["dataset=array", f"dataset.path={path}", "dataset.scaling=none"])
    assert measured["dataset"]["counts"] == {"train": 28, "validation": 4, "test": 8}


def test_folder_can_be_moved(smoke, tmp_path):
    moved = shutil.copytree(smoke, tmp_path / "elsewhere")
    x = np.zeros((2, 64), np.float32)
    np.testing.assert_array_equal(ae_jax.load_run(moved).encode(x), ae_jax.load_run(str(smoke)).encode(x))


def test_relative_folder(smoke, monkeypatch):
    monkeypatch.chdir(smoke.parent)
    assert ae_jax.load_run(Path(smoke.name)).summary["run"] == "smoke-run"


@pytest.mark.slow
def test_diverged_run_has_no_summary_to_compare(diverged, command_line):
    ended = command_line(str(diverged), entry=evaluate.main)
    assert ended.code == 2
    assert ended.err.startswith("error: ")
    assert len(ended.err.splitlines()) == 1


# How a run without a checkpoint stands, and what is said of it.
NOT_YET = {
    "running": (None, r"run: has not ended \(running\), and has no checkpoint yet; wait for it"),
    "killed": (
        None,
        r"run: has not ended: no process trains in it any more, and has no checkpoint yet; the same command",
    ),
    "interrupted": (None, r"run: was interrupted, and has no checkpoint yet; the same command goes on with it"),
    "failed": ("ValueError: no", r"run: failed \(ValueError: no\), and has no checkpoint yet; mend what made it fail"),
    "diverged": (
        "the loss",
        r"run: diverged \(the loss\), and has no checkpoint yet; train with a smaller learning rate",
    ),
}


@pytest.mark.parametrize("state", NOT_YET)
def test_a_run_that_cannot_be_loaded_yet_says_how_it_stands(state, tiny, tmp_path):
    folder = shutil.copytree(tiny, tmp_path / "run", ignore=shutil.ignore_patterns("checkpoint", "summary.json"))
    error, message = NOT_YET[state]
    if state != "killed":
        (folder / ".lock").unlink()
    _set_status(folder, state="running" if state == "killed" else state, error=error)
    with pytest.raises(UserError, match=message) as raised:
        ae_jax.load_run(folder)
    assert "delete" not in str(raised.value)


@pytest.mark.parametrize("state", ["running", "interrupted", "failed", "diverged"])
def test_a_run_that_has_not_completed_is_loaded_as_far_as_it_came(state, tiny, tmp_path, caplog, command_line):
    folder = shutil.copytree(tiny, tmp_path / "run", ignore=shutil.ignore_patterns("summary.json"))
    _set_status(folder, state=state)
    run = ae_jax.load_run(folder)
    assert run.encode(run.experiment.dataset.scaled("test")).shape[1] == 4
    assert f"this is its best epoch so far, {int(run.best.epoch)}" in caplog.text
    ended = command_line(str(folder), entry=evaluate.main)
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "delete" not in ended.err


def _set_status(folder: Path, **fields: object) -> None:
    path = folder / "status.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))
