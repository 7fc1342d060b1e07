"""A group is spread over all devices: with 8 of them it ends as on one. Each case is a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ae_jax.errors import UserError
from ae_jax.experiment.build import training_data
from ae_jax.training.group import compile_group

# See test_group.py.
BOUND = 4e-4
# Not divisible by 8.
NUM_RUNS = 20

TRAIN = """
import sys
import jax, numpy as np
from ae_jax.experiment.build import build, build_alike, training_data
from ae_jax.config.compose import checked, compose
from ae_jax.training.fit import fit, on_host
from ae_jax.training.group import compile_group

axis, data_parallel, num_runs, path = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
small = ["model.hidden_sizes=[16]", "model.latent_size=4", "trainer.batch_size=64", "trainer.max_train_examples=200"]
small += ["trainer.num_epochs=3", "corruption=masking"]
configs = [checked(compose([*small, f"seed={seed}"])) for seed in range(num_runs)]
first = build(configs[0])
group = compile_group(
    first.structure, training_data(first.dataset), [build_alike(first, config).run for config in configs],
    runs_axis=axis, data_parallel=data_parallel,
)
state = group.init_state()
for report in fit(group, state, num_epochs=3):
    state = report.state
state = on_host(state)
arrays = [np.reshape(leaf[:num_runs], (num_runs, -1)) for leaf in jax.tree.leaves(state.params)]
np.savez(path, params=np.concatenate(arrays, axis=1), epoch=state.epoch[:num_runs])
print(jax.device_count(), group.num_slots, "all-reduce" in group.epoch.as_text())
"""


def train(folder: Path, *, devices: int, runs_axis: str, data_parallel: int = 1) -> tuple[np.ndarray, list[str]]:
    """Parameters of every run after three epochs, and what the process says of its devices and program."""
    environment = {
        **os.environ,
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
        "JAX_PLATFORMS": "cpu",
    }
    path = folder / f"{devices}-{runs_axis}-{data_parallel}.npz"
    arguments = [runs_axis, str(data_parallel), str(NUM_RUNS), str(path)]
    done = subprocess.run([sys.executable, "-c", TRAIN, *arguments], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with np.load(path) as arrays:
        assert (arrays["epoch"] == 3).all()
        return arrays["params"], done.stdout.split()


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> np.ndarray:
    """What one device makes of the runs."""
    params, about = train(tmp_path_factory.mktemp("one"), devices=1, runs_axis="map")
    assert about == ["1", str(NUM_RUNS), "False"]
    return params


@pytest.mark.slow
def test_mapped_runs_end_with_the_same_bits_on_eight_devices(alone, tmp_path):
    params, about = train(tmp_path, devices=8, runs_axis="map")
    assert about == ["8", "24", "False"]
    np.testing.assert_array_equal(params, alone)


@pytest.mark.slow
def test_vectorised_runs_end_alike_on_eight_devices(alone, tmp_path):
    params, _ = train(tmp_path, devices=8, runs_axis="vmap")
    np.testing.assert_allclose(params, alone, rtol=BOUND, atol=BOUND)


@pytest.mark.slow
@pytest.mark.parametrize("runs_axis", ["map", "vmap"])
def test_batches_that_four_devices_share_train_alike(runs_axis, alone, tmp_path):
    params, about = train(tmp_path, devices=8, runs_axis=runs_axis, data_parallel=4)
    assert about == ["8", "20", "True"]
    np.testing.assert_allclose(params, alone, rtol=BOUND, atol=BOUND)


@pytest.mark.parametrize("data_parallel", [3, 64])
def test_too_few_devices_or_uneven_batches_are_refused(data_parallel, make_experiment):
    experiment = make_experiment()
    with pytest.raises(UserError, match=r"trainer\.data_parallel"):
        compile_group(
            experiment.structure, training_data(experiment.dataset), [experiment.run], data_parallel=data_parallel
        )


REFUSED = """
from ae_jax.errors import UserError
from ae_jax.experiment.build import build, training_data
from ae_jax.config.compose import checked, compose
from ae_jax.training.group import compile_group

experiment = build(checked(compose(["trainer.batch_size=20", "trainer.max_train_examples=40"])))
for data_parallel in (3, 8, 9):
    try:
        compile_group(
            experiment.structure, training_data(experiment.dataset), [experiment.run], data_parallel=data_parallel
        )
    except UserError as error:
        print(error)
"""


@pytest.mark.slow
def test_batches_that_cannot_be_shared_evenly_are_refused_where_there_are_enough_devices():
    environment = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=8", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, "-c", REFUSED], env=environment, capture_output=True, text=True)
    assert done.stdout.splitlines() == [
        "trainer.data_parallel: 3 devices cannot share batches of 20 examples evenly; "
        "choose trainer.batch_size as a multiple of 3",
        "trainer.data_parallel: 8 devices cannot share batches of 20 examples evenly; "
        "choose trainer.batch_size as a multiple of 8",
        "trainer.data_parallel: is 9, devices here: 8; choose less",
    ], done.stderr


SHAPES = """
import re
from ae_jax.experiment.build import build, training_data
from ae_jax.config.compose import checked, compose
from ae_jax.training.group import compile_group

overrides = ["model.hidden_sizes=[24]", "trainer.batch_size=40", "trainer.max_train_examples=80"]
experiment = build(checked(compose(overrides)))
for data_parallel in (1, 4):
    group = compile_group(
        experiment.structure, training_data(experiment.dataset), [experiment.run], data_parallel=data_parallel
    )
    text = group.epoch.as_text()
    print(*(len(re.findall(f"f32.{rows},24.", text)) > 0 for rows in (40, 10)), "all-reduce" in text)
"""


@pytest.mark.slow
def test_each_device_computes_its_part_of_a_shared_batch_and_nothing_more():
    environment = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=8", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, "-c", SHAPES], env=environment, capture_output=True, text=True)
    # Activations of the hidden layer: 40 examples on one device, 10 on each of four.
    assert done.stdout.splitlines() == ["True False False", "False True True"], done.stderr
