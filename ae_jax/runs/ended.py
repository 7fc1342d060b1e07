"""How the run in a folder ended, if it is the one that is asked for."""

from pathlib import Path
from typing import Any

from ae_jax.config.naming import asked_differences, config_hash
from ae_jax.errors import UserError
from ae_jax.runs.folder import RunFolder
from ae_jax.runs.inputs import require_unchanged


def end_of(config: dict[str, Any], folder: Path) -> str | None:
    """`completed` or `diverged` for a run of this config that has ended; None where it is to be begun or continued.

    Raises:
        UserError: If the folder holds a run of another config, which is not overwritten, or of data that have
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
    require_unchanged(config, run)
    return state
