"""How the run in a folder ended, if it is the one that is asked for."""

import functools
from hashlib import file_digest
from pathlib import Path
from typing import Any

from ae_jax.errors import UserError
from ae_jax.experiments.naming import asked_differences, config_hash
from ae_jax.results.run_folder import RunFolder


def end_of(config: dict[str, Any], folder: Path) -> str | None:
    """`completed` or `diverged` for a run of this config that has ended; None where it is to be begun or continued.

    Raises:
        UserError: If the folder holds a run of another config, which is not overwritten, or of a data file that has
            changed since; or if `resume` forbids what would be done.
    """
    run, resume = RunFolder(folder), config["resume"]
    state = run.state
    if state is None:
        if resume == "must":
            raise UserError("resume=must", f"there is no run in {folder}", "leave it out to begin one")
        return None
    if run.read("status.json").get("config_hash") != config_hash(config):
        keys = asked_differences(run.config, config)
        if not keys:
            raise UserError(folder / "status.json", "is not that of config.json", "move the run folder away")
        raise UserError(
            folder, f"holds a run of another config (differs in {', '.join(keys)})", "choose another hydra.run.dir=…"
        )
    if resume == "never":
        raise UserError(
            "resume=never", f"{folder} holds a run already ({state})", "delete it, or choose another hydra.run.dir=…"
        )
    if state not in ("completed", "diverged"):
        return None
    _check_data_file(config["dataset"].get("path"), run)
    return state


def _check_data_file(path: Any, run: RunFolder) -> None:
    """Refuse to answer with a run that was trained on other content of the data file."""
    if not isinstance(path, str) or not (file := Path(path)).is_file():
        return  # the result stands, also where its data are gone
    recorded = run.read("environment.json").get("data_sha256", {})
    if file.name not in recorded:
        return
    about = file.stat()
    if _digest(file, about.st_size, about.st_mtime_ns) != recorded[file.name]:
        raise UserError(
            "dataset.path",
            f"{path} has changed since the run in {run.path} was trained on it",
            "delete the run folder, or choose another hydra.run.dir=…",
        )


@functools.cache
def _digest(file: Path, size: int, modified: int) -> str:
    """SHA-256 of a file, read again if it looks different."""
    with file.open("rb") as content:
        return file_digest(content, "sha256").hexdigest()
