"""The reference experiment as this project trains it: the compiled epoch that `scripts/train.py` calls.

`--library` is the number of runs that train as one group. The validation split is a single image, so the epoch is the
training and one forward pass over one more batch.
"""

from collections.abc import Sequence

import jax
import numpy as np

from ae_jax.config.compose import checked, compose
from ae_jax.experiment.build import build, training_data
from ae_jax.training.group import compile_group
from peers.protocol import Prepared, Task, serve


def prepare(task: Task) -> Prepared:
    """Compose `experiment=dense_784_256`, and compile it for all images."""
    overrides = ["experiment=dense_784_256", f"model.latent_size={task.width}"]
    return compiled_epochs(task, overrides, num_runs=int(task.library or 1))


def compiled_epochs(task: Task, overrides: Sequence[str], *, num_runs: int = 1) -> Prepared:
    """The compiled epoch of a config on all images, of a group of runs that differ in their seed."""
    data_of = ["dataset=array", f"dataset.path='{task.images}'", "dataset.scaling=unit_interval"]
    experiment = build(checked(compose([*overrides, *data_of])))
    images = np.load(task.images)
    images = images.reshape(len(images), -1)
    data = training_data(experiment.dataset)._replace(train=jax.numpy.asarray(images), validation=images[:1])
    structure = experiment.structure._replace(batch_size=min(task.batch_size, len(images)))
    runs = [experiment.run._replace(seed=jax.numpy.uint32(seed)) for seed in range(num_runs)]
    group = compile_group(structure, data, runs)
    state = group.init_state()

    def epoch() -> float:
        nonlocal state
        state, metrics, _ = group.train_epoch(state)
        jax.block_until_ready(state)
        return float(metrics.train_loss[0])

    return Prepared(epoch, f"jax {jax.__version__}")


if __name__ == "__main__":
    serve(prepare)
