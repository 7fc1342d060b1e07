"""Settings for all tests: shapes checked at every call, silent broadcasting made an error, programs compiled once."""

import os
import tempfile
from pathlib import Path

# Set before JAX is imported. Worker processes inherit them, and so share the cache of compiled programs, which is made
# anew for every session.
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", tempfile.mkdtemp(prefix="ae_jax_tests_"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("WANDB_MODE", "offline")

import jax
import pytest
from jaxtyping import install_import_hook

hook = install_import_hook("ae_jax", "beartype.beartype")
hook.__enter__()
jax.config.update("jax_numpy_rank_promotion", "raise")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder with the canonical idx files; tests that need it are skipped, with this reason, without it."""
    folder = os.environ.get("AE_JAX_DATA_DIR")
    if not folder or not (Path(folder) / "mnist").is_dir():
        pytest.skip("AE_JAX_DATA_DIR does not name a folder with mnist/ and fashion_mnist/")
    return Path(folder).resolve()
