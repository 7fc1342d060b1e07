"""Results: run folders, read. Nothing here trains, and nothing here needs what trained."""

from ae_jax.results.run_folder import RunFolder

__all__ = ["RunFolder"]
