"""Products are as exact as `trainer.matmul_precision` says, wherever they are computed and whoever compiles them."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ae_jax.evaluation.method import ModelFunctions
from ae_jax.experiment.build import training_data
from ae_jax.training.group import compile_group
from ae_jax.training.objective import abstract_params

# What JAX calls them, in the program and in the jaxpr.
NAMES = {"float32": "highest", "tensorfloat32": "high", "default": "default"}


def _with_own_products(structure: Any) -> Any:
    """The structure with a product in the corruption and in the optimizer, as a component of one's own may have it."""

    def make_optimizer(**given: Any) -> Any:
        optimizer = structure.make_optimizer(**given)

        def update(gradient: Any, *more: Any) -> Any:
            turned = jax.tree.map(lambda leaf: leaf @ jnp.eye(leaf.shape[-1]), gradient)
            return optimizer.update(turned, *more)

        return optimizer._replace(update=update)

    return structure._replace(corrupt=lambda key, x: x @ jnp.ones((x.shape[1],) * 2), make_optimizer=make_optimizer)


def _elsewhere(function: Any) -> Any:
    """Called in another thread, where no setting of this one's holds."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result()


@pytest.mark.slow
def test_training_has_no_product_of_another_precision(make_experiment):
    """Of TF32, as the tests themselves ask for float32."""
    experiment = make_experiment("trainer.matmul_precision=tensorfloat32")
    structure, data = _with_own_products(experiment.structure), training_data(experiment.dataset)
    group = _elsewhere(lambda: compile_group(structure, data, [experiment.run] * 2, runs_axis="vmap"))
    if jax.default_backend() == "cpu":  # elsewhere a product may have gone to a library
        products = re.findall(r" dot\(.*", group.epoch.as_text())
        assert len(products) >= 20
        assert all("operand_precision={high,high}" in product for product in products)


@pytest.mark.parametrize("asked", NAMES)
def test_a_restored_model_has_the_precision_that_it_was_trained_in(asked, make_experiment):
    experiment = make_experiment(f"trainer.matmul_precision={asked}", "corruption=masking")
    functions, trained = ModelFunctions(experiment.structure), abstract_params(experiment.structure, experiment.run)
    model = experiment.model
    shapes = (model.abstract_params, model.abstract_state)
    x, values = jax.ShapeDtypeStruct((3, 64), jnp.float32), experiment.run.values

    def gradient(params: Any, state: Any) -> Any:
        return jax.grad(lambda params: model.encode(params, state, jnp.ones((3, 64))).sum())(params)

    for function, arguments in (
        (functions.reconstruct, (values, trained, x)),
        (jax.jit(model.encode), (*shapes, x)),
        (gradient, shapes),
    ):
        program = str(_elsewhere(lambda f=function, given=arguments: jax.make_jaxpr(f)(*given)))
        assert set(re.findall(r" precision=\(?(?:Precision\.)?(\w+)", program)) == {NAMES[asked].upper()}


@pytest.mark.slow
@pytest.mark.skipif(jax.default_backend() != "cpu", reason="elsewhere it does change them")
def test_on_a_cpu_it_changes_no_bit(train_runs):
    """So that runs from before there was a choice are what `float32` makes of them."""
    exact, free = (train_runs((f"trainer.matmul_precision={asked}",)).states for asked in ("float32", "default"))
    jax.tree.map(np.testing.assert_array_equal, exact, free)
