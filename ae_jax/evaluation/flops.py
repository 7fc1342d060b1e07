"""Floating-point operations, counted from what a function is written as (its jaxpr): the same number on every device.

    flops = sum over primitives; a loop counts its body as often as it runs, a branch as its dearest side

XLA's own account is of the compiled program, and leaves out on a GPU the products that go to a library.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Jaxpr, JaxprEqn, Literal, Var


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Nothing is computed: layouts, indices, types, devices, random bits (which are integers), and bookkeeping.
_FREE = _names(
    "all_gather bitcast_convert_type broadcast_in_dim broadcast_to complex concatenate conj convert_element_type copy"
    " copy_p create_token device_put dynamic_slice dynamic_update_slice empty empty2 gather imag iota layout_constraint"
    " name optimization_barrier pad platform_index pvary random_bits random_wrap real reduce_precision reshape reshard"
    " rev rng_bit_generator rng_uniform scatter shard_alike sharding_constraint slice split squeeze stack stop_gradient"
    " tile transpose unstack zeros_like"
)
# What XLA calls transcendental, and counts apart.
_TRANSCENDENTAL = _names(
    "acos acosh asin asinh atan atan2 atanh bessel_i0e bessel_i1e cbrt cos cosh digamma erf erf_inv erfc exp exp2 expm1"
    " igamma igamma_grad_a igammac lgamma log log1p polygamma pow random_gamma regularized_incomplete_beta rsqrt sin"
    " sinh sqrt tan tanh zeta"
)
_ELEMENTWISE = _names(
    "abs add add_any ceil clamp div eq eq_to floor ge gt is_finite le le_to lt lt_to max min mul ne neg nextafter rem"
    " round select_n sign square sub"
)
_REDUCTIONS = _names("argmax argmin reduce_max reduce_min reduce_prod reduce_sum")
_CUMULATIVE = _names("cumlogsumexp cummax cummin cumprod cumsum")
_WINDOWS = _names("reduce_window_max reduce_window_min reduce_window_sum")
_SCATTERS = _names("scatter-add scatter-max scatter-min scatter-mul scatter-sub")
_SORTS = _names("approx_top_k sort top_k")
_CALLS = _names(
    "call checkpoint closed_call composite core_call custom_jvp_call custom_vjp_call custom_vmap_call jit pjit remat"
    " remat2"
)


class _UncountedError(Exception):
    """An operation that is not counted here."""


def flops_per_example(fn: Callable[..., Any], *arguments: Any) -> float | None:
    """Floating-point operations of `fn` on a batch of one, as it is written.

    - A product of matrices, batched or not, counts 2 for each pair of factors: a multiplication and an addition.
    - A convolution likewise, for each pair of an input and a kernel's entry; neither padding, nor the zeros between
      inputs or taps that a dilation (a transposed convolution) puts there, are inputs.
    - Arithmetic, comparisons and choices count 1 for each element of the result, integer powers their products, and the
      logistic function 3. Transcendental functions, roots among them, count 0: XLA counts them apart as well.
    - A reduction of n numbers counts n - 1, and so does each window of a pooling; sorting n counts n ceil(log2 n), the
      FFT 5 n log2 n, of real numbers half.
    - A scan counts its body as often as it runs, a branch as its dearest side, and what is computed otherwise on some
      devices (`jax.lax.platform_dependent`) as on all others. What nothing depends on, integers, conversions, copies,
      indexing and loops that make integers, as one that selects does, count 0. Complex products count four times, other
      complex operations twice.

    For dense models in float32 that is what XLA counts on a CPU; of elu and softplus it counts 2 less for each unit, as
    it finds that they do a thing twice or for nothing.

    Args:
        fn: A function that JAX can trace.
        arguments: Its arguments, or their shapes and dtypes; the examples have shape "1 features".

    Returns:
        The number, or None where it cannot be told: a `while` loop runs until it has converged, or an operation is not
        counted here (an eigendecomposition, a kernel of the user's own).
    """
    try:
        return float(_of_jaxpr(jax.make_jaxpr(fn)(*arguments).jaxpr))
    except _UncountedError:
        return None


def _of_jaxpr(jaxpr: Any) -> int:
    jaxpr = getattr(jaxpr, "jaxpr", jaxpr)  # of a closed one, the open one
    return sum(_of_equation(equation) for equation in _needed(jaxpr))


def _needed(jaxpr: Jaxpr) -> Iterator[JaxprEqn]:
    """The equations that a result depends on, last one first."""
    needed = {out for out in jaxpr.outvars if isinstance(out, Var)}
    for equation in reversed(jaxpr.eqns):
        if not needed.isdisjoint(equation.outvars):
            needed.update(operand for operand in equation.invars if not isinstance(operand, Literal))
            yield equation


def _of_equation(equation: JaxprEqn) -> int:
    name, params = equation.primitive.name, equation.params
    if name in _CALLS:
        return _of_jaxpr(params["jaxpr"] if "jaxpr" in params else params["call_jaxpr"])
    if name == "scan":
        return int(params["length"]) * _of_jaxpr(params["jaxpr"])
    if name == "cond" and params.get("branches_platforms"):
        # The same for every device: what all have that have no way of their own.
        return _of_jaxpr(params["branches"][-1])
    if name == "cond":
        return max(map(_of_jaxpr, params["branches"]))
    if name == "while" and _of_jaxpr(params["body_jaxpr"]) + _of_jaxpr(params["cond_jaxpr"]) == 0:
        return 0
    kinds = [_dtype(operand) for operand in (*equation.invars, *equation.outvars)]
    if name in _FREE | _TRANSCENDENTAL or not any(jnp.issubdtype(kind, jnp.inexact) for kind in kinds):
        return 0
    is_complex = any(jnp.issubdtype(kind, jnp.complexfloating) for kind in kinds)
    if name in _PRODUCTS:
        return (8 if is_complex else 2) * _PRODUCTS[name](equation)
    if name == "fft":
        return _of_fft(equation)
    return (2 if is_complex else 1) * _of_elements(equation)


def _of_elements(equation: JaxprEqn) -> int:
    """Operations on the elements of arrays."""
    name, params = equation.primitive.name, equation.params
    operand, result = _aval(equation.invars[0]), _aval(equation.outvars[0])
    size: int = operand.size
    if name in _ELEMENTWISE:
        return result.size
    if name == "logistic":
        return 3 * result.size
    if name == "integer_pow":
        exponent = abs(params["y"])
        num_products = exponent.bit_length() - 1 + exponent.bit_count() - 1 + (params["y"] < 0)
        return num_products * result.size
    if name in _REDUCTIONS:
        return size - result.size
    if name in _CUMULATIVE:
        return size - size // operand.shape[params["axis"]]
    if name in _WINDOWS:
        return (math.prod(params["window_dimensions"]) - 1) * result.size
    if name in _SCATTERS:
        return _aval(equation.invars[2]).size
    if name in _SORTS:
        length = operand.shape[params["dimension"] if name == "sort" else -1]
        return size * math.ceil(math.log2(max(1, length)))
    raise _UncountedError(name)


def _pairs_of_product(equation: JaxprEqn) -> int:
    """Pairs of factors: each entry of the result sums over the contracted axes."""
    (contracted, _), _ = equation.params["dimension_numbers"]
    shape = _aval(equation.invars[0]).shape
    return _aval(equation.outvars[0]).size * math.prod(shape[axis] for axis in contracted)


def _pairs_of_convolution(equation: JaxprEqn) -> int:
    """Pairs of an input and a kernel's entry; the kernel's axis of input features is that of one group."""
    params = equation.params
    inputs, kernel, result = (_aval(operand).shape for operand in (*equation.invars, *equation.outvars))
    numbers = params["dimension_numbers"]
    batch_size = inputs[numbers.lhs_spec[0]] // params["batch_group_count"]
    features = kernel[numbers.rhs_spec[0]] * kernel[numbers.rhs_spec[1]]
    axes = zip(
        (inputs[axis] for axis in numbers.lhs_spec[2:]),
        (kernel[axis] for axis in numbers.rhs_spec[2:]),
        (result[axis] for axis in numbers.out_spec[2:]),
        params["window_strides"],
        (low for low, _ in params["padding"]),
        params["lhs_dilation"],
        params["rhs_dilation"],
        strict=True,
    )
    return batch_size * features * math.prod(_pairs_along(*axis) for axis in axes)


def _pairs_along(
    size: int, kernel: int, result: int, stride: int, padding: int, input_dilation: int, kernel_dilation: int
) -> int:
    """Along one axis, the pairs of a result and a tap of the kernel that meet an input."""
    starts, taps = np.arange(result) * stride - padding, np.arange(kernel) * kernel_dilation
    places = starts[:, None] + taps
    inside = (places >= 0) & (places <= (size - 1) * input_dilation) & (places % input_dilation == 0)
    return int(inside.sum())


_PRODUCTS = {"dot_general": _pairs_of_product, "conv_general_dilated": _pairs_of_convolution}


def _of_fft(equation: JaxprEqn) -> int:
    lengths = equation.params["fft_lengths"]
    batch = _aval(equation.invars[0]).shape[: -len(lengths)]
    length = math.prod(lengths)
    is_real = equation.params["fft_type"] in (jax.lax.FftType.RFFT, jax.lax.FftType.IRFFT)
    return round(math.prod(batch) * length * math.log2(max(1, length)) * (2.5 if is_real else 5))


def _aval(operand: Any) -> Any:
    """Shape and dtype."""
    return operand.aval


def _dtype(operand: Any) -> Any:
    return getattr(_aval(operand), "dtype", jnp.dtype(bool))  # a token has none
