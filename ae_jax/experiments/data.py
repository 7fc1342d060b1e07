"""The data of a run: loaded once, told from data that have changed since, and what is needed of them to encode.

A run folder keeps in `inputs.json` how raw examples become a model's inputs, so that a run encodes where its data are
gone. Digests in `environment.json` tell whether the data at hand are those that it was trained on.
"""

import functools
import json
import logging
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from hashlib import file_digest
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ae_jax.datasets import Dataset
from ae_jax.datasets.base import SPLITS
from ae_jax.datasets.check import checked, note_absent_classes
from ae_jax.errors import UserError
from ae_jax.experiments.targets import bind, resolve
from ae_jax.files import is_file, write_json
from ae_jax.results.run_folder import RunFolder

_SCHEMA, _FILE = 1, "inputs.json"
_MOST_FEATURES = 2**31
_NOT_KEPT = (*SPLITS, "labels", "provenance")
_PUT_BACK = "put the data back, or move the run folder away"
_NEEDED = "put the run's own data back for this; to measure others, give evaluate.py dataset=…"
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
    return Data(replace(dataset, **none, labels=None), len(dataset.train), lambda: dataset)


def load_dataset(config: dict[str, Any]) -> Dataset:
    """The dataset of a checked config, with at most `trainer.max_train_examples`."""
    node = config["dataset"]
    return _load_dataset(json.dumps(node, sort_keys=True), config["trainer"]["max_train_examples"], _looks(node))


def write_inputs(folder: Path, dataset: Dataset) -> None:
    """Keep in a run folder what is needed of the data to encode."""
    kept = {field.name: getattr(dataset, field.name) for field in fields(Dataset) if field.name not in _NOT_KEPT}
    plain = {name: item.tolist() if isinstance(item, np.ndarray) else item for name, item in kept.items()}
    about = {"schema": _SCHEMA, "dtype": str(dataset.train.dtype), "num_train": len(dataset.train)}
    write_json(folder / _FILE, {**about, **plain})


def data_of(run: RunFolder, config: dict[str, Any]) -> Data:
    """The data of a trained run, loaded when they are asked for; at once for a run that kept nothing of them.

    Args:
        run: Its folder.
        config: Its checked config.

    Raises:
        UserError: If what it kept is damaged. `load` raises it if the data cannot be read, or are not those that the
            run was trained on.
    """

    @functools.cache
    def load() -> Dataset:
        try:
            dataset = load_dataset(config)
        except OSError as error:
            raise UserError("dataset", f"cannot be loaded ({error})", _NEEDED) from error
        except UserError as error:
            raise UserError(error.subject, error.problem, _NEEDED) from error
        _require_unchanged(dataset.provenance["sha256"], run, config)
        return dataset

    if not os.path.lexists(run.path / _FILE):
        return at_hand(load())
    kept = run.read(_FILE)
    try:
        inputs, num_train = _inputs(kept)
    except Exception as error:  # of any part that is missing or of another kind
        problem = f"cannot be understood ({type(error).__name__}: {error})"
        raise UserError(run.path / _FILE, problem, "move the file away: then the run's own data are needed") from error
    return Data(inputs, num_train, load)


def require_unchanged(config: dict[str, Any], run: RunFolder) -> None:
    """Refuse to answer with a run that was trained on other content than its data have now.

    Its result stands where the data are gone, and where they cannot change: those that a loader verifies are not read.

    Raises:
        UserError: If they have changed.
    """
    recorded, node = _recorded(run), config["dataset"]
    path = node.get("path")
    if isinstance(path, str) and Path(path).name in recorded:
        file = Path(path).expanduser()
        if is_file(file):  # no need to parse it
            _require_unchanged({**recorded, file.name: _digest(file, *_look(file))}, run, config)
    elif recorded and not getattr(resolve(node["_target_"]), "is_verified", False):
        found = _found(json.dumps(node, sort_keys=True), _looks(node))
        if found is not None:
            _require_unchanged(found, run, config)


def _require_unchanged(found: Mapping[str, str], run: RunFolder, config: dict[str, Any]) -> None:
    """Refuse data with other digests than those of the run."""
    changed = [name for name, digest in _recorded(run).items() if found.get(name) != digest]
    if changed:
        path = config["dataset"].get("path")
        loaded = f"what {config['dataset']['_target_']} loads ({changed[0]})"
        subject, what = ("dataset.path", path) if isinstance(path, str) else ("dataset", loaded)
        raise UserError(subject, f"{what} has changed since the run in {run.path} was trained on it", _PUT_BACK)


def _recorded(run: RunFolder) -> dict[str, str]:
    """Digests of the data that a run was trained on; none where it does not tell."""
    if os.path.lexists(run.path / "environment.json"):
        recorded = run.read("environment.json").get("data_sha256")
    elif os.path.lexists(run.path / "summary.json"):
        provenance = run.summary.get("dataset", {}).get("provenance")
        recorded = provenance.get("sha256") if isinstance(provenance, dict) else None
    else:
        recorded = None
    return recorded if isinstance(recorded, dict) else {}


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


def _inputs(kept: dict[str, Any]) -> tuple[Dataset, int]:
    """What was kept, checked, as a dataset without examples; the folder may be anybody's."""
    if kept.pop("schema") != _SCHEMA:
        raise ValueError("its schema is another; read it with the version that wrote it")
    dtype, num_train = np.dtype(kept.pop("dtype")), kept.pop("num_train")
    shape = tuple(kept.pop("feature_shape"))
    num_features = math.prod(shape)
    if not all(type(size) is int and size > 0 for size in (*shape, num_train)) or num_features >= _MOST_FEATURES:
        raise ValueError(f"feature_shape is {list(shape)}, num_train {num_train!r}")
    if dtype not in (np.uint8, np.float32):
        raise ValueError(f"dtype is {dtype}")
    names = kept.pop("feature_names")
    none = np.empty((0, num_features), dtype)
    dataset = Dataset(
        train=none,
        validation=none,
        test=none,
        feature_shape=shape,
        labels=None,
        feature_names=None if names is None else tuple(map(str, names)),
        provenance={},
        **{name: _numbers(kept.pop(name), num_features) for name in ("scale", "offset")},
        **kept,
    )
    if not isinstance(dataset.name, str) or not isinstance(dataset.unit_interval, bool):
        raise ValueError(f"name is {dataset.name!r}, unit_interval {dataset.unit_interval!r}")
    return dataset, num_train


def _numbers(item: Any, num_features: int) -> Any:
    """A finite number, or one for each feature in float32."""
    with np.errstate(over="ignore"):
        numbers = np.asarray(item, np.float32)
    if numbers.shape not in ((), (num_features,)) or not np.isfinite(numbers).all():
        raise ValueError("scale and offset are finite numbers, one or one for each feature")
    return float(item) if numbers.shape == () else numbers
