"""How the run in a folder ended, if it is the one that is asked for."""

from pathlib import Path
from typing import Any

from ae_jax.errors import UserError
from ae_jax.experiments.naming import asked_differences, config_hash
from ae_jax.results.run_folder import RunFolder


def end_of(config: dict[str, Any], folder: Path) -> str | None:
    """`completed` or `diverged` for a run of this config that has ended; None where it is to be begun or continued.

    Raises:
        UserError: If the folder holds a run of another config: it is not overwritten.
    """
    run = RunFolder(folder)
    if run.state is None:
        return None
    if run.read("status.json").get("config_hash") != config_hash(config):
        keys = asked_differences(run.config, config)
        raise UserError(
            folder, f"holds a run of another config (differs in {', '.join(keys)})", "choose another hydra.run.dir=…"
        )
    return run.state if run.state in ("completed", "diverged") else None
