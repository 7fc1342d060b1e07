import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np
import pytest

from ae_jax.config.compose import checked, compose
from ae_jax.experiment.build import Experiment, build, training_data
from ae_jax.training import TrainState
from ae_jax.training.fit import EpochReport, fit, run_state
from ae_jax.training.group import compile_group

SMALL = (
    "model.hidden_sizes=[16]",
    "model.latent_size=4",
    "trainer.num_epochs=3",
    "trainer.batch_size=100",
    "trainer.max_train_examples=250",
    "tracking.mode=disabled",
)


class Trained(NamedTuple):
    """The last state of every run of a group, on the host, and what its epochs reported."""

    states: list[TrainState]
    reports: list[EpochReport]


@functools.cache
def experiment_of(*overrides: str) -> Experiment:
    small = [item for item in SMALL if not ("model=linear" in overrides and "hidden_sizes" in item)]
    return build(checked(compose([*small, *overrides])))


@functools.lru_cache(maxsize=64)
def train(*members: tuple[str, ...], runs_axis: str = "auto") -> Trained:
    """Train the runs with these overrides as one group."""
    experiments = [experiment_of(*overrides) for overrides in members]
    first = experiments[0]
    runs = [one.run for one in experiments]
    group = compile_group(first.structure, training_data(first.dataset), runs, runs_axis=runs_axis)
    state, reports = group.init_state(), []
    for report in fit(group, state, num_epochs=first.structure.num_epochs):
        state = report.state
        reports.append(report._replace(state=jax.tree.map(np.array, report.state)))
    return Trained([run_state(state, index) for index in range(len(members))], reports)


@pytest.fixture(scope="session")
def train_runs() -> Callable[..., Trained]:
    return train


@pytest.fixture(scope="session")
def make_experiment() -> Callable[..., Experiment]:
    return experiment_of
