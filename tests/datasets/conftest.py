"""No test of data sets may see the user's files or the network beyond this machine."""

import socket
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def sealed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache, no data folder, no proxies, and connections to this machine only. Returns the cache."""
    cache = tmp_path / "cache"
    monkeypatch.delenv("AE_JAX_DATA_DIR", raising=False)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda *_, **__: str(cache))
    connect = socket.socket.connect

    def only_here(self: socket.socket, address: tuple) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1"):
            raise OSError(f"a test tried to reach {address}")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", only_here)
    return cache / "datasets"
