"""How much memory a program may take: what is free, within the limits of a container or a batch job."""

import os
from pathlib import Path

import jax
import pytest

from ae_jax.training import memory


def test_no_more_than_there_is():
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert 0 < memory.available_bytes() < total


@pytest.fixture
def group(tmp_path, monkeypatch) -> Path:
    """The control group of this process, as files."""
    monkeypatch.setattr(memory, "_CGROUPS", tmp_path)
    own = Path("/proc/self/cgroup").read_text().splitlines()
    folder = tmp_path / next(line for line in own if line.startswith("0::")).removeprefix("0::").strip("/")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.current").write_text("700")
    (folder / "memory.stat").write_text("anon 400\ninactive_file 300\n")
    return folder


@pytest.mark.skipif(not Path("/proc/self/cgroup").exists(), reason="control groups are Linux's")
def test_the_limit_of_a_control_group_counts_without_what_can_be_dropped(group):
    (group / "memory.max").write_text("1000")
    assert memory._free_in_cgroup() == 600
    assert memory.available_bytes() == int(0.8 * 600)


@pytest.mark.skipif(not Path("/proc/self/cgroup").exists(), reason="control groups are Linux's")
def test_a_control_group_without_limit_does_not_count(group):
    (group / "memory.max").write_text("max\n")
    assert memory._free_in_cgroup() is None


def test_running_out_of_memory_is_told_from_other_errors():
    assert memory.is_out_of_memory(MemoryError())
    assert memory.is_out_of_memory(jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 8 bytes"))
    assert not memory.is_out_of_memory(jax.errors.JaxRuntimeError("INTERNAL: something else"))
    assert not memory.is_out_of_memory(ValueError("RESOURCE_EXHAUSTED"))
