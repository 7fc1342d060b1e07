"""How much memory a program may take here."""

from pathlib import Path

import jax

# Left to everything else: the host's own arrays, W&B, the compiler.
_SHARE = 0.8
_CGROUPS = Path("/sys/fs/cgroup")


def available_bytes() -> int | None:
    """Memory that a program may take on all local devices together; None if the system does not tell.

    On a GPU or TPU what its allocator may still hand out; on a CPU what the host has free, or the limit of a container
    or a batch job leaves.
    """
    devices = jax.local_devices()
    stats = [device.memory_stats() or {} for device in devices]
    if all("bytes_limit" in one for one in stats):
        free = min(one["bytes_limit"] - one.get("bytes_in_use", 0) for one in stats) * len(devices)
    else:
        sizes = [size for size in (_free_on_host(), _free_in_cgroup()) if size is not None]
        if not sizes:
            return None
        free = min(sizes)
    return int(_SHARE * free)


def is_out_of_memory(error: BaseException | None) -> bool:
    """Whether the device or host had not enough memory for a program."""
    exhausted = isinstance(error, jax.errors.JaxRuntimeError) and "RESOURCE_EXHAUSTED" in str(error)
    return exhausted or isinstance(error, MemoryError)


def _free_on_host() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return None


def _free_in_cgroup() -> int | None:
    """What the tightest limit of this process's control groups leaves; files in the page cache can be dropped."""
    try:
        own = next(line for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::"))
    except (OSError, StopIteration):
        return None
    folder = _CGROUPS / own.removeprefix("0::").strip("/")
    free = []
    for group in (folder, *folder.parents):
        try:
            limit, used = (int((group / f"memory.{name}").read_text()) for name in ("max", "current"))
            stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        except (OSError, ValueError):  # no such file, or no limit: "max"
            continue
        free.append(max(0, limit - used + int(stat.get("inactive_file", 0))))
    return min(free, default=None)
