"""A group is spread over all devices: with 8 of them it ends as on one. Each case is a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ae_jax.errors import UserError
from ae_jax.experiments.build import training_data
from ae_jax.training.group import compile_group

# See test_group.py.
BOUND = 4e-4
# Not divisible by 8.
NUM_RUNS = 20

TRAIN = """
import sys
import jax, numpy as np
from ae_jax.experiments.build import build, build_alike, training_data
from ae_jax.experiments.cli import checked, compose
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
