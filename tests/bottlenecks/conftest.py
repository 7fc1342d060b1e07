"""Programs of these tests compile faster where they are not optimised: each runs once, on a few numbers."""

from collections.abc import Iterator

import jax
import pytest


@pytest.fixture(autouse=True)
def quick() -> Iterator[None]:
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)
