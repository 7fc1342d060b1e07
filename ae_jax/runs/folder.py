"""The run folder: the names of its files, and how to read them.

| file | what |
|---|---|
| `.hydra/` | the composed config and its overrides, as Hydra wrote them |
| `config.json` | the checked config that the run's name was made from |
| `status.json` | `state`: running, completed, diverged, failed or interrupted |
| `environment.json` | package versions, devices, flags, host |
| `metrics.jsonl` | a line per epoch |
| `summary.json` | final measures, the PCA comparison, costs |
| `reconstructions.npz` | a few test examples, one of each class first, as the autoencoder and PCA give them back |
| `latents.npz` | latents of up to 1,000 test examples, PCA's beside them, and labels where there are any |
| `errors.npz` | squared error of every test example, of the autoencoder and of PCA; from corrupted inputs too |
| `pca.npz` | PCA's mean, leading components and all variances |
| `inputs.json` | how raw examples become inputs, and their shape |
| `checkpoint/` | Orbax |
| `figures/` | what was drawn from the above |
| `wandb/` | the Weights & Biases run |
| `.lock` | held by the process that trains in the folder |

Runs that they fit also have `samples.npz` (what the decoder makes of draws from a prior), `codes.npz` (which codes test
examples have) and `columns.npz` (columns of an affine decoder), with a figure of each. `evaluations/NAME.npz` has what
figures of an evaluation are drawn from.
"""

import copy
import os
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ae_jax.config.naming import CAME_LATER, RENAMED, options_came_later
from ae_jax.errors import UserError
from ae_jax.files import is_folder
from ae_jax.reading import parse_json, read_json_bytes, read_npz

SCHEMA = 1
STATES = ("running", "completed", "diverged", "failed", "interrupted")
_TRAIN_AGAIN = "delete the run folder and train again"


class RunFolder:
    """A run folder, read lazily.

    Args:
        path: The folder.

    Raises:
        UserError: On the first read of a file that is missing or damaged.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)

    @property
    def checkpoint(self) -> Path:
        """Folder of the checkpoints."""
        return self.path / "checkpoint"

    @property
    def figures(self) -> Path:
        """Folder of the figures."""
        return self.path / "figures"

    @property
    def pca(self) -> Path:
        """File with PCA's leading components."""
        return self.path / "pca.npz"

    @property
    def state(self) -> str | None:
        """`state` of status.json, None where there is no run."""
        path = self.path / "status.json"
        if not os.path.lexists(path):
            return None
        state = self.read("status.json").get("state")
        if state not in STATES:
            raise UserError(path, f"does not hold a state, but {state!r}", _TRAIN_AGAIN)
        return state

    @cached_property
    def config(self) -> dict[str, Any]:
        """The checked config; of an older run with what came later, and with targets by today's names."""
        config = self.read("config.json")
        _complete(config, CAME_LATER)
        for group in config.values():
            if isinstance(group, dict) and isinstance(group.get("_target_"), str):
                group["_target_"] = RENAMED.get(group["_target_"], group["_target_"])
        _complete(config, options_came_later(config))
        return config

    @cached_property
    def summary(self) -> dict[str, Any]:
        """Final measures.

        Raises:
            UserError: Also if another schema wrote it.
        """
        summary = self.read("summary.json")
        if summary.get("schema") != SCHEMA:
            raise UserError(
                self.path / "summary.json",
                f"has schema {summary.get('schema')}, expected {SCHEMA}",
                "read it with the version that wrote it",
            )
        return summary

    @cached_property
    def metrics(self) -> list[dict[str, Any]]:
        """The lines of metrics.jsonl that are whole; a last line cut short by a crash is left out."""
        path = self.path / "metrics.jsonl"
        *lines, _ = self._content("metrics.jsonl").split(b"\n") if os.path.lexists(path) else [b""]
        records = []
        for number, line in enumerate(lines, start=1):
            try:
                records.append(_record(line))
            except (ValueError, KeyError) as error:
                raise UserError(path, f"cannot be read in line {number} ({error})", _TRAIN_AGAIN) from error
        return records

    @cached_property
    def reconstructions(self) -> dict[str, np.ndarray]:
        """Arrays of shape "examples *feature_shape": x, corrupted, autoencoder, pca; of later runs also indices.

        Indices are the places of the examples in the test split, those of one example of each class first; runs without
        have its first examples.
        """
        return self._arrays("reconstructions.npz", ("x", "corrupted", "autoencoder", "pca"))

    @cached_property
    def latents(self) -> dict[str, np.ndarray]:
        """Of test examples: autoencoder, shape "examples latent"; pca, "examples components"; perhaps labels."""
        return self._arrays("latents.npz", ("autoencoder", "pca"))

    @cached_property
    def errors(self) -> dict[str, np.ndarray]:
        """Squared errors of all test examples in the order of the split, float32 of shape "examples": autoencoder, pca.

        With a corruption also corrupted_autoencoder and corrupted_pca, where both saw the same corrupted inputs. The
        mean of each is the summary's sse. Runs of before this file was kept get it by `evaluate.py RUN --fill`.
        """
        path, again = self.path / "errors.npz", f"make it again with python scripts/evaluate.py {self.path} --fill"
        if not path.exists():
            raise UserError(path, "is missing", again)
        arrays = self._arrays(path.name, ("autoencoder", "pca"), otherwise=f"delete it, and {again}")
        if any(array.ndim != 1 or array.dtype.kind != "f" or not len(array) for array in arrays.values()):
            raise UserError(path, "does not hold a number for each example", f"delete it, and {again}")
        return arrays

    @cached_property
    def samples(self) -> dict[str, np.ndarray]:
        """Of a run with a prior: what its decoder makes of draws, autoencoder, and perhaps probabilistic PCA's, pca."""
        return self._arrays("samples.npz", ("autoencoder",))

    @cached_property
    def codes(self) -> dict[str, np.ndarray]:
        """Of a run with quantised latents: indices, shape "examples parts", of test examples."""
        return self._arrays("codes.npz", ("indices",))

    @cached_property
    def columns(self) -> dict[str, np.ndarray]:
        """Of a run with an affine decoder: columns, shape "columns *feature_shape", their places, and used."""
        return self._arrays("columns.npz", ("columns", "places", "used"))

    def _arrays(self, name: str, needed: tuple[str, ...], otherwise: str = _TRAIN_AGAIN) -> dict[str, np.ndarray]:
        """Arrays of as many examples each, those that are needed among them."""
        path = self.path / name
        if not path.exists():
            raise UserError(path, "is missing", "train the run again, or give the folder of one that has completed")
        try:
            arrays = read_npz(path)
            lengths = {len(array) for array in arrays.values()}
            if not set(needed) <= arrays.keys() or len(lengths) != 1:
                raise ValueError(f"it needs {', '.join(needed)}, of one length")
            return arrays
        except Exception as error:  # NumPy and zipfile answer damage with a dozen types
            raise UserError(path, f"cannot be read ({error})", otherwise) from error

    def evaluation(self, name: str) -> Path:
        """File with the arrays of an evaluation."""
        return self.path / "evaluations" / f"{name}.npz"

    def answered(self, name: str) -> dict[str, np.ndarray]:
        """The arrays of an evaluation; none where the run was not asked."""
        path, again = self.evaluation(name), f"python scripts/evaluate.py {self.path} evaluation={name} makes it again"
        if not path.exists():
            return {}
        try:
            return read_npz(path)
        except Exception as error:  # NumPy and zipfile answer damage with a dozen types
            raise UserError(path, f"cannot be read ({error})", again) from error

    def read(self, name: str) -> dict[str, Any]:
        """A JSON file of the folder."""
        path = self.path / name
        if not is_folder(self.path):
            raise UserError(self.path, "is not a folder", "give the run folder that training printed")
        try:
            content = parse_json(self._content(name))
        except ValueError as error:
            raise UserError(path, f"cannot be read ({error})", _TRAIN_AGAIN) from error
        if not isinstance(content, dict):
            raise UserError(path, "does not hold a JSON object", _TRAIN_AGAIN)
        return content

    def _content(self, name: str) -> bytes:
        path = self.path / name
        try:
            return read_json_bytes(path)
        except FileNotFoundError:
            raise UserError(path, "is missing", "give the folder of a run that has finished") from None
        except (OSError, ValueError) as error:
            raise UserError(path, f"cannot be read ({error})", _TRAIN_AGAIN) from error


def _complete(config: dict[str, Any], later: dict[str, Any]) -> None:
    """Give a config the groups and dotted options that it does not have."""
    for key, done in later.items():
        group, _, name = key.partition(".")
        if not name:
            config.setdefault(group, copy.deepcopy(done))
        elif isinstance(config.get(group), dict):
            config[group] = {name: done, **config[group]}


def _record(line: bytes) -> dict[str, Any]:
    """An epoch's metrics; numbers that were not finite are null."""
    record = parse_json(line)
    if not isinstance(record, dict) or not isinstance(record["epoch"], int):
        raise ValueError("no object with an epoch")
    wrong = [name for name, value in record.items() if value is not None and not isinstance(value, int | float)]
    if wrong:
        raise ValueError(f"{wrong[0]} is no number")
    return record
