"""Settings for all tests: shapes checked at every call, silent broadcasting made an error, programs compiled once."""

import copy
import gc
import json
import logging
import os
import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

# Set before JAX is imported. Worker processes inherit them, and so share the cache of compiled programs, which is made
# anew for every session. JAX_PLATFORMS=cuda,cpu (make test-gpu) tests on a GPU, which several processes then share.
if os.environ.setdefault("JAX_PLATFORMS", "cpu") != "cpu":
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    # Without it, two programs may be given different algorithms for the same product.
    os.environ.setdefault("XLA_FLAGS", "--xla_gpu_deterministic_ops=true")
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", tempfile.mkdtemp(prefix="ae_jax_tests_"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("WANDB_MODE", "offline")
os.environ.pop("COLUMNS", None)  # else it says how wide what is printed is

import absl.logging
import jax
import numpy as np
import pytest
from hydra.core.global_hydra import GlobalHydra
from hydra.core.singleton import Singleton
from jaxtyping import install_import_hook

# JAX's and beartype's objects are many and stay: looking through them all the time takes a tenth of the tests' time.
gc.set_threshold(100_000, 20, 100)

# Fixtures that train, for the tests of several parts.
pytest_plugins = ("tests.running",)

# Before any test seals its environment.
DATA_DIR = os.environ.get("AE_JAX_DATA_DIR")

hook = install_import_hook("ae_jax", "beartype.beartype")
hook.__enter__()
jax.config.update("jax_numpy_rank_promotion", "raise")
# Of what a test computes itself; what runs compute with is theirs to say (trainer.matmul_precision).
jax.config.update("jax_default_matmul_precision", "highest")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--shuffle", type=int, metavar="SEED", help="run files, and the tests of each, in a random order")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The tests of a file stay together, as they may share what takes long to make."""
    seed = config.getoption("--shuffle")
    if seed is None:
        return
    by_file: dict[Path, list[pytest.Item]] = {}
    for item in items:
        by_file.setdefault(item.path, []).append(item)
    order = random.Random(seed)
    files = list(by_file.values())
    for tests in (*files, files):
        order.shuffle(tests)
    items[:] = [item for tests in files for item in tests]


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder with the canonical idx files; tests that need it are skipped, with this reason, without it."""
    if not DATA_DIR or not (Path(DATA_DIR) / "mnist").is_dir():
        pytest.skip("AE_JAX_DATA_DIR does not name a folder with mnist/ and fashion_mnist/")
    return Path(DATA_DIR).resolve()


@pytest.fixture
def hydra_put_back() -> Iterator[None]:
    """Hydra's globals and its logging are as before after the test."""
    # Hydra shuts down all handlers when it sets up logging, and absl's then closes its stream unless it is this one.
    absl.logging.get_absl_handler().python_handler.stream = sys.__stderr__
    singletons, root = Singleton.get_state(), logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    GlobalHydra.instance().clear()
    Singleton.set_state(singletons)
    root.handlers, root.level = handlers, level


@pytest.fixture(scope="session")
def last_state() -> Callable[[Path], Any]:
    """Everything that the last checkpoint of a run holds."""
    return _last_state


def _last_state(folder: Path) -> Any:
    from ae_jax.experiment.build import build
    from ae_jax.training.checkpoint import restore_state
    from ae_jax.training.epoch import init_state

    experiment = build(json.loads((folder / "config.json").read_text()))

    def first(run: Any) -> Any:
        return init_state(experiment.structure, run, num_train=len(experiment.dataset.train))

    state = restore_state(folder / "checkpoint", jax.eval_shape(first, experiment.run), at_most=sys.maxsize)
    assert state is not None
    return state


@pytest.fixture(scope="session")
def best_of() -> Callable[[Path], Any]:
    """The best parameters of a run, with their epoch and loss: what its checkpoint keeps when it has completed."""

    def best(folder: Path) -> Any:
        from ae_jax.experiment.build import build
        from ae_jax.training.checkpoint import restore_best
        from ae_jax.training.objective import abstract_best

        experiment = build(json.loads((folder / "config.json").read_text()))
        return restore_best(folder / "checkpoint", abstract_best(experiment.structure, experiment.run))

    return best


CONFIG: dict[str, Any] = {
    "name": "made",
    "resume": "auto",
    "seed": 0,
    "tags": [],
    "notes": "",
    "runtime": {"platform": None},
    "dataset": {"_target_": "ae_jax.datasets.digits.digits", "split_seed": 0},
    "model": {"_target_": "ae_jax.models.dense.DenseAutoencoder", "hidden_sizes": [8], "latent_size": 2},
    "corruption": {"_target_": "ae_jax.corruptions.none.none"},
    "loss": {"_target_": "ae_jax.losses.mse.mse", "link": "identity"},
    "optimizer": {
        "_target_": "ae_jax.optimizers.adam.adam",
        "learning_rate": 1e-3,
        "schedule": {"_target_": "ae_jax.optimizers.schedules.constant"},
    },
    "trainer": {"_target_": "ae_jax.training.options.TrainerOptions", "num_epochs": 3},
    "tracking": {"mode": "disabled"},
}


@pytest.fixture(scope="session")
def write_run() -> Callable[..., Path]:
    """Write a run folder by hand, as far as results, tables, figures and reports read it; nothing is trained.

    PCA's test sse is 8, 4, 2, 1, … for 0, 1, 2, 3, … components of `dataset` with `num_features` features; errors on
    train and validation are 0.9 and 1.1 of it. So are the autoencoder's of `sse`, unless `validation_sse` is given.
    """
    return _write_run


def _write_run(
    folder: Path,
    *,
    settings: dict[str, Any] | None = None,
    sse: float = 1.5,
    validation_sse: float | None = None,
    corrupted_sse: float | None = None,
    dataset: str = "digits",
    feature_shape: Sequence[int] = (3, 3),
    unit_interval: bool = True,
    state: str = "completed",
    error: str | None = None,
    num_epochs: int = 3,
    num_examples: int = 6,
    terms: dict[str, float] | None = None,
) -> Path:
    """See `write_run`. `settings` are dotted keys; a component is named by its `_target_`.

    `terms` are those of the objective on test; on train and validation they are 0.9 and 1.1 of it. None: an older run.
    """
    config = _config_with(settings or {})
    folder.mkdir(parents=True, exist_ok=True)
    asked = {key: value for key, value in config.items() if key not in ("name", "tags", "notes", "runtime", "tracking")}
    config_hash = sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:8]
    status = {"schema": 1, "state": state, "config_hash": config_hash, "git_commit": "0" * 40, "error": error}
    (folder / "status.json").write_text(json.dumps(status | {"started": "2026-01-01T00:00:00.000+00:00"}))
    (folder / "config.json").write_text(json.dumps(config))
    records = [
        {"epoch": epoch, "step": 10 * epoch, "train_loss": 1 / epoch, "validation_loss": 1.1 / epoch}
        | {"validation_sse": 1.1 * sse * (1 + 1 / epoch), "seconds": 0.5}
        | {f"train_{name}": 0.9 * term * (1 + 1 / epoch) for name, term in (terms or {}).items()}
        | {f"validation_{name}": 1.1 * term * (1 + 1 / epoch) for name, term in (terms or {}).items()}
        for epoch in range(1, num_epochs + 1)
    ]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    if state != "completed":
        return folder
    about = {
        "name": dataset,
        "num_features": int(np.prod(feature_shape)),
        "feature_shape": list(feature_shape),
        "unit_interval": unit_interval,
        "counts": {"train": 100, "validation": 10, "test": 20},
        "provenance": {"sha256": {dataset: "0"}, "split_sha256": "1"},
    }
    validation = 1.1 * sse if validation_sse is None else validation_sse
    errors = {"train": 0.9 * sse, "validation": validation, "test": sse, "corrupted": corrupted_sse}
    summary = {"schema": 1, "run": folder.name, "config_hash": config_hash, "seed": config["seed"], "dataset": about}
    summary |= _measured(config, about, errors, num_epochs)
    for split, factor in (("train", 0.9), ("validation", 1.1), ("test", 1.0)) if terms is not None else ():
        summary[split]["terms"] = {name: factor * term for name, term in terms.items()}
    (folder / "summary.json").write_text(json.dumps(summary))
    _write_arrays(folder, config, feature_shape, num_examples)
    _write_errors(folder, summary)
    return folder


def _config_with(settings: dict[str, Any]) -> dict[str, Any]:
    config = copy.deepcopy(CONFIG)
    for key, value in settings.items():
        *parents, last = key.split(".")
        node = config
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = value
    return config


def _measured(
    config: dict[str, Any], about: dict[str, Any], errors: dict[str, float | None], num_epochs: int
) -> dict[str, Any]:
    """The rest of a summary: measures of errors, PCA's, and made-up costs."""
    num_features, latent_size = about["num_features"], config["model"]["latent_size"]
    curve = [8 / 2**size for size in range(num_features)] + [0.0]
    components = min(latent_size, num_features)

    def measures(error: float) -> dict[str, float | None]:
        bce = 10 + error if about["unit_interval"] else None
        psnr = -10 * float(np.log10(error / num_features)) if about["unit_interval"] and error > 0 else None
        return {
            "sse": error,
            "mse": error / num_features,
            "explained_variance": 1 - error / 8,
            "psnr": psnr,
            "bce": bce,
        }

    splits = ("train", "validation", "test")
    pca_errors = {"train": 0.9 * curve[components], "validation": 1.1 * curve[components], "test": curve[components]}
    seen = errors["corrupted"]
    return {
        "training": {
            "loss": config["loss"]["_target_"].rpartition(".")[2],
            "epochs": num_epochs,
            "best_epoch": num_epochs,
            "best_validation_loss": errors["validation"] / num_features,
            "last_train_loss": errors["train"] / num_features,
            "stopped": "epoch limit",
        },
        **{split: measures(errors[split]) for split in splits},
        "corrupted": None if seen is None else {"autoencoder": measures(seen), "pca": measures(seen + 1)},
        "pca": {
            "num_components": components,
            **{split: measures(pca_errors[split]) for split in splits},
            "components_to_match": next((size for size, error in enumerate(curve) if error <= errors["test"]), None),
            "test_sse_by_components": curve,
            "principal_angles_degrees": None,
            "num_parameters": (components + 1) * num_features,
            "flops_per_example": 4.0 * components * num_features,
        },
        "model": {
            "latent_size": latent_size,
            "num_parameters": 20 * latent_size + 100,
            "flops_per_example": 40.0 * latent_size + 200,
        },
        "time": {
            "group_size": 1,
            "group_train_seconds": 0.5 * num_epochs,
            "compile_seconds": 1.0,
            "train_seconds": 0.5 * num_epochs,
            "total_seconds": 3.0,
            "examples_per_second": 200.0,
            **{f"latency_per_{what}_seconds": seconds for what, seconds in (("example", 2e-5), ("batch", 2e-4))},
            **{f"pca_latency_per_{what}_seconds": seconds for what, seconds in (("example", 1e-5), ("batch", 1e-4))},
        },
        "memory": {"host_peak_bytes": 10**8, "device_peak_bytes": None, "program_bytes": 10**6},
    }


def _write_arrays(folder: Path, config: dict[str, Any], feature_shape: Sequence[int], num_examples: int) -> None:
    rng = np.random.default_rng(config["seed"])
    shape, latent_size = (min(num_examples, 4), *feature_shape), config["model"]["latent_size"]
    images = {name: rng.uniform(size=shape).astype(np.float32) for name in ("x", "corrupted", "autoencoder", "pca")}
    np.savez(folder / "reconstructions.npz", **images)
    latents = {"autoencoder": latent_size, "pca": min(latent_size, int(np.prod(feature_shape)))}
    arrays = {name: rng.normal(size=(num_examples, size)).astype(np.float32) for name, size in latents.items()}
    np.savez(folder / "latents.npz", **arrays, labels=np.arange(num_examples) % 3)


def _write_errors(folder: Path, summary: dict[str, Any]) -> None:
    """Errors of test examples that have the test sse as mean; the same examples are hard for both methods."""
    hardness = np.random.default_rng(0).lognormal(sigma=0.5, size=summary["dataset"]["counts"]["test"])
    sses = {"autoencoder": summary["test"]["sse"], "pca": summary["pca"]["test"]["sse"]}
    sses |= {f"corrupted_{method}": measured["sse"] for method, measured in (summary["corrupted"] or {}).items()}
    np.savez(
        folder / "errors.npz", **{name: np.float32(sse * hardness / hardness.mean()) for name, sse in sses.items()}
    )
