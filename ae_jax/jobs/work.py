"""A group of runs as a unit of work: plain data that any process can be handed, here or elsewhere."""

import json
from pathlib import Path
from typing import Any, NamedTuple


class Request(NamedTuple):
    """A run that is asked for: a checked config, and the folder it goes to."""

    config: dict[str, Any]
    folder: Path


class GroupTask(NamedTuple):
    """Runs of one structure that are to be trained together.

    Attributes:
        requests: The runs, at least one.
        folder: Where the group keeps its own checkpoints while it trains; removed when it has ended.
        max_bytes: Most memory that its program may take; None: what the device or host has free.
    """

    requests: tuple[Request, ...]
    folder: Path
    max_bytes: int | None = None

    def to_json(self) -> str:
        """The task as text."""
        requests = [{"config": request.config, "folder": str(request.folder)} for request in self.requests]
        return json.dumps({"requests": requests, "folder": str(self.folder), "max_bytes": self.max_bytes})

    @classmethod
    def from_json(cls, text: str) -> "GroupTask":
        """The task that `to_json` wrote."""
        content = json.loads(text)
        requests = tuple(Request(item["config"], Path(item["folder"])) for item in content["requests"])
        return cls(requests, Path(content["folder"]), content["max_bytes"])


class Outcome(NamedTuple):
    """How a run ended.

    Attributes:
        folder: Its run folder.
        state: As in status.json: completed, diverged or failed.
        best: What is monitored (`trainer.monitor`) in the best epoch; None if there was none.
        error: What made it fail.
    """

    folder: Path
    state: str
    best: float | None
    error: Exception | None = None


class Watch:
    """What a group tells whoever watches it. This one is silent; displays override what they show."""

    def built(self) -> None:
        """The runs fit together: data, model and what else their configs name."""

    def begin(self, experiment: Any) -> None:
        """A program begins to train: its first run as objects."""

    def epoch(self, records: dict[Path, dict[str, Any]], examples_per_second: float) -> None:
        """An epoch is over: the metrics of every run that trained in it, by run folder, and the speed of all."""

    def ended(self, outcome: Outcome) -> None:
        """A run has ended, and its folder is complete."""

    def note(self, line: str) -> None:
        """Something that the user should know, such as a group that is split because it does not fit."""
