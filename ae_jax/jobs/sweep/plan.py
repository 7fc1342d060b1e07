"""Which runs of a sweep share a program: those with the same structure, see `naming.structure_of`."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax

from ae_jax.config.naming import flatten, structure_of
from ae_jax.experiment.build import Experiment
from ae_jax.jobs.train import split_evenly
from ae_jax.training.epoch import init_state


class Program(NamedTuple):
    """Runs that train as one compiled program.

    Attributes:
        jobs: Their numbers, in the order of the sweep.
        structure: What this program has of the keys that tell the programs apart.
        pieces: How many groups train it, one after the other, where there are more runs than a group may have.
    """

    jobs: list[int]
    structure: dict[str, Any]
    pieces: int


class Plan(NamedTuple):
    """How a sweep is trained.

    Attributes:
        programs: In the order in which they are trained.
        split_by: Dotted keys that tell the structures apart; of those that always differ together the first.
        swept: Dotted keys of the values in which runs of a program differ.
        groups: The jobs of each group that is trained at once, in order.
    """

    programs: list[Program]
    split_by: list[str]
    swept: list[str]
    groups: list[list[int]]


def make_plan(configs: Mapping[int, dict[str, Any]], *, max_runs: int) -> Plan:
    """Group runs by structure.

    Args:
        configs: The checked configs of the runs that are to be trained, by job.
        max_runs: Most runs of a group.
    """
    by_structure: dict[str, list[int]] = {}
    flat: dict[str, dict[str, Any]] = {}
    for index, config in configs.items():
        structure = structure_of(config)
        key = json.dumps(structure, sort_keys=True)
        by_structure.setdefault(key, []).append(index)
        flat[key] = dict(flatten(structure))
    split_by = _distinguishing(list(flat.values()))
    programs = []
    for key, jobs in by_structure.items():
        # A search for NaNs ends with the first, and a trace is of one run: such runs train alone.
        most = 1 if any(flat[key][f"runtime.{name}"] for name in ("debug_nans", "profile")) else max_runs
        structure = {name: flat[key].get(name) for name in split_by}
        programs.append(Program(jobs, structure, math.ceil(len(jobs) / most)))
    leaves = {index: dict(flatten(config)) for index, config in configs.items()}
    # A list, in the order of the config, of what differs within at least one program.
    swept = {name: None for program in programs for name in _varying([leaves[index] for index in program.jobs])}
    groups = [piece for program in programs for piece in split_evenly(program.jobs, program.pieces)]
    return Plan(programs, split_by, [name for name in swept if not name.startswith("tracking.")], groups)


def estimate_bytes(experiment: Experiment, num_runs: int) -> int:
    """Memory that a program is going to take, before it is compiled; its own account replaces it when it is.

    A copy of the data and two working copies of a state on each device, two of every run's state, and the activations
    of one batch for what is computed at once: on a CPU within a third of what programs of four and more dense models
    say, and twice that for a single one.
    """
    structure, dataset = experiment.structure, experiment.dataset
    state = jax.eval_shape(lambda run: init_state(structure, run, num_train=len(dataset.train)), experiment.run)
    num_devices = min(num_runs, jax.local_device_count())
    num_at_once = num_devices if jax.default_backend() == "cpu" else num_runs
    activations = 8 * 4 * structure.batch_size * dataset.num_features
    data = dataset.train.nbytes + dataset.validation.nbytes
    return num_devices * (data + 2 * _size(state)) + 2 * num_runs * _size(state) + num_at_once * activations


def _varying(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Keys whose values are not the same in all rows."""
    keys = {key: None for row in rows for key in row}
    return [key for key in keys if len({json.dumps(row.get(key, "absent"), sort_keys=True) for row in rows}) > 1]


def _distinguishing(structures: Sequence[Mapping[str, Any]]) -> list[str]:
    """Keys of the configs that vary; of those that have the same rows in common only the first."""
    first: dict[tuple[int, ...], str] = {}
    for key in _varying(structures):
        if key.endswith(".values"):
            continue  # names of what is traced, which follow from the others
        values = [json.dumps(one.get(key, "absent"), sort_keys=True) for one in structures]
        first.setdefault(tuple(values.index(value) for value in values), key)
    return list(first.values())


def _size(tree: Any) -> int:
    return sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))
