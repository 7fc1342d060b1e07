r"""Bounds on log p(x) by latents that are drawn from q(z|x), of every example.

    w_k = \frac{p(x|z_k) \, p(z_k)}{q(z_k|x)}, \quad z_k \sim q(z|x), \qquad
    \text{elbo} = \frac1K \sum_k \log w_k \;\le\; \log \frac1K \sum_k w_k \;\le\; \log p(x) \text{ in expectation}

The second rises with K, and is the first at K = 1. Draw k of an example comes from its place in the split and k alone:
batches cannot matter.

Reference: Burda, Grosse & Salakhutdinov, Importance Weighted Autoencoders, 2016, theorem 1.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float64, Int, PyTree

from ae_jax.experiment.build import Experiment
from ae_jax.training import Structure
from ae_jax.training.objective import Trained, Values
from ae_jax.typing import Batch, Code, PerExample, PRNGKey

_ELEMENTS = 1 << 22  # numbers of the decoder's outputs at once: 16 MiB
_MOST_ROWS = 256

Places = Int[Array, " batch"]
Sums = tuple[Float[Array, "times batch"], Float[Array, "times batch"]]


class Bounds(NamedTuple):
    """Bounds on log p(x), in nats.

    Attributes:
        elbo: The evidence lower bound, a mean over the draws.
        importance: The importance-weighted bound.
    """

    elbo: Float64[np.ndarray, " examples"]
    importance: Float64[np.ndarray, " examples"]


def has_density(experiment: Experiment) -> bool:
    """Whether the latent is drawn from a density that the bottleneck knows."""
    structure, bottleneck = experiment.structure, experiment.bottleneck
    code = structure.model.abstract_code

    def ratio(key: PRNGKey, code: Code) -> Any:
        params, state = bottleneck.init(key, code)
        weights = jnp.ones(len(jax.tree.leaves(code)[0]))
        return (bottleneck.evaluate or bottleneck.apply)(params, state, key, code, weights).log_ratio

    return jax.eval_shape(ratio, jax.random.key(0), code) is not None


def log_weights(
    structure: Structure, values: Values, trained: Trained, key: PRNGKey, x: Batch, places: Places, num_samples: int,
    at_once: int,
) -> Sums:  # fmt: skip
    """Of all draws, some at once: log of the sum of their weights, and sum of the logs.

    Args:
        structure: What is compiled in.
        values: Of the run.
        trained: Parameters, and what is carried beside them.
        key: What is drawn with.
        x: Examples.
        places: Theirs in the split.
        num_samples: Draws of an example.
        at_once: Draws that are decoded together.
    """
    params, carried = trained
    bottleneck = structure.make_bottleneck(**values["bottleneck"])
    draw, loss = bottleneck.evaluate or bottleneck.apply, structure.make_loss(**values["loss"])
    code = structure.model.encode(params.model, carried.model, x)
    keys = jax.vmap(lambda place: jax.random.fold_in(key, place))(places)
    repeated = jnp.broadcast_to(x[None], (at_once, *x.shape)).reshape(-1, x.shape[1])

    def drawn(sample: Int[Array, ""], own_key: PRNGKey, own_code: PyTree) -> tuple[PyTree, Float[Array, ""]]:
        alone = jax.tree.map(lambda leaf: leaf[None], own_code)
        own_key = jax.random.fold_in(own_key, sample)
        bottled = draw(params.bottleneck, carried.bottleneck, own_key, alone, jnp.ones(1))
        assert bottled.log_ratio is not None  # see `has_density`
        return jax.tree.map(lambda leaf: leaf[0], bottled.latent), bottled.log_ratio[0]

    def weighed(_: None, samples: Int[Array, " draws"]) -> tuple[None, tuple[PerExample, PerExample]]:
        latent, ratio = jax.vmap(jax.vmap(drawn, (None, 0, 0)), (0, None, None))(samples, keys, code)
        rows = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), latent)
        outputs = structure.model.decode(params.model, carried.model, rows)
        logs = -(loss.per_example(outputs, repeated).reshape(ratio.shape) + ratio)
        counts = (samples < num_samples)[:, None]
        weights = jax.nn.logsumexp(jnp.where(counts, logs, -jnp.inf), axis=0)
        return None, (weights, jnp.sum(jnp.where(counts, logs, 0), axis=0))

    samples = jnp.arange(-(-num_samples // at_once) * at_once).reshape(-1, at_once)
    return jax.lax.scan(weighed, None, samples)[1]


def bounds_of(
    weights: Callable[..., Sums], values: Values, trained: Trained, output_width: int, key: PRNGKey, x: np.ndarray,
    num_samples: int,
) -> Bounds:  # fmt: skip
    """Bounds of any number of examples, in batches that memory bounds; what batches leave is added up in float64.

    Args:
        weights: `log_weights`, compiled.
        values: Of the run.
        trained: Parameters, and what is carried beside them.
        output_width: Numbers of the decoder for each feature.
        key: What is drawn with.
        x: Examples.
        num_samples: Draws of an example.
    """
    x = np.asarray(x, np.float32)
    size = x.shape[1] * output_width
    num_rows = min(max(1, _ELEMENTS // size), _MOST_ROWS)
    at_once = min(max(1, _ELEMENTS // (size * num_rows)), num_samples)
    found = []
    for start in range(0, len(x), num_rows):
        rows = x[start : start + num_rows]
        padded = np.pad(rows, ((0, num_rows - len(rows)), (0, 0)))
        places = np.arange(start, start + num_rows)
        logs, sums = weights(values, trained, key, padded, places, num_samples, at_once)
        found.append(_joined(np.asarray(logs), np.asarray(sums), num_samples)[:, : len(rows)])
    return Bounds(*np.concatenate(found, axis=1))


def _joined(
    logs: Float[np.ndarray, "times batch"], sums: Float[np.ndarray, "times batch"], num_samples: int
) -> Float64[np.ndarray, "2 batch"]:
    elbo = sums.astype(np.float64).sum(axis=0) / num_samples
    importance = np.logaddexp.reduce(logs.astype(np.float64), axis=0) - np.log(num_samples)
    return np.stack([elbo, importance])
