"""Results: run folders, read. Nothing here trains, and nothing here needs what trained.

run folders -> `load` -> `Results` (a table, in SQL too) -> `configurations` over seeds -> statistics
"""

from ae_jax.results.results import Results, load
from ae_jax.results.statistics import estimate
from ae_jax.runs.folder import RunFolder

__all__ = ["Results", "RunFolder", "estimate", "load"]
