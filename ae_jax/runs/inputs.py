"""The data of a run, told from data that have changed since, and what is needed of them to encode.

A run folder keeps in `inputs.json` how raw examples become a model's inputs, so that a run encodes where its data are
gone. Digests in `environment.json` tell whether the data at hand are those that it was trained on.
"""

import functools
import math
import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from ae_jax.config.targets import resolve
from ae_jax.datasets import Dataset
from ae_jax.datasets.base import SPLITS
from ae_jax.errors import UserError
from ae_jax.experiment.data import Data, at_hand, digest, digests, load_dataset
from ae_jax.files import is_file, write_json
from ae_jax.runs.folder import RunFolder

_SCHEMA, _FILE = 1, "inputs.json"
_MOST_FEATURES = 2**31
_NOT_KEPT = (*SPLITS, "labels", "provenance", "intensities")
_PUT_BACK = "put the data back, or move the run folder away"
_NEEDED = "put the run's own data back for this; to measure others, give evaluate.py dataset=…"


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
            _require_unchanged({**recorded, file.name: digest(file)}, run, config)
    elif recorded and not getattr(resolve(node["_target_"]), "is_verified", False):
        found = digests(node)
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
