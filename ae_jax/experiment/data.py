"""The data of a config: loaded once, and told from data that have changed since."""

import functools
import json
import logging
from collections.abc import Callable
from dataclasses import replace
from hashlib import file_digest
from pathlib import Path
from typing import Any, NamedTuple

from ae_jax.config.targets import bind
from ae_jax.datasets import Dataset
from ae_jax.datasets.base import SPLITS
from ae_jax.datasets.check import checked, note_absent_classes
from ae_jax.files import is_file

_log = logging.getLogger(__name__)


class Data(NamedTuple):
    """The data of a run, at hand or not.

    Attributes:
        inputs: The dataset without its examples: shapes, scaling, name.
        num_train: How many training examples there are.
        load: Gives the dataset with its examples.
    """

    inputs: Dataset
    num_train: int
    load: Callable[[], Dataset]


def load_data(config: dict[str, Any]) -> Data:
    """The data of a checked config; they are loaded, once per process for equal configs and unchanged files.

    Raises:
        UserError: If they cannot be read.
    """
    return at_hand(load_dataset(config))


def at_hand(dataset: Dataset) -> Data:
    """Data that are loaded already."""
    none = {name: getattr(dataset, name)[:0] for name in SPLITS}
    intensities = None if dataset.intensities is None else dataset.intensities[:0]
    inputs = replace(dataset, **none, intensities=intensities, labels=None)
    return Data(inputs, len(dataset.train), lambda: dataset)


def load_dataset(config: dict[str, Any]) -> Dataset:
    """The dataset of a checked config, with at most `trainer.max_train_examples`."""
    node = config["dataset"]
    return _load_dataset(json.dumps(node, sort_keys=True), config["trainer"]["max_train_examples"], _looks(node))


def digests(node: dict[str, Any]) -> dict[str, str] | None:
    """Digests of the data that a dataset's part of a config loads now, whole; None where they cannot be loaded."""
    return _found(json.dumps(node, sort_keys=True), _looks(node))


def digest(file: Path) -> str:
    """SHA-256 of a file, which is read again if it looks different."""
    return _digest(file, *_look(file))


@functools.lru_cache(maxsize=16)
def _load_dataset(node: str, limit: int | None, looks: tuple[Any, ...]) -> Dataset:
    """`looks` is how the files look that the node names, so that one that has changed is read again."""
    config = json.loads(node)
    dataset = checked(bind(config)(), config["_target_"])
    dataset = dataset.with_train_limit(limit and min(limit, len(dataset.train)))
    note_absent_classes(dataset)
    return dataset


@functools.lru_cache(maxsize=16)
def _found(node: str, looks: tuple[Any, ...]) -> dict[str, str] | None:
    """Digests of the data that there are now. None where they cannot be loaded, which may take long to find out."""
    try:
        return dict(_load_dataset(node, None, looks).provenance["sha256"])
    except Exception as error:  # own loaders raise what they like where a file is gone
        target = json.loads(node)["_target_"]
        _log.warning("what %s loads cannot be loaded now: results stand unchecked (%s)", target, error)
        return None


@functools.lru_cache(maxsize=256)
def _digest(file: Path, *look: int) -> str:
    """SHA-256 of a file, read again if it looks different."""
    with file.open("rb") as content:
        return file_digest(content, "sha256").hexdigest()


def _looks(node: Any) -> tuple[Any, ...]:
    """How the files look that a part of a config names."""
    if isinstance(node, dict | list):
        return tuple(_looks(item) for item in (node.values() if isinstance(node, dict) else node))
    return _look(Path(node)) if isinstance(node, str) and is_file(node) else ()


def _look(file: Path) -> tuple[int, int]:
    about = file.stat()
    return about.st_size, about.st_mtime_ns
