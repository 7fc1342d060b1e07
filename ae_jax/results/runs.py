"""Runs, read from their folders: those that completed, and those that are left out, each with the reason."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from ae_jax.config.naming import UNNAMED, short_target
from ae_jax.errors import UserError, path_text
from ae_jax.runs.check import check_summary
from ae_jax.runs.folder import RunFolder
from ae_jax.runs.measures import MEASURES, OBJECTIVE, OF_SOME, Measure, measures_of
from ae_jax.runs.progress import progress_of

Setting = str | int | float | bool | list[Any] | None


@dataclass(frozen=True, eq=False)
class Run:
    """A completed run.

    Attributes:
        folder: Its folder, from which more can be read: metrics, reconstructions, latents.
        settings: Its config as dotted keys, components by the short name of what they make (`model`: "dense"). What
            cannot change a result is left out.
        summary: What summary.json says.
        status: What status.json says.
    """

    folder: RunFolder
    settings: dict[str, Setting]
    summary: dict[str, Any]
    status: dict[str, Any]

    @property
    def name(self) -> str:
        """Name of its folder."""
        return self.folder.path.name

    @property
    def experiment(self) -> str:
        """`name` of its config: the folder of the experiment or sweep."""
        return str(self.folder.config.get("name", self.folder.path.parent.name))

    @property
    def seed(self) -> int:
        """Its seed."""
        return int(self.summary["seed"])

    @property
    def dataset(self) -> str:
        """Name of its dataset."""
        return str(self.summary["dataset"]["name"])

    @property
    def latent_size(self) -> int:
        """Size of its latent; PCA beside it has as many components, or all that there are."""
        return int(self.summary["model"]["latent_size"])

    @property
    def data_settings(self) -> dict[str, Setting]:
        """What its config says of the data."""
        return {key: value for key, value in self.settings.items() if key.startswith("dataset.")}

    @property
    def data(self) -> str:
        """The same for two runs whose errors compare: the same content, in the same splits and units."""
        provenance = self.summary["dataset"]["provenance"]
        content = [provenance.get("sha256"), provenance.get("split_sha256")]
        return json.dumps([self.dataset, self.data_settings, *content], sort_keys=True)

    @property
    def identity(self) -> str:
        """The same for two folders that hold the same run: same config, same data."""
        return f"{self.summary['config_hash']} {self.data}"

    @property
    def terms(self) -> list[str]:
        """Names of the terms of its objective, in their order; of the first runs, which did not record any, none."""
        return list(self.summary["validation"].get("terms", {}))

    def __post_init__(self) -> None:
        self.described  # noqa: B018 - for what it makes known

    @cached_property
    def described(self) -> dict[str, Measure]:
        """Measures of its evaluations, beside those that all runs have."""
        return measures_of(self.summary)

    @property
    def others(self) -> list[str]:
        """Measures that it has and not all runs have, such as a rate, and those of its evaluations."""
        return [*(name for name in OF_SOME if name in self.summary["validation"]), *self.described]

    def measure(self, name: str, split: str = "test") -> float | None:
        """A measure of the autoencoder, or a term of its objective; None where it was not taken. See `measures.SPLITS`.

        The objective itself was taken of the best epoch, on the validation split.
        """
        if name == OBJECTIVE:
            return _number(self.summary["training"]["best_validation_loss"]) if split == "validation" else None
        if name in self.described:
            return self.answered("autoencoder", name, split)
        if name not in MEASURES:
            found = {} if split == "corrupted" else self.summary[split]
            return _number((found if name in OF_SOME else found.get("terms", {})).get(name))
        part = (self.summary.get("corrupted") or {}).get("autoencoder") if split == "corrupted" else self.summary[split]
        return _number((part or {}).get(name))

    def pca(self, name: str, split: str = "test") -> float | None:
        """The same measure of PCA with as many components, on the same split; None of what PCA has not."""
        if name not in MEASURES:
            return self.answered("pca", name, split)
        part = (self.summary.get("corrupted") or {}).get("pca") if split == "corrupted" else self.summary["pca"][split]
        return _number((part or {}).get(name))

    def answered_by(self, name: str) -> str | None:
        """The evaluation that has a measure; None where none has."""
        answers = self.summary.get("evaluations", {}).items()
        return next((evaluation for evaluation, answer in answers if name in answer["measures"]), None)

    def answered(self, method: str, name: str, split: str = "test") -> float | None:
        """A measure of an evaluation, of any method that was asked, such as `pixels`; None where it was not taken."""
        evaluation = self.answered_by(name)
        answer = {} if evaluation is None else self.summary["evaluations"][evaluation]
        return _number(answer.get(method, {}).get(split, {}).get(name))


class Excluded(NamedTuple):
    """A folder whose run cannot be counted.

    Attributes:
        path: The folder.
        state: running, interrupted, failed, diverged or waiting, see `progress_of`; damaged or repeated.
        reason: Why it is left out, in one line.
        settings: Its config as in `Run`, empty where it cannot be read.
        digests: Digests of its data, None where it got no further than to read them.
    """

    path: Path
    state: str
    reason: str
    settings: dict[str, Setting]
    digests: dict[str, str] | None = None

    def is_on_data_of(self, run: Run) -> bool:
        """Whether it would have been on the data of a run, as far as that can be told."""
        digests = run.summary["dataset"]["provenance"].get("sha256")
        asked = {key: value for key, value in self.settings.items() if key.startswith("dataset.")}
        same = self.settings.get("dataset") == run.settings["dataset"] and asked == run.data_settings
        return same and self.digests in (None, digests)


def read_run(path: Path) -> Run | Excluded:
    """Read a run folder; whatever is wrong with it is said in what is returned."""
    folder, settings = RunFolder(path), dict[str, Setting]()
    if path_text(path) != str(path):
        return Excluded(
            path, "damaged", "its path is no text (it holds what cannot be seen); rename the folder", settings
        )
    try:
        progress = progress_of(folder)
        if progress is not None and folder.state is None:
            return Excluded(path, progress.state, str(progress), settings)
        status = folder.read("status.json")
        settings = dict(settings_of(folder.config))
        if progress is not None:
            reason = status.get("error") or (progress.words if progress.state == "running" else str(progress))
            return Excluded(path, progress.state, " ".join(str(reason).split()), settings, _digests(folder))
        run = Run(folder, settings, folder.summary, status)
        _check(run)
        return run
    except UserError as error:
        return Excluded(path, "damaged", str(error).removeprefix(f"{path}/"), settings)
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f"summary.json or config.json cannot be understood ({type(error).__name__}: {error})"
        return Excluded(path, "damaged", " ".join(reason.split()), settings)


def settings_of(config: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Setting]]:
    """Dotted keys and values of what can change a result.

    A component's value is the short name of what it makes; of one from elsewhere the whole, as it need not be unique.
    """
    for name, item in config.items():
        key = f"{prefix}{name}"
        if key in UNNAMED:
            continue
        if isinstance(item, dict):
            if "_target_" in item and key != "trainer":
                target = str(item["_target_"])
                yield key, short_target(target) if target.startswith("ae_jax.") else target
            yield from settings_of({k: v for k, v in item.items() if k != "_target_"}, f"{key}.")
        else:
            yield key, item


def varying(settings: Sequence[dict[str, Setting]]) -> list[str]:
    """Keys that do not have one value only, in the order of the config. What some lack does not count as a value."""
    values: dict[str, list[Setting]] = {}
    for one in settings:
        for key, value in one.items():
            seen = values.setdefault(key, [])
            if value not in seen or any(type(value) is not type(other) for other in seen if other == value):
                seen.append(value)
    return [key for key, seen in values.items() if len(seen) > 1]


def terms_of(runs: Iterable[Run]) -> list[str]:
    """Terms of the objectives of runs, and what else not all runs have, each once, in their order."""
    return list(dict.fromkeys(name for run in runs for name in (*run.terms, *run.others)))


def partition(settings: Sequence[dict[str, Setting]], key: str) -> tuple[int, ...]:
    """Which settings agree in a key: for each, the number of its value in order of appearance. Absent is a value."""
    numbers: dict[str, int] = {}
    values = (json.dumps([one[key]]) if key in one else "" for one in settings)
    return tuple(numbers.setdefault(value, len(numbers)) for value in values)


def decides(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether, of two partitions, what agrees in the one agrees in the other."""
    return len(set(zip(one, other, strict=True))) == len(set(one))


def _digests(folder: RunFolder) -> dict[str, str] | None:
    """Digests of the data that a run read; None where nothing says."""
    try:
        digests = folder.read("environment.json").get("data_sha256")
    except UserError:
        return None
    return digests if isinstance(digests, dict) else None


def _number(value: float | None) -> float | None:
    """A measure; JSON has 1 for 1.0."""
    return None if value is None else float(value)


def _check(run: Run) -> None:
    """Touch what everything else relies on, so that a damaged run shows here and nowhere else."""
    check_summary(run.summary)
    for name in ("git_commit", "started", "ended"):
        if not isinstance(run.status.get(name), str | None):
            raise ValueError(f"{name} is {run.status[name]!r}, which is no text")
    for name in ("dataset", "model"):
        if not isinstance(run.settings[name], str):
            raise ValueError(f"{name} is {run.settings[name]!r}, which names none")
    run.folder.metrics, run.identity  # noqa: B018 - read for what they raise
