"""What inference costs: size and speed of a compiled function, on one example and on a batch."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import PyTree

from ae_jax.evaluation.cost import LatencySpread, count_parameters, latency_spread
from ae_jax.evaluation.flops import flops_per_example
from ae_jax.typing import Batch

_ROUNDS, _REPEATS = 10, 5
SPREAD = ("_low", "_high")
LATENCIES = ("latency_per_example_seconds", "latency_per_batch_seconds")
"""Medians of several rounds; beside each, with the endings of `SPREAD`, the quartiles of the rounds."""
COSTS = ("num_parameters", "flops_per_example", *(f"{name}{end}" for name in LATENCIES for end in ("", *SPREAD)))
"""Size and speed of inference. They are of the compiled program, which all runs of a structure share."""


def inference_cost(
    reconstruct: Callable[..., Batch], given: tuple[PyTree, ...], params: PyTree, num_features: int, batch_size: int
) -> dict[str, Any]:
    """`COSTS` of `reconstruct(*given, x)`, a compiled function.

    Args:
        reconstruct: From what is given, and inputs, to reconstructions.
        given: Its first arguments.
        params: Those of them that count as parameters.
        num_features: Features of an example.
        batch_size: Examples of a batch.
    """
    on_inputs = functools.partial(reconstruct, *given)
    costs = (
        count_parameters(params),
        flops_per_example(reconstruct, *given, jax.ShapeDtypeStruct((1, num_features), jnp.float32)),
        *_latency(on_inputs, 1, num_features),
        *_latency(on_inputs, batch_size, num_features),
    )
    return dict(zip(COSTS, costs, strict=True))


def _latency(reconstruct: Callable[[Batch], Batch], num_rows: int, num_features: int) -> LatencySpread:
    return latency_spread(reconstruct, jnp.zeros((num_rows, num_features)), rounds=_ROUNDS, repeats=_REPEATS)
