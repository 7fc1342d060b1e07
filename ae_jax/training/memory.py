"""How much memory a program may take here."""

from pathlib import Path

import jax

# Left to everything else: the host's own arrays, W&B, the compiler.
_SHARE = 0.8
_CGROUPS = Path("/sys/fs/cgroup")


def available_bytes(num_devices: int = 1) -> int | None:
    """Memory that a program on so many of the local devices may take on all of them together.

    CPU devices share what the host has free, or the limit of a container or a batch job leaves. A GPU or TPU has its
    own: what the allocator of the fullest may still hand out, which on a GPU is at most the part that XLA takes of it
    (three quarters, or XLA_PYTHON_CLIENT_MEM_FRACTION).

    Returns:
        Bytes; None where system or allocator do not tell.
    """
    devices = jax.local_devices()
    if devices[0].platform == "cpu":
        sizes = [size for size in (_free_on_host(), _free_in_cgroup()) if size is not None]
        free = min(sizes, default=None)
    else:
        stats = [device.memory_stats() or {} for device in devices]
        known = all("bytes_limit" in one for one in stats)
        each = min(one["bytes_limit"] - one.get("bytes_in_use", 0) for one in stats) if known else None
        free = None if each is None else num_devices * max(0, each)
    return None if free is None else int(_SHARE * free)


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
