"""Models with layers that carry something or draw, and how runs of them are trained, stopped and continued."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from flax import nnx

from ae_jax.config.compose import checked, compose
from ae_jax.experiment.build import Experiment, build, build_alike, training_data
from ae_jax.models import AbstractAutoencoder, functional
from ae_jax.models.check import check_variables, checked_examples
from ae_jax.training import TrainState
from ae_jax.training.fit import fit, is_running, on_host, run_state
from ae_jax.training.group import Group, compile_group
from ae_jax.training.objective import term_names

SMALL = (
    "model.latent_size=4",
    "trainer.num_epochs=6",
    "trainer.batch_size=100",
    "trainer.max_train_examples=250",
    "tracking.mode=disabled",
)
FEATURES, HIDDEN, LATENT = 64, 8, 4
Layer = Callable[[nnx.Rngs], Callable[..., Any]]


class Layered(AbstractAutoencoder):
    """Linear, a layer, linear; and the same back. Right before batch statistics biases would have no gradient."""

    def __init__(self, layer: Layer, *, code_width: int = 1, rngs: nnx.Rngs):
        self.first = nnx.Linear(FEATURES, HIDDEN, rngs=rngs)
        self.inner = layer(rngs)
        self.second = nnx.Linear(HIDDEN, code_width * LATENT, rngs=rngs)
        self.third = nnx.Linear(LATENT, HIDDEN, rngs=rngs)
        self.outer = layer(rngs)
        self.last = nnx.Linear(HIDDEN, FEATURES, rngs=rngs)

    def encode(self, x):
        return self.second(self.inner(jax.nn.relu(self.first(x))))

    def decode(self, latent):
        return self.last(self.outer(jax.nn.relu(self.third(latent))))


class Both(nnx.Module):
    """Batch statistics and dropout."""

    def __init__(self, rngs: nnx.Rngs):
        self.norm, self.dropout = nnx.BatchNorm(HIDDEN, momentum=0.9, rngs=rngs), nnx.Dropout(0.2, rngs=rngs)

    def __call__(self, x):
        return self.dropout(self.norm(x))


LAYERS: dict[str, Layer] = {
    "batch_norm": lambda rngs: nnx.BatchNorm(HIDDEN, momentum=0.9, rngs=rngs),
    "dropout": lambda rngs: nnx.Dropout(0.2, rngs=rngs),
    "no_dropout": lambda rngs: nnx.Dropout(0.0, rngs=rngs),
    "both": Both,
    "spectral_norm": lambda rngs: nnx.SpectralNorm(nnx.Linear(HIDDEN, HIDDEN, rngs=rngs), rngs=rngs),
    "identity": lambda rngs: lambda x: x,
}


def config_of(*overrides: str) -> dict[str, Any]:
    return checked(compose([*SMALL, *overrides]))


def experiment_with(layer: str | None, *overrides: str) -> Experiment:
    """The experiment of a config, with `Layered` in place of the config's model, unless there is no layer."""
    experiment = build(config_of(*overrides))
    if layer is None:
        return experiment
    structure, run = experiment.structure, experiment.run
    bottleneck = structure.make_bottleneck(**run.values["bottleneck"])
    model = functional(
        lambda rngs: Layered(LAYERS[layer], code_width=bottleneck.width, rngs=rngs),
        FEATURES,
        precision=experiment.options.precision,
    )
    check_variables(model)
    model = checked_examples(model, FEATURES, jax.ShapeDtypeStruct((1, LATENT), np.float32))
    structure = structure._replace(model=model, couples=model.couples or bottleneck.couples)
    structure = structure._replace(terms=term_names(structure, run, FEATURES))
    return experiment._replace(model=model, structure=structure)


def run_of(experiment: Experiment, *overrides: str) -> Any:
    """A run of the same structure."""
    return build_alike(experiment, config_of(*overrides)).run


def compiled(experiment: Experiment, runs: Sequence[Any], **options: Any) -> Group:
    return compile_group(experiment.structure, training_data(experiment.dataset), runs, **options)


def train(group: Group, states: Sequence[TrainState] | None = None, *, num_epochs: int) -> list[list[TrainState]]:
    """The states of a group after each epoch until its runs have trained so many or stopped; from `states`, or new."""
    state = group.init_state() if states is None else group.stacked(states)
    after = []
    for report in fit(group, state, num_epochs=6):
        host = on_host(report.state)
        after.append([run_state(host, index) for index in range(group.num_runs)])
        if not is_running(host.status, host.epoch, num_epochs).any():
            break
    return after


def assert_same(ours: Any, theirs: Any) -> None:
    """Equal bits, in the same places."""
    assert jax.tree.structure(ours) == jax.tree.structure(theirs)
    for (place, one), other in zip(jax.tree_util.tree_leaves_with_path(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_array_equal(one, other, err_msg=jax.tree_util.keystr(place))


def assert_close(ours: Any, theirs: Any, bound: float) -> None:
    for (place, one), other in zip(jax.tree_util.tree_leaves_with_path(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(one, other, rtol=bound, atol=bound, err_msg=jax.tree_util.keystr(place))
