"""Settings for all tests: shapes checked at every call, silent broadcasting made an error, programs compiled once."""

import gc
import json
import logging
import os
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

# Set before JAX is imported. Worker processes inherit them, and so share the cache of compiled programs with each other
# and with sessions before: the slow tests need many that the fast ones compile. JAX_PLATFORMS=cuda,cpu (make test-gpu)
# tests on a GPU, which several processes then share.
if os.environ.setdefault("JAX_PLATFORMS", "cpu") != "cpu":
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    # Without it, two programs may be given different algorithms for the same product.
    os.environ.setdefault("XLA_FLAGS", "--xla_gpu_deterministic_ops=true")
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(__file__).parents[1] / ".pytest_cache" / "compiled"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.1")  # to write a small one takes longer
os.environ.setdefault("WANDB_MODE", "offline")
os.environ.pop("COLUMNS", None)  # else it says how wide what is printed is

import absl.logging
import jax
import pytest
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.core.singleton import Singleton
from jaxtyping import install_import_hook

# JAX's and beartype's objects are many and stay: looking through them all the time takes a tenth of the tests' time.
gc.set_threshold(100_000, 20, 100)

# Fixtures that train, for the tests of several parts.
pytest_plugins = ("tests.running", "tests.made")

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
    plugins = Plugins.instance()
    singletons, root = Singleton.get_state(), logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    GlobalHydra.instance().clear()
    singletons["instances"][Plugins] = plugins  # which are the same; to find them again takes as long as a small test
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
