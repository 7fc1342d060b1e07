"""Weights & Biases: the only file that imports wandb, and it does so only when a run is tracked."""

import logging
import os
import re
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NamedTuple

from ae_jax.errors import UserError

_log = logging.getLogger(__name__)


class TrackingOptions(NamedTuple):
    """Options of tracking, the keys of `conf/tracking/*.yaml`. None of them can change a result.

    Attributes:
        mode: Send to the server, write for `wandb sync` to send later, or do neither.
        project: Project that the run belongs to.
        entity: User or team; null: the default of the account.
        group: Group within the project, such as a sweep; null: none.
    """

    mode: Literal["online", "offline", "disabled"]
    project: str
    entity: str | None
    group: str | None


class Tracker:
    """One W&B run inside a run folder. Does nothing when the mode is disabled.

    Args:
        options: See `TrackingOptions`.
        folder: The run folder; W&B writes to its `wandb/`.
        config: The checked config.
        run_name: Name of the run folder; with the project it identifies the run.

    Raises:
        UserError: If W&B cannot start, for instance online without a key.
    """

    def __init__(self, options: TrackingOptions, folder: Path, config: dict[str, Any], *, run_name: str):
        self._run = None
        if options.mode == "disabled":
            return
        os.environ.setdefault("WANDB_SILENT", "true")
        import wandb

        try:
            self._run = wandb.init(
                mode=options.mode,
                project=options.project,
                entity=options.entity,
                group=options.group,
                dir=folder,
                id=re.sub(r"[^A-Za-z0-9_.-]", "-", f"{config['name']}-{run_name}")[-128:],
                name=run_name,
                tags=config["tags"],
                notes=config["notes"] or None,
                config=config,
                resume="allow" if options.mode == "online" else None,
                reinit="create_new",
                # environment.json has the versions; listing every installed package takes a tenth of a second a run.
                settings=wandb.Settings(console="off", x_disable_stats=True, silent=True, x_save_requirements=False),
            )
        except (wandb.errors.UsageError, wandb.errors.CommError) as error:
            reason = str(error).strip().splitlines()[0]
            raise UserError(
                "tracking.mode",
                f"W&B cannot start {options.mode} ({reason})",
                "use tracking.mode=offline, or put WANDB_API_KEY into .env",
            ) from error

    def log(self, record: dict[str, Any]) -> None:
        """Log an epoch's metrics; the W&B step is the epoch."""
        if self._run is not None:
            self._run.log(record, step=record["epoch"])

    def finish(self, *, state: str, summary: dict[str, Any] | None = None, figures: list[Path] | None = None) -> None:
        """Send figures and summary, and close the run; marked as failed unless `state` is completed."""
        if self._run is None:
            return
        import wandb

        step = self._run.step
        for figure in figures or []:
            self._run.log({f"figures/{figure.stem}": wandb.Image(str(figure))}, step=step)
        self._run.summary.update({"state": state, **(summary or {})})
        self._run.finish(exit_code=0 if state == "completed" else 1)
        self._run = None

    def __enter__(self) -> "Tracker":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._run is not None:
            self.finish(state="failed" if isinstance(error, Exception) else "interrupted")
