"""A mistake ends in one line that names the key or file, with exit code 2, and nothing is overwritten."""

import gzip
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from ae_jax.experiments import evaluate
from ae_jax.experiments.build import _load_dataset

ARRAY = ("dataset=array", "model.latent_size=2")

# Arguments, and what the line has to say. Refused before anything is written.
REFUSED = {
    # names
    "group": (["modle=dense"], "modle: is not a key or group of the config; did you mean 'model'"),
    "group-of-another-script": (["figure=cost"], "figure: is a group of scripts/figures.py; run it there"),
    "group-added": (["+modle=dense"], "modle: "),
    "option": (["model=densse"], "model=densse: there is no such option of model; did you mean 'dense'"),
    "option-far": (["model=transformer"], "valid: dense, linear"),
    "option-nested": (["optimizer/schedule=cosine"], "warmup_cosine"),
    "experiment": (["experiment=smoky"], "did you mean 'smoke'"),
    "debug": (["debug=nan"], "debug=nan"),
    "key": (
        ["model.latentsize=3"],
        "model.latentsize: is not a key or group of the config; did you mean 'model.latent",
    ),
    "key-top": (["sede=3"], "did you mean 'seed'"),
    "key-trainer": (["trainer.num_epoch=3"], "did you mean 'trainer.num_epochs'"),
    "key-runtime": (["runtime.plattform=cpu"], "did you mean 'runtime.platform'"),
    "key-added": (
        ["+model.latent_sizes=3"],
        "model.latent_sizes: is not a key of this config; did you mean 'latent_si",
    ),
    "key-added-top": (["+foo=1"], "foo: is not a key of this config"),
    "key-added-runtime": (["+runtime.debugnans=true"], "did you mean 'debug_nans'"),
    "key-present": (["+seed=1"], "seed: "),
    "key-removed": (["~trainer.num_epochs"], "trainer.num_epochs: is missing"),
    "group-removed": (["~model"], "model: is missing"),
    "group-null": (["model=null"], "model"),
    "config-name": (["--config-name", "nope"], "nope: is not a config here"),
    # types
    "float": (["optimizer.learning_rate=fast"], "optimizer.learning_rate: input should be a valid number, got 'fast'"),
    "float-bool": (["optimizer.learning_rate=true"], "optimizer.learning_rate: "),
    "float-nan": (["optimizer.learning_rate=nan"], "optimizer.learning_rate: "),
    "float-inf": (["optimizer.learning_rate=inf"], "optimizer.learning_rate: "),
    "float-null": (["optimizer.learning_rate=null"], "optimizer.learning_rate: "),
    "int-float": (["model.latent_size=1.5"], "model.latent_size: input should be a valid integer, got 1.5"),
    "int-text": (["trainer.num_epochs=many"], "trainer.num_epochs: input should be a valid integer, got 'many'"),
    "int-list": (["model.latent_size=[1]"], "model.latent_size: input should be a valid integer, got [1]"),
    "seed-float": (["seed=1.5"], "seed: input should be a valid integer"),
    "seed-null": (["seed=null"], "seed: input should be a valid integer"),
    "list": (["model.hidden_sizes=64"], "model.hidden_sizes: "),
    "list-item": (["model.hidden_sizes=[64,wide]"], "model.hidden_sizes.1: "),
    "literal": (["model.activation=rely"], "model.activation: "),
    "literal-near": (["model.activation=rely"], "did you mean 'relu'"),
    "precision": (["trainer.precision=float16"], "trainer.precision: "),
    "mode": (["tracking.mode=on"], "tracking.mode: "),
    "platform": (["runtime.platform=quantum"], "runtime.platform: "),
    "bool": (["optimizer=momentum", "optimizer.nesterov=maybe"], "optimizer.nesterov: "),
    "tags": (["tags=abc"], "tags: input should be a valid list, got 'abc'"),
    "notes": (["notes=[a]"], "notes: input should be a valid string"),
    "name-folder": (["name=a/b"], "name: 'a/b' cannot name a folder"),
    "name-empty": (["name=''"], "name: '' cannot name a folder"),
    "name-hidden": (["name=..x"], "name: '..x' cannot name a folder"),
    # bounds
    "positive": (["optimizer.learning_rate=0"], "optimizer.learning_rate: input should be greater than 0, got 0"),
    "negative": (["optimizer.learning_rate=-0.1"], "optimizer.learning_rate: input should be greater than 0"),
    "interval": (["optimizer.b1=1"], "optimizer.b1: input should be less than 1"),
    "fraction": (
        ["corruption=masking", "corruption.rate=1.5"],
        "corruption.rate: input should be less than or equal to 1",
    ),
    "scale": (
        ["corruption=gaussian", "corruption.scale=-1"],
        "corruption.scale: input should be greater than or equal",
    ),
    "delta": (["loss=huber", "loss.delta=0"], "loss.delta: input should be greater than 0"),
    "nested": (
        ["optimizer/schedule=warmup_cosine", "optimizer.schedule.warmup_fraction=2"],
        "optimizer.schedule.warmup_fraction: input should be less than or equal to 1",
    ),
    "size": (["model.latent_size=0"], "model.latent_size: input should be greater than or equal to 1, got 0"),
    "sizes": (["model.hidden_sizes=[64,0]"], "model.hidden_sizes.1: input should be greater than or equal to 1, got 0"),
    "batch": (["trainer.batch_size=0"], "trainer.batch_size: input should be greater than or equal to 1"),
    "patience": (["trainer.patience=0"], "trainer.patience: input should be greater than or equal to 1"),
    "seed-negative": (["seed=-1"], "seed: input should be greater than or equal to 0"),
    "seed-large": (["seed=4294967296"], "seed: input should be less than 4294967296"),
    "split-fraction": (["dataset.test_fraction=1"], "dataset.test_fraction: input should be less than 1"),
    "split-seed": (["dataset.split_seed=-1"], "dataset.split_seed: input should be greater than or equal to 0"),
    # grammar
    "not-an-override": (["seed"], "seed: is not an override"),
    "unclosed": (["model.hidden_sizes=[64"], "model.hidden_sizes=[64: is not an override"),
    "interpolation": (["seed=${nothing}"], "seed: "),
    "environment": (["notes=${oc.env:AE_JAX_NOT_SET}"], "AE_JAX_NOT_SET"),
    "mandatory": (["seed=???"], "seed: has no value"),
    # targets
    "target": (["model._target_=os.system"], "model._target_: 'os.system' is not in an allowed module"),
    "target-nested": (
        ["optimizer.schedule._target_=os.system"],
        "optimizer.schedule._target_: 'os.system' is not in an",
    ),
    "target-list": (
        ["model.hidden_sizes=[{_target_:builtins.eval}]"],
        "model.hidden_sizes.0._target_: 'builtins.eval'",
    ),
    "target-added": (["+extra={_target_:os.system}"], "extra._target_: 'os.system' is not in an allowed module"),
    "target-imported": (["model._target_=ae_jax.errors.get_close_matches"], "is defined in difflib, outside"),
    "target-missing": (["model._target_=ae_jax.models.dense.Dense"], "model._target_: cannot find"),
    "target-number": (["model._target_=3"], "model._target_: 3 is not in an allowed module"),
}

# Found only when the data are there or the folder is made: the run folder says `failed`, with the same line.
FAILED = {
    "latent-large": (["model.latent_size=65"], "model.latent_size: 65 is larger than the 64 features of the data"),
    "latent-large-linear": (["model=linear", "model.latent_size=65"], "model.latent_size: 65 is larger than"),
    "salt-on-a-table": (
        [*ARRAY, "dataset.path=TABLE", "corruption=salt_and_pepper"],
        "corruption: is for data in [0, 1], those of table are not",
    ),
    "splits": (["dataset.validation_fraction=0.6", "dataset.test_fraction=0.6"], "dataset.validation_fraction: "),
    "sigmoid-loss": (
        [*ARRAY, "dataset.path=TABLE", "loss=bce"],
        "loss: its outputs lie in [0, 1], the data of table do",
    ),
    "sigmoid-link": ([*ARRAY, "dataset.path=TABLE", "loss.link=sigmoid"], "loss: its outputs lie in [0, 1]"),
    "path-null": (ARRAY, "dataset.path: not given"),
    "path-missing": ([*ARRAY, "dataset.path=none.npy"], "dataset.path: no file"),
    "path-folder": ([*ARRAY, "dataset.path=."], "is a folder"),
    "path-suffix": ([*ARRAY, "dataset.path=NOTES.txt"], "notes.txt ends in '.txt'"),
    "values-nan": ([*ARRAY, "dataset.path=NAN.csv"], "nan.csv: 1 values are missing, NaN"),
    "values-text": ([*ARRAY, "dataset.path=TEXT.csv"], "column 'colour': is not numeric"),
    "values-truncated": ([*ARRAY, "dataset.path=CUT.npy"], "cut.npy: is truncated or damaged"),
    "key-not-npz": ([*ARRAY, "dataset.path=TABLE", "dataset.key=x"], "dataset.key: 'x' names a part of"),
    "idx-missing": (["dataset=mnist"], "train-images-idx3-ubyte.gz: is missing"),
    "idx-truncated": (["dataset=fashion_mnist"], "train-images-idx3-ubyte.gz: is truncated"),
    "online": (["tracking.mode=online"], "tracking.mode: W&B cannot start online"),
}


@pytest.fixture
def files(tmp_path: Path, table: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Wrong files, by the words that stand for them in the arguments."""
    _load_dataset.cache_clear()
    folder = tmp_path / "files"
    (folder / "mnist").mkdir(parents=True)
    (folder / "fashion_mnist").mkdir()
    whole = gzip.compress(bytes(1000), mtime=0)
    for name in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte"):
        (folder / "fashion_mnist" / f"{name}.gz").write_bytes(whole[:-9])
    monkeypatch.setenv("AE_JAX_DATA_DIR", str(folder))
    (folder / "notes.txt").write_text("a,b\n1,2\n")
    (folder / "nan.csv").write_text("a,b\n" + "1,2\n" * 20 + "1,\n")
    (folder / "text.csv").write_text("a,colour\n" + "1,red\n" * 20)
    (folder / "cut.npy").write_bytes(table.read_bytes()[:-5])
    words = {word: str(folder / word.lower()) for word in ("NOTES.txt", "NAN.csv", "TEXT.csv", "CUT.npy")}
    return {"TABLE": str(table), **words}


def _line(err: str) -> str:
    lines = err.splitlines()
    assert len(lines) == 1, err
    assert lines[0].startswith("error: ")
    return lines[0]


@pytest.mark.parametrize(("arguments", "fragment"), REFUSED.values(), ids=REFUSED)
def test_refused_before_anything_is_written(arguments, fragment, command_line, tree):
    ended = command_line(*arguments)
    assert fragment in _line(ended.err)
    assert ended.code == 2
    assert tree(Path.cwd()) == {}


@pytest.mark.parametrize(("arguments", "fragment"), FAILED.values(), ids=FAILED)
def test_failed_run_says_why_in_its_folder(arguments, fragment, files, command_line):
    given = [argument.replace(word, path) for argument in arguments for word, path in files.items() if word in argument]
    given += [argument for argument in arguments if not any(word in argument for word in files)]
    offline = [] if "tracking.mode=online" in arguments else ["tracking.mode=disabled"]
    ended = command_line(*given, *offline, "hydra.run.dir=run", "runtime.print_config=false")
    line = _line(ended.err)
    assert fragment in line
    assert ended.code == 2
    status = json.loads(Path("run/status.json").read_text())
    assert status["state"] == "failed"
    assert f"error: {status['error']}" == line
    assert not Path("run/summary.json").exists()


def test_the_line_of_a_removed_option_does_not_propose_itself(command_line):
    # corruption.rate is a key of corruption=masking, but not of the default corruption=none.
    line = _line(command_line("corruption.rate=0.2").err)
    assert "corruption.rate: " in line
    assert "did you mean 'corruption.rate'" not in line


@pytest.mark.parametrize("folder", ["file/run", "/proc/ae_jax/run"])
def test_unwritable_folder(folder, command_line, tree):
    Path("file").write_text("content")
    ended = command_line(f"hydra.run.dir={folder}", "experiment=smoke")
    assert folder.split("/")[-2] in _line(ended.err)
    assert ended.code == 2
    assert tree(Path.cwd()) == {"file": b"content"}


def test_folder_of_another_config(smoke, tmp_path, command_line, tree):
    folder = shutil.copytree(smoke, tmp_path / "copy")
    before = tree(folder)
    ended = command_line("experiment=smoke", "seed=3", f"hydra.run.dir={folder}")
    line = _line(ended.err)
    assert f"error: {folder}: holds a run of another config (differs in " in line
    assert "seed" in line
    assert ended.code == 2
    assert tree(folder) == before


@pytest.mark.slow
def test_wrong_checksum(tmp_path, data_dir, command_line, monkeypatch):
    _load_dataset.cache_clear()
    folder = shutil.copytree(data_dir / "fashion_mnist", tmp_path / "data" / "fashion_mnist")
    (path,) = folder.glob("t10k-labels-idx1-ubyte*")
    read = gzip.decompress if path.suffix == ".gz" else bytes
    labels = bytearray(read(path.read_bytes()))
    labels[-1] ^= 1
    path.write_bytes(gzip.compress(bytes(labels)) if path.suffix == ".gz" else bytes(labels))
    monkeypatch.setenv("AE_JAX_DATA_DIR", str(tmp_path / "data"))
    quick = ("trainer.num_epochs=1", "trainer.max_train_examples=32", "tracking.mode=disabled")
    ended = command_line("dataset=fashion_mnist", *quick, "hydra.run.dir=run", "runtime.print_config=false")
    assert f"error: {path}: checksum mismatch" in _line(ended.err)
    assert ended.code == 2


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _damage_checkpoint(folder: Path) -> None:
    for path in (folder / "checkpoint").rglob("*"):
        if path.is_file():
            _truncate(path)


def _tamper_config(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["seed"] += 1
    (folder / "config.json").write_text(json.dumps(config))


def _smuggle_target(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["model"]["_target_"] = "os.system"
    (folder / "config.json").write_text(json.dumps(config))


EVALUATE = {
    "checkpoint-damaged": (_damage_checkpoint, [], "checkpoint: no checkpoint can be read"),
    "checkpoint-gone": (lambda run: shutil.rmtree(run / "checkpoint"), [], "checkpoint: holds no checkpoint"),
    "config-damaged": (lambda run: _truncate(run / "config.json"), [], "config.json: cannot be read"),
    "config-gone": (lambda run: (run / "config.json").unlink(), [], "config.json: is missing"),
    "config-tampered": (_tamper_config, [], "config.json: is not the config of this run"),
    "config-target": (_smuggle_target, [], "model._target_: 'os.system' is not in an allowed module"),
    "status-damaged": (lambda run: _truncate(run / "status.json"), [], "status.json: cannot be read"),
    "summary-damaged": (lambda run: _truncate(run / "summary.json"), [], "summary.json: cannot be read"),
    "summary-list": (lambda run: (run / "summary.json").write_text("[]"), [], "summary.json: does not hold a JSON"),
    "summary-schema": (lambda run: (run / "summary.json").write_text('{"schema": 9}'), [], "has schema 9, expected"),
    "no-folder": (shutil.rmtree, [], "is not a folder"),
    "features": (
        lambda run: None,
        ["dataset=array", "dataset.path=TABLE"],
        "dataset: has 6 features, the run was train",
    ),
    "option": (
        lambda run: None,
        ["dataset=digit"],
        "dataset=digit: there is no such option of dataset; did you mean 'di",
    ),
    "not-dataset": (lambda run: None, ["model.latent_size=2"], "model.latent_size=2: cannot be changed after training"),
}


@pytest.mark.parametrize(("damage", "overrides", "fragment"), EVALUATE.values(), ids=EVALUATE)
def test_evaluate_refuses_what_is_damaged(damage, overrides, fragment, smoke, table, tmp_path, command_line, tree):
    folder = shutil.copytree(smoke, tmp_path / "copy", ignore=shutil.ignore_patterns("figures", "wandb"))
    damage(folder)
    before = tree(folder)
    given = [override.replace("TABLE", str(table)) for override in overrides]
    ended = command_line(str(folder), *given, entry=evaluate.main)
    assert fragment in _line(ended.err)
    assert ended.code == 2
    assert tree(folder) == before


@pytest.mark.parametrize("name", ["status.json", "summary.json"])
def test_training_again_over_a_damaged_file(name, smoke, tmp_path, command_line, tree):
    folder = shutil.copytree(smoke, tmp_path / "copy", ignore=shutil.ignore_patterns("figures", "wandb"))
    _truncate(folder / name)
    before = tree(folder)
    arguments = json.loads((smoke / "config.json").read_text())
    ended = command_line(*_as_overrides(arguments), f"hydra.run.dir={folder}")
    assert f"{name}: cannot be read" in _line(ended.err)
    assert ended.code == 2
    assert tree(folder) == before


def _as_overrides(config: dict) -> list[str]:
    """The command of the shared run."""
    trainer = config["trainer"]
    return [
        "experiment=smoke",
        "corruption=masking",
        "loss=bce",
        f"trainer.num_epochs={trainer['num_epochs']}",
    ]


def test_a_bug_keeps_its_traceback(monkeypatch):
    from ae_jax.experiments.guard import guard

    def broken() -> int:
        raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError, match="a bug"):
        guard(broken)


def test_interruption_has_its_exit_code(capsys):
    from ae_jax.experiments.guard import guard

    def interrupted() -> int:
        raise KeyboardInterrupt

    assert guard(interrupted) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_evaluate_without_arguments_prints_its_usage(command_line):
    ended = command_line(entry=evaluate.main)
    assert ended.code == 2
    assert "RUN_FOLDER" in ended.err or "folder" in ended.err


def test_array_of_pickled_objects_is_never_loaded(tmp_path, command_line):
    path = tmp_path / "objects.npy"
    np.save(path, np.array([{"a": 1}] * 30, dtype=object), allow_pickle=True)
    ended = command_line(*ARRAY, f"dataset.path={path}", "hydra.run.dir=run", "runtime.print_config=false")
    assert "holds pickled Python objects" in _line(ended.err)
    assert ended.code == 2
