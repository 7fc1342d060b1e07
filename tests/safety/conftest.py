"""How thoroughly to fuzz: `AE_JAX_FUZZ_EXAMPLES=20000 pytest tests/safety` searches long."""

import os

from hypothesis import HealthCheck, settings

NUM_EXAMPLES = int(os.environ.get("AE_JAX_FUZZ_EXAMPLES", "0"))
EVERYTHING = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


def thorough(few: int) -> settings:
    """A few examples in the suite, as many as asked for by hand."""
    return settings(
        max_examples=NUM_EXAMPLES or few, deadline=None, suppress_health_check=EVERYTHING, derandomize=not NUM_EXAMPLES
    )
