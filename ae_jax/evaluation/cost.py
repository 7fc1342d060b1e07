"""What a model costs beside its floating-point operations: parameters, time and memory."""

import functools
import math
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import PyTree

from ae_jax.evaluation.flops import flops_per_example
from ae_jax.typing import Batch

_ROUNDS, _REPEATS = 10, 5
SPREAD = ("_low", "_high")
LATENCIES = ("latency_per_example_seconds", "latency_per_batch_seconds")
"""Medians of several rounds; beside each, with the endings of `SPREAD`, the quartiles of the rounds."""
COSTS = ("num_parameters", "flops_per_example", *(f"{name}{end}" for name in LATENCIES for end in ("", *SPREAD)))
"""Size and speed of inference. They are of the compiled program, which all runs of a structure share."""


def count_parameters(tree: Any) -> int:
    """How many numbers the floating-point (and complex) arrays of a tree hold; counters and PRNG keys are not counted.

    Args:
        tree: Any pytree of arrays or `jax.ShapeDtypeStruct`, such as an `nnx.State`.
    """
    leaves = [leaf for leaf in jax.tree.leaves(tree) if jnp.issubdtype(leaf.dtype, jnp.inexact)]
    return sum(math.prod(leaf.shape) for leaf in leaves)


def latency(fn: Callable[..., Any], x: Any, *, repeats: int) -> float:
    """Median wall-clock seconds of ``fn(x)``, until its result is ready.

    Args:
        fn: Best a compiled function. It is called once before the clock starts, so that compiling is not counted.
        x: Its argument, best already on the device, or its transfer is timed as well.
        repeats: Timed calls.

    Raises:
        ValueError: `repeats` is less than 1.
    """
    if repeats < 1:
        raise ValueError(f"repeats must be at least 1, got {repeats}")
    jax.block_until_ready(fn(x))
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        jax.block_until_ready(fn(x))
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


class LatencySpread(NamedTuple):
    """Wall-clock seconds of a call over several rounds.

    Attributes:
        median: The median of the rounds' medians.
        low: Their lower quartile.
        high: Their upper quartile. (The slowest round tells of what else the machine did.)
    """

    median: float
    low: float
    high: float


def latency_spread(fn: Callable[..., Any], x: Any, *, rounds: int, repeats: int) -> LatencySpread:
    """`latency` in several rounds one after the other, which tells how far it repeats in this process.

    Another process, or a busier machine, may differ by more.

    Raises:
        ValueError: `rounds` is less than 2, or `repeats` than 1.
    """
    if rounds < 2:
        raise ValueError(f"rounds must be at least 2, got {rounds}")
    medians = [latency(fn, x, repeats=repeats) for _ in range(rounds)]
    low, median, high = statistics.quantiles(medians, n=4, method="inclusive")
    return LatencySpread(median, low, high)


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


def inference_bytes(reconstruct: Any, given: tuple[PyTree, ...], num_features: int, batch_size: int) -> int | None:
    """Bytes that `reconstruct(*given, x)` holds on a batch: of its arguments, its result and what is between them.

    Args:
        reconstruct: A function of `jax.jit`.
        given: Its first arguments, or their shapes.
        num_features: Features of an example.
        batch_size: Examples of the batch.

    Returns:
        What the compiler says of the program; None where it does not tell.
    """
    x = jax.ShapeDtypeStruct((batch_size, num_features), jnp.float32)
    told = reconstruct.lower(*given, x).compile().memory_analysis()
    if told is None:
        return None
    return int(told.argument_size_in_bytes + told.output_size_in_bytes + told.temp_size_in_bytes)


def _latency(reconstruct: Callable[[Batch], Batch], num_rows: int, num_features: int) -> LatencySpread:
    return latency_spread(reconstruct, jnp.zeros((num_rows, num_features)), rounds=_ROUNDS, repeats=_REPEATS)


def peak_memory() -> dict[str, int | None]:
    """The largest memory this process has held so far, in bytes.

    It is of the process, not of a run: whatever the process did before is in it, and so it rises from run to run of a
    sweep. What compares is the memory of the program, `Group.program_bytes`.

    Returns:
        ``host_peak_bytes`` (resident set; None where the system does not tell) and ``device_peak_bytes`` (the fullest
        of the local devices; None where the backend does not tell, as on CPUs).
    """
    stats = [device.memory_stats() or {} for device in jax.local_devices()]
    peaks = [s["peak_bytes_in_use"] for s in stats if "peak_bytes_in_use" in s]
    return {"host_peak_bytes": _host_peak_bytes(), "device_peak_bytes": max(peaks, default=None)}


def _host_peak_bytes() -> int | None:
    try:
        import resource
    except ImportError:  # Windows has no such module
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # macOS counts in bytes, Linux in KiB
