"""Set JAX up by configuration only: platform, compile cache, and a device for each CPU core where runs are spread."""

import functools
import os
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ae_jax.errors import StorageError, UserError
from ae_jax.files import write_bytes

# Each device has a copy of the data, so that there is a limit to what more of them are worth.
_MOST_CPU_DEVICES = 16


def configure_jax(config: dict[str, Any], *, num_runs: int) -> None:
    """Prepare JAX for training; to be called before anything is computed, and without effect after that.

    Args:
        config: A checked config; its `runtime` and `trainer.data_parallel` count.
        num_runs: How many runs are to be trained together.

    Raises:
        UserError: If the platform cannot be used.
    """
    import jax

    runtime = config["runtime"]
    if runtime["platform"]:
        jax.config.update("jax_platforms", runtime["platform"])
    data_parallel = config["trainer"].get("data_parallel", 1)  # a trainer of one's own may leave it out
    if num_runs * data_parallel > 1:
        _spread_over_cores(max(_num_cores(), data_parallel))
    if runtime["compile_cache"] and "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        import platformdirs

        jax.config.update("jax_compilation_cache_dir", str(platformdirs.user_cache_path("ae_jax") / "compiled"))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    _keep_cache_whole()
    try:
        jax.devices()
    except (RuntimeError, AssertionError) as error:
        platforms = runtime["platform"] or os.environ.get("JAX_PLATFORMS")
        raise UserError(
            "runtime.platform",
            f"{platforms} cannot be used ({str(error).partition(chr(10))[0]})",
            "use runtime.platform=cpu, or install the extra ae_jax[cuda] or ae_jax[tpu]",
        ) from error


@functools.cache
def _keep_cache_whole() -> None:
    """Let JAX write an entry of its compile cache whole or not at all: several processes may read and write one folder.

    As it is, another process may read half an entry, and one that is killed leaves it for good. What cannot be read is
    compiled, and written anew.
    """
    from jax._src.lru_cache import LRUCache

    warnings.filterwarnings("ignore", message="Error reading persistent compilation cache entry")

    def put(self: LRUCache, key: str, value: bytes, put_in_place: Callable[..., None] = LRUCache.put) -> None:
        path = Path(str(self.path)) / f"{key}-cache"
        if self.eviction_enabled or not path.parent.is_dir():  # locked by JAX, or not on this machine
            put_in_place(self, key, value)
        else:
            with suppress(StorageError):  # then it is compiled again, another time
                write_bytes(path, value)

    LRUCache.put = put  # type: ignore[method-assign] # there is no other way in


def _spread_over_cores(num_devices: int) -> None:
    import jax

    if "xla_force_host_platform_device_count" in os.environ.get("XLA_FLAGS", ""):
        return  # the user's own choice
    with suppress(RuntimeError):  # JAX has begun to compute
        jax.config.update("jax_num_cpu_devices", num_devices)


def _num_cores() -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, _MOST_CPU_DEVICES)
