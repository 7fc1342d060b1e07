"""How exactly products of float32 are computed, wherever there is more than one way.

| asked | NVIDIA GPU | TPU | CPU |
|---|---|---|---|
| float32 | float32 | float32 (six passes of bfloat16) | float32 |
| tensorfloat32 | TF32, 10 bits of mantissa | three passes of bfloat16 | float32 |
| default | TF32 | one pass of bfloat16, 7 bits | float32 |

It holds for matrix products and convolutions that name no precision of their own; sums are float32 in all of them.
"""

import functools
from collections.abc import Callable
from typing import Any, Literal

import jax

MatmulPrecision = Literal["float32", "tensorfloat32", "default"]


def with_products(precision: MatmulPrecision, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, with its products computed as asked.

    That becomes part of what is traced: it holds for gradients, under `jax.vmap` and `jax.shard_map`, and in whatever
    thread it is compiled (JAX's own setting is one thread's). JAX_DEFAULT_MATMUL_PRECISION does not count.
    """

    @functools.wraps(function)
    def traced(*arguments: Any) -> Any:
        with jax.default_matmul_precision(precision):
            return function(*arguments)

    return traced
