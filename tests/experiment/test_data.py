"""A run encodes where its data are gone, and nothing answers for data that have changed, whatever loads them."""

import json
import shutil
from pathlib import Path

import jax
import numpy as np
import pytest

import ae_jax
from ae_jax.commands import evaluate
from ae_jax.config.check import validate
from ae_jax.datasets.base import SPLITS, Dataset, split_examples
from ae_jax.errors import UserError
from ae_jax.experiment.data import at_hand
from ae_jax.jobs.train import train_group
from ae_jax.jobs.work import GroupTask, Request
from ae_jax.results import RunFolder
from ae_jax.runs.inputs import data_of, write_inputs
from ae_jax.runs.recorder import end_of
from tests.running import NothingDrawn

SMALL = ("dataset=array", "model.latent_size=2", "model.hidden_sizes=[4]")
OWN = """
import json
from pathlib import Path
import numpy as np
from ae_jax.datasets.base import Dataset, split_examples

def load(*, folder: str, {parameter}) -> Dataset:
    values = np.loadtxt(Path(folder) / "raw.txt", dtype=np.float32)
    split = split_examples(len(values), validation=0.2, test=0.2, split_seed=0)
    splits = {{name: values[getattr(split, name)] for name in ("train", "validation", "test")}}
    about = split.provenance(split_seed=0) | {provenance}
    return Dataset(name="own", **splits, scale=1.0, offset=0.0, feature_shape=(values.shape[1],), unit_interval=False,
                   labels=None, feature_names=None, provenance=about)
"""
DIGEST = '{"sha256": {"raw.txt": __import__("hashlib").sha256((Path(folder) / "raw.txt").read_bytes()).hexdigest()}}'


@pytest.fixture(scope="module")
def once(sealed_home, compose, tmp_path_factory):
    """The folder of a run on an own table that lies beside it, and is named relative to the working folder."""
    here = tmp_path_factory.mktemp("once")
    np.save(here / "table.npy", np.random.default_rng(0).normal(size=(60, 6)).astype(np.float32))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        patch.setattr("ae_jax.jobs.train_fitting.Drawing", NothingDrawn)
        config = compose("trainer.num_epochs=1", *SMALL, "dataset.path=table.npy", "dataset.scaling=standardize")
        (outcome,) = train_group(GroupTask((Request(config, here / "run"),), here / ".groups"))
    assert outcome.state == "completed"
    return here


@pytest.fixture
def trained(once, tmp_path):
    """Copies of the folder of a run and of its data, which may be changed."""
    folder = shutil.copytree(once / "run", tmp_path / "run")
    return folder, Path(shutil.copy(once / "table.npy", "table.npy"))


def test_a_run_works_where_its_data_are_gone(trained, tmp_path):
    folder, table = trained
    before, values = ae_jax.load_run(folder), np.load(table)
    x = before.experiment.dataset.scaled(values)
    expected = before.encode(x), before.reconstruct(x), before.pca.reconstruct(x, 2)
    moved = shutil.move(table, tmp_path / "elsewhere.npy")
    run = ae_jax.load_run(folder)
    np.testing.assert_array_equal(run.scaled(values), x)
    latent = run.encode(x)
    for mine, theirs in zip((latent, run.decode(latent), run.pca.reconstruct(x, 2)), expected, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    with pytest.raises(UserError, match=r"dataset.path: no file .*table.npy; put the run's own data back"):
        run.experiment.dataset  # noqa: B018 - read for what it raises
    with pytest.raises(UserError, match=r"dataset.path: no file"):
        evaluate.evaluate(folder, [])
    assert end_of(run.config, folder) == "completed"
    # Measured on a copy: as before, but PCA's curve ends where the stored components do.
    measured = evaluate.evaluate(folder, ["dataset=array", f"dataset.path={moved}"])
    assert json.loads(json.dumps(measured["test"])) == run.summary["test"]
    assert measured["pca"]["test"] == run.summary["pca"]["test"]
    assert len(measured["pca"]["test_sse_by_components"]) == len(run.pca.components) + 1


def test_what_is_said_where_only_the_stored_components_are_there(trained, tmp_path, command_line):
    folder, table = trained
    moved = shutil.move(table, tmp_path / "elsewhere.npy")
    ended = command_line(str(folder), "dataset=array", f"dataset.path={moved}", entry=evaluate.main)
    assert ended.code == 0
    (line,) = ended.err.splitlines()
    assert line.startswith("PCA is compared with the ")
    assert "that the run kept, as its own data are not at hand (dataset.path: no file" in line


def test_the_encoder_works_under_jit_without_data(trained):
    folder, table = trained
    x = np.load(table)
    table.unlink()
    run = ae_jax.load_run(folder)
    encode, decode, latent = jax.jit(run.encoder), jax.jit(run.decoder), run.encode(x)
    np.testing.assert_allclose(encode(run.parameters, x), latent, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(decode(run.parameters, latent), run.decode(latent), rtol=1e-5, atol=1e-6)


def test_changed_data_are_refused_and_the_run_still_encodes(trained, command_line):
    folder, table = trained
    run, values = ae_jax.load_run(folder), np.load(table)
    latent = run.encode(run.scaled(values))
    np.save(table, values * [100, 1, 1, 1, 1, 1])
    again = ae_jax.load_run(folder)
    np.testing.assert_array_equal(again.encode(again.scaled(values)), latent)
    message = f"dataset.path: {table} has changed since the run in {folder} was trained on it; put the data back"
    with pytest.raises(UserError, match=message):
        again.experiment.dataset  # noqa: B018 - read for what it raises
    ended = command_line(str(folder), entry=evaluate.main)
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert ended.err.startswith(f"error: {message}")


def test_a_folder_that_kept_nothing_of_its_data_loads_them(trained):
    folder, table = trained
    kept = ae_jax.load_run(folder)
    x = np.load(table)
    (folder / "inputs.json").unlink()
    old = ae_jax.load_run(folder)
    np.testing.assert_array_equal(old.encode(old.scaled(x)), kept.encode(kept.scaled(x)))
    (folder / "environment.json").unlink()  # the summary has the digests too
    np.save(table, x + 1)
    with pytest.raises(UserError, match="has changed since the run in"):
        ae_jax.load_run(folder)


@pytest.mark.parametrize(
    "kind", ["nothing", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("of-content", "empty"))]
)
@pytest.mark.slow
def test_changed_data_of_an_own_loader_are_noticed(
    kind, compose, train_together, no_figures, tmp_path, monkeypatch, caplog
):
    provenance = {"of-content": DIGEST, "nothing": "{}", "empty": '{"sha256": {}}'}[kind]
    module, parameter = f"own_{kind.replace('-', '_')}", {"of-content": "path: str = ''"}.get(kind, "more: int = 0")
    (tmp_path / f"{module}.py").write_text(OWN.format(parameter=parameter, provenance=provenance))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("AE_JAX_ALLOWED_TARGETS", module)
    raw, values = tmp_path / "raw.txt", np.random.default_rng(0).normal(size=(60, 6))
    np.savetxt(raw, values)
    config = validate(
        {
            **compose("trainer.num_epochs=1", "model.latent_size=2", "model.hidden_sizes=[4]"),
            "dataset": {"_target_": f"{module}.load", "folder": str(tmp_path)},
        }
    )
    folder = tmp_path / "run"
    (outcome,) = train_together((config, folder))
    assert outcome.state == "completed"
    assert end_of(config, folder) == "completed"
    _forget()
    np.savetxt(raw, values * 2)
    message = rf"dataset: what {module}.load loads \((raw.txt|train)\) has changed since the run in .*run was trained"
    with pytest.raises(UserError, match=message):
        end_of(config, folder)
    with pytest.raises(UserError, match=message):
        ae_jax.load_run(folder).experiment.dataset  # noqa: B018 - read for what it raises
    _forget()
    raw.unlink()
    assert end_of(config, folder) == "completed"
    assert f"what {module}.load loads cannot be loaded now: results stand unchecked" in caplog.text
    with pytest.raises(UserError, match=r"dataset: cannot be loaded \(.*raw.txt"):
        ae_jax.load_run(folder).experiment.dataset  # noqa: B018 - read for what it raises


def _forget() -> None:
    """As in another process."""
    from ae_jax.experiment import data

    data._load_dataset.cache_clear()
    data._found.cache_clear()


def test_verified_data_are_not_read_to_answer(tmp_path, compose, monkeypatch):
    # What a loader verifies cannot have changed, and to fetch it again would take minutes.
    monkeypatch.setattr("ae_jax.experiment.data._load_dataset", lambda *_: pytest.fail("was read"))
    config = compose("dataset=mnist")
    (tmp_path / "environment.json").write_text('{"data_sha256": {"train-images-idx3-ubyte": "0"}}')
    from ae_jax.runs.inputs import require_unchanged

    require_unchanged(config, RunFolder(tmp_path))


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("per_feature", [False, True])
def test_what_is_kept_scales_to_the_same_bits(dtype, per_feature, tmp_path):
    rng = np.random.default_rng(0)
    raw = rng.integers(0, 255, size=(12, 6)).astype(dtype)
    split = split_examples(12, validation=2, test=2, split_seed=0)
    scale, offset = (rng.normal(size=(2, 6)).astype(np.float32)) if per_feature else (1 / 255, 0.1)
    dataset = Dataset(
        name="made", **{name: raw[getattr(split, name)] for name in SPLITS}, scale=scale, offset=offset,
        feature_shape=(2, 3), unit_interval=False, labels=None, feature_names=None, provenance={},
    )  # fmt: skip
    write_inputs(tmp_path, dataset)
    kept = data_of(RunFolder(tmp_path), {})
    assert kept.num_train == 8
    assert (kept.inputs.feature_shape, kept.inputs.num_features) == ((2, 3), 6)
    assert kept.inputs.train.dtype == at_hand(dataset).inputs.train.dtype == dtype
    np.testing.assert_array_equal(kept.inputs.scaled(raw), dataset.scaled(raw))


DAMAGE = {
    "shape-of-another-size": {"feature_shape": [2**30]},
    "shape-beyond-numbers": {"feature_shape": [10**40]},
    "shape-is-negative": {"feature_shape": [-8, -8]},
    "shape-is-text": {"feature_shape": "88"},
    "scale-of-another-length": {"scale": [1, 2]},
    "scale-is-null": {"scale": None},
    "scale-beyond-float32": {"scale": 1e39},
    "dtype-of-objects": {"dtype": "object"},
    "no-examples": {"num_train": 0},
    "later-schema": {"schema": 9},
    "flag-is-a-number": {"unit_interval": 1},
    "unknown-key": {"extra": 1},
    "examples": {"train": [1]},
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_description_of_the_data_is_one_line(name, tiny, tmp_path):
    folder = shutil.copytree(tiny, tmp_path / "run", ignore=shutil.ignore_patterns("wandb", "figures"))
    path = folder / "inputs.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | DAMAGE[name]))
    with pytest.raises(UserError, match=r"inputs.json: cannot be understood|^model: has parameters of "):
        ae_jax.load_run(folder)


@pytest.mark.parametrize("parameter", ["hidden_sizes", "latent_size"])
def test_a_config_of_another_model_is_refused_at_once(parameter, tiny, tmp_path, monkeypatch):
    # Built as it says, the first would take hours, the second all memory.
    from ae_jax.config.naming import config_hash

    folder = shutil.copytree(tiny, tmp_path / "run", ignore=shutil.ignore_patterns("wandb", "figures"))
    config = RunFolder(folder).config
    change = {"hidden_sizes": [1] * 3000} if parameter == "hidden_sizes" else {"latent_size": 2**31 - 1}
    config["model"] |= {**change, "overcomplete": True}
    (folder / "config.json").write_text(json.dumps(config))
    status = json.loads((folder / "status.json").read_text())
    (folder / "status.json").write_text(json.dumps({**status, "config_hash": config_hash(config)}))
    if parameter == "hidden_sizes":
        monkeypatch.setattr("ae_jax.evaluation.restore.build", lambda *_: pytest.fail("was built"))
    with pytest.raises(UserError, match=r"describes a model of 3000 layers, the checkpoint holds|has parameters of"):
        ae_jax.load_run(folder)


@pytest.mark.slow
def test_a_completed_run_keeps_its_best_parameters_only(train, tmp_path):
    whole = []
    from ae_jax.training.checkpoint import keep_best

    def kept(folder: Path) -> None:
        whole.append(_num_bytes(folder))
        keep_best(folder)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ae_jax.jobs.open_run.keep_best", kept)
        train(tmp_path / "run", "model.hidden_sizes=[256]", "trainer.num_epochs=3", "runtime.checkpoint_seconds=0")
    folder = tmp_path / "run" / "checkpoint"
    (step,) = folder.iterdir()
    assert not (step / "latest").exists()
    assert _num_bytes(folder) < whole[0] / 4
    run = ae_jax.load_run(tmp_path / "run")
    recorded = RunFolder(tmp_path / "run").summary
    assert int(run.best.epoch) == recorded["training"]["best_epoch"]
    assert json.loads(json.dumps(evaluate.evaluate(tmp_path / "run", [])["test"])) == recorded["test"]


def _num_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
