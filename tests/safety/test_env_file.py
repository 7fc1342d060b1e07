"""A `.env` in a folder from elsewhere gives no more than it is for."""

import os
from pathlib import Path

import pytest

from ae_jax.jobs.guard import guard

HARMLESS = {"WANDB_API_KEY": "5e" * 20, "WANDB_PROJECT": "theirs", "AE_JAX_DATA_DIR": "data"}
HARMFUL = ("AE_JAX_ALLOWED_TARGETS", "PYTHONPATH", "LD_PRELOAD", "WANDB_BASE_URL", "HTTPS_PROXY", "PATH", "XLA_FLAGS")


def test_only_what_it_is_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [*(f"{name}={value}" for name, value in HARMLESS.items()), *(f"{name}=theirs" for name in HARMFUL), "EMPTY"]
    (tmp_path / ".env").write_text("\n".join(lines))
    monkeypatch.chdir(tmp_path)
    for name in HARMLESS:
        monkeypatch.setenv(name, "")  # put back after the test
        monkeypatch.delenv(name)
    monkeypatch.setenv("WANDB_PROJECT", "mine")
    before = {name: os.environ.get(name) for name in HARMFUL}
    seen: dict[str, str] = {}

    def command() -> int:
        seen.update(os.environ)
        return 0

    assert guard(command) == 0
    assert {name: seen.get(name) for name in HARMFUL} == before
    assert {name: seen[name] for name in HARMLESS} == {**HARMLESS, "WANDB_PROJECT": "mine"}
