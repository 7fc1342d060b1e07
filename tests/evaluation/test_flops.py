"""Operations counted by hand, and for dense models by XLA on a CPU."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from jax import lax

from ae_jax.evaluation.flops import flops_per_example
from ae_jax.models import functional
from ae_jax.models.dense import DenseAutoencoder


def of(*shape: int, dtype: Any = jnp.float32) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, dtype)


def conv(strides: int, padding: Any, **options: Any) -> Callable[..., Any]:
    def convolve(x: Any, kernel: Any) -> Any:
        axes = ("NHC", "HIO", "NHC")
        return lax.conv_general_dilated(x, kernel, (strides,), padding, dimension_numbers=axes, **options)

    return convolve


COUNTED: dict[str, tuple[Callable[..., Any], tuple[Any, ...], float]] = {
    # 30 * 20 multiplications and as many additions.
    "product": (lambda x, w: x @ w, (of(1, 30), of(30, 20)), 1200),
    "half": (lambda x, w: x @ w, (of(1, 30, dtype=jnp.bfloat16), of(30, 20, dtype=jnp.bfloat16)), 1200),
    "batched": (lambda a, b: jnp.einsum("bij,bjk->bik", a, b), (of(3, 4, 5), of(3, 5, 6)), 3 * 2 * 4 * 5 * 6),
    "vmapped": (jax.vmap(lambda w: jnp.ones((1, 5)) @ w), (of(7, 5, 6),), 7 * 2 * 5 * 6),
    "outer": (lambda a, b: jnp.einsum("i,j->ij", a, b), (of(4), of(5)), 2 * 20),  # summed over nothing
    "complex": (lambda x: x @ x, (of(4, 4, dtype=jnp.complex64),), 8 * 64),
    # Ten results of three taps from 2 features to 4; where the padding of one either side is, a tap less.
    "valid": (conv(1, "VALID"), (of(1, 12, 2), of(3, 2, 4)), 2 * 2 * 4 * 10 * 3),
    "padded": (conv(1, "SAME"), (of(1, 12, 2), of(3, 2, 4)), 2 * 2 * 4 * (12 * 3 - 2)),
    # Results at -1, 1, …, 9 see 2, 3, 3, 3, 3, 3 inputs.
    "strided": (conv(2, ((1, 0),)), (of(1, 12, 2), of(3, 2, 4)), 2 * 2 * 4 * 17),
    "dilated": (conv(1, "VALID", rhs_dilation=(2,)), (of(1, 12, 2), of(3, 2, 4)), 2 * 2 * 4 * 8 * 3),
    "grouped": (conv(1, "VALID", feature_group_count=2), (of(1, 12, 2), of(3, 1, 4)), 2 * 4 * 10 * 3),
    "batch groups": (conv(1, "VALID", batch_group_count=2), (of(2, 12, 2), of(3, 2, 4)), 2 * 2 * 4 * 10 * 3),
    # A transposed one of stride 2: each of 12 inputs meets each of 3 taps, but the last one, whose third has no result.
    "transposed": (
        lambda x, kernel: lax.conv_transpose(x, kernel, (2,), "SAME", dimension_numbers=("NHC", "HIO", "NHC")),
        (of(1, 12, 2), of(3, 2, 4)),
        2 * 2 * 4 * (12 * 3 - 1),
    ),
    "vmapped kernels": (jax.vmap(conv(1, "VALID")), (of(5, 1, 12, 2), of(5, 3, 2, 4)), 5 * 2 * 2 * 4 * 10 * 3),
    "arithmetic": (lambda x: jnp.where(x > 0, 2 * x, x), (of(10),), 3 * 10),  # a comparison, a product, a choice
    "transcendental": (lambda x: jnp.tanh(jnp.exp(jnp.sqrt(x))), (of(10),), 0),
    "power": (lambda x: x**5 + x**-1, (of(10),), 10 * (3 + 1 + 1)),  # x², x⁴, x⁴ x; a division; the sum
    "sum": (lambda x: x.sum(axis=1), (of(4, 5),), 4 * 4),
    "cumulative": (lambda x: jnp.cumsum(x, axis=1), (of(4, 5),), 4 * 4),
    "largest": (lambda x: x.argmax(axis=1), (of(4, 5),), 4 * 4),
    "softmax": (jax.nn.softmax, (of(1, 8),), 7 + 1 + 8 + 7 + 8),  # largest, above -inf, differences, sum, quotients
    "pooling": (lambda x: lax.reduce_window(x, 0.0, lax.add, (2, 2), (2, 2), "VALID"), (of(4, 6),), 6 * 3),
    "sort": (lambda x: jnp.sort(x, axis=0), (of(8, 3),), 3 * 8 * 3),
    "top": (lambda x: lax.top_k(x, 2), (of(3, 8),), 3 * 8 * 3),
    "fourier": (jnp.fft.fft, (of(3, 8, dtype=jnp.complex64),), 3 * 5 * 8 * 3),
    "fourier of reals": (jnp.fft.rfft, (of(3, 8),), 3 * 5 * 8 * 3 / 2),
    "indexing": (lambda x, rows: x[rows].T.reshape(-1), (of(4, 5), of(3, dtype=jnp.int32)), 0),
    "integers": (lambda n: (n * n + 1).sum(), (of(10, dtype=jnp.int32),), 0),
    "scattered": (lambda x: x.at[jnp.array([0, 2])].add(1.0), (of(4),), 2),
    "scan": (lambda x, w: lax.scan(lambda x, _: (x @ w, None), x, None, length=7), (of(1, 5), of(5, 5)), 7 * 50),
    "map": (lambda x, w: lax.map(lambda row: row @ w, x), (of(3, 5), of(5, 6)), 3 * 60),
    "counted loop": (lambda x, w: lax.fori_loop(0, 7, lambda _, x: x @ w, x), (of(1, 5), of(5, 5)), 7 * 50),
    "loop of integers": (lambda n: lax.while_loop(lambda n: n < 9, lambda n: n + 1, n), (of(dtype=jnp.int32),), 0),
    "dearest branch": (lambda x: lax.cond(x[0, 0] > 0, lambda: x @ x, lambda: x + x), (of(5, 5),), 1 + 250),
    "nested": (jax.jit(jax.checkpoint(lambda x: jax.nn.relu(x @ x))), (of(5, 5),), 250 + 25),
    "own derivative": (jax.custom_vjp(lambda x: x @ x), (of(5, 5),), 250),
    "unused": (lambda x: (x @ x, x + x)[1], (of(5, 5),), 25),
    # Scores, their scale, softmax over four keys, weighted sum; of two heads of size 8.
    "attention": (
        jax.nn.dot_product_attention,
        (of(1, 4, 2, 8),) * 3,
        2 * (2 * 2 * 128 + 16 + 4 * (3 + 1 + 4 + 3 + 4)),
    ),
}
COUNTED["own derivative"][0].defvjp(lambda x: (x @ x, x), lambda x, g: (g @ x,))


@pytest.mark.parametrize(("function", "arguments", "expected"), COUNTED.values(), ids=COUNTED)
def test_operations_counted_by_hand(function, arguments, expected):
    assert flops_per_example(function, *arguments) == expected


@pytest.mark.parametrize(
    "function",
    [
        lambda x: lax.while_loop(lambda x: x.sum() < 3, lambda x: 2 * x, x),
        lambda x: jnp.linalg.eigvalsh(x),
        lambda x: jax.pure_callback(lambda x: x, x, x),
    ],
    ids=["unbounded", "eigenvalues", "callback"],
)
def test_what_cannot_be_told_is_none_and_no_wrong_number(function):
    assert flops_per_example(function, of(4, 4)) is None
    assert flops_per_example(lambda x: (function(x), x + x)[1], of(4, 4)) == 16


@pytest.mark.parametrize(("activation", "each"), [("relu", 1), ("sigmoid", 3), ("gelu", 8), ("tanh", 0)])
def test_a_dense_model_has_the_operations_that_xla_counts_on_a_cpu(activation, each):
    """Products of 64 16 and 16 4 pairs in each half, biases, 16 activations in each half, and the link."""
    sizes = {"hidden_sizes": [16], "latent_size": 4, "activation": activation, "latent_activation": "identity"}
    more = {"feature_shape": (64,), "tied_weights": False, "overcomplete": False}
    model = functional(lambda rngs: DenseAutoencoder(**sizes, **more, rngs=rngs), 64)

    def reconstruct(params: Any, state: Any, x: Any) -> Any:
        return jax.nn.sigmoid(model.decode(params, state, model.encode(params, state, x)))

    arguments = (model.abstract_params, model.abstract_state, of(1, 64))
    flops = flops_per_example(reconstruct, *arguments)
    assert flops == 2 * 2 * (64 * 16 + 16 * 4) + (16 + 4 + 16 + 64) + 2 * 16 * each + 3 * 64
    if jax.default_backend() == "cpu":
        assert flops == jax.jit(reconstruct).lower(*arguments).compile().cost_analysis()["flops"]
