"""How much memory a program may take: what is free, within the limits of a container or a batch job."""

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import jax
import pytest

from ae_jax.training import memory


@pytest.fixture
def devices(monkeypatch) -> Callable[..., None]:
    """Pretend that there are such local devices."""

    def pretend(platform: str, *stats: dict[str, int] | None) -> None:
        made = [SimpleNamespace(platform=platform, memory_stats=lambda one=one: one) for one in stats]
        monkeypatch.setattr(jax, "local_devices", lambda: made)

    return pretend


@pytest.fixture(autouse=True)
def on_a_cpu(devices):
    """Two cores, wherever the tests run."""
    devices("cpu", None, None)


GIB = 2**30


@pytest.mark.parametrize(
    ("platform", "stats", "num_devices", "expected"),
    [
        ("gpu", [{"bytes_limit": 100 * GIB, "bytes_in_use": 20 * GIB}], 1, 80 * GIB),
        ("gpu", [{"bytes_limit": 100 * GIB}, {"bytes_limit": 100 * GIB, "bytes_in_use": 40 * GIB}], 1, 60 * GIB),
        ("tpu", [{"bytes_limit": 16 * GIB, "bytes_in_use": GIB}] * 8, 2, 30 * GIB),  # a program on two of eight
        ("gpu", [{"bytes_limit": GIB, "bytes_in_use": 2 * GIB}], 1, 0),
        ("gpu", [None], 1, None),  # another allocator than XLA's own; never the host's memory
        ("gpu", [{"bytes_limit": GIB}, {"bytes_in_use": 1}], 2, None),
    ],
)
def test_a_program_gets_what_its_devices_have_and_not_what_the_host_has(
    platform, stats, num_devices, expected, devices
):
    devices(platform, *stats)
    assert memory.available_bytes(num_devices) == (None if expected is None else int(0.8 * expected))


def test_cpu_devices_share_the_memory_of_the_host(monkeypatch):
    monkeypatch.setattr(memory, "_free_on_host", lambda: 1000)
    monkeypatch.setattr(memory, "_free_in_cgroup", lambda: None)
    assert memory.available_bytes(1) == memory.available_bytes(2) == 800


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


def _free_from(folder: Path, root: Path) -> int | None:
    """What a process in a control group below `root` has free."""
    with pytest.MonkeyPatch.context() as patch:
        (root / "self").write_text(f"1:name=systemd:/x\n0::/{folder.relative_to(root)}\n")
        patch.setattr(memory, "Path", lambda _: root / "self")
        return memory._free_in_cgroup()


@pytest.mark.skipif(not Path("/proc/self/cgroup").exists(), reason="control groups are Linux's")
def test_the_limit_of_a_control_group_counts_without_what_can_be_dropped(group):
    (group / "memory.max").write_text("1000")
    assert memory._free_in_cgroup() == 600
    assert memory.available_bytes() == int(0.8 * 600)


@pytest.mark.skipif(not Path("/proc/self/cgroup").exists(), reason="control groups are Linux's")
def test_a_control_group_without_limit_does_not_count(group):
    (group / "memory.max").write_text("max\n")
    assert memory._free_in_cgroup() is None


@pytest.mark.skipif(not Path("/proc/self/cgroup").exists(), reason="control groups are Linux's")
def test_the_tightest_limit_of_the_groups_above_counts(group, tmp_path):
    inner = group / "batch" / "job"
    inner.mkdir(parents=True)
    for folder, limit in ((group, 1000), (inner, 5000)):
        (folder / "memory.max").write_text(f"{limit}\n")
        (folder / "memory.current").write_text("700\n")
        (folder / "memory.stat").write_text("inactive_file 300\n")
    (inner.parent / "memory.max").write_text("max\n")
    assert _free_from(inner, tmp_path) == 600


@pytest.mark.skipif(not Path("/proc/self/cgroup").exists(), reason="control groups are Linux's")
def test_more_than_its_limit_in_use_is_nothing_free(group):
    (group / "memory.max").write_text("300")
    assert memory._free_in_cgroup() == 0
    assert memory.available_bytes() == 0


@pytest.mark.parametrize("content", ["12:memory:/job\n11:cpu:/job\n", ""])
def test_groups_of_another_version_tell_nothing(content, tmp_path, monkeypatch):
    (tmp_path / "cgroup").write_text(content)
    monkeypatch.setattr(memory, "Path", lambda _: tmp_path / "cgroup")
    assert memory._free_in_cgroup() is None


def test_a_system_that_does_not_tell_has_no_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "Path", lambda _: tmp_path / "none")
    assert memory._free_on_host() is None
    assert memory.available_bytes() is None


def test_what_the_host_has_free_is_read_in_kibibytes(tmp_path, monkeypatch):
    (tmp_path / "meminfo").write_text("MemTotal:       2000 kB\nMemFree:  10 kB\nMemAvailable:    1000 kB\n")
    monkeypatch.setattr(memory, "Path", lambda path: tmp_path / Path(path).name)
    assert memory._free_on_host() == 1000 * 1024
    assert memory.available_bytes() == int(0.8 * 1000 * 1024)


def test_running_out_of_memory_is_told_from_other_errors():
    assert memory.is_out_of_memory(MemoryError())
    assert memory.is_out_of_memory(jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 8 bytes"))
    assert not memory.is_out_of_memory(jax.errors.JaxRuntimeError("INTERNAL: something else"))
    assert not memory.is_out_of_memory(ValueError("RESOURCE_EXHAUSTED"))
