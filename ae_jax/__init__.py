"""Research experiments with autoencoders in JAX, always measured against PCA."""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["__version__", "load_run", "results"]

if TYPE_CHECKING:
    from ae_jax import results
    from ae_jax.evaluation.restore import load_run


def __getattr__(name: str) -> Any:
    # Imported on first use: `import ae_jax` stays fast because it does not import JAX.
    if name == "load_run":
        from ae_jax.evaluation.restore import load_run

        return load_run
    if name == "results":
        return importlib.import_module("ae_jax.results")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
