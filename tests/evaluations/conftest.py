"""Each test here works in a sealed environment: see tests/running.py."""

import pytest


@pytest.fixture(autouse=True)
def each_sealed(sealed: None) -> None:
    """See `sealed`."""
