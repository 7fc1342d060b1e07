"""What a run was made with: the commit of the code, versions of packages, devices, host."""

import functools
import logging
import os
import platform
import socket
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from ae_jax.runs.folder import SCHEMA, RunFolder

_PACKAGES = ("ae_jax", "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "hydra-core", "wandb", "numpy", "scipy")

_FLAGS = ("XLA_FLAGS", "JAX_PLATFORMS", "NVIDIA_TF32_OVERRIDE", "XLA_PYTHON_CLIENT_MEM_FRACTION")
_log = logging.getLogger(__name__)


@functools.cache
def environment() -> dict[str, Any]:
    """The content of environment.json, all but the command. It cannot change while this process lives. Imports JAX."""
    import jax

    return {
        "schema": SCHEMA,
        "python": platform.python_version(),
        "packages": package_versions(_PACKAGES),
        "devices": [f"{device.platform}:{device.device_kind}" for device in jax.devices()],
        "flags": {name: os.environ[name] for name in _FLAGS if name in os.environ},
        "host": socket.gethostname(),
        "system": platform.platform(),
        "num_cpus": os.cpu_count(),
    }


def versions() -> dict[str, str | None]:
    """What can change a result in its last digits, or more: the commit of the code, Python, and the packages."""
    return {"commit": code_version()["git_commit"], "python": platform.python_version(), **package_versions(_PACKAGES)}


def recorded_versions(run: RunFolder) -> dict[str, str | None]:
    """The `versions` that last trained in a run folder, as far as it tells."""
    recorded = {"commit": run.read("status.json").get("git_commit")}
    if (run.path / "environment.json").exists():
        environment = run.read("environment.json")
        recorded |= {"python": environment.get("python"), **environment.get("packages", {})}
    return recorded


def changes(then: dict[str, str | None], now: dict[str, str | None]) -> str:
    """Where versions differ, as `jax 0.10.1 -> 0.10.2, …`; empty where all that is known of both is equal."""

    def short(name: str, version: str) -> str:
        return version[:10] if name == "commit" else version

    return ", ".join(
        f"{name} {short(name, before)} -> {short(name, after)}"
        for name, before in then.items()
        if before and (after := now.get(name)) and before != after
    )


def package_versions(names: Iterable[str]) -> dict[str, str | None]:
    """Versions of installed packages, None for those that are not."""
    found: dict[str, str | None] = dict.fromkeys(names)
    for name in found:
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


@functools.cache
def code_version() -> dict[str, Any]:
    """Commit of the code when this process began, and whether it was changed since; None outside a checkout."""
    root = Path(__file__).resolve().parents[2]

    if not (root / ".git").exists():
        return {"git_commit": None, "git_changed": None}
    try:
        commit, changed = _git(root, "rev-parse", "HEAD"), _git(root, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError) as error:
        said = (getattr(error, "stderr", None) or str(error)).strip().splitlines() or [type(error).__name__]
        _log.warning("the commit of the code is not recorded, as git cannot tell it (%s)", said[0])
        return {"git_commit": None, "git_changed": None}
    return {"git_commit": commit, "git_changed": bool(changed)}


def _git(root: Path, *arguments: str) -> str:
    """What git says of a checkout, also where it is another user's: git refuses those, as their settings run commands.

    The code of this one runs already, and none of the settings that do that are heeded.
    """
    own = ("-c", f"safe.directory={root}", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
    command = ["git", *own, "-C", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
