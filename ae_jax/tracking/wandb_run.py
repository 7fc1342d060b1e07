"""Weights & Biases: the only file that imports wandb, and it does so only when a run is tracked.

No server can stop, slow or falsify training, because training never talks to one:

    run -> run folder/wandb/offline-run-…/*.wandb -> another process, which reads along -> server

Every run is written as an offline run is. With `tracking.mode=online`, another process follows the file and sends it
(`uploads.py`). A continued run writes a new file with the whole history from epoch 1, and that replaces what the server
has of the run: no step is doubled, missing or out of order, wherever the server had stopped.
"""

import atexit
import functools
import logging
import os
import re
import shlex
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, Literal, NamedTuple, NoReturn

from annotated_types import Len

from ae_jax.errors import UserError, describe
from ae_jax.terminal import short_path
from ae_jax.tracking.sync_log import SyncLog
from ae_jax.tracking.uploads import EXIT_INCOMPLETE, EXIT_REFUSED, uploads

_log = logging.getLogger(__name__)

# What W&B takes: the server refuses longer names, groups and ids, its client longer tags.
_LONGEST_NAME, _LONGEST_TAG = 128, 64
# How soon what is logged is in the file, for whoever reads along.
_FLUSH_SECONDS = 2.0
# Training goes first where both want the processor.
_NICENESS = 10


class TrackingOptions(NamedTuple):
    """Options of tracking, the keys of `conf/tracking/*.yaml`. None of them can change a result.

    Attributes:
        mode: Send to the server, write for `wandb sync` to send later, or do neither.
        project: Project that the run belongs to.
        entity: User or team; null: the default of the account.
        group: Group within the project, such as a sweep; null: none.
    """

    mode: Literal["online", "offline", "disabled"]
    project: Annotated[str, Len(1, _LONGEST_NAME)]
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
        UserError: If W&B is asked for what it cannot do, for instance to send without a key.
    """

    def __init__(self, options: TrackingOptions, folder: Path, config: dict[str, Any], *, run_name: str):
        self._run: Any = None
        self._folder, self._segment = folder, folder / "wandb"  # what W&B begins in it
        self._is_online, self._has_history = options.mode == "online", False
        if options.mode == "disabled":
            return
        # Else wandb reports about itself to the server, offline as well, and waits for it when the program ends.
        os.environ["WANDB_ERROR_REPORTING"] = "false"
        os.environ.setdefault("WANDB_SILENT", "true")
        with self._spare_training():
            if self._is_online:
                _prepare_uploads()
            self._run = _begin(options, folder, config, run_name)
            self._segment = Path(self._run.dir).parent

    def log(self, record: dict[str, Any]) -> None:
        """Log an epoch's metrics; the W&B step is the epoch."""
        if self._run is None:
            return
        with self._spare_training():
            self._run.log(record, step=record["epoch"])
            if self._is_online and not self._has_history:
                uploads.add(self._segment)
            self._has_history = True

    def finish(self, *, state: str, summary: dict[str, Any] | None = None, figures: list[Path] | None = None) -> None:
        """Log figures and summary, and close the run; marked as failed unless `state` is completed."""
        if self._run is None:
            return
        import wandb

        run, self._run = self._run, None
        uploads.is_interrupted |= state == "interrupted"
        with self._spare_training():
            step = run.step
            for figure in figures or []:
                run.log({f"figures/{figure.stem}": wandb.Image(str(figure))}, step=step)
            run.summary.update({"state": state, **(summary or {})})
            run.finish(exit_code=0 if state == "completed" else 1)
            _supersede(self._segment, has_history=self._has_history)

    @contextmanager
    def _spare_training(self) -> Iterator[None]:
        """What fails within W&B, such as its own process, ends the tracking of this run, and not the run."""
        try:
            yield
        except UserError:
            raise
        except Exception as error:
            self._run = None
            sync = f"wandb sync {shlex.quote(str(short_path(self._segment)))}"
            name, said = self._folder.name, "the run goes on, and is tracked no further"
            _log.warning("%s: W&B has failed (%s): %s; send what there is with %s", name, describe(error), said, sync)

    def __enter__(self) -> "Tracker":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.finish(state="failed" if isinstance(error, Exception) else "interrupted")


def _begin(options: TrackingOptions, folder: Path, config: dict[str, Any], run_name: str) -> Any:
    """Begin the W&B run. Texts are made to fit: a long tag is no reason not to train, and the config has all of it."""
    import wandb

    with _mistakes(options.mode):
        return wandb.init(
            mode="offline",
            project=options.project,
            entity=options.entity,
            group=_fitted(options.group or "", _LONGEST_NAME) or None,
            dir=folder,
            id=re.sub(r"[^A-Za-z0-9_.-]", "-", f"{config['name']}-{run_name}")[-_LONGEST_NAME:],
            name=_fitted(run_name, _LONGEST_NAME),
            tags=list(dict.fromkeys(filter(None, (_fitted(tag, _LONGEST_TAG) for tag in config["tags"])))),
            notes=_fitted(config["notes"]) or None,
            config=config,
            reinit="create_new",
            settings=wandb.Settings(
                console="off",
                silent=True,
                x_disable_stats=True,
                # environment.json has the versions; listing every installed package takes a tenth of a second a run.
                x_save_requirements=False,
                x_transaction_log_flush_interval=_FLUSH_SECONDS,
            ),
        )


def _fitted(text: str, longest: int | None = None) -> str:
    """The text without what UTF-8 cannot express, such as bytes from a command line in another encoding."""
    return text.encode(errors="replace").decode()[:longest]


@contextmanager
def _mistakes(mode: str) -> Iterator[None]:
    """Make one line of what wandb says about keys, names and addresses (a ValueError is one of its settings)."""
    import wandb

    try:
        yield
    except (wandb.Error, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        if "project" in reason:
            raise UserError("tracking.project", reason) from error
        remedy = "use tracking.mode=offline, or put WANDB_API_KEY into .env"
        raise UserError("tracking.mode", f"W&B cannot start {mode} ({reason})", remedy) from error


@functools.cache
def _prepare_uploads() -> None:
    """Look for a key, without asking the server about it, and have the program wait for the uploads at its end."""
    import wandb

    with _mistakes("online"):
        wandb.setup(wandb.Settings(mode="online", silent=True))  # the config decides, whatever WANDB_MODE says
        if not wandb.login(prompt=False, verify=False):
            raise wandb.errors.UsageError("no API key")
    atexit.register(uploads.close)


def _supersede(segment: Path, *, has_history: bool) -> None:
    """Leave `wandb sync` one file of a continued run, the newest with a history; it skips those that have a mark.

    It would send all in the order of their clocks, and the last replaces the others.
    """
    others = [folder for folder in segment.parent.glob("offline-run-*") if folder != segment]
    for folder in others if has_history else [segment] if others else []:
        for file in folder.glob("*.wandb"):
            file.with_suffix(".wandb.synced").touch()


def send(segments: list[str]) -> NoReturn:
    """What the other process does: check the key, then follow the files until all runs have ended and are sent."""
    log = SyncLog(Path(os.environ["WANDB_DIR"]) / "wandb" / "logs")
    log.follow()
    threading.Thread(target=_end_with_parent, args=(log,), daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    import wandb
    from wandb.cli.cli import cli

    try:
        wandb.login(verify=True, prompt=False)
    except wandb.errors.AuthenticationError as error:
        if re.search(r"error 40[13]\b", str(error)):
            print(" ".join(str(error).split())[:200])
            sys.exit(EXIT_REFUSED)
        # out of reach for now
    with suppress(SystemExit):  # which is how a command line ends
        cli(["beta", "sync", "--live", "--yes", "-n", str(len(segments)), *segments])
    log.settle()
    for reason in log.failed.values():
        print(" ".join(reason.split())[:200])
    sys.exit(EXIT_INCOMPLETE if log.failed else 0)


def _end_with_parent(log: SyncLog) -> None:
    sys.stdin.read()
    log.settle()
    os._exit(1)


if __name__ == "__main__":
    send(sys.argv[1:])
