"""The gradient that the optimizer gets: the mean over the examples of a batch, whatever fills the batch up."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ae_jax.experiment.build import training_data
from ae_jax.objectives import Carried, Value
from ae_jax.training.epoch import scaled
from ae_jax.training.gradients import mean_gradient, mean_value
from ae_jax.training.objective import Keys, init_params, objective_of
from ae_jax.training.streams import Stream, run_key
from tests.training.layers import assert_close, experiment_with

START = Carried({}, {})


def test_the_gradient_is_that_of_the_mean_of_the_rows_with_weight():
    rows, weights = np.array([1.0, 2.0, 4.0, 1e6], np.float32), jnp.float32([1, 1, 1, 0])

    def objective(params):
        per_example = params**2 * rows
        return Value(per_example, {"double": 2 * per_example}, START)

    gradient, means = mean_gradient(objective, jnp.float32(3), weights)
    np.testing.assert_allclose(gradient, 2 * 3 * 7 / 3, rtol=1e-6)
    np.testing.assert_allclose(means.objective, 9 * 7 / 3, rtol=1e-6)
    np.testing.assert_allclose(means.terms["double"], 2 * 9 * 7 / 3, rtol=1e-6)
    assert mean_value(objective(jnp.float32(3)), weights).terms.keys() == {"double"}


VQ = ("bottleneck=vq", "bottleneck.num_tokens=2", "bottleneck.num_codes=8")
DEAD = ("objective=dead_latents", "objective.steps_until_dead=1", "objective.num_auxiliary=2")
KINDS = {
    "none": (None, ("corruption=masking",)),
    "sampled": ("spectral_norm", ("bottleneck=gaussian", "bottleneck.kl=sampled")),
    "iwae": (None, ("bottleneck=gaussian", "objective=iwae")),
    "contractive-vq": ("spectral_norm", ("objective=contractive", *VQ)),
    "batch_top_k": (None, ("bottleneck=batch_top_k", "bottleneck.num_active=2")),
    "dead_latents": (None, ("model=dictionary", "bottleneck=jump_relu", *DEAD)),
    "stochastic-mmd": (None, ("bottleneck=mmd", "objective=contractive", "objective.estimate=stochastic")),
    "kl_sparsity": (None, ("bottleneck=kl_sparsity", "objective=matryoshka", "objective.prefix_sizes=[3]")),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_rows_that_fill_a_batch_up_change_neither_gradient_nor_terms_nor_what_is_carried(name):
    """Of a model whose examples depend on each other no batch is filled up: see test_carried.py."""
    layer, overrides = KINDS[name]
    experiment = experiment_with(layer, *overrides)
    structure, run = experiment.structure, experiment.run
    data = training_data(experiment.dataset)
    x = scaled(data, data.train[:7])
    keys = Keys(*jax.random.split(run_key(run.seed, Stream.TRAIN), 3))

    def start():
        return init_params(structure, run)

    @jax.jit
    def gradient(x, weights):
        params, carried = start()
        return mean_gradient(
            lambda params: objective_of(structure, run, params, carried, keys, x, weights), params, weights
        )

    filled = gradient(jnp.concatenate([x, jnp.repeat(x[:1], 3, axis=0)]), jnp.float32(np.arange(10) < 7))
    plain = gradient(x, jnp.ones(7))
    assert_close(filled, plain, 2e-6)
    sizes = [float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(plain[0])]
    assert max(sizes) > 1e-3
